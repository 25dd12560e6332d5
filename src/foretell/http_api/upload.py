"""POST /v1/upload: a CSV or Parquet file into a table of the database, which is made where it is missing.

The first column of times is the key, and every row needs one. Days are kept as TIMESTAMP, times of day as text. Where
a column names the series (unique_id, id and the like, or the only text column beside times that repeat), it becomes a
tag: a super-table with a sub-table for each series, named after the table and the series, with a mark where the series
has other characters than names have.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from foretell.errors import ForetellError, InvalidInput, listed
from foretell.http_api.door import Door
from foretell.http_api.openapi import taking
from foretell.http_api.sql_door import connected, refusal, statement
from foretell.wire.frames import ID_NAMES
from foretell.wire.taos_types import TBNAME
from foretell.wire.unpacked import TIMES, check_cells, too_large

if TYPE_CHECKING:
    from foretell.sql.database import Connection, Precision

Web = Request[Any, Any, Any]
NAME = re.compile(r"[A-Za-z_]\w{0,127}")
PATH = "/v1/upload"
READERS = ("csv", "parquet")
MOST_COLUMNS = 4_096
"""Of a table, as in TDengine."""
HEAD = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+')
"""The first line of a CSV file: each second part between quotation marks is quoted."""
ROWS_AT_ONCE = 8192
"""Rows of a Parquet file that are unpacked before their size is looked at."""
PLAIN = re.compile(r"(?!.*_[0-9a-f]{16}$)[a-z0-9_]{1,64}")
"""A series that stands in the name of its sub-table as it is: none that looks as if it had a mark."""
OTHERS = re.compile(r"[^a-z0-9_]")
LONGEST = 64
"""Characters of a series that are kept beside its mark."""


class UploadOut(msgspec.Struct):
    """`series` are sub-tables; 0 for a plain table."""

    table: str
    rows: int
    series: int
    columns: list[str]


def upload(door: Door) -> HTTPRouteHandler:
    @post(PATH, status_code=200, summary="A file into a table", operation_class=taking(None, UploadOut, QUERY))
    async def handle(request: Web) -> Response[Any]:
        """The body is the file; `format` is csv or parquet."""
        try:
            with door.metrics.counting(PATH):
                query, body = request.query_params, await request.body()
                connection = await connected(door, request, query.get("database", ""))
                name = query.get("table", "")
                _check_place(connection, name)
                most = TIMES * door.settings.body_limit
                table = await asyncio.to_thread(read_file, body, query.get("format", ""), most)
                return Response(await statement(door, connection, lambda: keep(connection, name, table)))
        except ForetellError as error:
            return refusal(error)

    return handle


QUERY = ("table", "database", "format")


def _check_place(connection: Connection, name: str) -> None:
    """Refuse a table that the user may not write, before his file is read."""
    if NAME.fullmatch(name) is None:
        raise InvalidInput("table", f"must be a name of letters, digits and _, got {name!r}")
    if not connection.database:
        raise InvalidInput("database", "must be named")
    connection.demand("write", connection.catalog.namespace(connection.database))


def read_file(body: bytes, kind: str, most: int) -> pa.Table:
    """The rows of a file; BodyTooLarge where they take more than `most` bytes."""
    if kind not in READERS:
        raise InvalidInput("format", f"must be one of {', '.join(READERS)}, got {kind!r}")
    try:
        if kind == "csv":
            from pyarrow import csv

            _check_columns(1 + sum(part.count(b",") for part in _head(body).split(b'"')[::2]))
            return csv.read_csv(pa.BufferReader(body))
        return _read_parquet(body, most)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput("body", f"is no {kind} file that can be read: {str(error).splitlines()[0]}") from None


def _read_parquet(body: bytes, most: int) -> pa.Table:
    """What a file says of itself is looked at first, and what is read is counted: a page holds a value a million times
    in a few bytes."""
    from pyarrow import parquet

    with parquet.ParquetFile(pa.BufferReader(body)) as file:
        about = file.metadata
        _check_columns(len(file.schema_arrow))
        check_cells(about.num_rows, about.num_columns, most)
        _check(sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups)), most)
        batches, size = [], 0
        for batch in file.iter_batches(ROWS_AT_ONCE):
            size += batch.nbytes
            _check(size, most)
            batches.append(batch)
        return pa.Table.from_batches(batches, file.schema_arrow)


def _head(body: bytes) -> bytes:
    found = HEAD.match(body)
    return found[0] if found else b""


def _check_columns(count: int) -> None:
    if count > MOST_COLUMNS:
        raise InvalidInput("body", f"has {count:,} columns; a table has {MOST_COLUMNS:,} at most")


def _check(size: int, most: int) -> None:
    if size > most:
        raise too_large(most)


def keep(connection: Connection, name: str, table: pa.Table) -> UploadOut:
    """Write rows into a table; the columns of one that is there must fit."""
    from foretell.sql.tokens import quote

    _check_names(table)
    table = _in_types(table, connection.precision)
    time, label = _time_column(table), _series_column(table)
    _check_times(table, time)
    table = _in_order(table, time, label)
    columns = ", ".join(_declared(table, column) for column in table.column_names if column != label)
    tags = "" if label is None else f" TAGS ({_declared(table, label)})"
    head = "TABLE" if label is None else "STABLE"
    connection.run(f"CREATE {head} IF NOT EXISTS {quote(name)} ({columns}){tags}")
    series = 0
    if label is not None:
        words = pc.cast(table[label], pa.string())
        if words.null_count:
            raise InvalidInput("body", f"has rows without {label}")
        known = words.unique()
        names = pa.array([_sub_table(name, word) for word in known.to_pylist()], pa.string())
        table = table.append_column(TBNAME, names.take(pc.index_in(words, known).combine_chunks()))
        series = len(known)
    rows = connection.append(name, table)
    return UploadOut(name, rows, series, [column for column in table.column_names if column != TBNAME])


def _check_names(table: pa.Table) -> None:
    """Every column needs a name of its own, in any case."""
    names = table.column_names
    if "" in names:
        raise InvalidInput("body", f"has no name for its column {names.index('') + 1}")
    seen: set[str] = set()
    for name in names:
        lower = name.lower()
        if lower in seen:
            raise InvalidInput("body", f"has two columns called {name}")
        if lower == TBNAME:
            raise InvalidInput("body", f"cannot have a column called {name}: that is the name of a table")
        seen.add(lower)


def _in_types(table: pa.Table, precision: Precision) -> pa.Table:
    """Columns in types of the database: days are TIMESTAMP, what it has no type for is text, no value at all DOUBLE."""
    from foretell.sql.database.outcome import settled

    columns = []
    for name, values in zip(table.column_names, table.itercolumns(), strict=True):
        try:
            known = values.cast(pa.float64()) if pa.types.is_null(values.type) else values
            columns.append(settled(pa.table({name: known}), precision)[0])
        except pa.ArrowException as error:
            raise InvalidInput("body", f"has a column {name} that cannot be kept: {error}") from None
    return pa.table(columns, names=table.column_names)


def _check_times(table: pa.Table, time: str) -> None:
    if count := table[time].null_count:
        first = pc.index(pc.is_null(table[time]), True).as_py() + 1
        raise InvalidInput("body", f"has no {time} in {count} of {len(table)} rows, first in row {first}")


def _time_column(table: pa.Table) -> str:
    found: str | None = next((f.name for f in table.schema if pa.types.is_timestamp(f.type)), None)
    if found is None:
        raise InvalidInput("body", f"has no column of times; its columns are {listed(table.column_names)}")
    return found


def _series_column(table: pa.Table) -> str | None:
    """The column that names the series: by its name, or the only one of words where times repeat."""
    named: list[str] = [name for name in table.column_names if name.lower() in ID_NAMES]
    words: list[str] = [f.name for f in table.schema if pa.types.is_string(f.type)]
    if named:
        return named[0]
    repeats = len(table[_time_column(table)].unique()) < len(table)
    return words[0] if repeats and len(words) == 1 else None


def _in_order(table: pa.Table, time: str, label: str | None) -> pa.Table:
    """The time first. Two rows of one time would replace each other."""
    rest = [name for name in table.column_names if name not in (time, label)]
    table = table.select([time, *rest, *([label] if label is not None else [])])
    keys = [time] if label is None else [time, label]
    if len(table.group_by(keys).aggregate([])) < len(table):
        advice = "" if label is not None else "; name the series in a column called unique_id"
        kept = f" in {table[time].type.unit}, the precision of the database"
        raise InvalidInput("body", f"has rows with equal {' and '.join(keys)}{kept}{advice}")
    return table


def _sub_table(table: str, series: str) -> str:
    """The name of a series' sub-table: no two series have the same."""
    if PLAIN.fullmatch(series):
        return f"{table}_{series}"
    mark = hashlib.sha256(series.encode()).hexdigest()[:16]
    return f"{table}_{OTHERS.sub('_', series.lower())[:LONGEST]}_{mark}"


def _declared(table: pa.Table, name: str) -> str:
    """A column as CREATE TABLE has it."""
    from foretell.sql.database import column_of
    from foretell.sql.tokens import quote

    kind = table.schema.field(name).type
    if pa.types.is_timestamp(kind):
        return f"{quote(name)} TIMESTAMP"
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        longest = pc.max(pc.binary_length(table[name])).as_py() or 1
        word = "VARCHAR" if pa.types.is_string(kind) else "VARBINARY"
        return f"{quote(name)} {word}({max(64, 2 * longest)})"
    return f"{quote(name)} {column_of(name, kind).declared}"
