"""Puts a run's averaged weights where the package ships them: `python -m foretell.training.export runs/small`.

Several runs that began from the same weights are averaged once more (Wortsman et al. 2022, model soups), and with
`--keep` the mean goes part of the way back to where they began (Wortsman et al. 2022, robust fine-tuning).
"""

import argparse
import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as load_tensors

from foretell.models.foretell_small import WEIGHTS
from foretell.models.hybrid.candidates import NAMES
from foretell.models.hybrid.network import NumpyNetwork
from foretell.models.hybrid.shape import Shape
from foretell.models.time_moe import TimeMoe
from foretell.models.time_moe_model import MINI
from foretell.models.time_moe_numpy import Floats, NumpyTimeMoe
from foretell.models.time_moe_shape import Shape as MoeShape
from foretell.training import train_mini
from foretell.training.grow import BEGINNING, BEGINNING_WEIGHTS

Weights = dict[str, Floats]
SYNTHETIC = "synthetic only (foretell.training.synthetic), made while training from the seed"
REAL = "synthetic (foretell.training.synthetic), and a share of real series (foretell.training.open_series)"
LARGEST = {"foretell-small": 12_000_000, "timemoe-mini": 4_000_000}
"""Bytes that the weights may take."""
NEWEST_ONLY = ("earlier", "candidates")
"""What recipe.json says once, not of every training that went before."""
OF_A_RUN = ("seed", "steps_done", "seconds_spent")
"""What recipe.json says of every averaged run."""


def export(
    runs: Sequence[Path],
    target: Path = WEIGHTS,
    command: str = "",
    widening: tuple[float, float] = (1.0, 1.0),
    keep: float = 0.0,
) -> None:
    """foretell-small: writes config.json, model.safetensors (float32) and recipe.json; the card is written by hand.

    `keep` is the share of the weights that the runs began from.
    """
    stories = [_story(run) for run in runs]
    shape = Shape(width=stories[0]["width"], depth=stories[0]["depth"], widening=widening)
    weights = mean_weights([load_file(run / "model.safetensors") for run in runs])
    if keep:
        weights = between(weights, load_file(runs[0] / BEGINNING_WEIGHTS), keep)
    NumpyNetwork(shape, weights)
    told = [{k: s[k] for k in OF_A_RUN} for s in stories]
    story = stories[0] | {"candidates": list(NAMES), "runs": told, "keep": keep}
    if (beginning := runs[0] / BEGINNING).exists():
        before = json.loads(beginning.read_text())
        story["earlier"] = [{k: v for k, v in before.items() if k not in NEWEST_ONLY}, *before.get("earlier", [])]
    _ship(target, weights, asdict(shape), command or f"python -m foretell.training.train --out {runs[0]}", story)
    _check_size(target, "foretell-small")


def mean_weights(runs: Sequence[Weights]) -> Weights:
    """The mean of each tensor."""
    return {name: np.mean([weights[name] for weights in runs], axis=0, dtype=np.float32) for name in runs[0]}


def between(new: Weights, old: Weights, keep: float) -> Weights:
    """The point between two networks that has the share `keep` of the old one."""
    return {name: ((1 - keep) * w + keep * old[name]).astype(np.float32) for name, w in new.items()}


def export_mini(run: Path, target: Path = MINI, command: str = "") -> None:
    """timemoe-mini: the same, with the published names of tensors."""
    story = _story(run)
    names = {field.name for field in fields(train_mini.Recipe)}
    config = train_mini.config(train_mini.Recipe(**{k: v for k, v in story.items() if k in names}))
    network = TimeMoe(MoeShape.read(config))
    network.load_state_dict(load_tensors(run / "model.safetensors"))
    weights: Weights = {name: _numbers(p.data[index]) for name, p, index in network.published()}
    NumpyTimeMoe(network.shape, weights)
    _ship(target, weights, config, command or f"python -m foretell.training.train_mini --out {run}", story)
    _check_size(target, "timemoe-mini")


def _story(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "recipe.json").read_text())
    return found


def _numbers(tensor: torch.Tensor) -> Floats:
    found: Floats = tensor.contiguous().numpy()
    return found


def _ship(
    target: Path, weights: dict[str, Floats], config: dict[str, Any], command: str, story: dict[str, Any]
) -> None:
    target.mkdir(parents=True, exist_ok=True)
    save_file(weights, target / "model.safetensors")
    _write(target / "config.json", config)
    _write(
        target / "recipe.json",
        {"commit": _commit(), "command": command, "data": REAL if story.get("real") else SYNTHETIC} | story,
    )


def _check_size(target: Path, name: str) -> None:
    size = (target / "model.safetensors").stat().st_size
    if size > LARGEST[name]:
        raise ValueError(f"the weights take {size} bytes, more than {LARGEST[name]}")


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return found.stdout.strip() or "unknown"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--model", choices=tuple(LARGEST), default="foretell-small")
    parser.add_argument("--target", type=Path)
    parser.add_argument("--command", default="")
    parser.add_argument("--widening", type=float, nargs=2, default=(1.0, 1.0), help="see models.hybrid.shape.Shape")
    parser.add_argument("--keep", type=float, default=0.0, help="share of the weights that the runs began from")
    given = parser.parse_args()
    if given.model == "timemoe-mini":
        export_mini(given.runs[0], given.target or MINI, given.command)
    else:
        export(given.runs, given.target or WEIGHTS, given.command, tuple(given.widening), given.keep)


if __name__ == "__main__":
    main()
