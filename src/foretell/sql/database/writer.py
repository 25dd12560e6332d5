"""The one thread that writes. What waits together is written together, in one transaction, and acknowledged after it.

Rows that are newer than all of their table are appended; others replace what has the same table and time. A statement
that is stopped, or over its time, before its transaction is committed writes nothing; afterwards it is done.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import duckdb
import pyarrow as pa

from foretell.errors import Cancelled, ForetellError, NoSuchTable, SqlError
from foretell.sql.database import catalog
from foretell.sql.database.catalog import CREATED, SubTable, SuperTable, Table
from foretell.sql.database.halt import Halt
from foretell.sql.database.rows import Rows, joined, latest
from foretell.sql.duck import message_of
from foretell.sql.tokens import quote
from foretell.wire.taos_types import TBNAME

log = logging.getLogger("foretell.sql.writer")

INCOMING = "__foretell_incoming"
MOST_ROWS = 1_000_000
"""Rows written in one transaction, unless one statement brings more."""

Duck = duckdb.DuckDBPyConnection
Apply = Callable[[], None]
Change = Callable[[Duck], tuple[int, Apply]]
"""Changes the file; gives the rows that it wrote, and what to do after the commit."""


@dataclass(slots=True)
class _Job:
    work: Sequence[Rows] | Change
    halt: Halt
    done: Future[int] = field(default_factory=Future)


class Writer:
    """The queue in front of the thread. `connection` is the thread's own from now on."""

    def __init__(self, connection: Duck) -> None:
        self.grown: Callable[[Table], None] = lambda _: None
        """Told of each table that got rows, after the commit."""
        self.changed: Callable[[], None] = lambda: None
        """Told of each change, after the commit."""
        self._connection = connection
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="foretell-writer", daemon=True)
        self._turn = threading.Lock()
        self._stoppable: Sequence[_Job] = ()
        """What the thread writes just now, until it is committed; under the lock."""
        self._thread.start()

    def write(self, rows: Sequence[Rows], halt: Halt | None = None) -> int:
        """Write rows: all of them or none. Returns their number when they are safe; raises what `halt` says, and has
        written nothing then."""
        return self._ask(_Job(rows, halt or Halt()))

    def change(self, change: Change, halt: Halt | None = None) -> int:
        """Run a change in a transaction of its own, in its turn."""
        return self._ask(_Job(change, halt or Halt()))

    def _ask(self, job: _Job) -> int:
        if not self._thread.is_alive():
            raise SqlError("the database is closed")
        self._jobs.put(job)
        try:
            job.halt.wait(job.done)
        except BaseException:  # Ctrl-C
            job.halt.stop()
            self._stop(job)
            raise
        if not job.done.done():
            self._stop(job)
        try:
            return job.done.result()
        except CancelledError:
            raise job.halt.error or Cancelled() from None

    def _stop(self, job: _Job) -> None:
        """Take back a job whose statement must end, unless it is being committed."""
        if job.done.cancel():
            return
        with self._turn:
            if job in self._stoppable:
                self._connection.interrupt()

    def close(self) -> None:
        """Write what waits, and end."""
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        for jobs in self._gathered():
            for is_change, group in groupby(jobs, key=lambda job: callable(job.work)):
                if is_change:
                    for job in group:
                        self._begin([job])
                else:
                    self._begin(list(group))

    def _begin(self, jobs: list[_Job]) -> None:
        """Write those jobs that were not taken back while they waited."""
        if begun := [job for job in jobs if job.done.set_running_or_notify_cancel()]:
            self._finish(begun)

    def _gathered(self) -> Iterator[list[_Job]]:
        """What waits, each time that something does."""
        while (job := self._jobs.get()) is not None:
            jobs, count = [job], _size(job)
            is_last = False
            while count < MOST_ROWS and not is_last:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    is_last = True
                else:
                    jobs.append(following)
                    count += _size(following)
            yield jobs
            if is_last:
                return

    def _finish(self, jobs: list[_Job]) -> None:
        """Write jobs in one transaction; if that fails, each alone, so that only the guilty ones fail."""
        try:
            counts = self._transact(jobs)
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._finish([job])
            else:
                jobs[0].done.set_exception(_ours(error, jobs[0].halt))
            return
        for job, count in zip(jobs, counts, strict=True):
            job.done.set_result(count)

    def _transact(self, jobs: list[_Job]) -> list[int]:
        connection = self._connection
        batch = _Batch(connection, self.grown)
        connection.execute("BEGIN TRANSACTION").fetchall()
        try:
            self._check(jobs, stoppable=jobs)
            counts, apply = self._run(jobs, batch)
            self._check(jobs, stoppable=())
            connection.execute("COMMIT").fetchall()
        except BaseException:
            with self._turn:
                self._stoppable = ()
            _roll_back(connection)
            batch.undo()
            raise
        apply()
        if callable(jobs[0].work):
            self.changed()
        return counts

    def _check(self, jobs: list[_Job], stoppable: Sequence[_Job]) -> None:
        """Raise if one of the jobs must end; else they can be stopped from now on, or no more."""
        with self._turn:
            for job in jobs:
                job.halt.left()
            self._stoppable = stoppable

    def _run(self, jobs: list[_Job], batch: _Batch) -> tuple[list[int], Apply]:
        if callable(jobs[0].work):
            count, apply = jobs[0].work(self._connection)
            return [count], apply
        all_rows = [rows for job in jobs if not callable(job.work) for rows in job.work]
        batch.make(sub for rows in all_rows for sub in rows.made)
        by_table: dict[int, list[Rows]] = {}
        for rows in all_rows:
            by_table.setdefault(id(rows.table), []).append(rows)
        for group in by_table.values():
            for _, alike in groupby(group, key=lambda rows: rows.batch.schema.names):
                batch.put(list(alike))
        return [sum(map(len, job.work)) for job in jobs if not callable(job.work)], batch.apply


