"""ANOMALY_WINDOW(column [, 'options']): neighbouring rows that are anomalous in one way are a window.

A detector labels the rows of all groups in one call (protocol section 3.2); the windows go to DuckDB as a table, which
the rows are joined with by their group and their time. The last row belongs to its window, which in TDengine it does
not: there a window ends before its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from foretell.results import Detection
from foretell.series import OK, IntArray, has_forecast
from foretell.sql.analysis import Analysis, without
from foretell.sql.answer import Answer
from foretell.sql.blocks import Block, read_call
from foretell.sql.call import analysis, columns_of
from foretell.sql.grouped import key_texts
from foretell.sql.history import History, read_history
from foretell.sql.rewrite import Names
from foretell.sql.text import Text, joined, written
from foretell.sql.tokens import quote
from foretell.sql.windows.frame import Frame, Windowed
from foretell.wire.table import read_points, times_as


def anomaly_window(window: Windowed) -> Frame:
    """Find the windows, lend them to DuckDB, and join the rows with them."""
    context = window.context
    call = read_call(window.block.statement, window.block.whole[window.word][0])
    block = replace(window.block, calls=(call,))
    asked = analysis(block, call, context, "anomaly", "an answer")
    history = read_history(
        block, context.place, columns_of(block, call, 1), asked.options.ts, read_points, limited=False
    )
    detection = _detected(asked, history)
    name = f"__foretell_windows_{len(context.answers)}"
    table = _table(history, detection, window.time.tick if context.profile.widened else 0)
    context.place.duck.register(name, table)
    context.lent.callback(context.place.duck.unregister, name)
    plan = asked.plan(list(map(len, history.groups.series))) if context.explain else {}
    context.answers.append(Answer(block, table, Names({}, {}), history, detection, plan))
    return Frame(
        _joined(window, block, history, name),
        ("__window",),
        "min(__start)",
        "min(__end)",
        meant={"_ANOMALYMARK": "min(__mark)"},
    )


def _detected(asked: Analysis, history: History) -> Detection:
    """The labels of all rows; none is anomalous where nothing shall be run."""
    series = history.groups.series
    if asked.context.explain:
        lengths = np.array(list(map(len, series)))
        labels = np.ones((len(series), int(lengths.max())), dtype=np.int64)
        return Detection(labels, None, lengths, (OK,) * len(series))
    refused = asked.refusals(series)
    made = asked.ask(
        lambda control: asked.engine.detect_sync(
            without(series, refused), asked.entry.name, dict(asked.options.model), control
        )
    )
    return replace(made, status=asked.report(made.status, refused, [one.id for one in series]))


def _table(history: History, detection: Detection, tick: int) -> pa.Table:
    """A row for each window: its group's keys, its number, its first and last time, its end, and its label."""
    groups = history.groups
    found = [detection.windows(i) if has_forecast(status) else _NONE for i, status in enumerate(detection.status)]
    whose = np.repeat(np.arange(len(found)), list(map(len, found)))
    own = list(zip(groups.times or [], found, strict=True))
    first = _stacked([times[windows[:, 0]] for times, windows in own])
    last = _stacked([times[windows[:, 1]] for times, windows in own])
    keys = groups.keys.take(pa.array(whose))
    columns = {f"__k{i}": column for i, column in enumerate(keys.itercolumns())}
    columns["__window"] = pa.array(np.arange(len(whose)))
    columns["__start"] = times_as(groups.time_type, first)
    columns["__last"] = times_as(groups.time_type, last)
    columns["__end"] = times_as(groups.time_type, np.where(first == last, last + tick, last))
    columns["__mark"] = pa.array(_stacked([windows[:, 2] for windows in found]), pa.int32())
    return pa.table(columns)


_NONE: IntArray = np.empty((0, 3), dtype=np.int64)


def _stacked(parts: Sequence[IntArray]) -> IntArray:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _joined(window: Windowed, block: Block, history: History, name: str) -> Text:
    """The rows of FROM and WHERE that lie in a window, with its columns."""
    keys = key_texts(block, window.keys)
    times = [window.write("{} AS __ts", history.moment)]
    groups = [window.write(f"{{}} AS __g{i}", key) for i, key in enumerate(keys)]
    same = [written(f"r.__g{i} IS NOT DISTINCT FROM w.__k{i}", window.origin) for i in range(len(keys))]
    within = written("r.__ts BETWEEN w.__start AND w.__last", window.origin)
    return window.write(
        f"SELECT r.*, w.* FROM ({{}}) r JOIN {quote(name)} w ON {{}}",
        window.rows(*times, *groups),
        joined([within, *same], " AND "),
    )
