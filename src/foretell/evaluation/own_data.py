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
from foretell.evaluation.task import Task, check_counts, rolling_windows, season_of
from foretell.series import Series
from foretell.wire.frames import groups_of, series_of, to_arrow
from foretell.wire.table import Groups, groups_by_id


def evaluate(
    data: Any,
    models: Sequence[str] | str,
    horizon: int,
    windows: int = 1,
    *,
    stride: int | None = None,
    period: int | None = None,
    max_context: int | None = None,
    levels: Sequence[float] = LEVELS,
    options: Mapping[str, Any] | None = None,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Back-test `models` and seasonal naive on the newest `windows` windows of every series.

    `data` is what `foretell.forecast` takes - an array [T] or [B, T], a list of arrays of any lengths, or a pandas,
    polars or Arrow table in long form - or a list of Series. `horizon` and `stride` (default: the horizon) count
    points; `max_context` is the most that a model may see. `period` is the season in points, for MASE, seasonal naive
    and every model with such an option. By default it is the usual one of the series' step, or 1 where half of the
    histories are shorter than two of those, and the models other than seasonal naive find their own, as in
    `foretell.forecast`. `options` are by model: `{"theta": {"period": 7}}` or `{"theta.period": 7}`.

    Raises InvalidInput and UnknownName; what is wrong with one window stands in its status, and series without any
    window are `left_out`.
    """
    check_counts(period=period)
    told = options_by_model(options or {})
    models = [models] if isinstance(models, str) else models
    groups = _groups(data, id_col, time_col, value_col)
    found = rolling_windows(groups.series, horizon, windows, stride, max_context)
    season = period or _usual_season([w.visible() for w in found])
    task = Task("data", found, horizon, season, season_told=period is not None)
    used = engine or Engine()
    try:
        made = backtest(task, models, used, levels, told, progress)
    finally:
        if engine is None:
            used.close()
    judged = set(task.ids)
    left_out = tuple(dict.fromkeys(s.id for s in groups.series if s.id not in judged))
    place = {id(one): row for row, one in enumerate(groups.series)}
    keys = groups.keys.take(pa.array([place[id(w.series)] for w in found]))
    return replace(made, groups=replace(groups, series=task.visible, keys=keys), left_out=left_out)


def options_by_model(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`{"theta": {"period": 7}}`, which may also be written `{"theta.period": 7}`. Raises InvalidInput for an option
    without a model, or one that is there twice."""
    if not isinstance(given, Mapping):
        raise InvalidInput("options", f"must be by model, such as {{'theta': {{'period': 7}}}}, got {given!r}")
    found: dict[str, dict[str, Any]] = {}
    for key, value in given.items():
        model, _, option = key.rpartition(".")
        if isinstance(value, Mapping):
            model, own = key, dict(value)
        elif model and option:
            own = {option: value}
        else:
            raise InvalidInput("options", f"name the model, as in theta.period=7, got {key!r}")
        known = found.setdefault(model, {})
        if twice := known.keys() & own.keys():
            raise InvalidInput("options", f"{model}.{min(twice)} is there twice")
        known.update(own)
    return found


def _groups(data: Any, id_col: str | Sequence[str] | None, time_col: str | None, value_col: str | None) -> Groups:
    """Series of any kind of data; those without a name are called 0, 1, ..."""
    if isinstance(data, str | Path):
        raise InvalidInput("data", "a path is read by the command `foretell evaluate`; pass a table or arrays here")
    table = to_arrow(data)
    if table is None:
        return groups_by_id(_named(series_of(data)))
    groups = groups_of(table, id_col, time_col, value_col)
    series = _named(groups.series)
    keys = groups.keys if groups.keys.num_columns else groups_by_id(series).keys
    return replace(groups, series=series, keys=keys)


def _named(series: Sequence[Series]) -> list[Series]:
    return [s if s.id else replace(s, id=str(i)) for i, s in enumerate(series)]


def _usual_season(visible: Sequence[Series]) -> int:
    """The season of most series' step, if most histories hold two of it."""
    seasons, counts = np.unique([season_of(s.step) for s in visible], return_counts=True)
    season = int(seasons[counts.argmax()])
    return season if np.median([len(s) for s in visible]) >= 2 * season else 1
