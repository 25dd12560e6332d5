"""INSERT INTO with values: the text of a statement becomes Arrow columns.

This is where a database spends its time, so plain rows (numbers, NULL, texts without quotes inside) are turned into
JSON by a few replacements and read by a JSON decoder; whatever that cannot read goes token by token, with the place of
each error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretell.errors import NoSuchColumn, NoSuchTable, SqlError, TableExists, ValueTooLong
from foretell.sql.database.arrow import NAMES, refuse_outside, rows_of, writable
from foretell.sql.database.catalog import SubTable, SuperTable, Table
from foretell.sql.database.reader import Path, Reader
from foretell.sql.database.rows import Rows, Run, names_of, run_of, runs_of
from foretell.sql.database.times import read_time
from foretell.sql.database.types import Column
from foretell.sql.database.values import Dialect, read_value, too_long
from foretell.sql.database.writer import now
from foretell.sql.statement import Span, Statement, statements
from foretell.wire.taos_types import TBNAME

Find = Callable[[str, str], Table | SubTable | None]
"""A table by its database ("" for the current one) and its name."""

_START = re.compile(r"\s*INSERT\s+INTO\s+", re.IGNORECASE)
_VALUES = re.compile(r"\bVALUES\s*(?=\()", re.IGNORECASE)
_ROWS = re.compile(r"(?:[\s,]*+\((?:[^()'\"`\\;]++|'[^'\"\\\x00-\x1f]*+'|\"[^'\"\\\x00-\x1f]*+\")*+\))++")
_BETWEEN = re.compile(r"\)[\s,]*\(")
_END = re.compile(r"[\s;]*\Z")
_JSON_WORDS = (("NULL", "null"), ("TRUE", "true"), ("FALSE", "false"))
_WHOLE = frozenset({int, type(None)})
_MANY_RUNS = 8
"""From so many pieces on, all of them are looked at together."""
_decode = msgspec.json.Decoder(list[list[Any]]).decode


class Selection(NamedTuple):
    """INSERT INTO ... SELECT: where to, which columns, and the tokens of the SELECT; or the path of a CSV file."""

    statement: Statement
    table: Table | SubTable
    columns: tuple[Column, ...]
    query: Span
    made: tuple[SubTable, ...]
    file: str = ""


@dataclass(slots=True)
class Target:
    """Where the rows behind a VALUES go: the physical table, the sub-table ("" in a normal table; None: each row says
    its own), and the columns of each row."""

    table: Table
    name: str | None
    columns: tuple[Column, ...]
    made: SubTable | None = None


@dataclass(slots=True)
class _Gathered:
    """Rows of one statement for one table and the same columns: pieces of Python values, one list for each column."""

    target: Target
    columns: list[list[Any]]
    pieces: list[tuple[str | None, int]] = field(default_factory=list)
    made: list[SubTable] = field(default_factory=list)


def read_insert(text: str, find: Find, zone: tzinfo) -> list[Rows] | Selection:
    """What an INSERT statement writes; `zone` is that of texts that name none."""
    try:
        return _fast(text, find, zone)
    except (SqlError, ValueError, TypeError, OverflowError, pa.ArrowException):
        return _slow(text, find, zone)


def _fast(text: str, find: Find, zone: tzinfo) -> list[Rows]:
    start = _START.match(text)
    if start is None:
        raise ValueError
    position = start.end()
    gathered: dict[Any, _Gathered] = {}
    while not _END.match(text, position):
        values = _VALUES.search(text, position)
        rows = values and _ROWS.match(text, values.end())
        if values is None or rows is None:
            raise ValueError
        head = text[position : values.start()]
        [statement] = statements(head)
        reader = Reader(statement)
        target = _target(reader, find, zone)
        reader.end()
        _gather(gathered, target, list(zip(*_json_rows(rows.group()), strict=True)))
        position = rows.end()
    return [_rows(one, zone) for one in gathered.values()]


def _json_rows(text: str) -> list[list[Any]]:
    """Rows of plain values, through JSON; ValueError where they are not plain."""
    mark = '"' if "'" not in text else "'"
    if mark == "'" and '"' in text:
        raise ValueError
    parts = text.split(mark)
    outside = "\x00".join(parts[::2])
    outside = _BETWEEN.sub("],[", outside).replace("(", "[").replace(")", "]")
    for word, json in _JSON_WORDS:
        if word in outside:
            outside = outside.replace(word, json)
    parts[::2] = outside.split("\x00")
    body = '"'.join(parts).lstrip(" ,\t\n")
    return _decode(f"[{body}]")


def _slow(text: str, find: Find, zone: tzinfo) -> list[Rows] | Selection:
    found = list(statements(text))
    if len(found) != 1:
        raise SqlError("one statement at a time", text, found[1].start if found else None)
    reader = Reader(found[0])
    reader.expect("INSERT", "INTO")
    gathered: dict[Any, _Gathered] = {}
    while not reader.is_done:
        target = _target(reader, find, zone)
        if reader.sees("SELECT") or reader.sees("WITH") or reader.sees("FROM") or reader.sees_sign("("):
            return _selection(reader, target)
        if reader.take("FILE"):
            selection = _selection(reader, target)._replace(file=reader.text())
            reader.end()
            return selection
        reader.expect("VALUES")
        _gather(gathered, target, _read_rows(reader, target, zone))
    return [_rows(one, zone) for one in gathered.values()]


def _read_rows(reader: Reader, target: Target, zone: tzinfo) -> list[list[Any]]:
    """The values of each column, token by token."""
    dialect = Dialect(target.table.namespace.precision, zone)
    columns: list[list[Any]] = [[] for _ in target.columns]
    while True:
        first = reader.i
        spans = reader.bracket()
        if len(spans) != len(columns):
            reader.fail(f"{len(columns)} values are expected, not {len(spans)}", first)
        for values, column, span in zip(columns, target.columns, spans, strict=True):
            values.append(read_value(reader.statement, span, column, dialect))
            if values[-1] is None and column.name in (TBNAME, target.table.time):
                reader.fail(f"{column.name} cannot be NULL", span[0])
        reader.take_sign(",")
        if not reader.sees_sign("("):
            return columns


def _selection(reader: Reader, target: Target) -> Selection:
    table: Table | SubTable = target.table
    if isinstance(table, SuperTable) and target.name is not None:
        table = target.made or table.children[target.name]
    made = () if target.made is None else (target.made,)
    return Selection(reader.statement, table, target.columns, (reader.i, len(reader.statement.tokens)), made)


def _target(reader: Reader, find: Find, zone: tzinfo) -> Target:
    """`t`, `t (columns)`, `t USING st [(tags)] TAGS (values) [(columns)]`."""
    path = reader.path()
    listed = _listed(reader)
    found = find(path.database, path.name)
    made = None
    if reader.take("USING"):
        made = read_using(reader, path, find, zone)
        if found is None:
            found = made
        elif not isinstance(found, SubTable) or found.parent is not made.parent:
            raise reader.statement.error(
                f"{path.name} is no sub-table of {made.parent.name}", path.token, kind=TableExists
            )
        else:
            made = None
    if found is None:
        raise reader.statement.error(f"Table does not exist: {path.name}", path.token, kind=NoSuchTable)
    listed = listed or _listed(reader)
    if isinstance(found, SubTable):
        return Target(found.parent, found.name, _columns(reader, found.parent.columns, listed), made)
    if isinstance(found, SuperTable):
        columns = writable(found, with_name=True) if listed else (NAMES, *found.columns)
        return Target(found, None, _columns(reader, columns, listed, needed=TBNAME))
    return Target(found, "", _columns(reader, found.columns, listed))


def _listed(reader: Reader) -> list[tuple[str, int]] | None:
    """Names in brackets with their tokens, if there are brackets and no SELECT in them."""
    if not reader.sees_sign("(") or reader.statement.is_word(reader.i + 1, "SELECT", "WITH", "FROM"):
        return None
    spans = reader.bracket()
    return [(Reader(reader.statement, first).name("a column"), first) for first, _ in spans]


def _columns(
    reader: Reader, columns: tuple[Column, ...], listed: list[tuple[str, int]] | None, needed: str = ""
) -> tuple[Column, ...]:
    if listed is None:
        return columns
    known = {column.name: column for column in columns}
    chosen: dict[str, Column] = {}
    for name, token in listed:
        if name not in known:
            raise reader.statement.error(f"Invalid column name: {name}", token, kind=NoSuchColumn)
        if name in chosen:
            reader.fail(f"{name} stands twice", token)
        chosen[name] = known[name]
    for name in (needed, columns[1 if needed else 0].name):
        if name and name not in chosen:
            reader.fail(f"{name} must be among the columns", listed[0][1])
    return tuple(chosen.values())


def read_using(reader: Reader, path: Path, find: Find, zone: tzinfo) -> SubTable:
    """`st [(tags)] TAGS (values)` behind USING: the sub-table that it describes."""
    above = reader.path("a super-table")
    parent = find(above.database or path.database, above.name)
    if not isinstance(parent, SuperTable):
        raise reader.statement.error(f"STable not exist: {above.name}", above.token, kind=NoSuchTable)
    listed = _listed(reader)
    reader.expect("TAGS")
    tags = parent.tags if listed is None else _tags(reader, parent, listed)
    first = reader.i
    spans = reader.bracket()
    if len(spans) != len(tags):
        reader.fail(f"{len(tags)} tags are expected, not {len(spans)}", first)
    dialect = Dialect(parent.namespace.precision, zone)
    values = {t.name: read_value(reader.statement, s, t, dialect) for t, s in zip(tags, spans, strict=True)}
    return SubTable(path.name, parent, tuple(values.get(tag.name) for tag in parent.tags), now())


def _tags(reader: Reader, parent: SuperTable, listed: list[tuple[str, int]]) -> tuple[Column, ...]:
    known = {tag.name: tag for tag in parent.tags}
    for name, token in listed:
        if name not in known:
            raise reader.statement.error(f"Invalid tag name: {name}", token, kind=NoSuchColumn)
    return tuple(known[name] for name, _ in listed)


def _gather(gathered: dict[Any, _Gathered], target: Target, columns: Sequence[Sequence[Any]]) -> None:
    """Put the rows of one piece, given as columns, to those that go the same way."""
    if len(columns) != len(target.columns):
        raise ValueError
    names = tuple(column.name for column in target.columns)
    one = gathered.get((id(target.table), names, target.name is None))
    if one is None:
        one = gathered[id(target.table), names, target.name is None] = _Gathered(target, [[] for _ in names])
    for values, further in zip(one.columns, columns, strict=True):
        values.extend(further)
    one.pieces.append((target.name, len(columns[0])))
    if target.made is not None:
        one.made.append(target.made)


def _rows(one: _Gathered, zone: tzinfo) -> Rows:
    target = one.target
    dialect = Dialect(target.table.namespace.precision, zone)
    arrays = {c.name: to_arrow(c, v, dialect) for c, v in zip(target.columns, one.columns, strict=True)}
    if target.name is None:
        return rows_of(target.table, target.columns, pa.table(arrays))
    if isinstance(target.table, SuperTable):
        names = [name for name, _ in one.pieces]
        arrays = {TBNAME: _repeated(names, [count for _, count in one.pieces]), **arrays}
    batch = pa.table(arrays)
    return Rows(target.table, batch, _runs(one, batch), tuple(one.made))


def _repeated(names: Sequence[str | None], counts: Sequence[int]) -> pa.Array:
    if len(names) == 1:
        return pa.repeat(names[0], counts[0])
    return pa.array(names, pa.string()).take(pa.array(np.repeat(np.arange(len(names)), counts)))


def _runs(one: _Gathered, batch: pa.Table) -> tuple[Run, ...]:
    table = one.target.table
    column = batch.column(table.time)
    if column.null_count:
        raise ValueError(f"{table.time} cannot be NULL")
    times = column.cast(pa.int64()).to_numpy()
    if len(one.pieces) > _MANY_RUNS:
        if not isinstance(table, SuperTable):
            return (run_of("", times),)
        return runs_of(names_of(batch.column(TBNAME)), times)
    ends = np.cumsum([count for _, count in one.pieces])
    return tuple(
        run_of(str(name), times[end - count : end]) for (name, count), end in zip(one.pieces, ends, strict=True)
    )


def to_arrow(column: Column, values: Sequence[Any], dialect: Dialect) -> pa.Array:
    """Values of a column as Arrow keeps them. ValueError, OverflowError or ArrowException where they are none."""
    kind = column.arrow(dialect.precision)
    if column.type.name == "TIMESTAMP":
        times = _times(values, dialect, kind)
        refuse_outside(times, dialect.precision)
        return times
    if column.type.name in ("BLOB", "JSON", "DECIMAL", "VARBINARY", "GEOMETRY") and any(
        isinstance(value, str | int | float) and column.type.name != "JSON" for value in values
    ):
        raise ValueError
    if pa.types.is_integer(kind) and not _WHOLE.issuperset(map(type, values)):
        raise ValueError
    array = pa.array(values, kind)
    if pa.types.is_floating(kind) and pc.any(pc.is_inf(array)).as_py():
        raise ValueError
    if column.type.is_text and column.bytes:
        lengths = pc.utf8_length(array) if column.type.name == "NCHAR" else pc.binary_length(array)
        most = pc.max(lengths).as_py()
        if most is not None and most > column.bytes:
            raise ValueTooLong(too_long(column, most))
    return array


def _times(values: Sequence[Any], dialect: Dialect, kind: pa.DataType) -> pa.Array:
    if _WHOLE.issuperset(map(type, values)):
        return pa.array(values, pa.int64()).cast(kind)
    if dialect.zone is UTC:
        try:
            return pa.array(values, pa.string()).cast(kind)
        except pa.ArrowInvalid:  # a zone in the text, or finer than the precision
            pass
    read = [value if type(value) is int else read_time(value, dialect.precision, dialect.zone) for value in values]
    return pa.array(read, pa.int64()).cast(kind)
