"""What there is: databases, tables, super-tables with their sub-tables. In memory, and in a schema of the same file.

A database is a schema of DuckDB. A normal table is a table there; a super-table is one table of all its rows, with the
sub-table's name in the column `tbname`, and a second one with a row of tags for each sub-table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from foretell.errors import NoSuchDatabase
from foretell.sql.database.types import BY_NAME, Column, Precision
from foretell.sql.tokens import quote
from foretell.wire.taos_types import TBNAME

SYSTEM = "__foretell"
RESERVED = frozenset({SYSTEM, "main", "temp", "system", "pg_catalog", "information_schema", "performance_schema"})
"""Schemas that no database may be called."""
TAGS = ".tags"
"""What the name of the table with the tags ends with."""
CREATED = ".created"
"""The column of a table of tags that says when a sub-table was made, in ms; no tag can be called so."""


@dataclass(slots=True, eq=False)
class Namespace:
    """What TDengine calls a database. `created` in ms since the epoch; `options` as they were given, unused; `file` is
    DuckDB's name of the file."""

    name: str
    precision: Precision
    created: int
    file: str
    options: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table | SubTable] = field(default_factory=dict, repr=False)

    @property
    def schema(self) -> str:
        """DuckDB's name of it. With that of the file: plant.db may hold a database `plant`."""
        return f"{quote(self.file)}.{quote(self.name)}"

    def own(self) -> Iterator[Table]:
        """Its normal tables and super-tables."""
        return (table for table in list(self.tables.values()) if isinstance(table, Table))


@dataclass(slots=True, eq=False)
class Table:
    """A normal table; its first column is the time. `newest` is its latest time, in the database's precision, or later
    than that; None where it has no rows, or (if `is_read` is false) nobody has looked yet.

    `is_sorted`: the rows of each series come in the order of time. `sorted_rows` lie as they were sorted last, `loose`
    ones came since; `tail` has what is appended while a sorted copy is made, None where none is.
    """

    namespace: Namespace = field(repr=False)
    name: str
    columns: tuple[Column, ...]
    created: int
    comment: str = ""
    newest: int | None = None
    is_read: bool = False
    is_sorted: bool = True
    sorted_rows: int = 0
    loose: int = 0
    tail: list[pa.Table] | None = field(default=None, repr=False)

    @property
    def physical(self) -> str:
        """DuckDB's name of the table that has the rows."""
        return f"{self.namespace.schema}.{quote(self.name)}"

    @property
    def paths(self) -> set[tuple[str, ...]]:
        """The parts of DuckDB's names of all that is kept of it."""
        return {(self.namespace.file, self.namespace.name, self.name)}

    @property
    def time(self) -> str:
        return self.columns[0].name

    @property
    def width(self) -> int:
        """Bytes of a row, as TDengine counts them."""
        return sum(column.bytes for column in self.columns)


@dataclass(slots=True, eq=False)
class SuperTable(Table):
    tags: tuple[Column, ...] = ()
    children: dict[str, SubTable] = field(default_factory=dict, repr=False)

    @property
    def physical_tags(self) -> str:
        """DuckDB's name of the table that has the tags."""
        return f"{self.namespace.schema}.{quote(self.name + TAGS)}"

    @property
    def paths(self) -> set[tuple[str, ...]]:
        return {(self.namespace.file, self.namespace.name, self.name + end) for end in ("", TAGS)}


@dataclass(slots=True, eq=False)
class SubTable:
    """One series of a super-table; `tags` are its values, in the order of the super-table's tags."""

    name: str
    parent: SuperTable = field(repr=False)
    tags: tuple[object, ...]
    created: int
    newest: int | None = None


AnyTable = Table | SubTable


class Catalog:
    """All databases by name. Whoever writes changes it, after the commit; anybody may look."""

    def __init__(self) -> None:
        self.namespaces: dict[str, Namespace] = {}
        self.file = ""

    def namespace(self, name: str) -> Namespace:
        found = self.namespaces.get(name)
        if found is None:
            raise NoSuchDatabase(f"Database not exist: {name}")
        return found

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read what the file has; a file that this program has not written yet has nothing."""
        [(self.file,)] = connection.execute("SELECT current_database()").fetchall()
        if not is_prepared(connection):
            return
        for name, precision, created, options in _rows(connection, "databases"):
            self.namespaces[name] = Namespace(name, precision, created, self.file, json.loads(options))
        for row in _rows(connection, "tables"):
            self._load_table(connection, *row)

    def _load_table(
        self,
        connection: duckdb.DuckDBPyConnection,
        database: str,
        name: str,
        is_super: bool,
        columns: str,
        tags: str,
        created: int,
        comment: str,
        sorted_rows: int,
        is_sorted: bool,
    ) -> None:
        namespace = self.namespaces[database]
        shape = (namespace, name, columns_of(columns), created, comment)
        table = SuperTable(*shape, tags=columns_of(tags)) if is_super else Table(*shape)
        table.is_sorted, table.sorted_rows = is_sorted, sorted_rows
        if is_super or not is_sorted:
            [(count,)] = connection.execute(f"SELECT count(*) FROM {table.physical}").fetchall()
            table.loose = max(0, count - sorted_rows)
        namespace.tables[name] = table
        if isinstance(table, SuperTable):
            for sub in _sub_tables(connection, table):
                add(sub)


DEFINITIONS = (
    "databases(name VARCHAR, precision VARCHAR, created BIGINT, options VARCHAR)",
    "tables(database VARCHAR, name VARCHAR, is_super BOOLEAN, columns VARCHAR, tags VARCHAR, created BIGINT, "
    "comment VARCHAR, sorted_rows BIGINT, is_sorted BOOLEAN)",
    "anodes(id INTEGER, url VARCHAR, created BIGINT, updated BIGINT, algorithms VARCHAR)",
    "users(name VARCHAR, password VARCHAR, is_admin BOOLEAN, is_first BOOLEAN, is_enabled BOOLEAN, created BIGINT, "
    "grants VARCHAR)",
)
"""The tables of our own schema."""


def is_prepared(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the file has our own schema."""
    found = connection.execute("SELECT 1 FROM duckdb_schemas() WHERE schema_name = ?", [SYSTEM]).fetchall()
    return bool(found)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make our own schema where it is not there: with the first database or user, for others may own the file."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SYSTEM}").fetchall()
    for definition in DEFINITIONS:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {SYSTEM}.{definition}").fetchall()


