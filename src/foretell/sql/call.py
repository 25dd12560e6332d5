"""A call of one of our functions, read: its options, its model, its columns. Errors show the place in the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from foretell.engine.engine import Engine
from foretell.errors import ForetellError, InvalidInput, NotAvailable, SqlError, TooManyRows, UnknownName
from foretell.registry import Entry, Kind
from foretell.sql.analysis import Analysis
from foretell.sql.answer import Context, Profile
from foretell.sql.blocks import Block, Call
from foretell.sql.items import column_name
from foretell.sql.options import KEYS, Options, place_in, read_options
from foretell.sql.relation import relation
from foretell.sql.statement import Span
from foretell.sql.tokens import unquote

NO_ALGO = 0x80000442
COLUMN_CODES = {"ANOMALY_WINDOW": 0x80002683}
"""TDengine's codes for a wrong column, where it has one of its own (section 1.8)."""
OPTION_CODES = {"ANOMALY_WINDOW": 0x80002684}
"""The same for a wrong option, or none where one is needed."""
DEFAULTS: Mapping[Kind, str] = {"forecast": "holtwinters", "anomaly": "iqr", "imputation": "moment"}
"""The model that a function asks where its options name none (protocol section 3)."""
BEYOND: Mapping[Kind, tuple[str, ...]] = {"forecast": ("dynamic_real_N", "dynamic_real_N_col")}
"""Keys with a number in them."""


def analysis(block: Block, call: Call, context: Context, kind: Kind, lacking: str, algo: str = "") -> Analysis:
    """What a call asks for, checked before any data is read; `algo` is its model where there is no choice."""
    options = call_options(block, call, context, kind, algo)
    entry, engine = find_model(block, call, options, context, kind)
    options = patient(options, engine is not context.engine)
    return Analysis(context, entry, engine, options, partial(option_error, block, call), lacking)


def patient(options: Options, elsewhere: bool) -> Options:
    """The options, with the timeout among those of the model where that runs elsewhere: it is for each request then."""
    if not elsewhere or options.timeout is None:
        return options
    return replace(options, timeout=None, model={**options.model, "timeout": f"{options.timeout:g}"})


def call_options(block: Block, call: Call, context: Context, kind: Kind, algo: str) -> Options:
    """The options of a call, on top of the profile's defaults."""
    profile = context.profile
    defaults = Options(algo=algo or DEFAULTS[kind], wncheck=profile.wncheck)
    if profile.freq:
        defaults = replace(defaults, freq=read_options(f"freq={profile.freq}", kind="imputation").freq)
    if call.options is None:
        return defaults
    text = unquote(block.statement.tokens[call.options], block.statement.source.text)
    try:
        options = read_options(text, defaults, _tick(block, context, text), kind)
    except InvalidInput as error:
        raise option_error(block, call, error.field, error) from None
    if profile.needs_algo and not options.has_algo and not algo:
        raise block.statement.error("the options have no algo=NAME", call.options, OPTION_CODES.get(call.name, NO_ALGO))
    return options


def _tick(block: Block, context: Context, options: str) -> int:
    """Nanoseconds that an integer in `start` and `every` counts: it depends on the time column."""
    if "FROM" in block.whole and ("start" in options or "every" in options):
        time = relation(block, context).time
        return context.profile.tick if time is None else time.tick
    return context.profile.tick


def option_error(block: Block, call: Call, key: str, error: ForetellError) -> SqlError:
    """An error whose place is an option, or the call where the option is not written."""
    code = code_of_option(error)
    code = OPTION_CODES.get(call.name, code) if code == InvalidInput.tdengine_code else code
    return block.statement.source.error(str(error), place_in(block.statement, call, key), code)


def code_of_option(error: ForetellError) -> int:
    """TDengine's code for what is wrong with an option: an unknown one is an invalid parameter, unlike a model."""
    is_unknown = isinstance(error, UnknownName) and error.what == "option"
    return InvalidInput.tdengine_code if is_unknown else error.tdengine_code


def find_model(block: Block, call: Call, options: Options, context: Context, kind: Kind) -> tuple[Entry, Engine]:
    """The model and who runs it, with the options that are left checked against those it has."""
    try:
        entry, engine = runner(context, options.algo, kind)
    except UnknownName as error:
        raise option_error(block, call, "algo", error) from None
    for key, value in options.model.items():
        try:
            check_option(entry, key, value)
        except (UnknownName, InvalidInput) as error:
            raise option_error(block, call, key, error) from None
    if kind == "forecast" and (wrong := too_many_rows("rows", options.rows, entry, context.profile)):
        raise option_error(block, call, "rows", wrong)
    return entry, engine


def too_many_rows(key: str, rows: int, entry: Entry, profile: Profile) -> InvalidInput | None:
    """What is wrong with so many rows ahead, if anything."""
    if profile.max_ahead is not None and rows > profile.max_ahead:
        return TooManyRows(key, f"must be between 1 and {profile.max_ahead}, got {rows}")
    most = entry.limits.max_horizon
    return InvalidInput(key, f"{entry.name} gives {most} at most, got {rows}") if rows > most else None


def runner(context: Context, name: str, kind: Kind) -> tuple[Entry, Engine]:
    """The model of a name and who runs it: the engine of this process, or for a name that it lacks another anode."""
    try:
        return context.engine.models.find(name, kind), context.engine
    except (UnknownName, NotAvailable) as error:
        anodes = context.anodes()
        entry = anodes.find(name, kind)
        if entry is not None:
            return entry, anodes.engine
        if isinstance(error, UnknownName) and anodes.names(kind):
            raise UnknownName(error.what, name, {*error.known, *anodes.names(kind)}) from None
        raise


def check_option(entry: Entry, key: str, value: str) -> None:
    """An option of a model; UnknownName lists those of the function, too."""
    try:
        entry.read_options({key: value})
    except UnknownName:
        known = [*KEYS[entry.kind], *entry.options, *BEYOND.get(entry.kind, ())]
        raise UnknownName("option", key, known) from None


def columns_of(block: Block, call: Call, count: int) -> tuple[Span, ...]:
    """The arguments of a call, which must be so many."""
    if len(call.arguments) != count:
        wanted = {1: "one column", 2: "two columns"}[count]
        code = COLUMN_CODES.get(call.name)
        raise block.statement.error(f"{call.name} needs {wanted}, got {len(call.arguments)}", call.span, code)
    return call.arguments


def target_and_covariates(block: Block, call: Call, most: int | None = None) -> tuple[Span, dict[str, Span]]:
    """The target, and the covariates by name. Twins of the target and of each other are dropped, as TDengine does."""
    statement = block.statement
    if not call.arguments:
        raise statement.error(f"{call.name} needs a column", call.span)
    seen = {statement.key(call.arguments[0])}
    covariates: dict[str, Span] = {}
    for span in call.arguments[1:]:
        if statement.key(span) not in seen:
            seen.add(statement.key(span))
            covariates[column_name(statement, span) or statement.written(span)] = span
    if most is not None and len(covariates) > most:
        raise statement.error(f"{call.name} takes {most} covariates at most", list(covariates.values())[most])
    return call.arguments[0], covariates
