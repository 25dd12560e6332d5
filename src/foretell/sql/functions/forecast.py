"""FORECAST(column [, covariate ...] [, 'options']): the next rows of each series (protocol section 3.1).

options and columns of the call -> history as series -> one call of the engine -> long form
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from foretell.engine.batcher import batch_key, cut
from foretell.engine.whitenoise import is_white_noise
from foretell.errors import InvalidInput, WhiteNoise
from foretell.registry import Entry
from foretell.series import OK, FloatArray, Forecast, Series, failed, has_forecast
from foretell.sql.answer import Answer, Context, Profile
from foretell.sql.blocks import Block, Call
from foretell.sql.call import call_options, find_model, option_error, target_and_covariates
from foretell.sql.checks import check_block
from foretell.sql.covariates import with_futures
from foretell.sql.history import History, read_history
from foretell.sql.long_form import long_form, names
from foretell.sql.options import Options

WARNINGS_SHOWN = 5


def answer(block: Block, context: Context) -> Answer:
    """Forecast every group of a block, in one call of the engine."""
    call = check_block(block, context.place.duck)
    options = call_options(block, call, Options(wncheck=context.profile.wncheck))
    entry = find_model(block, call, options, context.engine.models)
    target, covariates = target_and_covariates(block, call)
    history = read_history(block, context.place, [target, *covariates.values()], options.ts)
    series = with_futures(block, call, history.groups.series, list(covariates), options)
    refused = _refusals(series, options, context.profile)
    chosen = [i for i in range(len(series)) if i not in refused]
    plan = {}
    if context.explain:
        plan = _plan(entry, options, series, context)
        forecast = _nothing(len(series), options, refused)
    else:
        made = _run(block, call, context, entry, options, [series[i] for i in chosen])
        forecast = _put_together(made, chosen, len(series), refused)
        _report(block, call, history, forecast, context)
    table = long_form(block, call, history, forecast, options)
    return Answer(block, table, names(block, call, history), history, forecast, plan)


def _refusals(series: Sequence[Series], options: Options, profile: Profile) -> dict[int, str]:
    """The series that no model shall see, with the reason."""
    refused = {}
    for i, one in enumerate(series):
        reason = _refusal(one, options, profile)
        if reason is not None:
            refused[i] = reason
    return refused


def _refusal(series: Series, options: Options, profile: Profile) -> str | None:
    count = len(series)
    most = profile.max_rows
    if count < profile.min_rows or (most is not None and count > most):
        return f"number of rows should between {profile.min_rows} and {most}, actual {count} rows"
    if series.step is None and options.every is None:
        return "one row has no spacing; give every=..."
    if options.wncheck and is_white_noise(series.values):
        return str(WhiteNoise())
    return None


def _run(block: Block, call: Call, context: Context, entry: Entry, options: Options, series: list[Series]) -> Forecast:
    bounds = block.mentions("_FLOW", "_FHIGH")
    left = None if context.deadline is None else max(0.0, context.deadline - time.monotonic())
    limits = [seconds for seconds in (left, options.timeout) if seconds is not None]
    control = replace(context.control, timeout=min(limits, default=None))
    try:
        return context.engine.forecast_sync(
            series, options.rows, entry.name, options.levels if bounds else (), dict(options.model), control
        )
    except InvalidInput as error:
        if error.field == "covariates" and len(call.arguments) > 1:
            raise block.statement.error(str(error), call.arguments[1]) from None
        raise option_error(block, call, error.field, error) from None


def _put_together(made: Forecast, chosen: Sequence[int], count: int, refused: Mapping[int, str]) -> Forecast:
    """A forecast of all `count` series from that of the chosen ones."""
    if not refused:
        return made
    status = [""] * count
    for row, i in enumerate(chosen):
        status[i] = made.status[row]
    for i, reason in refused.items():
        status[i] = failed(reason)
    quantiles = None if made.quantiles is None else _spread(made.quantiles, chosen, count)
    return Forecast(_spread(made.point, chosen, count), quantiles, made.levels, tuple(status), made.model)


def _spread(values: FloatArray, chosen: Sequence[int], count: int) -> FloatArray:
    full = np.full((count, *values.shape[1:]), np.nan)
    full[list(chosen)] = values
    return full


def _nothing(count: int, options: Options, refused: Mapping[int, str]) -> Forecast:
    """What EXPLAIN has in place of a forecast: rows without numbers."""
    status = tuple(failed(refused[i]) if i in refused else OK for i in range(count))
    return Forecast(np.full((count, options.rows), np.nan), None, (), status)


def _report(block: Block, call: Call, history: History, forecast: Forecast, context: Context) -> None:
    """Warn of the series without a forecast; if there is no other, the statement fails."""
    bad = [i for i, status in enumerate(forecast.status) if not has_forecast(status)]
    reasons = {forecast.status[i].removeprefix("failed: ") for i in bad}
    if len(bad) == len(forecast):
        if reasons == {str(WhiteNoise())}:
            raise WhiteNoise
        whose = "the series" if len(bad) == 1 else f"each of the {len(bad)} series"
        raise block.statement.error(f"{whose} is without a forecast: {'; '.join(sorted(reasons))}", call.span)
    for i in bad[:WARNINGS_SHOWN]:
        context.warn(f"no forecast for {history.groups.series[i].id}: {forecast.status[i]}")
    if len(bad) > WARNINGS_SHOWN:
        context.warn(f"no forecast for {len(bad) - WARNINGS_SHOWN} other series; see _fstatus")


def _plan(entry: Entry, options: Options, series: Sequence[Series], context: Context) -> dict[str, Any]:
    """What EXPLAIN shows of a call."""
    lengths = [min(len(one), entry.limits.max_context) for one in series]
    keys = [batch_key(entry, dict(options.model), length, options.rows) for length in lengths]
    batches = cut(keys, lengths, options.rows, entry.limits.cost, context.engine.chunk_budget)
    return {
        "model": entry.name,
        "series": len(series),
        "points": sum(lengths),
        "rows": options.rows,
        "batches": len(batches),
    }
