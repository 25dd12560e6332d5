"""The history of a block: what stands behind FROM and WHERE, as one series for each group of PARTITION BY."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa

from foretell.errors import InvalidInput, RepeatedTime, listed
from foretell.sql.blocks import Block
from foretell.sql.duck import DEAR_BIND, Duck, Lookup
from foretell.sql.items import aliases, column_name, split_alias
from foretell.sql.limits import limited_groups, may_give_none
from foretell.sql.options import place_in
from foretell.sql.statement import Span
from foretell.sql.text import Text, filled, written
from foretell.sql.tokens import quote
from foretell.wire.table import Groups, read_groups

NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "HUGEINT",
    "U",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "BOOL",
    "BIGNUM",
    "NULL",
)
"""What the names of DuckDB's number types begin with."""
WHOLE = ("TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "U")
"""Those of whole numbers."""
TYPE_CODES = {"ANOMALY_WINDOW": 0x80002682}
"""TDengine's codes for a column that is no number, where it has one of its own (protocol section 1.8)."""


YEAR = "year"
"""The name of a column whose whole numbers are times, where there are no others."""


class Place(NamedTuple):
    """Where a block is run: the database, and where to look for tables that it does not know."""

    duck: Duck
    lookup: Lookup


class Column(NamedTuple):
    """A column to pull: the name that errors call it, its SQL, and where it stands (None: nowhere)."""

    name: str
    sql: Text
    span: Span | None


class Key(NamedTuple):
    """One expression of PARTITION BY, and the column that the result has for it."""

    span: Span
    name: str


class History(NamedTuple):
    """The series of a block; `time` names the time column, "" where there is none; `moment` is its SQL."""

    groups: Groups
    keys: tuple[Key, ...]
    time: str
    moment: Text = Text()


def read_history(
    block: Block,
    place: Place,
    arguments: Sequence[Span],
    ts: str | None,
    read: Callable[..., Groups] = read_groups,
    timeless: bool = False,
    limited: bool = True,
) -> History:
    """Pull the columns that are needed, once, and cut them into series. The first argument is the target.

    `read` makes the series of the table (`read_groups` or `read_points`); `timeless`: without a time column the rows
    are taken in the order in which they come; `limited`: only the groups that SLIMIT and SOFFSET ask for.
    """
    statement = block.statement
    if "FROM" not in block.whole:
        raise statement.error(f"{block.calls[0].name} needs a FROM", block.calls[0].span)
    found, seconds = place.duck.columns(_everything(block), statement.source, place.lookup)
    keys = partition_keys(block)
    time = _time_column(block, found, ts, timeless)
    ids = [_column(block, f"PARTITION BY {key.name}", key.span) for key in keys]
    values = [_column(block, statement.written(span), span) for span in arguments]
    different = {column.name: column for column in values}.values()
    columns = [*([time] if time else []), *ids, *different]
    first = 1 if time else 0
    _refuse_twins(block, columns)
    _refuse_words(block, arguments, dict(found))
    wanted = limited_groups(block, [column.sql for column in ids]) if limited else Text()
    table = place.duck.pull(
        _pull(block, columns, wanted),
        statement.source,
        place.lookup,
        range(first, first + len(ids)),
        dear=seconds > DEAR_BIND,
    )
    if not len(table) and not (limited and may_give_none(block)):
        purpose = "to forecast from" if block.calls[0].name == "FORECAST" else f"for {block.calls[0].name}"
        raise statement.error(
            f"there are no rows {purpose}", block.whole["WHERE" if "WHERE" in block.whole else "FROM"]
        )
    groups = _groups(block, table.rename_columns([column.name for column in columns]), time, ids, values, read)
    return History(groups, keys, time.name, time.sql) if time else History(groups, keys, "")


def _groups(
    block: Block,
    table: pa.Table,
    time: Column | None,
    ids: Sequence[Column],
    values: Sequence[Column],
    read: Callable[..., Groups],
) -> Groups:
    """The rows cut into series; what is wrong with them shows its place."""
    statement = block.statement
    target, *past = [column.name for column in values]
    try:
        groups = read(table, target, time.name if time else None, [column.name for column in ids], past)
    except pa.ArrowException as error:
        raise statement.error(str(error), block.whole["FROM"]) from None
    except InvalidInput as error:
        spans = {column.name: column.span for column in (*ids, *values)}
        advice = " with PARTITION BY" if isinstance(error, RepeatedTime) else ""
        raise statement.error(str(error) + advice, spans.get(error.field) or block.whole["FROM"]) from None
    return replace(groups, keys=decoded(groups.keys))


def partition_keys(block: Block) -> tuple[Key, ...]:
    """The expressions of PARTITION BY; the alias of an item of the list stands for it, and so does its position."""
    named = aliases(block)
    keys = []
    for place in block.listed("PARTITION"):
        span = _item_at(block, place)
        name = column_name(block.statement, span)
        keys.append(Key(named.get((name or "").lower(), span), name or block.statement.written(span)))
    return tuple(keys)


def _item_at(block: Block, span: Span) -> Span:
    """The item of the list whose position a number is; any other expression as it is."""
    text = block.statement.written(span)
    if not text.isdecimal():
        return span
    if not 1 <= int(text) <= len(block.items):
        raise block.statement.error(f"there is no position {text} in the list", span)
    return split_alias(block.statement, block.items[int(text) - 1])[0]


def _time_column(block: Block, found: Sequence[tuple[str, str]], ts: str | None, timeless: bool) -> Column | None:
    """The column that `ts` names, else the first that has times; None where there need be none and is none."""
    origin = block.statement.place(block.whole["FROM"])[0]
    if ts is not None:
        parts = [part.strip().strip('"') for part in ts.split(".")]
        place = place_in(block.statement, block.calls[0], "ts")
        return Column(parts[-1], written(".".join(quote(part) for part in parts), place), None)
    for name, kind in found:
        if kind.startswith(("TIMESTAMP", "DATE")):
            if [other for other, _ in found].count(name) > 1:
                raise block.statement.error(
                    f"there are several columns {name}; say which, as ts=TABLE.{name} in the options",
                    block.whole["FROM"],
                )
            return Column(name, written(quote(name), origin), None)
    if timeless:
        return None
    for name, kind in found:
        if name.lower() == YEAR and kind.startswith(WHOLE):
            return Column(name, written(quote(name), origin), None)
    known = listed(f"{name} {kind}" for name, kind in found)
    advice = "cast one in a subquery, or name a column of years, ts=NAME"
    raise block.statement.error(f"no column here is a TIMESTAMP or a DATE, only {known}; {advice}", block.whole["FROM"])


def _column(block: Block, name: str, span: Span) -> Column:
    return Column(name, block.statement.cut(span), span)


def _refuse_twins(block: Block, columns: Sequence[Column]) -> None:
    seen: set[str] = set()
    times = {column.name for column in columns if column.span is None}
    for column in columns:
        if column.name in seen:
            said = "is the time column: name one of values" if column.name in times else "stands twice"
            raise block.statement.error(f"{column.name} {said}", column.span or block.span)
        seen.add(column.name)


def _refuse_words(block: Block, arguments: Sequence[Span], types: Mapping[str, str]) -> None:
    """Plain columns that are no numbers, before they are pulled; those of other expressions show later."""
    for span in arguments:
        kind = types.get(column_name(block.statement, span) or "", "DOUBLE")
        if not kind.startswith(NUMBERS):
            written = block.statement.written(span)
            code = TYPE_CODES.get(block.calls[0].name)
            raise block.statement.error(f"{written}: must be a column of numbers, got {kind}", span, code)


def decoded(keys: pa.Table) -> pa.Table:
    """Words as words again, where they were dictionary codes."""
    columns = {
        name: column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for name, column in zip(keys.column_names, keys.itercolumns(), strict=True)
    }
    return pa.table(columns) if columns else keys


def _everything(block: Block) -> Text:
    return block.within(written("SELECT *", block.statement.place(block.span)[0]) + _clause(block, "FROM"))


def _pull(block: Block, columns: Sequence[Column], wanted: Text) -> Text:
    origin = block.statement.place(block.span)[0]
    query = written("SELECT ", origin)
    for i, column in enumerate(columns):
        place = origin if column.span is None else block.statement.place(column.span)[0]
        comma = written(", ", place) if i else Text()
        query += comma + column.sql + written(f" AS foretell_{i}", place)
    query += _clause(block, "FROM") + _clause(block, "WHERE")
    return block.within(query + filled(" QUALIFY {}", origin, wanted) if wanted.pieces else query)


def _clause(block: Block, word: str) -> Text:
    """A whole clause as it stands; nothing where it is absent."""
    if word not in block.whole:
        return Text()
    span = block.whole[word]
    return written(" ", block.statement.place(span)[0]) + block.statement.cut(span)
