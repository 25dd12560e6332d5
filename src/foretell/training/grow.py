"""Begins a run from weights that knew fewer candidates or features: `python -m foretell.training.grow OLD RUN`.

OLD is a folder with model.safetensors and recipe.json (whose `candidates` are the names it knew). New candidates have
weights of zero: the network neither sees nor wants them at first, their back-test errors alone speak for them. So have
new features at the end of the summary.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from foretell.models.hybrid.backtest import BANDS
from foretell.models.hybrid.candidates import NAMES
from foretell.models.hybrid.features import PATCH
from foretell.models.hybrid.network import Floats
from foretell.models.hybrid.summary import EXTRA

BEGINNING = "began_from.json"
"""In a run's folder: the recipe of the weights that it began from."""
BEGINNING_WEIGHTS = "began_from.safetensors"
"""And these weights, grown."""


def grow(weights: dict[str, Floats], known: Sequence[str]) -> dict[str, Floats]:
    """Weights of a network that knew the candidates `known`, for one that knows NAMES."""
    place = np.array([NAMES.index(name) for name in known])

    def spread(w: Floats, axis: int) -> Floats:
        """Zeros along `axis`, which is over candidates, where one is new."""
        shape = list(w.shape)
        shape[axis] = len(NAMES)
        found = np.zeros(shape, np.float32)
        np.moveaxis(found, axis, 0)[place] = np.moveaxis(w, axis, 0)
        return found

    def inner(w: Floats, groups: int) -> Floats:
        """The same for columns that are `groups` times all candidates."""
        return spread(w.reshape(len(w), groups, len(known)), 2).reshape(len(w), -1)

    def outer(w: Floats) -> Floats:
        """The same for rows: two logits a candidate."""
        return spread(w.reshape(2, len(known), -1), 1).reshape(2 * len(NAMES), *w.shape[1:])

    summary = weights["summary.0.weight"]
    errors = BANDS * len(known)
    extra = np.zeros((len(summary), EXTRA), np.float32)
    extra[:, : summary.shape[1] - errors] = summary[:, errors:]
    changed = {
        "ahead.weight": inner(weights["ahead.weight"], PATCH),
        "summary.0.weight": np.concatenate([inner(summary[:, :errors], BANDS), extra], 1),
        "weigh.weight": outer(weights["weigh.weight"]),
        "weigh.bias": outer(weights["weigh.bias"]),
    }
    return weights | changed


def main() -> None:
    """Command line."""
    old, run = Path(sys.argv[1]), Path(sys.argv[2])
    story = json.loads((old / "recipe.json").read_text())
    known = story.get("candidates", [])
    if not known or not set(known) <= set(NAMES):
        sys.exit(f"{old}/recipe.json: `candidates` has to list what these weights knew, among {', '.join(NAMES)}")
    run.mkdir(parents=True, exist_ok=True)
    grown = grow(load_file(old / "model.safetensors"), known)
    for name in ("model.safetensors", BEGINNING_WEIGHTS):
        save_file(grown, run / name)
    (run / BEGINNING).write_text(json.dumps(story, indent=1) + "\n")


if __name__ == "__main__":
    main()