class _Batch:
    """Rows of one transaction, and what they change in memory when it is through."""

    def __init__(self, connection: Duck, grown: Callable[[Table], None]) -> None:
        self._connection = connection
        self._grown = grown
        self._appended: list[tuple[Table, pa.Table, bool]] = []
        self._made: dict[tuple[int, str], SubTable] = {}
        self._newest: dict[tuple[Table, str], int] = {}
        self._unsorted: list[Table] = []

    def make(self, subs: Iterable[SubTable]) -> None:
        """Make the sub-tables that are not there."""
        wanted: dict[int, list[SubTable]] = {}
        for sub in subs:
            namespace = sub.parent.namespace
            found = namespace.tables.get(sub.name) or self._made.get((id(namespace), sub.name))
            if found is None:
                self._made[id(namespace), sub.name] = sub
                wanted.setdefault(id(sub.parent), []).append(sub)
            elif not isinstance(found, SubTable) or found.parent is not sub.parent:
                raise SqlError(f"{sub.name} is there, and is no sub-table of {sub.parent.name}")
        for group in wanted.values():
            insert_tags(self._connection, group)

    def put(self, alike: list[Rows]) -> None:
        """Write rows of one table that have the same columns."""
        table = alike[0].table
        self._check(table, alike)
        read_newest(self._connection, table)
        append = self._are_newer(table, alike)
        batch = joined([rows.batch for rows in alike])
        if append:
            insert(self._connection, table.physical, batch)
            self._appended.append((table, batch, len(alike) == 1 and alike[0].together))
        else:
            self._unsorted += [table] if table.is_sorted else []
            upsert(self._connection, table, latest(batch, table, isinstance(table, SuperTable)))

    def _check(self, table: Table, alike: list[Rows]) -> None:
        """Tables that were dropped while their rows waited take none."""
        namespace = table.namespace
        if namespace.tables.get(table.name) is not table:
            raise NoSuchTable(f"Table does not exist: {table.name}")
        if not isinstance(table, SuperTable):
            return
        for run in (run for rows in alike for run in rows.runs):
            if run.name not in table.children and (id(namespace), run.name) not in self._made:
                raise NoSuchTable(f"Table does not exist: {run.name}")

    def _are_newer(self, table: Table, alike: list[Rows]) -> bool:
        """Whether every row is later than all rows of its table before it; takes note of their times."""
        newer = True
        for run in (run for rows in alike for run in rows.runs):
            newest = self._newest.get((table, run.name), self._known(table, run.name))
            newer = newer and run.rises and (newest is None or run.earliest > newest)
            self._newest[table, run.name] = run.latest if newest is None else max(run.latest, newest)
        return newer

    def _known(self, table: Table, name: str) -> int | None:
        if not isinstance(table, SuperTable):
            return table.newest
        sub = table.children.get(name)
        return None if sub is None else sub.newest

    def apply(self) -> None:
        for sub in self._made.values():
            catalog.add(sub)
        for table, batch, together in self._appended:
            if table.tail is not None:
                table.tail.append(batch)
            if together and not table.loose and not table.sorted_rows:
                table.sorted_rows = len(batch)
            elif isinstance(table, SuperTable):
                table.loose += len(batch)
                self._grown(table)
        for (table, name), newest in self._newest.items():
            if not isinstance(table, SuperTable):
                table.newest = newest
            elif name in table.children:
                table.children[name].newest = newest

    def undo(self) -> None:
        """The transaction was not to be: the file still says that these tables are sorted."""
        for table in self._unsorted:
            table.is_sorted = True


