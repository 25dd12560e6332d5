"""Puts a run's averaged weights where the package ships them: `python -m foretell.training.export runs/small`."""

import argparse
import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from foretell.models.foretell_small import WEIGHTS
from foretell.models.hybrid.network import NumpyNetwork
from foretell.models.hybrid.shape import Shape

DATA = "synthetic only (foretell.training.synthetic), made while training from the seed"
LARGEST = 12_000_000
"""Bytes that the weights may take."""


def export(run: Path, target: Path = WEIGHTS, command: str = "", widening: float = 1.0) -> None:
    """Writes config.json, model.safetensors (float32) and recipe.json; the card is written by hand."""
    story: dict[str, Any] = json.loads((run / "recipe.json").read_text())
    shape = Shape(width=story["width"], depth=story["depth"], widening=widening)
    weights = load_file(run / "model.safetensors")
    NumpyNetwork(shape, weights)
    target.mkdir(parents=True, exist_ok=True)
    save_file(weights, target / "model.safetensors")
    size = (target / "model.safetensors").stat().st_size
    if size > LARGEST:
        raise ValueError(f"the weights take {size} bytes, more than {LARGEST}")
    _write(target / "config.json", asdict(shape))
    origin = {"commit": _commit(), "command": command or f"python -m foretell.training.train --out {run}", "data": DATA}
    _write(target / "recipe.json", origin | story)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return found.stdout.strip() or "unknown"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--target", type=Path, default=WEIGHTS)
    parser.add_argument("--command", default="")
    parser.add_argument("--widening", type=float, default=1.0, help="see foretell.models.hybrid.shape.Shape")
    given = parser.parse_args()
    export(given.run, given.target, given.command, given.widening)


if __name__ == "__main__":
    main()
