"""DuckDB behind four verbs. Its errors become ours, with the place in what the user wrote."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from foretell.errors import Cancelled, DeadlineExceeded, ForetellError, NoSuchColumn, SqlError
from foretell.sql.text import Source, Text, written
from foretell.sql.tokens import quote, tokenize, unquote

DEAR_BIND = 0.005
"""Seconds. A relation binds twice, which costs nothing but where a CSV file has to be sniffed."""
EXPLAIN = "EXPLAIN "
ROWS_AT_ONCE = 122_880
LENT = "__foretell_"
"""What the names of tables begin with that are there for one statement only."""
LACKING = re.compile(r'/(\w+)\.duckdb_extension" not found')
OR_SAVE = "; or save the sheet as CSV or Parquet"
INTERNAL = ("pg_", "sqlite_", "duckdb_", "information_schema.", LENT)
"""What the names of tables begin with that nobody means who gets a name wrong."""
PATH = re.compile(r"[./*?]")
"""What the name of a file has, and that of no table."""
FILES = "a file is named in quotes, 'readings.csv'"
MOST_DESCRIBED = 10_000
NO_ROWS = (["Count"], ["Success"])
"""The columns that DuckDB gives where a statement has no rows of its own."""
UNKNOWN_TO_ARROW = frozenset(("BIT", "TIME WITH TIME ZONE"))
"""Types that come as bytes of DuckDB's own, and without their offset."""
PULLED = "__foretell_pulled"
KEPT = f"CREATE OR REPLACE TEMP TABLE {PULLED} AS "
AGGREGATES = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('aggregate', 'window')"

Lookup = Callable[[str], object | None]
"""A table by name that DuckDB does not know, or None."""


