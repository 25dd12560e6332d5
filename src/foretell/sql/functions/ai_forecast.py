"""AI.FORECAST(TABLE readings, data_col => 'v', timestamp_col => 'ts', ...): FORECAST in a spelling that analysts know.

A table with the columns of `id_cols`, and a row for each step ahead of each series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from foretell.engine.engine import Engine
from foretell.errors import InvalidInput, NoSuchColumn, RepeatedTime, UnknownName
from foretell.registry import Entry
from foretell.series import Forecast
from foretell.settings import settings
from foretell.sql.analysis import Analysis
from foretell.sql.answer import Answer, Context
from foretell.sql.call import check_option, code_of_option, patient, runner, too_many_rows
from foretell.sql.duck import DEAR_BIND
from foretell.sql.functions.forecast import forecast_all
from foretell.sql.history import NUMBERS, History, decoded
from foretell.sql.long_form import ahead, bound
from foretell.sql.options import READERS, Options, read_options
from foretell.sql.rewrite import Names
from foretell.sql.table_call import TableCall
from foretell.sql.text import written
from foretell.sql.tokens import quote
from foretell.wire.options import read_pairs
from foretell.wire.table import Groups, forecast_rows, read_groups

ARGUMENTS = ("data_col", "timestamp_col", "id_cols", "horizon", "confidence_level", "model", "options")
NAMES = {"algo": "model", "rows": "horizon", "conf": "confidence_level"}
"""What some of FORECAST's options are called here; its others stand in `options`."""


def answer(call: TableCall, context: Context) -> Answer:
    """Forecast every series of the table, in one call of the engine."""
    options = _options(call, context)
    entry, engine = _model(call, options, context)
    options = patient(options, engine is not context.engine)
    groups = _groups(call, context)
    asked = Analysis(
        context, entry, engine, options, lambda key, e: call.blame(NAMES.get(key, "options"), e), "a forecast"
    )
    forecast = forecast_all(asked, groups.series, bounds=True)
    plan = asked.plan(list(map(len, groups.series)), options.rows) if context.explain else {}
    history = History(groups, (), groups.time_name)
    moved_on = ahead(groups, options)
    table = _table(moved_on, forecast, options)
    return Answer(call.block, table, Names({}, {}), history, forecast, plan, moved_on.series)


def _model(call: TableCall, options: Options, context: Context) -> tuple[Entry, Engine]:
    """The model and who runs it, with its options checked; before any data is read."""
    try:
        entry, engine = runner(context, options.algo, "forecast")
    except UnknownName as error:
        raise call.blame("model", error) from None
    for key, value in options.model.items():
        try:
            check_option(entry, key, value)
        except (UnknownName, InvalidInput) as error:
            raise call.error(str(error), "options", code_of_option(error)) from None
    if wrong := too_many_rows("horizon", options.rows, entry, context.profile):
        raise call.blame("horizon", wrong)
    return entry, engine


def _options(call: TableCall, context: Context) -> Options:
    """The arguments as FORECAST's options."""
    tick = context.profile.tick
    defaults = Options(algo=settings().default_model, wncheck=context.profile.wncheck)
    try:
        options = read_options(_text(call, "options", ""), defaults, tick)
    except InvalidInput as error:
        raise call.blame("options", error) from None
    _refuse_twice(call, _text(call, "options", ""))
    for key, name in NAMES.items():
        if name in call.values:
            try:
                options = replace(options, **{key: READERS[key](name, str(call.values[name]), tick)})
            except InvalidInput as error:
                raise call.blame(name, error) from None
    return options


def _refuse_twice(call: TableCall, text: str) -> None:
    """An option that an argument of its own gives as well."""
    given = [key.lower() for key in read_pairs(text)[0]]
    for key, name in NAMES.items():
        if name in call.values and key in given:
            raise call.error(f"{key}: {name} => says it already", "options")


def _groups(call: TableCall, context: Context) -> Groups:
    """Pull the columns that are named, once, and cut them into series."""
    duck, source, lookup = context.place.duck, call.statement.source, context.place.lookup
    found, seconds = duck.columns(call.block.within(written("SELECT * ", call.origin) + call.rows()), source, lookup)
    roles = _roles(call, found)
    names = list(roles)
    query = written(f"SELECT {', '.join(map(quote, names))} ", call.origin) + call.rows()
    ids = range(1, len(names) - 1)
    table = duck.pull(call.block.within(query), source, lookup, ids, dear=seconds > DEAR_BIND)
    if not len(table):
        raise call.error(f"there are no rows for {call.name}")
    try:
        groups = read_groups(table.rename_columns(names), names[-1], names[0], names[1:-1])
    except InvalidInput as error:
        advice = " with id_cols" if isinstance(error, RepeatedTime) else ""
        raise call.error(str(error) + advice, roles.get(error.field, ""), error.tdengine_code) from None
    return replace(groups, keys=decoded(groups.keys))


def _roles(call: TableCall, found: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The columns that are needed, each with the argument that names it: the time first, the values last."""
    data, time, ids = _text(call, "data_col"), _text(call, "timestamp_col"), _ids(call)
    known = {name.lower(): name for name, _ in found}
    wanted = [(time, "timestamp_col"), *((name, "id_cols") for name in ids), (data, "data_col")]
    for name, argument in wanted:
        if name.lower() not in known:
            message = str(UnknownName("column", name, known.values()))
            raise call.error(message, argument, NoSuchColumn.tdengine_code)
    roles = {known[name.lower()]: argument for name, argument in wanted}
    if len(roles) < len(wanted):
        raise call.error("a column has two roles in data_col, timestamp_col and id_cols", "data_col")
    if not (kind := dict(found)[known[data.lower()]]).startswith(NUMBERS):
        raise call.error(f"data_col: must be a column of numbers, got {kind}", "data_col")
    return roles


def _text(call: TableCall, argument: str, default: str | None = None) -> str:
    if argument not in call.values and default is None:
        raise call.error(f"{call.name} needs {argument} => 'COLUMN'; its arguments are {', '.join(ARGUMENTS)}")
    value = call.values.get(argument, default)
    if not isinstance(value, str):
        raise call.error(f"{argument}: must be a text, got {value!r}", argument)
    return value


def _ids(call: TableCall) -> list[str]:
    value = call.values.get("id_cols", [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise call.error(f"id_cols: must be a list of columns, ['site', 'device'], got {value!r}", "id_cols")
    return names


def _table(moved_on: Groups, forecast: Forecast, options: Options) -> pa.Table:
    """H rows for each series, one for each without a forecast; `moved_on` as `ahead` gives it."""
    rows = forecast_rows(forecast)
    keys = moved_on.keys.take(pa.array(rows.series))
    low, high = (bound(rows, forecast, level) for level in options.levels)
    columns = dict(zip(keys.column_names, keys.itercolumns(), strict=True))
    columns |= {
        "forecast_timestamp": rows.times(moved_on),
        "forecast_value": rows.numbers(forecast.point),
        "confidence_level": pa.array(np.full(len(rows.series), options.conf)),
        "prediction_interval_lower_bound": low,
        "prediction_interval_upper_bound": high,
        "ai_forecast_status": pa.array(np.array(forecast.status, dtype=object)[rows.series], pa.string()),
    }
    return pa.table(columns)
