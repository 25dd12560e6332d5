"""What the reference implementation computes, we compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from foretell.models import time_moe
from foretell.models.checkpoint import load
from foretell.models.time_moe import Routing, TimeMoe, load_balance, training_loss
from foretell.models.time_moe_model import scale
from foretell.models.time_moe_shape import schedule
from tests.models.time_moe.golden import FULL, TINY, TOLERANCE, each_set, error, input_values, inputs, read, tiny
from tests.models.time_moe.plain import published_tensors

both_forms = pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])


@each_set
@both_forms
def test_generations(golden: Path, packed: bool) -> None:
    network = tiny(packed)
    for name, case in read(golden, "generate.json")["cases"].items():
        normed = case["normalise"]
        values = input_values(golden, case["input"].replace(".raw", ".normed") if normed else case["input"])
        made = network.generate(list(values), case["next_len"])
        assert schedule(case["next_len"], network.shape.horizons) == case["heads_used"], name
        assert error(made, case["output_normed" if normed else "output"]) <= TOLERANCE, name
        if normed:
            given = inputs(golden)[case["input"].split(".")[0]]
            back = made.double().numpy() * np.array(given["std"])[:, None] + np.array(given["mean"])[:, None]
            np.testing.assert_allclose(back, case["output"], rtol=TOLERANCE, err_msg=name)


def test_there_are_all_112() -> None:
    if not FULL.is_dir():
        pytest.skip("the full set is not beside this checkout")
    assert len(read(FULL, "generate.json")["cases"]) == 112


@each_set
@both_forms
def test_logits_of_all_heads(golden: Path, packed: bool) -> None:
    network = tiny(packed)
    for name, case in read(golden, "forward.json")["cases"].items():
        with torch.no_grad():
            said = network(input_values(golden, case["input"]))
        for head, logits in zip(network.shape.horizons, said, strict=True):
            assert error(logits[:, case["positions"]], case["logits"][str(head)]) <= TOLERANCE, (name, head)


@each_set
def test_router_choices(golden: Path) -> None:
    network = tiny()
    for name, case in read(golden, "forward.json")["cases"].items():
        values = input_values(golden, case["input"])
        watch: list[Routing] = []
        with torch.no_grad():
            network(values, watch)
        for layer, routing in enumerate(watch):
            chosen = routing.experts.view(*values.shape, -1)
            expected = torch.tensor(case["router"]["experts"][layer])
            assert torch.equal(chosen.sort(-1).values, expected.sort(-1).values), (name, layer)
            for field in ("weights", "logits"):
                found = getattr(routing, field).view(*values.shape, -1)[:, case["positions"]]
                assert error(found, case["router"][field][layer]) <= TOLERANCE, (name, layer, field)


@each_set
@both_forms
def test_rows_of_unequal_length(golden: Path, packed: bool) -> None:
    content = read(golden, "left_padding.json")
    rows = []
    for row in content["rows"]:
        name, index = row.rstrip("]").split("[")
        rows.append(input_values(golden, name)[int(index)])
    for name, case in content["cases"].items():
        made = tiny(packed).generate(rows, case["next_len"])
        assert error(made, case["output"]) <= TOLERANCE, name
        assert error(made, case["alone"]) <= TOLERANCE, name


@each_set
def test_training_loss_and_gradients(golden: Path) -> None:
    expected = read(golden, "loss.json")
    values = input_values(golden, "L64_B3.normed")
    mask = torch.ones_like(values[:, 1:])
    mask[2, 40:] = 0
    network = tiny()
    loss = training_loss(network, values[:, :-1], values[:, 1:], mask, expected["aux_factor"])
    loss.backward()
    assert error(loss, expected["loss"]) <= TOLERANCE
    for name, parameter, index in network.published():
        assert parameter.grad is not None
        assert error(parameter.grad[index].norm(), expected["gradient_norms"][name]) <= TOLERANCE, name


@each_set
def test_load_balance(golden: Path) -> None:
    watch: list[Routing] = []
    tiny()(input_values(golden, "L64_B3.normed")[:, :-1], watch)
    assert error(load_balance(watch), read(golden, "loss.json")["aux_loss"]) <= TOLERANCE


@each_set
def test_server_pairs(golden: Path) -> None:
    network = tiny()
    for name, case in read(golden, "server.json")["cases"].items():
        values = np.array(case["request"]["input"], dtype=np.float64)
        if name in ("constant", "single"):
            continue  # answered without the network: test_model.py
        scaled = scale(values, "instance")
        made = network.generate([torch.from_numpy(scaled.apply(values)).float()], case["request"]["next_len"])
        np.testing.assert_allclose(scaled.undo(made[0].double().numpy()), case["output"], rtol=TOLERANCE, err_msg=name)


@pytest.mark.skipif(not FULL.is_dir(), reason="the full set is not beside this checkout")
def test_bfloat16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bf16 file in float32 arithmetic is exact; bf16 arithmetic is within the 5e-2 that its order allows.

    For the golden numbers the whole module was rounded, its table of rotations as well. A model that is read from a
    bf16 file, as deployed, computes that table in float32, and so do we; so it is rounded for this test only.
    """
    exact_turns = time_moe.turns

    def rounded_turns(*place: Any) -> Tensor:
        return torch.view_as_complex(torch.view_as_real(exact_turns(*place)).bfloat16().float())

    monkeypatch.setattr(time_moe, "turns", rounded_turns)
    rounded = {k: v.bfloat16() for k, v in published_tensors(tiny()).items()}
    save_file(rounded, tmp_path / "model.safetensors")
    exact, stored, rough = (TimeMoe(tiny().shape) for _ in range(3))
    load(exact.published(), tmp_path)
    stored.bfloat16()
    load(stored.published(), tmp_path)
    rough.bfloat16().compute_dtype = torch.bfloat16
    load(rough.published(), tmp_path)
    for case_name, case in read(FULL, "bf16.json")["cases"].items():
        values = list(input_values(FULL, case_name.split(".")[0] + ".normed"))
        for network in (exact, stored):
            found = network.generate(values, case["next_len"])
            assert found.dtype == torch.float32
            assert error(found, case["weights_bf16_compute_fp32"]) <= TOLERANCE, case_name
        assert error(rough.generate(values, case["next_len"]).float(), case["all_bf16"]) <= 5e-2, case_name


def test_the_tiny_checkpoint_is_the_one_of_the_full_set() -> None:
    if FULL.is_dir():
        full = FULL.parent / "tiny" / "model.safetensors"
        assert full.read_bytes() == (TINY / "model.safetensors").read_bytes()
