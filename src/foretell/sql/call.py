"""A call of one of our functions, read: its options, its model, its columns. Errors show the place in the call."""

from __future__ import annotations

from foretell.errors import ForetellError, InvalidInput, SqlError, UnknownName
from foretell.registry import Entry, Registry
from foretell.sql.blocks import Block, Call
from foretell.sql.items import column_name
from foretell.sql.options import READERS, Options, place_of, read_options
from foretell.sql.statement import Span
from foretell.sql.tokens import unquote


def call_options(block: Block, call: Call, defaults: Options) -> Options:
    """The options of a call, on top of the defaults."""
    if call.options is None:
        return defaults
    statement = block.statement
    text = unquote(statement.tokens[call.options], statement.source.text)
    try:
        return read_options(text, defaults)
    except InvalidInput as error:
        raise option_error(block, call, error.field, error) from None


def option_error(block: Block, call: Call, key: str, error: ForetellError) -> SqlError:
    """An error whose place is an option, or the call where the option is not written."""
    statement = block.statement
    if call.options is None:
        return statement.error(str(error), call.span, error.tdengine_code)
    token = statement.tokens[call.options]
    text = unquote(token, statement.source.text)
    shift = statement.source.text.index(text[:1], token.start) if text else token.start
    return statement.source.error(str(error), shift + place_of(key, text), error.tdengine_code)


def find_model(block: Block, call: Call, options: Options, models: Registry) -> Entry:
    """The model, with the options that are left checked against those it has; before any data is read."""
    try:
        entry = models.find(options.algo)
    except UnknownName as error:
        raise option_error(block, call, "algo", error) from None
    for key, value in options.model.items():
        if key not in entry.options:
            unknown = UnknownName("option", key, [*READERS, *entry.options, "dynamic_real_N", "dynamic_real_N_col"])
            raise option_error(block, call, key, unknown)
        try:
            entry.options[key].read(key, value)
        except InvalidInput as error:
            raise option_error(block, call, key, error) from None
    if options.rows > entry.limits.max_horizon:
        raise option_error(
            block, call, "rows", InvalidInput("rows", f"{entry.name} gives {entry.limits.max_horizon} at most")
        )
    return entry


def target_and_covariates(block: Block, call: Call) -> tuple[Span, dict[str, Span]]:
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
    return call.arguments[0], covariates
