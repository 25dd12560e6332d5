"""A connection: the statements of one user, with a current database."""

from __future__ import annotations

import logging
import re
from datetime import UTC, tzinfo
from types import TracebackType
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from foretell.errors import ForetellError, InvalidInput, NoDatabase, NoPrivilege, NoSuchDatabase, SqlError
from foretell.sql.anode_statements import TABLES
from foretell.sql.answer import FILES, TDENGINE, Context
from foretell.sql.database.about import tell
from foretell.sql.database.allowed import Guard
from foretell.sql.database.arrow import append_rows, rows_of
from foretell.sql.database.catalog import AnyTable, Catalog, Namespace, SubTable, SuperTable, Table
from foretell.sql.database.commands import QUERIES, command_of
from foretell.sql.database.halt import Halt
from foretell.sql.database.insert import Selection, read_insert
from foretell.sql.database.names import SYSTEM_SCHEMAS, Names
from foretell.sql.database.outcome import Outcome, read, settled, written
from foretell.sql.database.reader import Path, Reader
from foretell.sql.database.show import VIEWS
from foretell.sql.database.types import DECIMAL, Column, Precision
from foretell.sql.database.users import Privilege, User, Users
from foretell.sql.database.writer import Change
from foretell.sql.duck import Duck
from foretell.sql.session import Session
from foretell.sql.statement import Statement, statements
from foretell.sql.text import check_text
from foretell.sql.text import written as words
from foretell.sql.tokens import as_text
from foretell.wire.masking import mask

if TYPE_CHECKING:
    from foretell.sql.anodes import Anodes
    from foretell.sql.database.database import Database

log = logging.getLogger("foretell.sql")

NOTHING = "there is no statement here"
MOST_BYTES = 1 << 30
"""Of the result of a query that comes from a network."""
INSERT = re.compile(r"\s*INSERT\s", re.IGNORECASE)


