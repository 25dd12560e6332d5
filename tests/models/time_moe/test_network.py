"""The network against its plain twin: any shape, any lengths, any form of the weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from foretell.errors import InvalidInput
from foretell.models import layers
from foretell.models import time_moe as module
from foretell.models.layers import (
    Bank,
    Linear,
    Packed,
    Quantised,
    can_quantise,
    grouped_product,
    looped_product,
)
from foretell.models.time_moe import TimeMoe, active_flops, parameter_count
from foretell.models.time_moe_shape import Shape, schedule
from tests.models.time_moe.golden import tiny
from tests.models.time_moe.plain import Plain, published_tensors

SMALL = Shape(24, 2, 3, 3, 48, 4, 2, (1, 8, 32, 64), 1e-6, 10000)
BASE = Shape(384, 12, 12, 12, 1536, 8, 2, (1, 8, 32, 64), 1e-6, 10000)
SHAPES = {
    "as published": SMALL,
    "one expert": replace(SMALL, experts=1, chosen=1),
    "three of five experts": replace(SMALL, experts=5, chosen=3),
    "shared keys": replace(SMALL, width=32, heads=4, key_heads=2),
    "other theta and eps": replace(SMALL, theta=500.0, eps=1e-3),
    "other heads": replace(SMALL, horizons=(4, 16)),
    "one layer": replace(SMALL, layers=1),
}
GAP = 1e-5
"""Experts whose probabilities are closer than this may swap between two ways of summing."""


def drawn(shape: Shape, seed: int = 0) -> TimeMoe:
    """A network with weights large enough that every part shows."""
    network = TimeMoe(shape).initialise(seed).requires_grad_(False)
    for parameter in network.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)), alpha=0.25)
    return network


def rows(lengths: list[int], seed: int = 0) -> list[Tensor]:
    dice = torch.Generator().manual_seed(seed)
    return [torch.randn(length, generator=dice).cumsum(0) / 4 for length in lengths]


def assert_close_but_for_ties(found: Tensor, expected: list[Tensor], gaps: list[float], most: int = 0) -> None:
    """Rows equal to 1e-5; those whose router was in doubt are excepted, at most `most` of them."""
    doubtful = [gap < GAP for gap in gaps]
    assert sum(doubtful) <= most, f"{sum(doubtful)} rows with a router gap under {GAP}"
    for row, truth, doubt in zip(found, expected, doubtful, strict=True):
        if not doubt:
            torch.testing.assert_close(row, truth, rtol=0, atol=1e-5)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_any_shape_equals_the_plain_twin(shape: Shape, packed: bool) -> None:
    network = drawn(shape)
    tensors = published_tensors(network)
    if packed:
        network.pack()
    contexts = rows([1, 33, 7, 33, 50])
    expected, gaps = [], []
    for context in contexts:
        twin = Plain(shape, tensors)
        expected.append(twin.generate(context, 41))
        gaps.append(min(twin.gaps, default=1.0))
    assert_close_but_for_ties(network.generate(contexts, 41), expected, gaps, most=1)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_ragged_equals_one_by_one(packed: bool) -> None:
    network = tiny(packed)
    twin = Plain(network.shape, published_tensors(tiny()))
    contexts = rows([5, 300, 64, 1, 64, 17, 128, 2, 96, 31, 64, 250], seed=1)
    gaps = []
    for context in contexts:
        twin.gaps.clear()
        twin.generate(context, 72)
        gaps.append(min(twin.gaps))
    alone = [network.generate([context], 72)[0] for context in contexts]
    assert_close_but_for_ties(network.generate(contexts, 72), alone, gaps, most=2)


def test_blocks_of_tokens_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = rows([90, 40])
    whole = tiny().generate(contexts, 9)
    monkeypatch.setattr(module, "BLOCK", 16)
    torch.testing.assert_close(tiny().generate(contexts, 9), whole, rtol=0, atol=1e-5)


def test_the_input_is_not_changed() -> None:
    contexts = rows([20, 10])
    before = [c.clone() for c in contexts]
    tiny().generate(contexts, 9)
    assert all(torch.equal(a, b) for a, b in zip(contexts, before, strict=True))


def test_what_is_fed_back_is_what_was_said() -> None:
    network = tiny()
    first = network.generate(rows([30]), 64)
    longer = network.generate(rows([30]), 96)
    continued = network.generate([torch.cat([rows([30])[0], first[0]])], 32)
    torch.testing.assert_close(longer, torch.cat([first, continued], 1), rtol=0, atol=1e-5)


HEADS = (1, 8, 32, 64)


@pytest.mark.parametrize(
    ("horizon", "greedy", "covering"),
    [(1, 1, 1), (5, 5, 1), (24, 3, 1), (48, 3, 1), (63, 11, 1), (64, 1, 1), (96, 2, 2), (336, 7, 6), (720, 13, 12)],
)
def test_steps_of_a_horizon(horizon: int, greedy: int, covering: int) -> None:
    assert len(schedule(horizon, HEADS)) == greedy
    assert sum(schedule(horizon, HEADS)) == horizon
    assert len(schedule(horizon, HEADS, covering=True)) == covering


def test_covering_gives_as_many_values() -> None:
    assert tiny().generate(rows([20]), 5, covering=True).shape == (1, 5)


def test_sizes_of_the_published_networks() -> None:
    assert parameter_count(BASE) == 113_352_192
    assert parameter_count(replace(BASE, width=768, inner=3072)) == 453_196_800
    assert active_flops(BASE, 1) / 2 == pytest.approx(49.65e6, rel=1e-3)
    assert len(list(TimeMoe(BASE).published())) == 463


def test_every_number_has_one_published_place() -> None:
    for shape in SHAPES.values():
        network = TimeMoe(shape)
        for parameter in network.parameters():
            parameter.data.zero_()
        for _, parameter, index in network.published():
            parameter.data[index] += 1
        assert all(bool((p == 1).all()) for p in network.parameters())


@pytest.mark.skipif(not hasattr(torch.nn.functional, "grouped_mm"), reason="this PyTorch has no grouped products")
def test_grouped_products_equal_the_loop() -> None:
    counts = torch.tensor([3, 0, 5, 8])
    x, weight = torch.randn(16, 32), torch.randn(4, 24, 32)
    expected = looped_product(x, weight.unbind(), counts.tolist())
    torch.testing.assert_close(grouped_product(x, weight, counts), expected)


def test_what_can_be_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    aligned = torch.zeros(2, 16, 8, dtype=torch.bfloat16)
    assert layers.can_group(aligned) is hasattr(torch.nn.functional, "grouped_mm")
    assert not layers.can_group(aligned.float())
    assert not layers.can_group(aligned[:, :, :7])
    monkeypatch.delattr(torch.nn.functional, "grouped_mm", raising=False)
    assert not layers.can_group(aligned)


def test_packing_without_onednn_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "can_pack", lambda _: False)
    network = tiny().pack()
    assert len(list(network.published())) == 2 * 26 + 7


@pytest.mark.parametrize("form", [Packed, Quantised])
def test_packed_weights_are_no_parameters_any_more(form: layers.Form) -> None:
    for module_ in (Linear(4, 3), Bank(2, 4, 3)):
        layers.plain(module_).data.normal_()
        module_.pack(form)
        with pytest.raises(InvalidInput, match="packed"):
            layers.plain(module_)


@pytest.mark.skipif(not can_quantise(), reason="this PyTorch has no eight-bit products")
def test_eight_bits_are_near_and_no_row_depends_on_its_neighbours() -> None:
    dice = torch.Generator().manual_seed(0)
    weight = torch.randn(40, 64, generator=dice)
    x = torch.randn(20, 64, generator=dice) * torch.logspace(-3, 3, 20)[:, None]
    found, exact = Quantised(weight)(x), x @ weight.T
    assert float(((found - exact).norm(dim=1) / exact.norm(dim=1)).max()) < 0.025
    alone = torch.cat([Quantised(weight)(row[None]) for row in x])
    torch.testing.assert_close(alone, found, rtol=1e-6, atol=0)
    assert torch.equal(Quantised(weight)(torch.zeros(2, 64)), torch.zeros(2, 40))


@pytest.mark.skipif(not can_quantise(), reason="this PyTorch has no eight-bit products")
def test_without_vnni_seven_bits_do_not_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    found = Quantised(torch.ones(8, 64))(torch.ones(2, 64))
    torch.testing.assert_close(found, torch.full((2, 8), 64.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_act": "gelu"}, "hidden_act: Time-MoE needs 'silu', config.json says 'gelu'"),
        ({"use_dense": True}, "use_dense"),
        ({"model_type": "llama"}, "model_type"),
    ],
)
def test_a_configuration_of_something_else(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Shape.read({"model_type": "time_moe", **change})


def test_a_configuration_that_lacks_a_size() -> None:
    with pytest.raises(InvalidInput, match="hidden_size: is missing"):
        Shape.read({"model_type": "time_moe"})