def insert_tags(connection: Duck, subs: Sequence[SubTable]) -> None:
    """Rows of tags for sub-tables of one super-table."""
    parent = subs[0].parent
    precision = parent.namespace.precision
    columns: dict[str, Any] = {
        TBNAME: pa.array([sub.name for sub in subs]),
        CREATED: pa.array([sub.created for sub in subs], pa.int64()),
    }
    for i, tag in enumerate(parent.tags):
        columns[tag.name] = pa.array([sub.tags[i] for sub in subs], tag.arrow(precision))
    insert(connection, parent.physical_tags, pa.table(columns))


def insert(connection: Duck, physical: str, batch: pa.Table) -> None:
    """Append rows to a table of DuckDB."""
    connection.register(INCOMING, batch)
    names = ", ".join(quote(name) for name in batch.column_names)
    connection.execute(f"INSERT INTO {physical} ({names}) FROM {INCOMING}").fetchall()
    connection.unregister(INCOMING)


def fill(connection: Duck, table: Table, rows: Rows) -> None:
    """Write the first rows of a normal table that nobody knows yet: in the order of time, the last of equal times."""
    insert(connection, table.physical, latest(rows.batch, table, is_super=False).sort_by(table.time))
    table.newest = max((run.latest for run in rows.runs), default=None)


def upsert(connection: Duck, table: Table, batch: pa.Table) -> None:
    """Rows, no two with the same table and time, in place of those that are there; columns that are not given keep
    what they have."""
    table.tail = None
    table.loose += len(batch)
    if table.is_sorted:
        catalog.keep_order(connection, table, table.sorted_rows, is_sorted=False)
        table.is_sorted = False
    connection.register(INCOMING, batch)
    keys = ([TBNAME] if isinstance(table, SuperTable) else []) + [table.time]
    same = " AND ".join(f"t.{quote(key)} = i.{quote(key)}" for key in keys)
    time_name = quote(table.time)
    near = (
        f"t.{time_name} BETWEEN (SELECT min({time_name}) FROM {INCOMING}) AND (SELECT max({time_name}) FROM {INCOMING})"
    )
    given = set(batch.column_names)
    names = ", ".join(quote(name) for name in batch.column_names)
    kept = [column.name for column in table.columns if column.name not in given]
    if kept:
        old = ", ".join(f"t.{quote(name)}" for name in kept)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {INCOMING}_all AS SELECT i.*, {old}"
            f" FROM {INCOMING} i LEFT JOIN {table.physical} t ON {same}"
        ).fetchall()
        names += "".join(f", {quote(name)}" for name in kept)
    source = f"{INCOMING}_all" if kept else INCOMING
    connection.execute(f"DELETE FROM {table.physical} t USING {INCOMING} i WHERE {same} AND {near}").fetchall()
    connection.execute(f"INSERT INTO {table.physical} ({names}) SELECT {names} FROM {source}").fetchall()
    connection.unregister(INCOMING)


def delete_keys(connection: Duck, table: Table, keys: pa.Table) -> int:
    """Delete the rows with these keys: tables and times, or times alone in a normal table."""
    table.tail = None
    connection.register(INCOMING, keys)
    same = " AND ".join(f"t.{quote(key)} = i.{quote(key)}" for key in keys.column_names)
    connection.execute(f"DELETE FROM {table.physical} t USING {INCOMING} i WHERE {same}").fetchall()
    connection.unregister(INCOMING)
    return int(keys.num_rows)


def read_newest(connection: Duck, table: Table) -> None:
    """The newest time of a table, or of each sub-table of a super-table, at the first write after opening."""
    if table.is_read:
        return
    number = f"epoch_{table.namespace.precision}(max({quote(table.time)}))"
    if isinstance(table, SuperTable):
        query = f"SELECT {TBNAME}, {number} FROM {table.physical} GROUP BY {TBNAME}"
        for name, newest in connection.execute(query).fetchall():
            if name in table.children:
                table.children[name].newest = newest
    else:
        [(table.newest,)] = connection.execute(f"SELECT {number} FROM {table.physical}").fetchall()
    table.is_read = True


def execute(connection: Duck, sql: str, *values: object) -> None:
    """Run a statement whose result nobody needs."""
    connection.execute(sql, list(values)).fetchall()


def nothing() -> None:
    """What many changes have to do after the commit."""


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _size(job: _Job) -> int:
    return 1 if callable(job.work) else sum(map(len, job.work))


def _roll_back(connection: Duck) -> None:
    """Undo a transaction, and let go of the rows that it was to write."""
    try:
        connection.execute("ROLLBACK").fetchall()
    except duckdb.Error as error:
        log.debug("rolled back already: %s", error)
    connection.unregister(INCOMING)


def _ours(error: Exception, halt: Halt) -> Exception:
    if isinstance(error, ForetellError):
        return error
    if isinstance(error, duckdb.InterruptException) and (reason := halt.error) is not None:
        return reason
    if isinstance(error, duckdb.Error | pa.ArrowException):
        return SqlError(message_of(error))
    log.error("a write failed", exc_info=error)
    return SqlError("internal error while writing; the log says more")
