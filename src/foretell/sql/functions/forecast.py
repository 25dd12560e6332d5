"""FORECAST(column [, covariate ...] [, 'options']): the next rows of each series (protocol section 3.1).

options and columns of the call -> history as series -> one call of the engine -> long form
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foretell.errors import ForetellError, InvalidInput
from foretell.series import OK, TOO_LATE, Forecast, Series, evenly
from foretell.sql.analysis import Analysis, Refused, without
from foretell.sql.answer import Answer, Context
from foretell.sql.blocks import Block, Call
from foretell.sql.call import analysis, target_and_covariates
from foretell.sql.checks import check_block
from foretell.sql.covariates import with_futures
from foretell.sql.history import read_history
from foretell.sql.long_form import ahead, long_form, moved, names
from foretell.sql.options import Options
from foretell.steps import Step


def answer(block: Block, context: Context) -> Answer:
    """Forecast every group of a block, in one call of the engine."""
    call = check_block(block, context.place.duck)
    asked = analysis(block, call, context, "forecast", "a forecast")
    options = asked.options
    target, covariates = target_and_covariates(block, call, context.profile.max_covariates)
    if covariates and not asked.entry.limits.covariates:
        _refuse_stray_options(block, call)
        error = context.engine.models.no_covariates(asked.entry)
        raise block.statement.error(str(error), call.arguments[1], InvalidInput.tdengine_code)
    history = read_history(block, context.place, [target, *covariates.values()], options.ts)
    series = with_futures(block, call, history.groups.series, list(covariates), options)
    forecast = forecast_all(asked, series, bounds=block.mentions("_FLOW", "_FHIGH"))
    moved_on = ahead(history.groups, options)
    table = long_form(block, call, history, moved_on, forecast, options.levels)
    plan = asked.plan(list(map(len, series)), options.rows) if context.explain else {}
    return Answer(block, table, names(block, call, history, "_frowts"), history, forecast, plan, moved_on.series)


def _refuse_stray_options(block: Block, call: Call) -> None:
    """Options that stand among the columns were meant to be in the one text at the end."""
    statement = block.statement
    spans = [*call.arguments[1:], *([] if call.options is None else [(call.options, call.options + 1)])]
    stray = [(span, text) for span in spans if "=" in (text := statement.written(span))]
    if stray and stray[0][0] in call.arguments:
        whole = ",".join(text.strip("'").replace("horizon=", "rows=") for _, text in stray)
        message = f"{stray[0][1]} is no column: options stand together in one text at the end, '{whole}'"
        raise statement.error(message, stray[0][0], InvalidInput.tdengine_code)


def forecast_all(asked: Analysis, series: Sequence[Series], bounds: bool) -> Forecast:
    """The forecasts of all series; rows without numbers where nothing shall be run."""
    options, engine = asked.options, asked.engine
    if options.every is not None:
        series = [_spaced(one, options.every) for one in series]
    refused = {**_too_late(series, options), **asked.refusals(series)}
    if asked.context.explain:
        return Forecast(np.full((len(series), options.rows), np.nan), None, (), (OK,) * len(series))
    levels = options.levels if bounds else ()
    made = asked.ask(
        lambda control: engine.forecast_sync(
            without(series, refused), options.rows, asked.entry.name, levels, dict(options.model), control
        )
    )
    return replace(made, status=asked.report(made.status, refused, [one.id for one in series]))


def _spaced(series: Series, every: Step) -> Series:
    """A series for even times ahead: what a calendar leaves out is among them."""
    return replace(series, step=every) if series.step is None else evenly(series)


def _too_late(series: Sequence[Series], options: Options) -> Refused:
    """Series whose next times no timestamp can hold."""
    reason: ForetellError = InvalidInput("", TOO_LATE)
    return {i: reason for i, one in enumerate(series) if not moved(one, options).reaches(options.rows)}
