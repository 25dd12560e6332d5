"""Pictures of the synthetic corpus, for docs/model.md: `python -m foretell.training.gallery docs`."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from foretell.training.dice import Dice
from foretell.training.ingredients import standard
from foretell.training.synthetic import BLOCK, FAMILIES, LONG, SHORT, synthesize

SEED = 11
COLUMNS = 5
INK = "#2a6f97"


def families(dice: Dice) -> Figure:
    """A row of series of 512 points per family, one block each."""
    figure, axes = plt.subplots(len(FAMILIES), COLUMNS, figsize=(13, 9))
    for row, family in zip(axes, FAMILIES, strict=True):
        for axis in row:
            _draw(axis, standard(family(dice, 2, 512, LONG))[0])
        row[0].set_ylabel(family.__name__)
    return figure


def corpus(dice: Dice) -> Figure:
    """What training draws from: dense series above, yearly to monthly ones below."""
    figure, axes = plt.subplots(6, COLUMNS, figsize=(13, 9))
    for i, row in enumerate(axes):
        style, length = (SHORT, 96) if i >= 4 else (LONG, 1024)
        for axis, series in zip(row, synthesize(dice, COLUMNS * BLOCK, length, style)[::BLOCK], strict=True):
            _draw(axis, series)
    return figure


def _draw(axis: Axes, series: Tensor) -> None:
    axis.plot(series.numpy(), color=INK, linewidth=0.7)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)


def main() -> None:
    """Writes model-families.png and model-corpus.png into a folder."""
    folder = Path(sys.argv[1])
    for name, draw in (("model-families", families), ("model-corpus", corpus)):
        figure = draw(Dice(SEED))
        figure.tight_layout(pad=0.4)
        figure.savefig(folder / f"{name}.png", dpi=60)
        plt.close(figure)


if __name__ == "__main__":
    main()
