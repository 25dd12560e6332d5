"""IMPUTATION(column [, 'options']): each series complete, with its gaps filled (protocol section 3.3).

rows as they are -> placed on the grid of `freq` -> one call of the engine -> a row for each place
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.errors import ForetellError, InvalidInput, TooManyRows
from foretell.series import BoolArray, FloatArray, IntArray, Series, has_forecast
from foretell.sql.analysis import Analysis, Refused, without
from foretell.sql.answer import Answer, Context
from foretell.sql.blocks import Block, Call
from foretell.sql.call import analysis, columns_of
from foretell.sql.checks import check_block
from foretell.sql.history import History, read_history
from foretell.sql.long_form import answer_table, names, result_times
from foretell.steps import Step
from foretell.wire.table import read_points

TO_GRID = "; bring the times onto a grid first, with INTERVAL(...) or time_bucket, or name their spacing, freq=5m"
"""What helps where the spacing was found, and not given."""


def answer(block: Block, context: Context) -> Answer:
    """Complete every group of a block, in one call of the engine."""
    call = check_block(block, context.place.duck)
    asked = analysis(block, call, context, "imputation", "an imputation")
    history = read_history(block, context.place, columns_of(block, call, 1), asked.options.ts, read_points)
    points = history.groups.series
    complete, refused = _completed(asked, history, asked.refusals(points))
    if context.explain:
        plan = asked.plan(list(map(len, complete)))
        filled = [(one.values, np.isnan(one.values)) for one in complete]
        table = _table(block, call, history, complete, filled, ["ok"] * len(complete), "")
        return Answer(block, table, names(block, call, history, "_improwts"), history, None, plan)
    made = asked.ask(
        lambda control: asked.engine.impute_sync(
            without(complete, refused), asked.entry.name, dict(asked.options.model), control
        )
    )
    status = asked.report(made.status, refused, [one.id for one in points])
    filled = [made.row(i) for i in range(len(made))]
    table = _table(block, call, history, complete, filled, status, made.model)
    named = names(block, call, history, "_improwts")
    return Answer(block, table, named, _on_grid(history, complete), made, {})


def _on_grid(history: History, complete: list[Series]) -> History:
    """The history with the points of the answer: those of the complete series, or the rows of a refused one."""
    own = zip(history.groups.series, complete, history.groups.times or [], strict=True)
    times = [rows if before is after else _times(after, len(after)) for before, after, rows in own]
    return history._replace(groups=replace(history.groups, series=complete, times=times))


def _completed(asked: Analysis, history: History, refused: Refused) -> tuple[list[Series], Refused]:
    """Every series on the grid of `freq`, or its usual step; those that lie on none are refused."""
    series: list[Series] = []
    bad: dict[int, ForetellError] = dict(refused)
    most = asked.entry.limits.max_context
    for i, (points, times) in enumerate(zip(history.groups.series, history.groups.times or [], strict=True)):
        step = asked.options.freq or points.step
        series.append(points)
        if i in bad or step is None or not history.time:
            continue
        try:
            places = _places(times, step, most, *(("freq", "") if asked.options.freq else (history.time, TO_GRID)))
            _check_filled(int(places[-1]) + 1 - len(places), asked.context.profile.max_filled)
        except InvalidInput as error:
            bad[i] = error
            continue
        values = np.full(int(places[-1]) + 1, np.nan)
        values[places] = points.values
        series[-1] = Series(values, int(times[0]), step, points.id)
    return series, bad


def _places(times: IntArray, step: Step, most: int, field: str, advice: str) -> IntArray:
    """Where ascending times [T] lie on the grid that the first of them begins; an error if one lies beside it."""
    places = step.places(int(times[0]), times)
    length = int(places[-1]) + 1
    if length > most:
        raise TooManyRows(
            field, f"steps of {step} make {length} rows of {len(times)}, and the model takes {most}{advice}"
        )
    beside = np.flatnonzero(step.times(int(times[0]), length)[places] != times)
    if len(beside):
        time = np.datetime64(int(times[beside[0]]), "ns")
        raise InvalidInput(
            field, f"the time {time} is not a whole number of steps ({step}) after the first one{advice}"
        )
    return places


def _check_filled(count: int, most: int | None) -> None:
    if most is not None and count > most:
        raise TooManyRows("freq", f"at most {most} rows can be filled in, this makes {count}")


def _table(
    block: Block,
    call: Call,
    history: History,
    complete: Sequence[Series],
    filled: Sequence[tuple[FloatArray, BoolArray]],
    status: Sequence[str],
    model: str,
) -> pa.Table:
    """A row for each place of a series, one for a series without an answer."""
    known = np.array([has_forecast(one) for one in status], dtype=np.bool_)
    nothing = np.full(1, np.nan), np.zeros(1, dtype=np.bool_)
    parts = [own if good else nothing for own, good in zip(filled, known, strict=True)]
    counts = [len(values) for values, _ in parts]
    good = np.repeat(known, counts)
    values = _stacked([values for values, _ in parts], np.float64)
    marks = _stacked([marks for _, marks in parts], np.int32)
    times = _stacked([_times(one, count) for one, count in zip(complete, counts, strict=True)], np.int64)
    own = {
        "_improwts": result_times(history, times, good),
        block.statement.written(call.span): pa.array(values, mask=np.isnan(values)),
        "_impmark": pa.array(marks, mask=~good),
    }
    return answer_table(history, np.repeat(np.arange(len(parts)), counts), own, status, model)


def _stacked(parts: Sequence[Any], kind: type[np.generic]) -> Any:
    """Arrays one after the other; there may be none."""
    return np.concatenate(parts).astype(kind) if parts else np.empty(0, kind)


def _times(series: Series, count: int) -> IntArray:
    if series.start is None or series.step is None:
        return np.full(count, series.start or 0)
    return series.step.times(series.start, count)
