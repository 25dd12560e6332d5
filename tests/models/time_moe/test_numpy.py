"""Time-MoE without torch gives the golden numbers, and those of its twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from foretell.errors import InvalidInput
from foretell.models import time_moe_numpy
from foretell.models.checkpoint import load, read_config
from foretell.models.time_moe import TimeMoe
from foretell.models.time_moe_model import MINI
from foretell.models.time_moe_numpy import Floats, NumpyTimeMoe, attend, silu
from foretell.models.time_moe_shape import Shape
from tests.models.time_moe.golden import TINY, TOLERANCE, each_set, input_values, read
from tests.models.time_moe.plain import published_tensors

GROUPED = Shape(
    width=24, layers=3, heads=4, key_heads=2, inner=16, experts=5, chosen=2, horizons=(1, 8), eps=1e-6, theta=500.0
)
"""Fewer key heads than heads, five experts, two output heads."""


def tensors(network: TimeMoe) -> dict[str, Floats]:
    return {name: t.numpy() for name, t in published_tensors(network).items()}


@each_set
def test_golden_generations(golden: Path) -> None:
    network = NumpyTimeMoe.read(TINY)
    for name, case in read(golden, "generate.json")["cases"].items():
        normed = case["normalise"]
        values = input_values(golden, case["input"].replace(".raw", ".normed") if normed else case["input"])
        made = network.generate(list(values.numpy()), case["next_len"])
        np.testing.assert_allclose(
            made, case["output_normed" if normed else "output"], rtol=0, atol=TOLERANCE, err_msg=name
        )


@pytest.mark.parametrize("covering", [False, True])
@pytest.mark.parametrize("shape", [Shape.read(read_config(TINY)), GROUPED], ids=["tiny", "grouped"])
def test_twin_of_torch_for_rows_of_any_length(shape: Shape, covering: bool) -> None:
    twin = TimeMoe(shape).initialise(3)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(3)  # far from where routers are undecided
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=n) for n in (1, 2, 300, 64, 300, 65, 7)]
    made = NumpyTimeMoe(shape, tensors(twin)).generate(rows, 21, covering)
    expected = twin.generate([torch.from_numpy(r).float() for r in rows], 21, covering).numpy()
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_series_alone_and_in_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    network = NumpyTimeMoe.read(TINY)
    rows = list(np.random.default_rng(1).normal(size=(5, 40)))
    monkeypatch.setattr(time_moe_numpy, "TOGETHER", 80)
    crowd = network.generate(rows, 33)
    np.testing.assert_allclose(crowd, [network.generate([r], 33)[0] for r in rows], atol=1e-5)


def test_blocks_of_queries_see_the_past_only() -> None:
    rng = np.random.default_rng(2)
    q, k, v = rng.normal(size=(3, 2, 3, 300, 8)).astype(np.float32)
    scores = np.where(np.tri(300, dtype=bool), q @ k.swapaxes(2, 3) / np.sqrt(8), -np.inf)
    plain = np.exp(scores - scores.max(-1, keepdims=True))
    plain = plain / plain.sum(-1, keepdims=True) @ v
    np.testing.assert_allclose(attend(q, k, v), plain, atol=1e-5)
    np.testing.assert_allclose(attend(q[:, :, -5:], k, v), plain[:, :, -5:], atol=1e-5)


def test_silu_far_out_is_quiet() -> None:
    assert silu(np.array([-1e30, -200, 0, 200], np.float32)).tolist() == pytest.approx([0, 0, 0, 200], abs=1e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("model.norm.weight"), "model.norm.weight is missing"),
        (lambda t: t.update(stranger=np.zeros(3, np.float32)), "stranger is unknown"),
        (lambda t: t.update({"model.norm.weight": np.zeros(3, np.float32)}), r"model.norm.weight is \[3\]"),
    ],
)
def test_loading_is_strict(change: object, said: str) -> None:
    given = load_file(TINY / "model.safetensors")
    change(given)  # type: ignore[operator]
    with pytest.raises(InvalidInput, match=said):
        NumpyTimeMoe(Shape.read(read_config(TINY)), given)


def test_a_file_that_numpy_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((TINY / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(InvalidInput, match="cannot read"):
        NumpyTimeMoe.read(tmp_path)


def test_twin_of_torch_on_the_weights_that_ship() -> None:
    twin = TimeMoe(Shape.read(read_config(MINI)))
    load(twin.published(), MINI)
    rows = list(np.sin(np.arange(400) * 0.26) + np.random.default_rng(4).normal(size=(3, 400)) / 3)
    made = NumpyTimeMoe.read(MINI).generate(rows, 96)
    expected = twin.generate([torch.from_numpy(r).float() for r in rows], 96).numpy()
    np.testing.assert_allclose(made, expected, atol=1e-4)
