"""Answers as the table that a block selects from.

It has the columns of PARTITION BY, what is particular to the function, `_fstatus` (what may be said of the series)
and `_fmodel` (who answered). A forecast has `_frowts` (the time of a row), its numbers, and the bounds `_flow` and
`_fhigh` where the block mentions them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.series import BoolArray, Forecast, IntArray, Series
from foretell.sql.blocks import Block, Call
from foretell.sql.history import History
from foretell.sql.items import column_name
from foretell.sql.options import Options
from foretell.sql.rewrite import Names
from foretell.wire.table import Groups, Rows, forecast_rows, times_as


def long_form(
    block: Block, call: Call, history: History, moved_on: Groups, forecast: Forecast, levels: Sequence[float]
) -> pa.Table:
    """H rows for each series, one for each without a forecast; the times are those of `moved_on`, see `ahead`."""
    rows = forecast_rows(forecast)
    own = {
        "_frowts": rows.times(moved_on),
        block.statement.written(call.span): rows.numbers(forecast.point),
    }
    if block.mentions("_FLOW", "_FHIGH"):
        for name, level in zip(("_flow", "_fhigh"), levels, strict=True):
            own[name] = bound(rows, forecast, level)
    return answer_table(history, rows.series, own, forecast.status, forecast.model)


def answer_table(
    history: History, series: IntArray, own: Mapping[str, Any], status: Sequence[str], model: str
) -> pa.Table:
    """The rows [N] of an answer: `series` [N] says whose each is, `own` are the columns of the function itself."""
    keys = history.groups.keys.take(pa.array(series))
    columns: dict[str, Any] = {key.name: column for key, column in zip(history.keys, keys.itercolumns(), strict=True)}
    columns |= own
    columns["_fstatus"] = pa.array(np.array(status, dtype=object)[series], pa.string())
    columns["_fmodel"] = pa.array([model] * len(series), pa.string())
    return pa.table(columns)


def bound(rows: Rows, forecast: Forecast, level: float) -> pa.Array:
    """The column of a bound; NULL where none is known."""
    if forecast.quantiles is None:
        return pa.nulls(len(rows.series), pa.float64())
    return rows.numbers(forecast.quantile(level))


def result_times(history: History, times: IntArray, known: BoolArray) -> pa.Array:
    """`times` [N], ns, in the type of the history's times, a date as a timestamp; NULL where not `known`."""
    kind = history.groups.time_type
    return times_as(pa.timestamp("us") if pa.types.is_date(kind) else kind, times, known)


def ahead(groups: Groups, options: Options) -> Groups:
    """The groups with series whose future times are those of the result; a date continues as a timestamp."""
    kind = groups.time_type
    if kind is not None and pa.types.is_date(kind):
        kind = pa.timestamp("us")
    if options.start is None and options.every is None:
        return replace(groups, time_type=kind)
    return replace(groups, series=[moved(one, options) for one in groups.series], time_type=kind)


def moved(series: Series, options: Options) -> Series:
    """A series whose future times are those that the options say."""
    step = options.every or series.step
    if options.start is not None:
        return Series(np.empty(0), options.start, step)
    last = series.start
    if last is not None and series.step is not None:
        last = int(series.step.times(last, 1, first=len(series) - 1)[0])
    return Series(np.empty(1), last, step)


def names(block: Block, call: Call, history: History, moment: str = "") -> Names:
    """Which of the result's columns stand for what in the block; `moment` is the result's time."""
    statement = block.statement
    expressions = {statement.key(call.span): statement.written(call.span)}
    columns = {}
    for key in history.keys:
        plain = column_name(statement, key.span)
        if plain is None:
            expressions[statement.key(key.span)] = key.name
        columns[(plain or key.name).lower()] = key.name
    return Names(expressions, columns, moment)
