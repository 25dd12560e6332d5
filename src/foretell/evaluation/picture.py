"""An evaluation as a picture: who is how good, how errors grow with the horizon, and a few forecasts to look at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from foretell.evaluation.backtest import BASELINE, Answer, Evaluation
from foretell.series import FloatArray
from foretell.titles import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#117733")
"""Distinguishable by colour-blind readers (Okabe & Ito; Tol)."""
BASELINE_COLOUR = "#888888"
TRUTH_COLOUR = "#000000"
HISTORY_COLOUR = "#444444"
WIDTH = 11.0
"""Inches."""
HISTORY_HORIZONS = 2
"""An example shows so many horizons of its history, and at least FEWEST_POINTS."""
FEWEST_POINTS = 40


def draw(evaluation: Evaluation) -> Figure:
    """A figure of `evaluation`; save it with `.savefig("out.png")`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 8), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    top, bottom = np.asarray(figure.subfigures(2, 1, height_ratios=(1, 1.15)))
    left, right = top.subplots(1, 2, width_ratios=(1, 1.2))
    colours = _colours(evaluation)
    ranked = sorted(evaluation.answers, key=lambda a: _worst_if_nan(evaluation.relative(a)))
    _bars(left, evaluation, ranked, colours)
    _by_step(right, ranked, colours)
    rows = _examples(evaluation)
    panels = bottom.subplots(1, len(rows), squeeze=False)[0]
    for axes, row in zip(panels, rows, strict=True):
        _example(axes, evaluation, ranked[0], row, colours)
        window, error = evaluation.task.windows[row], ranked[0].errors["mase"][row]
        scored = "" if math.isnan(error) else f": MASE {error:.2f}"
        title(axes, f"series {window.series.id}", WIDTH / len(rows), f"after {window.origin} points{scored}")
    handles, labels = panels[0].get_legend_handles_labels()
    bottom.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=8, frameon=False)
    return figure


def _colours(evaluation: Evaluation) -> dict[str, str]:
    others = [a.model for a in evaluation.answers if a.model != BASELINE]
    return {BASELINE: BASELINE_COLOUR} | {m: COLOURS[i % len(COLOURS)] for i, m in enumerate(others)}


def _bars(axes: Axes, evaluation: Evaluation, ranked: list[Answer], colours: dict[str, str]) -> None:
    """Relative error of each model, best on top."""
    values = [evaluation.relative(a) for a in ranked]
    known = [0.0 if math.isnan(v) else v for v in values]
    bars = axes.barh([a.model for a in ranked], known, color=[colours[a.model] for a in ranked])
    axes.axvline(1.0, color=BASELINE_COLOUR, linewidth=1, linestyle="--")
    labels = ["no forecast" if math.isnan(v) else f"{v:.3f}" for v in values]
    axes.bar_label(bars, labels, padding=3, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    axes.set_xlim(0, 1.2 * max([*known, 1.0]))
    axes.invert_yaxis()
    axes.set_title("absolute error / seasonal naive's (less is better)", fontsize=10)
    _plain(axes)


def _by_step(axes: Axes, ranked: list[Answer], colours: dict[str, str]) -> None:
    """Mean scaled error of each model at each step ahead."""
    for answer in ranked:
        steps = np.arange(1, answer.task.horizon + 1)
        line = "--" if answer.model == BASELINE else "-"
        marker = "o" if len(steps) == 1 else None
        axes.plot(steps, _scaled_by_step(answer), line, marker=marker, color=colours[answer.model], label=answer.model)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("steps ahead", fontsize=8)
    axes.set_title(f"scaled absolute error (MASE) by step, {len(ranked[0].task)} windows", fontsize=10)
    axes.legend(fontsize=8, frameon=False)
    _plain(axes)


def _scaled_by_step(answer: Answer) -> FloatArray:
    """[H]: the mean over the windows that have an error at this step."""
    scaled = np.abs(answer.task.truth - answer.forecast.point) / answer.task.scale[:, None]
    known = ~np.isnan(scaled)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, scaled, 0.0).sum(0) / np.maximum(count, 1), np.nan)


def _examples(evaluation: Evaluation) -> list[int]:
    """Rows that seasonal naive finds easy, middling and hard: the 10th, 50th and 90th percentile of its error."""
    error = evaluation.baseline.errors["mase"]
    order = [int(i) for i in np.argsort(error, kind="stable") if not math.isnan(error[i])]
    if not order:
        return [0]
    places = (np.array([0.1, 0.5, 0.9]) * (len(order) - 1)).round().astype(int)
    return [order[i] for i in np.unique(places)]


def _example(axes: Axes, evaluation: Evaluation, best: Answer, row: int, colours: dict[str, str]) -> None:
    """The end of one history, the truth, the best model's forecast with its 80 % interval, and the baseline."""
    task = evaluation.task
    history = task.visible[row].values[-max(FEWEST_POINTS, HISTORY_HORIZONS * task.horizon) :]
    steps = np.arange(1, task.horizon + 1)
    marker = "o" if task.horizon == 1 else None
    axes.plot(np.arange(1 - len(history), 1), history, color=HISTORY_COLOUR, linewidth=1, label="history")
    axes.plot(steps, task.truth[row], color=TRUTH_COLOUR, linewidth=1.3, marker=marker, label="truth")
    baseline = evaluation.baseline
    for answer, style in {id(a): (a, s) for a, s in ((baseline, "--"), (best, "-"))}.values():
        colour = colours[answer.model]
        axes.plot(
            steps, answer.forecast.point[row], style, color=colour, linewidth=1.3, marker=marker, label=answer.model
        )
    quantiles = best.forecast.quantiles
    if quantiles is not None and {0.1, 0.9} <= set(best.forecast.levels):
        low, high = best.forecast.quantile(0.1)[row], best.forecast.quantile(0.9)[row]
        axes.fill_between(steps, low, high, color=colours[best.model], alpha=0.2, linewidth=0, label="80 %")
    axes.axvline(0.5, color=BASELINE_COLOUR, linewidth=0.8, linestyle=":")
    axes.set_xlabel("steps ahead", fontsize=8)
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _worst_if_nan(value: float) -> float:
    return math.inf if math.isnan(value) else value
