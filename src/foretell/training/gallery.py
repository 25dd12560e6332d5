"""Pictures of the synthetic corpus and of forecasts, for docs/model.md: `python -m foretell.training.gallery docs`."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from foretell.models.foretell_small import DEFAULTS, ForetellSmall
from foretell.series import Series, batch_of
from foretell.training.dice import Dice
from foretell.training.ingredients import standard
from foretell.training.synthetic import BLOCK, BRIEF, FAMILIES, LONG, SHORT, synthesize

SEED = 11
COLUMNS = 5
BANDS = (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)
INK = "#2a6f97"


def families(dice: Dice) -> Figure:
    """A row of series of 512 points per family, one block each."""
    figure, axes = plt.subplots(len(FAMILIES), COLUMNS, figsize=(13, 10))
    for row, family in zip(axes, FAMILIES, strict=True):
        for axis in row:
            _draw(axis, standard(family(dice, 2, 512, LONG))[0])
        row[0].set_ylabel(family.__name__)
    return figure


def corpus(dice: Dice) -> Figure:
    """What training draws from: dense series above, then one row of quarterly and monthly and one of yearly ones."""
    styles = (*4 * ((LONG, 1024),), (SHORT, 96), (BRIEF, 40))
    figure, axes = plt.subplots(len(styles), COLUMNS, figsize=(13, 9))
    for row, (style, length) in zip(axes, styles, strict=True):
        for axis, series in zip(row, synthesize(dice, COLUMNS * BLOCK, length, style)[0][::BLOCK], strict=True):
            _draw(axis, series)
    return figure


def forecasts(dice: Dice) -> Figure:
    """Unseen series, 512 points of context of which 192 are shown, and the shipped model's 96 steps: 50, 80, 95 %."""
    figure, axes = plt.subplots(4, COLUMNS, figsize=(13, 6.5))
    series = synthesize(dice, 4 * COLUMNS * BLOCK, 608, LONG)[0][::BLOCK].double().numpy()
    contexts = batch_of([Series(x[:512]) for x in series])
    found = ForetellSmall().forecast(contexts, 96, BANDS, DEFAULTS)
    if found.quantiles is None:
        raise ValueError("the model gave no quantiles")
    for axis, values, quantiles, point in zip(axes.flat, series, found.quantiles, found.point, strict=True):
        ahead = np.arange(96)
        for i in range(3):
            axis.fill_between(ahead, quantiles[:, i], quantiles[:, -1 - i], color=INK, alpha=0.15, linewidth=0)
        axis.plot(np.arange(-192, 96), values[320:], color="black", linewidth=0.6)
        axis.plot(ahead, point, color=INK, linewidth=1)
        _plain(axis)
    return figure


def _draw(axis: Axes, series: Tensor) -> None:
    axis.plot(series.numpy(), color=INK, linewidth=0.7)
    _plain(axis)


def _plain(axis: Axes) -> None:
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)


def main() -> None:
    """Writes three pictures into a folder."""
    folder = Path(sys.argv[1])
    for name, draw in (("model-families", families), ("model-corpus", corpus), ("model-forecasts", forecasts)):
        figure = draw(Dice(SEED))
        figure.tight_layout(pad=0.4)
        figure.savefig(folder / f"{name}.png", dpi=60)
        plt.close(figure)


if __name__ == "__main__":
    main()