def add(table: AnyTable) -> None:
    """Put a table into its database, and a sub-table under its super-table."""
    if isinstance(table, SubTable):
        table.parent.children[table.name] = table
        table.parent.namespace.tables[table.name] = table
    else:
        table.namespace.tables[table.name] = table


def remove(table: AnyTable) -> None:
    """Take a table out, with all its sub-tables."""
    if isinstance(table, SubTable):
        table.parent.children.pop(table.name, None)
        table.parent.namespace.tables.pop(table.name, None)
        return
    table.namespace.tables.pop(table.name, None)
    if isinstance(table, SuperTable):
        for child in table.children:
            table.namespace.tables.pop(child, None)


def written_columns(columns: Iterable[Column]) -> str:
    """Columns as the file keeps them."""
    return json.dumps([[c.name, c.type.name, c.bytes, c.precision, c.scale] for c in columns])


def columns_of(text: str) -> tuple[Column, ...]:
    """The twin of `written_columns`."""
    return tuple(Column(name, BY_NAME[kind], *rest) for name, kind, *rest in json.loads(text))


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"FROM {SYSTEM}.{table}").fetchall()


def _read_tag(tag: Column, precision: Precision) -> str:
    """Times as numbers, others as they are."""
    return f"epoch_{precision}({quote(tag.name)})" if tag.type.name == "TIMESTAMP" else quote(tag.name)


def _sub_tables(connection: duckdb.DuckDBPyConnection, table: SuperTable) -> Iterator[SubTable]:
    tags = "".join(f", {_read_tag(tag, table.namespace.precision)}" for tag in table.tags)
    query = f"SELECT {TBNAME}, {quote(CREATED)}{tags} FROM {table.physical_tags}"
    for name, created, *values in connection.execute(query).fetchall():
        yield SubTable(name, table, tuple(values), created)


def keep_namespace(connection: duckdb.DuckDBPyConnection, namespace: Namespace) -> None:
    """Write down a database."""
    prepare(connection)
    row = [namespace.name, namespace.precision, namespace.created, json.dumps(namespace.options)]
    connection.execute(f"INSERT INTO {SYSTEM}.databases VALUES (?, ?, ?, ?)", row).fetchall()


def keep_options(connection: duckdb.DuckDBPyConnection, namespace: Namespace, options: dict[str, str]) -> None:
    """Write down the options of a database anew."""
    row = [json.dumps(options), namespace.name]
    connection.execute(f"UPDATE {SYSTEM}.databases SET options = ? WHERE name = ?", row).fetchall()


def forget_namespace(connection: duckdb.DuckDBPyConnection, namespace: Namespace) -> None:
    """Take a database and all its tables out of what is written down."""
    connection.execute(f"DELETE FROM {SYSTEM}.databases WHERE name = ?", [namespace.name]).fetchall()
    connection.execute(f"DELETE FROM {SYSTEM}.tables WHERE database = ?", [namespace.name]).fetchall()


def keep_table(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Write down a normal table or a super-table."""
    is_super = isinstance(table, SuperTable)
    tags = written_columns(table.tags if isinstance(table, SuperTable) else ())
    row = [
        table.namespace.name,
        table.name,
        is_super,
        written_columns(table.columns),
        tags,
        table.created,
        table.comment,
        table.sorted_rows,
        table.is_sorted,
    ]
    connection.execute(f"INSERT INTO {SYSTEM}.tables VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row).fetchall()


def forget_table(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Take a normal table or a super-table out of what is written down."""
    row = [table.namespace.name, table.name]
    connection.execute(f"DELETE FROM {SYSTEM}.tables WHERE database = ? AND name = ?", row).fetchall()


def keep_order(connection: duckdb.DuckDBPyConnection, table: Table, sorted_rows: int, is_sorted: bool) -> None:
    """Write down how a table lies."""
    row = [sorted_rows, is_sorted, table.namespace.name, table.name]
    connection.execute(
        f"UPDATE {SYSTEM}.tables SET sorted_rows = ?, is_sorted = ? WHERE database = ? AND name = ?", row
    ).fetchall()
