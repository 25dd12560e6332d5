"""The one call for your own data: `evaluate(data, models, horizon)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.engine import Engine
from foretell.errors import InvalidInput
from foretell.evaluation.backtest import LEVELS, Evaluation, Progress, backtest
from foretell.evaluation.task import Task, rolling_windows, season_of
from foretell.series import Series, as_values
from foretell.wire.table import read_groups

DEFAULT_COLUMNS = {"value": "y", "time": "ds", "id": "unique_id"}


def evaluate(
    data: Any,
    models: Sequence[str],
    horizon: int,
    windows: int = 1,
    stride: int | None = None,
    period: int | None = None,
    max_context: int | None = None,
    levels: Sequence[float] = LEVELS,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    value: str | None = None,
    time: str | None = None,
    ids: Sequence[str] | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Back-test `models` and seasonal naive on the newest `windows` windows of every series.

    `data`: an array [T] or [B, T], a list of arrays or Series of any lengths, or a long table (pandas, polars,
    Arrow) with the columns `value`, `time` and `ids` (where not given: y, ds and unique_id as far as they exist).
    `horizon` and `stride` (default: the horizon) count points; `max_context` is the most that a model may see.
    `period` is the season in points for MASE and seasonal naive; by default the usual one of the series' step, or 1
    where most histories are shorter than two of those. `options` are by model.

    Raises InvalidInput and UnknownName; what is wrong with one series stands in its status.
    """
    series = series_of(data, value, time, ids)
    found = rolling_windows(series, horizon, windows, stride, max_context)
    if period is not None and period < 1:
        raise InvalidInput("period", f"must be at least 1, got {period}")
    season = period or _usual_season([w.visible() for w in found])
    task = Task("data", found, horizon, season)
    if engine is not None:
        return backtest(task, models, engine, levels, options, progress)
    own = Engine()
    try:
        return backtest(task, models, own, levels, options, progress)
    finally:
        own.close()


def series_of(
    data: Any, value: str | None = None, time: str | None = None, ids: Sequence[str] | None = None
) -> list[Series]:
    """The series of any kind of data that `evaluate` takes; those without a name are called 0, 1, ..."""
    if isinstance(data, str | Path):
        raise InvalidInput("data", "a path is read by the command `foretell evaluate`; pass a table or arrays here")
    table = _as_arrow(data)
    if table is not None:
        series = _from_table(table, value, time, ids)
    else:
        rows = [data] if isinstance(data, np.ndarray) and data.ndim == 1 else list(data)
        series = [row if isinstance(row, Series) else Series(as_values(row, "data")) for row in rows]
    return [s if s.id else replace(s, id=str(i)) for i, s in enumerate(series)]


def _as_arrow(data: Any) -> pa.Table | None:
    """A data frame as an Arrow table (through the Arrow C stream where it has one); None if it is no table."""
    if isinstance(data, pa.Table):
        return data
    if hasattr(data, "__arrow_c_stream__") and hasattr(data, "columns"):
        return pa.table(data)
    return None


def _from_table(table: pa.Table, value: str | None, time: str | None, ids: Sequence[str] | None) -> list[Series]:
    there = {role: name if name in table.column_names else None for role, name in DEFAULT_COLUMNS.items()}
    if ids is None:
        ids = [there["id"]] if there["id"] else []
    return read_groups(table, value or there["value"] or DEFAULT_COLUMNS["value"], time or there["time"], ids).series


def _usual_season(visible: Sequence[Series]) -> int:
    """The season of most series' step, if most histories hold two of it."""
    seasons, counts = np.unique([season_of(s.step) for s in visible], return_counts=True)
    season = int(seasons[counts.argmax()])
    return season if np.median([len(s) for s in visible]) >= 2 * season else 1
