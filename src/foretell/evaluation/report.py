"""An evaluation as rows for a terminal, and as Arrow tables: one row per model, or one per model and window."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from foretell.evaluation.backtest import Evaluation
from foretell.series import has_forecast
from foretell.wire.table import Rows, with_answers


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the summary: how a number is written, and one sentence on what it is."""

    name: str
    title: str
    doc: str
    style: str = ".3f"

    def text(self, value: str | float) -> str:
        if isinstance(value, str):
            return value
        return "-" if math.isnan(value) else format(value, self.style)


COLUMNS = (
    Column("model", "model", "the model; best first"),
    Column(
        "relative",
        "vs naive",
        "absolute error over seasonal naive's, geometric mean over the series; below 1 is better",
    ),
    Column("mase", "MASE", "absolute error over the seasonal naive error inside the history"),
    Column("smape", "sMAPE", "symmetric percentage error, 0 to 200", ".2f"),
    Column("wql", "WQL", "weighted quantile loss over the deciles, pooled"),
    Column("coverage80", "in 80 %", "share of the truth inside the 80 % interval; .80 is right", ".2f"),
    Column("coverage95", "in 95 %", "share of the truth inside the 95 % interval; .95 is right", ".2f"),
    Column("mae", "MAE", "mean absolute error, in the unit of the data", ".4g"),
    Column("mse", "MSE", "mean squared error, in the squared unit of the data", ".4g"),
    Column(
        "bias",
        "bias",
        "sum of the forecasts above that of the truth, over the sum of |truth|; below 0: too low",
        "+.3f",
    ),
    Column("answered", "answered", "windows with a forecast"),
    Column("seconds", "seconds", "wall-clock time in this run", ".2f"),
)
NAMED = 3
"""Statuses or series that a sentence names."""


def summary(evaluation: Evaluation) -> list[dict[str, str | float]]:
    """One record per model, best first, with a value for each of COLUMNS; NaN where there is none."""
    records: list[dict[str, str | float]] = []
    for answer in evaluation.answers:
        found: dict[str, str | float] = dict.fromkeys((c.name for c in COLUMNS), math.nan)
        found |= answer.summary()
        found |= {"model": answer.model, "relative": evaluation.relative(answer), "seconds": answer.seconds}
        found["answered"] = f"{answer.answered}/{len(evaluation.task)}"
        records.append(found)
    return sorted(records, key=lambda r: _last_if_nan(r["relative"]))


def summary_rows(evaluation: Evaluation) -> list[list[str]]:
    """The table for a terminal: a row of titles, then one row of texts per model, best first."""
    lines = [[c.text(record[c.name]) for c in COLUMNS] for record in summary(evaluation)]
    return [[c.title for c in COLUMNS], *lines]


def unanswered(evaluation: Evaluation) -> list[str]:
    """Sentences on what has no forecast: series without a window, and each model's windows with their statuses."""
    left = evaluation.left_out
    found = []
    if left:
        horizon = evaluation.task.horizon
        named = ", ".join(left[:NAMED]) + (", ..." if len(left) > NAMED else "")
        found.append(f"no window in {len(left)} series, too short or empty at the end (horizon {horizon}): {named}")
    for answer in evaluation.answers:
        why = Counter(status for status in answer.forecast.status if not has_forecast(status))
        if why:
            named = ", ".join(f"{status} ({count})" for status, count in why.most_common(NAMED))
            found.append(f"{answer.model}: no forecast for {why.total()} of {len(evaluation.task)} windows: {named}")
    return found


def summary_table(evaluation: Evaluation) -> pa.Table:
    """The same with full precision, columns named as in COLUMNS; null where there is no number."""
    records = summary(evaluation)
    return pa.table({c.name: pa.array([r[c.name] for r in records], from_pandas=True) for c in COLUMNS})


def window_table(evaluation: Evaluation) -> pa.Table:
    """One row per model, series and window: the id columns, window (0 is the newest), origin, model, status, metrics.

    `origin` counts the points of the series that lie before the window, `start` is the time of the first one in it
    (no such column without times); null where a metric does not exist. Series without id columns have `unique_id`.
    """
    task, answers, groups = evaluation.task, evaluation.answers, evaluation.groups
    rows = np.tile(np.arange(len(task)), len(answers))
    ids = groups.keys.take(pa.array(rows))
    columns = {
        "window": pa.array([w.index for w in task.windows]).take(rows),
        "origin": pa.array([w.origin for w in task.windows]).take(rows),
    }
    if groups.time_type is not None:
        columns["start"] = Rows(rows, np.zeros_like(rows), np.ones(len(rows), bool), 1).times(groups)
    columns["model"] = pa.array([a.model for a in answers for _ in task.windows])
    columns["status"] = pa.array([status for a in answers for status in a.forecast.status])
    unknown = np.full(len(task), np.nan)
    for name in dict.fromkeys(name for answer in answers for name in answer.errors):
        values = np.concatenate([a.errors.get(name, unknown) for a in answers])
        columns[name] = pa.array(values, from_pandas=True)
    return with_answers({name: ids[name] for name in ids.column_names}, columns)


def _last_if_nan(value: str | float) -> tuple[bool, float]:
    number = float(value)
    return math.isnan(number), number
