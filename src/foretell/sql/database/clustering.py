"""Tables are kept sorted by sub-table and time, so that a series lies together and whoever reads one reads little else.

Rows come in the order of time, mixed between the sub-tables. When enough of them are loose, a thread writes a sorted
copy beside the table, of a snapshot, while others go on to read and write; then the writer adds what was appended
meanwhile and puts the copy in the table's place. Whatever else changes the table meanwhile (a late row, DELETE, ALTER)
wins, and the copy is thrown away. So it is where the copy fails; it is made again when twice as many rows are loose.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable

import duckdb

from foretell.errors import ForetellError
from foretell.sql.database import catalog
from foretell.sql.database.catalog import SuperTable, Table
from foretell.sql.database.writer import Apply, Duck, Writer, insert
from foretell.sql.duck import message_of
from foretell.sql.tokens import quote
from foretell.wire.taos_types import TBNAME

log = logging.getLogger("foretell.sql.clustering")

LEAST_LOOSE = 500_000
"""Rows below which nothing is gained."""
LOOSE_SHARE = 0.5
"""Loose rows for each sorted one from which a table is sorted again: so each row is sorted a few times in all."""
SORTED = ".sorted"
"""What the name of the copy ends with; no table can be called so."""


class Clustering:
    """The thread that sorts. `cursor` gives it a connection of its own for each copy."""

    def __init__(self, writer: Writer, cursor: Callable[[], Duck]) -> None:
        self._writer = writer
        self._cursor = cursor
        self._due: queue.SimpleQueue[Table | None] = queue.SimpleQueue()
        self._known: set[int] = set()
        self._failed: dict[int, int] = {}
        """The loose rows with which a table could not be sorted."""
        self._running: Duck | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="foretell-clustering", daemon=True)
        self._thread.start()

    def look(self, table: Table) -> None:
        """Have a table sorted if it is time; for the writer, after each write."""
        least = 2 * self._failed.get(id(table), 0)
        if is_due(table) and table.loose >= least and id(table) not in self._known:
            self._known.add(id(table))
            self._due.put(table)

    def close(self) -> None:
        """Stop, and throw away the copy that is being made."""
        self._is_closed = True
        self._due.put(None)
        if self._running is not None:
            self._running.interrupt()
        self._thread.join()

    def _work(self) -> None:
        while (table := self._due.get()) is not None and not self._is_closed:
            self._known.discard(id(table))
            try:
                self.sort(table)
            except (duckdb.Error, ForetellError) as error:
                self._failed[id(table)] = table.loose
                log.warning("%s is not sorted this time: %s", table.name, message_of(error))
            else:
                self._failed.pop(id(table), None)

    def sort(self, table: Table) -> bool:
        """Sort a table now; whether the sorted copy took its place."""
        try:
            self._copy(table)
            return bool(self._writer.change(lambda duck: _swap(duck, table)))
        except BaseException:
            with contextlib.suppress(ForetellError):
                self._writer.change(lambda duck: _give_up(duck, table))
            raise

    def _copy(self, table: Table) -> None:
        connection = self._cursor()
        self._running = connection
        try:
            self._writer.change(lambda _: _begin(connection, table))
            _copy(connection, table)
            connection.execute("COMMIT").fetchall()
        finally:
            self._running = None
            with contextlib.suppress(duckdb.Error):
                connection.close()


def is_due(table: Table) -> bool:
    """Whether enough rows are loose."""
    return table.tail is None and table.loose >= max(LEAST_LOOSE, LOOSE_SHARE * table.sorted_rows)


def _begin(connection: Duck, table: Table) -> tuple[int, Apply]:
    """Take the snapshot, between two writes, and begin to take note of what comes."""
    connection.execute("BEGIN TRANSACTION").fetchall()
    connection.execute(f"SELECT 1 FROM {table.physical} LIMIT 1").fetchall()
    table.tail = []
    return 0, lambda: None


def _copy(connection: Duck, table: Table) -> None:
    order = f"{TBNAME}, {quote(table.time)}" if isinstance(table, SuperTable) else quote(table.time)
    connection.execute(f"CREATE TABLE {_copy_of(table)} AS FROM {table.physical} ORDER BY {order}").fetchall()


def _copy_of(table: Table) -> str:
    return f"{table.namespace.schema}.{quote(table.name + SORTED)}"


def _swap(duck: Duck, table: Table) -> tuple[int, Apply]:
    """Put the copy in the table's place, if nothing but appended rows came in between; 1 if so."""
    copy, tail = _copy_of(table), table.tail
    if tail is None or table.namespace.tables.get(table.name) is not table:
        duck.execute(f"DROP TABLE IF EXISTS {copy}").fetchall()
        return 0, lambda: None
    [(count,)] = duck.execute(f"SELECT count(*) FROM {copy}").fetchall()
    for batch in tail:
        insert(duck, copy, batch)
    duck.execute(f"DROP TABLE {table.physical}").fetchall()
    duck.execute(f"ALTER TABLE {copy} RENAME TO {quote(table.name)}").fetchall()
    added = sum(len(batch) for batch in tail)
    catalog.keep_order(duck, table, count, is_sorted=True)

    def apply() -> None:
        table.tail, table.loose, table.sorted_rows, table.is_sorted = None, added, count, True

    return 1, apply


def _give_up(duck: Duck, table: Table) -> tuple[int, Apply]:
    """Throw the copy away, if there is one, and take no more note of what comes."""
    duck.execute(f"DROP TABLE IF EXISTS {_copy_of(table)}").fetchall()
    return 0, lambda: setattr(table, "tail", None)


def forget_copies(connection: duckdb.DuckDBPyConnection) -> None:
    """Throw away copies that a process left when it was killed."""
    query = "SELECT database_name, schema_name, table_name FROM duckdb_tables() WHERE ends_with(table_name, ?)"
    for names in connection.execute(query, [SORTED]).fetchall():
        connection.execute(f"DROP TABLE {'.'.join(map(quote, names))}").fetchall()
