"""Two columns compared, for each group: what DTW, DTW_PATH and TLCC share (protocol section 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.results import Correlation
from foretell.series import OK, Series, failed, has_forecast
from foretell.sql.analysis import Analysis, without
from foretell.sql.answer import Answer, Context
from foretell.sql.blocks import Block
from foretell.sql.call import analysis, columns_of
from foretell.sql.checks import check_block
from foretell.sql.history import read_history
from foretell.sql.long_form import answer_table, names
from foretell.wire.table import read_points

Cells = Callable[[Correlation], Sequence[Any]]
"""The rows that the comparison of one group gives."""


def compared(block: Block, context: Context, algo: str, kind: pa.DataType, cells: Cells) -> Answer:
    """Compare the two columns of every group, in one call of the engine; rows are taken by time, if there is one."""
    call = check_block(block, context.place.duck)
    asked = analysis(block, call, context, "correlation", "an answer", algo)
    columns = columns_of(block, call, 2)
    history = read_history(block, context.place, columns, asked.options.ts, read_points, timeless=True)
    made, plan = _made(asked, history.groups.series)
    found = [list(cells(one)) if has_forecast(one.status) else [None] for one in made]
    own = {block.statement.written(call.span): pa.array([cell for group in found for cell in group], kind)}
    whose = np.repeat(np.arange(len(found)), list(map(len, found)))
    table = answer_table(history, whose, own, [one.status for one in made], made[0].model if made else "")
    return Answer(block, table, names(block, call, history), history, made, plan)


def _made(asked: Analysis, series: Sequence[Series]) -> tuple[list[Correlation], dict[str, Any]]:
    """The comparison of each group, and the plan of EXPLAIN, which makes none."""
    if asked.context.explain:
        blank = Correlation(failed("not run"))
        return [blank] * len(series), asked.plan([2 * len(one) for one in series])
    refused = asked.refusals(series)
    first = without(series, refused)
    second = without([_second(one) for one in series], refused)
    pairs = list(zip(first, second, strict=True))
    made = asked.ask(
        lambda control: asked.engine.correlate_sync(pairs, asked.entry.name, dict(asked.options.model), control)
    )
    answers = [_with_note(one) for one in made]
    for one, group in zip(answers, series, strict=True):
        if one.status == OK and one.details.get("note"):
            asked.context.warn(f"{group.id or asked.entry.name}: {one.details['note']}")
    status = asked.report([one.status for one in answers], refused, [one.id for one in series])
    return [replace(one, status=said) for one, said in zip(answers, status, strict=True)], {}


def _second(series: Series) -> Series:
    """The second column, which came as a covariate of the first."""
    if series.past_covariates is None:
        raise AssertionError("both columns were pulled")
    return Series(series.past_covariates[0], series.start, series.step, series.id)


def _with_note(one: Correlation) -> Correlation:
    """What found no lag to say anything of has failed; its note says why."""
    if one.lags is not None and not len(one.lags):
        return replace(one, status=failed(str(one.details.get("note", "there is no lag"))))
    return one
