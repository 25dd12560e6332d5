"""An evaluation as rows for a terminal, as CSV, and as one row per window and model."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass

import pandas as pd

from foretell.evaluation.backtest import Evaluation


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
    Column("answered", "answered", "windows with a forecast"),
    Column("seconds", "seconds", "wall-clock time in this run", ".2f"),
)


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


def summary_csv(evaluation: Evaluation) -> str:
    """The same as CSV with full precision; an empty field where there is no number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([c.name for c in COLUMNS])
    for record in summary(evaluation):
        writer.writerow(["" if record[c.name] != record[c.name] else record[c.name] for c in COLUMNS])
    return out.getvalue()


def window_frame(evaluation: Evaluation) -> pd.DataFrame:
    """One row per model, series and window: unique_id, window (0 is the newest), origin, model, status, the metrics.

    `origin` counts the points of the series that the model could see.
    """
    task = evaluation.task
    frames = [
        pd.DataFrame(
            {
                "unique_id": list(task.ids),
                "window": [w.index for w in task.windows],
                "origin": [w.origin for w in task.windows],
                "model": answer.model,
                "status": list(answer.forecast.status),
                **answer.errors,
            }
        )
        for answer in evaluation.answers
    ]
    return pd.concat(frames, ignore_index=True)


def _last_if_nan(value: str | float) -> tuple[bool, float]:
    number = float(value)
    return math.isnan(number), number
