"""CREATE and DROP of tables, super-tables and sub-tables; DELETE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb

from foretell.errors import (
    NoSuchTable,
    TableExists,
)
from foretell.sql.database import catalog
from foretell.sql.database.arrow import rows_of
from foretell.sql.database.catalog import (
    CREATED,
    AnyTable,
    Namespace,
    SubTable,
    SuperTable,
    Table,
)
from foretell.sql.database.columns import FROM_QUERY, read_columns, refuse_twins
from foretell.sql.database.databases import read_option, read_options
from foretell.sql.database.insert import read_using
from foretell.sql.database.outcome import Outcome, read, written
from foretell.sql.database.reader import Path, Reader
from foretell.sql.database.writer import Apply, delete_keys, execute, fill, insert_tags, nothing, now
from foretell.sql.tokens import quote
from foretell.wire.taos_types import TBNAME

if TYPE_CHECKING:
    from foretell.sql.database.connection import Connection

Duck = duckdb.DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class _Made:
    """A table to make, and the token of its name."""

    table: AnyTable
    token: int
    lenient: bool


def create_table(reader: Reader, home: Connection) -> Outcome:
    """CREATE TABLE [IF NOT EXISTS] t (columns) [TAGS (tags)], t AS query, or one or more t USING st TAGS (values)."""
    made: list[_Made] = []
    while not reader.is_done:
        lenient = reader.take("IF", "NOT", "EXISTS")
        path = reader.path()
        if reader.take("USING"):
            sub = read_using(reader, path, home.find, home.zone)
            _rest_of_sub_table(reader)
            made.append(_Made(sub, path.token, lenient))
            reader.take_sign(",")
        elif reader.take("AS"):
            return _create_from(reader, home, path, lenient)
        else:
            made.append(_Made(_table(reader, home, path), path.token, lenient))
            reader.end()
    return home.change(lambda duck: _create(duck, reader, made), *{_namespace_of(one.table) for one in made})


def _create_from(reader: Reader, home: Connection, path: Path, lenient: bool) -> Outcome:
    """CREATE TABLE t AS query: a normal table with the columns of the query, and its rows."""
    namespace = home.namespace(reader, path)
    home.demand("write", namespace)
    if lenient and path.name in namespace.tables:
        return written(0)
    query = (reader.i, len(reader.statement.tokens))
    rows = read(home.rows(reader.statement.cut(query)), namespace.precision)
    columns = tuple(replace(c, bytes=c.bytes if c.type.width else max(c.bytes, FROM_QUERY)) for c in rows.columns)
    if not columns or columns[0].type.name != "TIMESTAMP":
        reader.fail("the first column must be a TIMESTAMP", query[0])
    refuse_twins(reader, columns, query[0])
    table = Table(namespace, path.name, columns, now(), is_read=True)
    found = rows_of(table, columns, rows.table)

    def change(duck: Duck) -> tuple[int, Apply]:
        _, apply = _create(duck, reader, [_Made(table, path.token, lenient)])
        if path.name in namespace.tables:  # with IF NOT EXISTS: another was faster
            return 0, apply
        fill(duck, table, found)
        return len(found), apply

    return home.change(change, namespace)


def create_stable(reader: Reader, home: Connection) -> Outcome:
    """CREATE STABLE [IF NOT EXISTS] st (columns) TAGS (tags)."""
    lenient = reader.take("IF", "NOT", "EXISTS")
    path = reader.path("a super-table")
    table = _table(reader, home, path)
    if not isinstance(table, SuperTable):
        reader.fail("TAGS (...) is missing")
    made = [_Made(table, path.token, lenient)]
    return home.change(lambda duck: _create(duck, reader, made), table.namespace)


def _rest_of_sub_table(reader: Reader) -> None:
    """Options of a sub-table, which are read and not kept."""
    while reader.sees("TTL") or reader.sees("COMMENT"):
        reader.word()
        read_option(reader)


def _namespace_of(table: AnyTable) -> Namespace:
    return table.parent.namespace if isinstance(table, SubTable) else table.namespace


def _table(reader: Reader, home: Connection, path: Path) -> Table:
    namespace = home.namespace(reader, path)
    if "." in path.name or not path.name:
        reader.fail(f"{path.name!r} is no name for a table", path.token)
    first = reader.i
    columns = read_columns(reader)
    if columns[0].type.name != "TIMESTAMP":
        reader.fail("the first column must be a TIMESTAMP", first + 1)
    tags = read_columns(reader) if reader.take("TAGS") else ()
    refuse_twins(reader, (*columns, *tags), first)
    comment = read_options(reader).get("comment", "")
    if tags:
        return SuperTable(namespace, path.name, columns, now(), comment, tags=tags)
    return Table(namespace, path.name, columns, now(), comment, is_read=True)


def _create(duck: Duck, reader: Reader, made: Sequence[_Made]) -> tuple[int, Apply]:
    """Make all of the tables, or none."""
    new: dict[tuple[int, str], AnyTable] = {}
    for one in made:
        namespace = _namespace_of(one.table)
        key = (id(namespace), one.table.name)
        found = namespace.tables.get(one.table.name) or new.get(key)
        if found is None:
            new[key] = one.table
        elif not one.lenient:
            raise reader.statement.error(f"Table already exists: {one.table.name}", one.token, kind=TableExists)
    subs: dict[int, list[SubTable]] = {}
    for table in new.values():
        if isinstance(table, SubTable):
            subs.setdefault(id(table.parent), []).append(table)
        else:
            make_table(duck, table)
    for group in subs.values():
        insert_tags(duck, group)
    return 0, lambda: _add(list(new.values()))


def _add(tables: Sequence[AnyTable]) -> None:
    for table in tables:
        catalog.add(table)


def make_table(duck: Duck, table: Table) -> None:
    """The tables of DuckDB that keep a table, and its row in the catalog."""
    precision = table.namespace.precision
    columns = [f"{quote(c.name)} {c.duck(precision)}" for c in table.columns]
    if isinstance(table, SuperTable):
        tags = "".join(f", {quote(t.name)} {t.duck(precision)}" for t in table.tags)
        columns.insert(0, f"{TBNAME} VARCHAR")
        execute(duck, f"CREATE TABLE {table.physical_tags} ({TBNAME} VARCHAR, {quote(CREATED)} BIGINT{tags})")
    execute(duck, f"CREATE TABLE {table.physical} ({', '.join(columns)})")
    catalog.keep_table(duck, table)


def drop_table(reader: Reader, home: Connection) -> Outcome:
    """DROP TABLE [IF EXISTS] t [, [IF EXISTS] t ...]."""
    wanted: list[tuple[Path, bool]] = []
    while True:
        lenient = reader.take("IF", "EXISTS")
        wanted.append((reader.path(), lenient))
        if not reader.take_sign(","):
            break
    reader.end()
    return _drop(reader, home, wanted, needs=None)


def drop_stable(reader: Reader, home: Connection) -> Outcome:
    """DROP STABLE [IF EXISTS] st."""
    lenient = reader.take("IF", "EXISTS")
    path = reader.path("a super-table")
    reader.end()
    return _drop(reader, home, [(path, lenient)], needs=SuperTable)


def _drop(reader: Reader, home: Connection, wanted: Sequence[tuple[Path, bool]], needs: type | None) -> Outcome:
    namespaces = [home.namespace(reader, path) for path, _ in wanted]

    def change(duck: Duck) -> tuple[int, Apply]:
        found = []
        for (path, lenient), namespace in zip(wanted, namespaces, strict=True):
            table = namespace.tables.get(path.name)
            if table is not None and (needs is None or isinstance(table, needs)):
                found.append(table)
                remove_table(duck, table)
            elif not lenient:
                raise reader.statement.error(f"Table does not exist: {path.name}", path.token, kind=NoSuchTable)
        return 0, lambda: _remove(found)

    return home.change(change, *namespaces)


def _remove(tables: Sequence[AnyTable]) -> None:
    for table in tables:
        catalog.remove(table)


def remove_table(duck: Duck, table: AnyTable) -> None:
    """Take a table, its rows and its tags out of the file."""
    if isinstance(table, SubTable):
        table.parent.tail = None
        for physical in (table.parent.physical, table.parent.physical_tags):
            execute(duck, f"DELETE FROM {physical} WHERE {TBNAME} = ?", table.name)
        return
    execute(duck, f"DROP TABLE {table.physical}")
    if isinstance(table, SuperTable):
        execute(duck, f"DROP TABLE {table.physical_tags}")
    catalog.forget_table(duck, table)


def delete(reader: Reader, home: Connection) -> Outcome:
    """DELETE FROM t [WHERE condition]."""
    path = reader.path()
    namespace = home.namespace(reader, path)
    table = namespace.tables.get(path.name)
    if table is None:
        reader.fail(f"Table does not exist: {path.name}", path.token, NoSuchTable)
    if not reader.is_done and not reader.sees("WHERE"):
        reader.fail("WHERE is expected here")
    owner = table.parent if isinstance(table, SubTable) else table
    columns = ([TBNAME] if isinstance(owner, SuperTable) else []) + [owner.time]
    home.demand("write", namespace)
    keys = home.select(reader.statement, f"SELECT {', '.join(map(quote, columns))}")
    return home.change(lambda duck: (delete_keys(duck, owner, keys.select(columns)), nothing), namespace)
