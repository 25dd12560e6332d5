"""Rolling-origin back-test: models answer a task through the Engine that users call, and are scored.

task.visible -> Engine.forecast, once per model -> errors of each row -> one summary per model
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from foretell.engine import Engine
from foretell.engine.engine import Control
from foretell.errors import InvalidInput
from foretell.evaluation import metrics
from foretell.evaluation.task import Task
from foretell.series import FloatArray, Forecast, IntArray, has_forecast
from foretell.wire.table import Groups, groups_by_id

BASELINE = "seasonal_naive"
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEVELS = (0.025, *DECILES, 0.975)
INTERVALS = {"coverage80": (0.1, 0.9), "coverage95": (0.025, 0.975)}

Progress = Callable[[str, int, int], None]
"""Called with the model's name, the rows done and the rows in all."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What one model said to a task: `forecast` has N rows in the task's order. `seconds` is wall-clock time."""

    model: str
    task: Task
    forecast: Forecast
    seconds: float

    @cached_property
    def errors(self) -> dict[str, FloatArray]:
        """Every metric that the answer allows, each [N]; NaN in rows that the model did not answer."""
        truth, point, quantiles = self.task.truth, self.forecast.point, self.forecast.quantiles
        found = {
            "mase": metrics.mase(truth, point, self.task.scale),
            "smape": metrics.smape(truth, point),
            "mae": metrics.mae(truth, point),
            "mse": metrics.mse(truth, point),
            "bias": metrics.bias(truth, point),
        }
        if quantiles is None:
            return found
        if set(DECILES) <= set(self.forecast.levels):
            at = [self.forecast.levels.index(level) for level in DECILES]
            found["wql"] = metrics.weighted_quantile_loss(truth, quantiles[:, :, at], DECILES)
        for name, (low, high) in INTERVALS.items():
            if low in self.forecast.levels and high in self.forecast.levels:
                found[name] = metrics.coverage(truth, self.forecast.quantile(low), self.forecast.quantile(high))
        return found

    @property
    def answered(self) -> int:
        """The number of rows with a forecast."""
        return sum(has_forecast(status) for status in self.forecast.status)

    def summary(self) -> dict[str, float]:
        """One number for each metric: the mean over the rows that have it; `wql` and `bias` are pooled over them."""
        found = {name: _mean(values) for name, values in self.errors.items()}
        known = ~np.isnan(self.errors["mae"])
        whole = (values[known].reshape(1, -1) for values in (self.task.truth, self.forecast.point))
        found["bias"] = float(metrics.bias(*whole)[0])
        if "wql" in found:
            found["wql"] = _pooled(self.errors["wql"], metrics.size(self.task.truth))
        return found


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """All answers to one task; the baseline's is among them.

    `left_out` names the series without a window: too short, or without a truth. `groups` are the task's windows as
    series of the table that they come from, with its id columns.
    """

    task: Task
    answers: tuple[Answer, ...]
    groups: Groups
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Each model's error over that of seasonal naive; the arrays would fill pages."""
        found = ", ".join(f"{a.model} {self.relative(a):.3f}" for a in self.answers)
        return (
            f"<Evaluation of {len(self.task)} windows, {self.task.horizon} steps ahead; error over {BASELINE}: {found}>"
        )

    @property
    def baseline(self) -> Answer:
        return next(a for a in self.answers if a.model == BASELINE)

    def relative(self, answer: Answer) -> float:
        """Geometric mean over the series of the model's absolute error over that of the baseline.

        A series' error is its mean over the windows that both answered. The scale of MASE cancels out, so the ratio
        exists for constant histories too. Below 1 is better than seasonal naive.
        """
        ours, theirs = answer.errors["mae"], self.baseline.errors["mae"]
        both = ~np.isnan(ours) & ~np.isnan(theirs)
        _, series = np.unique(np.array(self.task.ids)[both], return_inverse=True)
        total, baseline = _sums(series, ours[both]), _sums(series, theirs[both])
        return metrics.geometric_mean(metrics.relative_error(total, baseline))


def backtest(
    task: Task,
    models: Sequence[str],
    engine: Engine,
    levels: Sequence[float] = LEVELS,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """The answers of `models`, and of the baseline, to `task`. `options` are by model."""
    options = options or {}
    names = [engine.models.find(m).name for m in models]
    known = {engine.models.find(m).name: given for m, given in options.items()}
    wanted = dict.fromkeys([*names, BASELINE])
    if strange := [m for m in known if m not in wanted]:
        raise InvalidInput(
            "options", f"there are some for {strange[0]}, which is not among the models: {', '.join(wanted)}"
        )
    answers = tuple(ask(task, m, engine, levels, known.get(m), progress) for m in wanted)
    return Evaluation(task, answers, groups_by_id(task.visible))


def ask(
    task: Task,
    model: str,
    engine: Engine,
    levels: Sequence[float] = LEVELS,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    timeout: float | None = None,
) -> Answer:
    """One model's answer. Where the task tells the season, a model with an option `period` gets it.

    What `options` say goes before. `timeout` in seconds: DeadlineExceeded when it passes.
    """
    entry = engine.models.find(model)
    tell = "period" in entry.options and (task.season_told or entry.name == BASELINE)
    told = {"period": task.period} if tell else {}
    report = None if progress is None else lambda done, total: progress(model, done, total)
    begin = time.perf_counter()
    forecast = engine.forecast_sync(
        task.visible, task.horizon, model, levels, {**told, **(options or {})}, Control(timeout, report)
    )
    return Answer(entry.name, task, forecast, time.perf_counter() - begin)


def _sums(group: IntArray, values: FloatArray) -> FloatArray:
    """The sum of `values` [N] in each group."""
    return np.bincount(group, values).astype(np.float64)


def _mean(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _pooled(ratios: FloatArray, sizes: FloatArray) -> float:
    """Sum of losses over sum of sizes, from each row's ratio and size."""
    known = ~np.isnan(ratios)
    total = sizes[known].sum()
    return float((ratios[known] * sizes[known]).sum() / total) if total > 0 else float("nan")