class Forbidden(Exception):
    """Some SQL must not be run: `subject` is what is wrong with it, `position` where that stands, if it is known."""

    def __init__(self, message: str, subject: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.position = position


Guard = Callable[[str], None]
"""Raises Forbidden, or DuckDB's error where the SQL is wrong."""


class UnknownColumn(NoSuchColumn):
    """DuckDB knows no column of this name there."""

    def __init__(self, message: str, statement: str, position: int | None, column: str) -> None:
        super().__init__(message, statement, position)
        self.column = column


class Duck:
    """One connection, used by one thread at a time; `interrupt` may come from any.

    `most_bytes`: of one result in memory, which DuckDB's own limit does not count; None for no end.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, guard: Guard | None = None, most_bytes: int | None = None
    ) -> None:
        self._connection = connection
        self._guard = guard
        self._most_bytes = most_bytes
        self.stopped = threading.Event()
        """Set when whatever runs shall stop."""
        self.memo: dict[str, list[tuple[str, str]]] | None = None
        """What `columns` found for queries over tables that stay as they are while this stands here."""
        self._timed_out = False
        self._aggregates: set[str] = set()

    @classmethod
    def open(cls, path: str = ":memory:", read_only: bool = False) -> Duck:
        """A database file of its own."""
        try:
            connection = duckdb.connect(path, read_only, {"python_enable_replacements": False})
        except duckdb.Error as error:
            raise SqlError(f"{path}: {error}") from None
        connection.execute("SET errors_as_json = true")
        connection.execute("SET autoinstall_known_extensions = false")
        with suppress(duckdb.InvalidInputException):  # Jupyter without ipywidgets: there is no bar to switch off
            connection.execute("SET enable_progress_bar = false")
        return cls(connection)

    def close(self) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        self.stopped.set()
        self._connection.interrupt()

    @contextmanager
    def deadline(self, seconds: float | None) -> Iterator[float | None]:
        """Interrupt what runs in this block when the time is over. Yields the time of `time.monotonic()` when it is."""
        self.stopped.clear()
        self._timed_out = False
        if seconds is None:
            yield None
            return
        timer = threading.Timer(seconds, self._time_out)
        timer.start()
        try:
            yield time.monotonic() + seconds
        finally:
            timer.cancel()

    def _time_out(self) -> None:
        self._timed_out = True
        self.interrupt()

    def check(self) -> None:
        """Raise if somebody has asked to stop."""
        if self._timed_out:
            raise DeadlineExceeded
        if self.stopped.is_set():
            raise Cancelled

    def columns(self, text: Text, source: Source, lookup: Lookup) -> tuple[list[tuple[str, str]], float]:
        """Names and types of what a query gives, without running it, and the seconds that it took to find out."""

        def describe(sql: str) -> list[tuple[str, str]]:
            relation = self._connection.sql(sql)
            return [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)]

        sql = str(text)
        self._check_guard(sql, text, source)
        memo = None if LENT in sql else self.memo
        if memo is not None and sql in memo:
            return memo[sql], 0.0
        started = time.perf_counter()
        found = self._try(text, source, lookup, describe)
        if memo is not None and len(memo) < MOST_DESCRIBED:
            memo[sql] = found
        return found, time.perf_counter() - started

    def table(self, text: Text, source: Source, lookup: Lookup) -> tuple[pa.Table, int | None]:
        """The result of a statement; of one that gives no rows, but writes some, also how many these are.

        A statement that does neither has a table without columns.
        """

        def run(sql: str) -> tuple[pa.Table, int | None]:
            relation = self._connection.sql(sql)
            if relation is None:
                return pa.table({}), None
            table = self._fetched(_for_arrow(relation))
            if table.column_names not in NO_ROWS or self._is_select(sql):
                return table, None
            return (table, table[0][0].as_py()) if len(table) else (pa.table({}), None)

        found: tuple[pa.Table, int | None] = self._run(text, source, lookup, run)
        return found

    def _is_select(self, sql: str) -> bool:
        (statement,) = self._connection.extract_statements(sql)
        return bool(statement.type == duckdb.StatementType.SELECT)

    def pull(self, text: Text, source: Source, lookup: Lookup, ids: range, dear: bool) -> pa.Table:
        """The result of a query that may be large: words in the columns `ids` become dictionary codes as they come.

        `dear`: the query takes long to bind, and shall be bound only once.
        """
        if not dear:
            return self._run(text, source, lookup, partial(self._stream, ids=ids))
        kept = written(KEPT, text.origin(0)) + text
        self._run(kept, source, lookup, self._connection.execute)
        try:
            return self._stream(f"FROM {PULLED}", ids)
        finally:
            self._connection.execute(f"DROP TABLE {PULLED}")

    def _stream(self, sql: str, ids: range) -> pa.Table:
        return self._fetched(self._connection.sql(sql), ids)

    def _fetched(self, relation: duckdb.DuckDBPyRelation, ids: range = range(0)) -> pa.Table:
        """The rows, batch by batch, so that too many are an error before they are all in memory."""
        reader = relation.to_arrow_reader(ROWS_AT_ONCE)
        batches, size = [], 0
        for batch in map(partial(_encoded, ids=ids), _read(reader)):
            size += sum(column.nbytes * _grows(column.type) for column in batch.columns)
            if self._most_bytes is not None and size > self._most_bytes:
                reader.close()
                raise SqlError(f"the result has more than {self._most_bytes >> 20} MB; ask for less of it at a time")
            batches.append(batch)
        return pa.Table.from_batches(batches) if batches else reader.schema.empty_table()

    def aggregates(self, names: set[str]) -> set[str]:
        """Those of some function names that are aggregates or window functions."""
        if names and not self._aggregates:
            rows = self._connection.execute(AGGREGATES).fetchall()
            self._aggregates = {name.upper() for (name,) in rows}
        return names & self._aggregates

    def register(self, name: str, table: object) -> None:
        self._connection.register(name, table)

    def unregister(self, name: str) -> None:
        self._connection.unregister(name)

    def _run(self, text: Text, source: Source, lookup: Lookup, run: Callable[[str], Any]) -> Any:
        self._check_guard(str(text), text, source)
        return self._try(text, source, lookup, run)

    def _check_guard(self, sql: str, text: Text, source: Source) -> None:
        if self._guard is None:
            return
        before = len(KEPT) if sql.startswith(KEPT) else 0
        try:
            self._guard(sql[before:])
        except Forbidden as error:
            position = None if error.position is None else text.origin(before + error.position)
            position = _place_of(error.subject, source) if position is None else position
            raise SqlError(error.message, source.text, position) from None
        except duckdb.Error as error:
            raise self._translate(_Fault(error, sql[before:], shift=-before), text, source) from None

    def _try(self, text: Text, source: Source, lookup: Lookup, run: Callable[[str], Any]) -> Any:
        """Run SQL; where a table is unknown to DuckDB but not to `lookup`, lend it and try again."""
        sql = str(text)
        lent: list[str] = []
        try:
            while True:
                self.check()
                try:
                    return run(sql)
                except duckdb.Error as error:
                    fault = self._fault(error, sql)
                    name = fault.missing_table
                    table = lookup(name) if name and name not in lent else None
                    if table is None:
                        raise self._translate(fault, text, source) from None
                    self.register(name, table)
                    lent.append(name)
        finally:
            for name in lent:
                self.unregister(name)

    def _fault(self, error: duckdb.Error, sql: str) -> _Fault:
        """What DuckDB says. A relation says it without the place; to explain the statement brings the same with it."""
        fault = _Fault(error, sql)
        if fault.position is None and not fault.interrupted:
            try:
                self._connection.execute(EXPLAIN + sql)
            except duckdb.Error as again:
                better = _Fault(again, EXPLAIN + sql, shift=len(EXPLAIN))
                return better if better.message == fault.message else fault
        return fault

    def _translate(self, fault: _Fault, text: Text, source: Source) -> ForetellError:
        if fault.interrupted:
            return DeadlineExceeded() if self._timed_out else Cancelled()
        position = None if fault.position is None else text.origin(fault.position)
        position = _place_of(fault.subject, source) if position is None else position
        if fault.column:
            return UnknownColumn(fault.message, source.text, position, fault.column)
        return SqlError(fault.message, source.text, position)


def _place_of(name: str, source: Source) -> int | None:
    """Where a name stands first."""
    return next((one.start for one in tokenize(source.text) if name and unquote(one, source.text) == name), None)


def _for_arrow(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """A relation in which what Arrow has no type for is text."""
    kinds = list(map(str, relation.types))
    if UNKNOWN_TO_ARROW.isdisjoint(kinds):
        return relation
    texts = [f"#{i}::VARCHAR" if kind in UNKNOWN_TO_ARROW else f"#{i}" for i, kind in enumerate(kinds, 1)]
    return relation.project(", ".join(f"{text} AS {quote(n)}" for text, n in zip(texts, relation.columns, strict=True)))


def _read(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The batches. What DuckDB says behind the first one comes through Arrow as an OSError."""
    try:
        yield from reader
    except OSError as error:
        kind = duckdb.InterruptException if str(error).startswith("INTERRUPT") else duckdb.Error
        raise kind(str(error)) from None


def _grows(kind: pa.DataType) -> int:
    """How many times a column takes its bytes on the way out: what has no type there becomes text by way of Python."""
    types = pa.types
    return 10 if types.is_nested(kind) or types.is_time(kind) or types.is_interval(kind) else 1


def _encoded(batch: pa.RecordBatch, ids: range) -> pa.RecordBatch:
    """The batch with the words of `ids` as codes. Other columns are copied: as they are, they would keep the words."""
    words = {i for i in ids if pa.types.is_string(batch.column(i).type)}
    if not words:
        return batch
    columns = [
        column.dictionary_encode() if i in words else pa.concat_arrays([column, column[:0]])
        for i, column in enumerate(batch.columns)
    ]
    return pa.record_batch(columns, batch.schema.names)


def message_of(error: Exception) -> str:
    """What DuckDB says in an error, in one line for people."""
    return _Fault(error, "").message if isinstance(error, duckdb.Error) else str(error)


class _Fault:
    """What DuckDB says in an error, which `errors_as_json` makes readable for programs."""

    def __init__(self, error: duckdb.Error, sql: str, shift: int = 0) -> None:
        kind, _, rest = str(error).partition(": ")
        try:
            said = json.loads(rest)
        except ValueError:
            said = {"exception_message": rest or kind}
        self.interrupted = isinstance(error, duckdb.InterruptException)
        self.message = f"{kind}: {said['exception_message']}"
        missing = re.match(
            r'Table with name (\S+) does not exist(?:!\nDid you mean "(.*)")?', said["exception_message"]
        )
        self.missing_table = missing[1] if missing else ""
        if missing and PATH.search(self.missing_table):  # a table is no guess, and may be nobody's business
            self.message = f"{kind}: Table with name {self.missing_table} does not exist, and no such file"
        elif missing and (missing[2] or "").startswith(INTERNAL):  # a guess that helps nobody
            self.message = f"{kind}: Table with name {self.missing_table} does not exist; {FILES}"
        if lacking := LACKING.search(said["exception_message"]):
            self.message = f"this needs DuckDB's extension {lacking[1]}, which is not installed: INSTALL {lacking[1]} "
            self.message += "downloads it from extensions.duckdb.org, once for all sessions"
            self.message += OR_SAVE if lacking[1] == "excel" else ""
        self.column = str(said.get("name", "")) if said.get("error_subtype") == "COLUMN_NOT_FOUND" else ""
        if elsewhere := re.search(r'does not have a column named "([^"]+)"', said["exception_message"]):
            self.column = elsewhere[1]
        quoted = re.findall(r'"([^"]+)"', said["exception_message"])
        self.subject = str(said.get("name") or (quoted or [""])[0])
        self.position = None
        if "position" in said:
            self.position = max(0, len(sql.encode()[: int(said["position"])].decode(errors="ignore")) - shift)
