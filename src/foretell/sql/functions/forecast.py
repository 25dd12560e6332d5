"""FORECAST(column [, covariate ...] [, 'options']): the next rows of each series (protocol section 3.1).

The result of a block has the columns of PARTITION BY, `_frowts` (the time of a row), the forecast, its bounds
`_flow` and `_fhigh`, `_fstatus` (what may be said of the series) and `_fmodel` (who answered).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.engine.batcher import batch_key, cut
from foretell.engine.whitenoise import is_white_noise
from foretell.errors import ForetellError, InvalidInput, SqlError, UnknownName, WhiteNoise
from foretell.registry import Entry
from foretell.series import OK, FloatArray, Forecast, Series, failed, has_forecast
from foretell.sql.checks import check_block
from foretell.sql.functions.answer import Answer, Context, Profile
from foretell.sql.history import History, read_history
from foretell.sql.items import column_name
from foretell.sql.options import READERS, Options, place_of, read_options
from foretell.sql.rewrite import Names
from foretell.sql.statement import Block, Call, Span
from foretell.sql.tokens import unquote
from foretell.wire.table import Groups, Rows, forecast_rows

WARNINGS_SHOWN = 5


def answer(block: Block, context: Context) -> Answer:
    """Forecast every group of a block, in one call of the engine."""
    call = check_block(block, context.place.duck)
    options = _options(block, call, context)
    entry = _model(block, call, context, options)
    target, covariates = _arguments(block, call)
    history = read_history(block, context.place, [target, *covariates.values()], options.ts)
    series = _with_futures(block, call, history.groups.series, list(covariates), options)
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
    table = _table(block, history, forecast, options)
    return Answer(table, _names(block, call, history), history, forecast, plan)


def _options(block: Block, call: Call, context: Context) -> Options:
    defaults = Options(wncheck=context.profile.wncheck)
    if call.options is None:
        return defaults
    statement = block.statement
    text = unquote(statement.tokens[call.options], statement.source.text)
    try:
        return read_options(text, defaults)
    except InvalidInput as error:
        raise _option_error(block, call, error.field, error) from None


def _option_error(block: Block, call: Call, key: str, error: ForetellError) -> SqlError:
    """An error whose place is an option, or the call where the option is not written."""
    statement = block.statement
    if call.options is None:
        return statement.error(str(error), call.span)
    token = statement.tokens[call.options]
    text = unquote(token, statement.source.text)
    shift = statement.source.text.index(text[:1], token.start) if text else token.start
    return statement.source.error(str(error), shift + place_of(key, text))


def _model(block: Block, call: Call, context: Context, options: Options) -> Entry:
    """The model, with the options that are left checked against those it has; before any data is read."""
    try:
        entry = context.engine.models.find(options.algo)
    except UnknownName as error:
        raise _option_error(block, call, "algo", error) from None
    for key, value in options.model.items():
        if key not in entry.options:
            unknown = UnknownName("option", key, [*READERS, *entry.options, "dynamic_real_N", "dynamic_real_N_col"])
            raise _option_error(block, call, key, unknown)
        try:
            entry.options[key].read(key, value)
        except InvalidInput as error:
            raise _option_error(block, call, key, error) from None
    if options.rows > entry.limits.max_horizon:
        raise _option_error(
            block, call, "rows", InvalidInput("rows", f"{entry.name} gives {entry.limits.max_horizon} at most")
        )
    return entry


def _arguments(block: Block, call: Call) -> tuple[Span, dict[str, Span]]:
    """The target, and the covariates by name. Twins of the target and of each other are dropped, as TDengine does."""
    statement = block.statement
    if not call.arguments:
        raise statement.error("FORECAST needs a column", call.span)
    seen = {statement.key(call.arguments[0])}
    covariates: dict[str, Span] = {}
    for span in call.arguments[1:]:
        if statement.key(span) not in seen:
            seen.add(statement.key(span))
            covariates[column_name(statement, span) or statement.written(span)] = span
    return call.arguments[0], covariates


def _with_futures(
    block: Block, call: Call, series: Sequence[Series], covariates: Sequence[str], options: Options
) -> list[Series]:
    """The series, with the covariates whose future is in the options moved to `future_covariates`."""
    for number, name in enumerate(options.future, 1):
        if name not in covariates:
            error = InvalidInput(f"dynamic_real_{number}_col", f"{name!r} is not among the covariates of the call")
            raise _option_error(block, call, error.field, error)
    if not options.future:
        return list(series)
    past = [i for i, name in enumerate(covariates) if name not in options.future]
    ahead = np.array(list(options.future.values()))
    known = [covariates.index(name) for name in options.future]

    def moved(one: Series) -> Series:
        behind = one.past_covariates
        if behind is None:
            raise AssertionError("covariates were pulled for every series")
        future = np.concatenate([behind[known], ahead], axis=1)
        return replace(one, past_covariates=behind[past] if past else None, future_covariates=future)

    return [moved(one) for one in series]


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
        raise _option_error(block, call, error.field, error) from None


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


def _table(block: Block, history: History, forecast: Forecast, options: Options) -> pa.Table:
    """The result in long form: H rows for each series, one for each without a forecast."""
    rows = forecast_rows(forecast)
    keys = history.groups.keys.take(pa.array(rows.series))
    columns: dict[str, Any] = {key.name: column for key, column in zip(history.keys, keys.itercolumns(), strict=True)}
    columns["_frowts"] = rows.times(_ahead(history.groups, options))
    columns[block.statement.written(block.calls[0].span)] = rows.numbers(forecast.point)
    if block.mentions("_FLOW", "_FHIGH"):
        for name, level in zip(("_flow", "_fhigh"), options.levels, strict=True):
            columns[name] = _bound(rows, forecast, level)
    columns["_fstatus"] = pa.array(np.array(forecast.status, dtype=object)[rows.series], pa.string())
    columns["_fmodel"] = pa.array([forecast.model] * len(rows.series), pa.string())
    return pa.table(columns)


def _bound(rows: Rows, forecast: Forecast, level: float) -> pa.Array:
    if forecast.quantiles is None:
        return pa.nulls(len(rows.series), pa.float64())
    return rows.numbers(forecast.quantile(level))


def _ahead(groups: Groups, options: Options) -> Groups:
    """The groups with series whose future times are those of the result; a date continues as a timestamp."""
    kind = groups.time_type
    if kind is not None and pa.types.is_date(kind):
        kind = pa.timestamp("us")
    if options.start is None and options.every is None:
        return replace(groups, time_type=kind)
    return replace(groups, series=[_moved(one, options) for one in groups.series], time_type=kind)


def _moved(series: Series, options: Options) -> Series:
    step = options.every or series.step
    if options.start is not None:
        return Series(np.empty(0), options.start, step)
    last = series.start
    if last is not None and series.step is not None:
        last = int(series.step.times(last, 1, first=len(series) - 1)[0])
    return Series(np.empty(1), last, step)


def _names(block: Block, call: Call, history: History) -> Names:
    """Which of the result's columns stand for what in the block."""
    statement = block.statement
    expressions = {statement.key(call.span): statement.written(call.span)}
    columns = {}
    for key in history.keys:
        plain = column_name(statement, key.span)
        if plain is None:
            expressions[statement.key(key.span)] = key.name
        columns[(plain or key.name).lower()] = key.name
    return Names(expressions, columns)


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