class Connection:
    """The statements of one user. One statement at a time; `interrupt` may come from any thread.

    `database` is the current one, which USE changes; "" is none. `zone` is the time zone of texts without one;
    `warnings` are what the newest statement warned of.
    Cheap to make: a REST request has one of its own.
    """

    def __init__(self, home: Database, user: User, database: str = "", zone: str = "UTC") -> None:
        self.user: User = user
        self.zone: tzinfo = _zone(zone)
        self.warnings: list[str] = []
        self._home = home
        cursor = home.cursor()
        self._names = Names(home.catalog, self._system, self._may_read, strict=not home.is_own)
        guard = Guard(cursor, self._names.granted, home.closed_names, home.kept_reads, home.writable)
        self._duck = Duck(cursor) if home.is_own else Duck(cursor, guard, MOST_BYTES)
        self._session = Session(
            duck=self._duck,
            engine=home.engine,
            profile=FILES if home.is_own else TDENGINE,
            warn=self._warn,
            names=self._rewrite,
            zone=zone,
            anodes=home.anodes,
        )
        self._halt = Halt()
        if database:
            if database not in SYSTEM_SCHEMAS:
                self._seen(self.catalog.namespace(database))
            self.database = database

    @property
    def database(self) -> str:
        return self._names.database

    @database.setter
    def database(self, name: str) -> None:
        self._names.database = name

    @property
    def catalog(self) -> Catalog:
        return self._home.catalog

    @property
    def users(self) -> Users:
        return self._home.users

    @property
    def anodes(self) -> Anodes:
        return self._home.anodes()

    @property
    def precision(self) -> Precision:
        """That of the current database; ms where there is none."""
        namespace = self.catalog.namespaces.get(self.database)
        return namespace.precision if namespace else "ms"

    def run(self, text: str, timeout: float | None = None) -> Outcome:
        """Run one statement. `timeout` in seconds; the database's own limit where there is none.

        Raises SqlError (with the place), NoSuchTable, NoSuchDatabase, NoPrivilege, DeadlineExceeded, Cancelled and
        what the engine raises; each knows its TDengine code.
        """
        self.user = self.users.current(self.user)
        self._halt = Halt(self._home.timeout if timeout is None else timeout)
        self.warnings = []
        try:
            return self._run(text)
        except ForetellError as error:
            error.args = tuple(self._home.without_paths(part) for part in error.args)
            raise

    def _run(self, text: str) -> Outcome:
        check_text(text)
        if INSERT.match(text):
            return self._insert(text)
        found = list(statements(text))
        if not found:
            raise SqlError(NOTHING, text)
        if len(found) > 1:
            raise SqlError("one statement at a time", text, found[1].start)
        if found[0].is_word(0, "INSERT"):  # behind a comment
            return self._insert(text)
        return self._statement(found[0])

    def append(
        self, table: str, columns: pa.Table, database: str = "", using: str = "", tags: pa.Table | None = None
    ) -> int:
        """Write rows given as columns, as prepared and schemaless inserts do; the rows that were written.

        `table` is a normal table or a sub-table of `database` (the current one where it is ""), or a super-table, and
        then `columns` has a column `tbname`. Columns are found by name, those left out are NULL, times may be integers
        in the database's precision. With `using`, a super-table, and `tags`, a table of one row whose columns are tag
        names, a sub-table that is not there is made first.
        """
        namespace = self.catalog.namespace(database or self.database)
        self.demand("write", namespace)
        self._halt = Halt(self._home.timeout)
        return self._home.writer.write([append_rows(namespace, table, columns, using, tags)], self._halt)

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""
        self._halt.stop()
        self._session.interrupt()

    def check(self) -> None:
        """Cancelled if somebody has asked to stop; for whoever runs several statements."""
        self._duck.check()

    def close(self) -> None:
        self._duck.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # what commands need

    def find(self, database: str, name: str) -> AnyTable | None:
        """A table by its database ("" for the current one) and its name; None where there is none."""
        if not database and not self.database:
            raise NoDatabase("no database is chosen: say USE, or DATABASE.TABLE")
        return self._seen(self.catalog.namespace(database or self.database)).tables.get(name)

    def namespace(self, reader: Reader, path: Path) -> Namespace:
        """The database of a table as it was written."""
        return self.namespace_named(reader, path.database, path.token)

    def namespace_named(self, reader: Reader, name: str, token: int | None = None) -> Namespace:
        """A database by name, the current one where it is ""."""
        if not name and not self.database:
            reader.fail("no database is chosen: say USE, or DATABASE.TABLE", token, NoDatabase)
        found = self.catalog.namespaces.get(name or self.database)
        if found is None:
            reader.fail(f"Database not exist: {name or self.database}", token, NoSuchDatabase)
        return self._seen(found)

    def demand(self, privilege: Privilege, namespace: Namespace) -> None:
        """NoPrivilege if the user may not do that there."""
        if not self.user.may(privilege, namespace.name):
            raise NoPrivilege(f"Permission denied: {self.user.name} may not {privilege} {namespace.name}")

    def demand_admin(self, reader: Reader) -> None:
        if not self.user.is_admin:
            reader.fail("Permission denied: only root may do that", 0, NoPrivilege)

    def change(self, change: Change, *namespaces: Namespace) -> Outcome:
        """Let the writer run a change to some databases."""
        for namespace in namespaces:
            self.demand("write", namespace)
        return written(self._home.writer.change(change, self._halt))

    def rows(self, query: object) -> pa.Table:
        """The rows of a query, as it was written."""
        return self._session.sql(str(query), timeout=self._halt.left()).table

    def select(self, statement: Statement, head: str) -> pa.Table:
        """The rows of a statement with `head` in place of its first word."""
        start = statement.start
        statement.source.replace(start, statement.tokens[0].end, words(head, start))
        return self._session.statement(statement, self._halt.left()).table

    # the ways of a statement

    def _statement(self, statement: Statement) -> Outcome:
        reader = Reader(statement)
        command = command_of(reader)
        try:
            if command is not None:
                return command(reader, self)
        except (NoDatabase, NoSuchDatabase):
            if not self._home.is_own:
                raise
        return self._query(statement)

    def _query(self, statement: Statement) -> Outcome:
        if not self._home.is_own:
            self._check_head(statement)
        result = self._session.statement(statement, self._halt.left())
        declared = self._declared()
        exact = any(column.type is DECIMAL for column in declared.values()) or _says_decimal(statement)
        return read(result.table, self._precision_of_result(), declared, result, exact)

    def _check_head(self, statement: Statement) -> None:
        """Only queries, and COPY ... TO where files may be written."""
        first = statement.tokens[0]
        if statement.is_word(0, "COPY") and self._home.writable:
            if any(statement.is_word(i, "TO") for i in statement.level((1, len(statement.tokens)))):
                return
        elif first.text in QUERIES or statement.is_sign(0, "("):
            return
        raise statement.error(f"{first.text} begins no statement that is known here", 0)

    def _precision_of_result(self) -> Precision:
        for table in self._names.touched:
            return _namespace(table).precision
        return self.precision

    def _declared(self) -> dict[str, Column]:
        """The columns and tags of the tables that a query touched."""
        found = {}
        for table in self._names.touched:
            owner: Table = table.parent if isinstance(table, SubTable) else table
            for column in (*owner.columns, *_tags(table)):
                found[column.name] = column
        return found

    def _insert(self, text: str) -> Outcome:
        try:
            rows = read_insert(text, self.find, self.zone)
        except (NoDatabase, NoSuchDatabase):
            if not self._home.is_own:
                raise
            [statement] = statements(text)
            return self._query(statement)
        if isinstance(rows, Selection):
            return self._insert_selection(rows)
        for one in rows:
            self.demand("write", one.table.namespace)
        return written(self._home.writer.write(rows, self._halt))

    def _insert_selection(self, selection: Selection) -> Outcome:
        """INSERT INTO ... SELECT: the columns of the result in the order of those that are written."""
        table, statement = selection.table, selection.statement
        self.demand("write", _namespace(table))
        found = self.rows(
            f"FROM read_csv({as_text(selection.file)})" if selection.file else statement.cut(selection.query)
        )
        if found.num_columns != len(selection.columns):
            raise statement.error(
                f"{len(selection.columns)} columns are expected here, not {found.num_columns}", selection.query
            )
        rows = rows_of(table, selection.columns, settled(found, _namespace(table).precision), selection.made)
        return written(self._home.writer.write([rows], self._halt) if len(rows) else 0)

    def _seen(self, namespace: Namespace) -> Namespace:
        """The database; NoPrivilege if the user may neither read nor write there."""
        if not self.user.sees(namespace.name):
            raise NoPrivilege(f"Permission denied: {self.user.name} may not see {namespace.name}")
        return namespace

    def _rewrite(self, statement: Statement, context: Context) -> None:
        """What only a database knows: itself, and its tables."""
        described = self._home.described
        tell(statement, self)
        self._names(statement, context)
        context.tags.update(tag.name for table in self._names.touched for tag in _tags(table))
        self._duck.memo = described if self._names.are_ours else None

    def _warn(self, text: str) -> None:
        self.warnings.append(mask(text))
        log.warning("%s", text)

    def _may_read(self, database: str) -> bool:
        return self.user.may("read", database)

    def _system(self, name: str) -> pa.Table | None:
        """A table of information_schema."""
        if name in TABLES:
            return TABLES[name](self.anodes)
        view = VIEWS.get(name)
        return None if view is None else view.table(self)


def _namespace(table: AnyTable) -> Namespace:
    return (table.parent if isinstance(table, SubTable) else table).namespace


def _tags(table: AnyTable) -> tuple[Column, ...]:
    owner = table.parent if isinstance(table, SubTable) else table
    return owner.tags if isinstance(owner, SuperTable) else ()


def _says_decimal(statement: Statement) -> bool:
    return any(statement.is_word(i, "DECIMAL", "NUMERIC") for i in range(len(statement.tokens)))


def _zone(name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidInput("tz", f"{name!r} is no time zone") from None
