"""ALTER of tables, super-tables and sub-tables, as a table of what may stand behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from foretell.errors import (
    NoSuchColumn,
    NoSuchTable,
)
from foretell.sql.database import catalog
from foretell.sql.database.catalog import (
    AnyTable,
    Namespace,
    SubTable,
    SuperTable,
    Table,
)
from foretell.sql.database.columns import read_column, refuse_twins
from foretell.sql.database.databases import read_option
from foretell.sql.database.outcome import Outcome
from foretell.sql.database.reader import Path, Reader
from foretell.sql.database.types import BY_NAME, Column
from foretell.sql.database.values import Dialect, read_value
from foretell.sql.database.writer import Apply, execute, insert_tags, nothing
from foretell.sql.tokens import quote
from foretell.wire.taos_types import TBNAME

if TYPE_CHECKING:
    from foretell.sql.database.connection import Connection

Duck = duckdb.DuckDBPyConnection


def alter_table(reader: Reader, home: Connection) -> Outcome:
    """ALTER TABLE t or ALTER STABLE st, with one of ALTERATIONS.

    It is read in the writer's turn: what it alters is the table as others have left it.
    """
    path = reader.path()
    namespace = home.namespace(reader, path)
    return home.change(lambda duck: _alteration(reader, namespace, path, home)(duck), namespace)


def _alteration(reader: Reader, namespace: Namespace, path: Path, home: Connection) -> Alteration:
    table = namespace.tables.get(path.name)
    if table is None:
        reader.fail(f"Table does not exist: {path.name}", path.token, NoSuchTable)
    for words, alter in ALTERATIONS.items():
        if reader.take(*words):
            return alter(reader, table, home)
    raise reader.error(f"one of these is expected here: {', '.join(' '.join(words) for words in ALTERATIONS)}")


Alteration = Callable[[Duck], tuple[int, Apply]]


def _add_column(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _owner(reader, table)
    column = read_column(reader)
    reader.end()
    _refuse_known(reader, owner, column.name)
    return _reshaped(owner, f"ADD COLUMN {_defined(owner, column)}", columns=(*owner.columns, column))


def _drop_column(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _owner(reader, table)
    column = _known(reader, owner.columns)
    reader.end()
    if column is owner.columns[0]:
        reader.fail("the column of the time cannot be dropped", 0)
    kept = tuple(one for one in owner.columns if one is not column)
    return _reshaped(owner, f"DROP COLUMN {quote(column.name)}", columns=kept)


def _modify_column(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _owner(reader, table)
    column = _wider(reader, owner.columns)
    changed = tuple(column if one.name == column.name else one for one in owner.columns)
    return _reshaped(owner, "", columns=changed)


def _rename_column(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _owner(reader, table)
    column = _known(reader, owner.columns)
    name = reader.name("a column")
    reader.end()
    _refuse_known(reader, owner, name)
    changed = tuple(replace(one, name=name) if one is column else one for one in owner.columns)
    return _reshaped(owner, f"RENAME COLUMN {quote(column.name)} TO {quote(name)}", columns=changed)


def _add_tag(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _super(reader, table)
    tag = read_column(reader)
    reader.end()
    _refuse_known(reader, owner, tag.name)
    return _reshaped(owner, f"ADD COLUMN {_defined(owner, tag)}", tags=(*owner.tags, tag))


def _drop_tag(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _super(reader, table)
    tag = _known(reader, owner.tags)
    reader.end()
    if len(owner.tags) == 1:
        reader.fail("the only tag cannot be dropped")
    kept = tuple(one for one in owner.tags if one is not tag)
    return _reshaped(owner, f"DROP COLUMN {quote(tag.name)}", tags=kept)


def _modify_tag(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _super(reader, table)
    tag = _wider(reader, owner.tags)
    return _reshaped(owner, "", tags=tuple(tag if one.name == tag.name else one for one in owner.tags))


def _rename_tag(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _super(reader, table)
    tag = _known(reader, owner.tags)
    name = reader.name("a tag")
    reader.end()
    _refuse_known(reader, owner, name)
    changed = tuple(replace(one, name=name) if one is tag else one for one in owner.tags)
    return _reshaped(owner, f"RENAME COLUMN {quote(tag.name)} TO {quote(name)}", tags=changed)


def _set_tag(reader: Reader, table: AnyTable, home: Connection) -> Alteration:
    """SET TAG name = value [, name = value ...]."""
    if not isinstance(table, SubTable):
        reader.fail(f"{table.name} is no sub-table")
    parent = table.parent
    values = dict(zip((tag.name for tag in parent.tags), table.tags, strict=True))
    end = len(reader.statement.tokens)
    dialect = Dialect(parent.namespace.precision, home.zone)
    for span in reader.statement.split((reader.i, end)):
        inner = Reader(reader.statement, span[0])
        inner.take("TAG")
        tag = _known(inner, parent.tags)
        inner.expect_sign("=")
        values[tag.name] = read_value(reader.statement, (inner.i, span[1]), tag, dialect)
    changed = replace(table, tags=tuple(values.values()))

    def change(duck: Duck) -> tuple[int, Apply]:
        execute(duck, f"DELETE FROM {parent.physical_tags} WHERE {TBNAME} = ?", table.name)
        insert_tags(duck, [changed])
        return 0, lambda: setattr(table, "tags", changed.tags)

    return change


def _set_comment(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _owner(reader, table)
    comment = reader.text()
    reader.end()
    return _reshaped(owner, "", comment=comment)


def _ignore(reader: Reader, _table: AnyTable, _home: Connection) -> Alteration:
    read_option(reader)
    reader.end()
    return lambda _: (0, nothing)


ALTERATIONS: dict[tuple[str, ...], Callable[[Reader, AnyTable, Connection], Alteration]] = {
    ("ADD", "COLUMN"): _add_column,
    ("DROP", "COLUMN"): _drop_column,
    ("MODIFY", "COLUMN"): _modify_column,
    ("RENAME", "COLUMN"): _rename_column,
    ("ADD", "TAG"): _add_tag,
    ("DROP", "TAG"): _drop_tag,
    ("MODIFY", "TAG"): _modify_tag,
    ("RENAME", "TAG"): _rename_tag,
    ("SET",): _set_tag,
    ("COMMENT",): _set_comment,
    ("TTL",): _ignore,
}


def _owner(reader: Reader, table: AnyTable) -> Table:
    if isinstance(table, SubTable):
        reader.fail(f"{table.name} has the columns of its super-table {table.parent.name}; alter that")
    return table


def _super(reader: Reader, table: AnyTable) -> SuperTable:
    if not isinstance(table, SuperTable):
        reader.fail(f"{table.name} is no super-table")
    return table


def _defined(table: Table, column: Column) -> str:
    return f"{quote(column.name)} {column.duck(table.namespace.precision)}"


def _known(reader: Reader, columns: Sequence[Column]) -> Column:
    token = reader.i
    name = reader.name("a column")
    for column in columns:
        if column.name == name:
            return column
    raise reader.error(f"Invalid column name: {name}", token, NoSuchColumn)


def _refuse_known(reader: Reader, table: Table, name: str) -> None:
    tags = table.tags if isinstance(table, SuperTable) else ()
    refuse_twins(reader, (*table.columns, *tags, Column(name, BY_NAME["INT"], 4)), 0)


def _wider(reader: Reader, columns: Sequence[Column]) -> Column:
    """A text column as it shall be: the same type, and longer."""
    token = reader.i
    column = read_column(reader)
    reader.end()
    old = next((one for one in columns if one.name == column.name), None)
    if old is None:
        reader.fail(f"Invalid column name: {column.name}", token, NoSuchColumn)
    if old.type is not column.type or column.type.width or column.bytes < old.bytes:
        reader.fail(f"{column.name} is {old.declared}, which can only be made longer", token)
    return column


def _reshaped(
    table: Table,
    sql: str,
    columns: tuple[Column, ...] | None = None,
    tags: tuple[Column, ...] | None = None,
    comment: str | None = None,
) -> Alteration:
    """A change of the columns or tags of a table: `sql` is what DuckDB has to alter, "" for nothing."""
    physical = table.physical_tags if isinstance(table, SuperTable) and tags is not None else table.physical
    changed = replace(table, columns=columns or table.columns, comment=table.comment if comment is None else comment)
    if isinstance(changed, SuperTable) and tags is not None:
        changed = replace(changed, tags=tags)

    def change(duck: Duck) -> tuple[int, Apply]:
        table.tail = None
        if sql:
            execute(duck, f"ALTER TABLE {physical} {sql}")
        catalog.forget_table(duck, table)
        catalog.keep_table(duck, changed)
        return 0, lambda: _take_over(table, changed)

    return change


def _take_over(table: Table, changed: Table) -> None:
    """The new shape in the object that everybody knows; tags of sub-tables follow by name."""
    if isinstance(table, SuperTable) and isinstance(changed, SuperTable):
        sources = _tag_sources(table.tags, changed.tags)
        for child in table.children.values():
            child.tags = tuple(None if i is None else child.tags[i] for i in sources)
        table.tags = changed.tags
    table.columns, table.comment = changed.columns, changed.comment


def _tag_sources(old: Sequence[Column], new: Sequence[Column]) -> list[int | None]:
    """Where the values of each new tag stand among the old ones; one alteration renames, adds or drops one."""
    places: dict[str, int | None] = {tag.name: i for i, tag in enumerate(old)}
    if len(old) == len(new):
        return list(range(len(new)))
    return [places.get(tag.name) for tag in new]
