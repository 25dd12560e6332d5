"""The golden numbers: the small set in this repository, and the full one where it lies beside the checkout."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from foretell.models.checkpoint import load, read_config
from foretell.models.time_moe import TimeMoe
from foretell.models.time_moe_shape import Shape

ROOT = Path(__file__).parents[3]
TINY = ROOT / "tests" / "golden" / "time_moe"
FULL = ROOT.parent / "shared" / "time-moe" / "golden"
SETS = {"small": TINY} | ({"full": FULL} if FULL.is_dir() else {})
TOLERANCE = 5e-5

each_set = pytest.mark.parametrize("golden", SETS.values(), ids=SETS)


def read(folder: Path, file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / file).read_text("utf-8"))
    return content


@cache
def inputs(folder: Path) -> dict[str, Any]:
    cases: dict[str, Any] = read(folder, "inputs.json")["cases"]
    return cases


def input_values(folder: Path, name: str) -> Tensor:
    """[B, T] of a name such as `L7_B3.unit`."""
    case, kind = name.split(".")
    return torch.tensor(inputs(folder)[case][kind])


def tiny(packed: bool = False) -> TimeMoe:
    """The tiny checkpoint as a network."""
    network = TimeMoe(Shape.read(read_config(TINY)))
    load(network.published(), TINY)
    network.requires_grad_(not packed)
    return network.pack() if packed else network


def error(found: Tensor, expected: Any) -> float:
    """The largest absolute difference."""
    return float((found.detach() - torch.tensor(expected)).abs().max())
