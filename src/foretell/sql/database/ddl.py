"""CREATE, ALTER and DROP of databases, tables, super-tables and sub-tables; DELETE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb

from foretell.errors import (
    DatabaseExists,
    NoSuchColumn,
    NoSuchDatabase,
    NoSuchTable,
    TableExists,
)
from foretell.sql.database import catalog
from foretell.sql.database.catalog import (
    CREATED,
    RESERVED,
    TBNAME,
    AnyTable,
    Namespace,
    SubTable,
    SuperTable,
    Table,
)
from foretell.sql.database.insert import read_using
from foretell.sql.database.names import SYSTEM_SCHEMAS
from foretell.sql.database.outcome import Outcome, read, written
from foretell.sql.database.reader import Path, Reader
from foretell.sql.database.types import BY_NAME, PRECISIONS, Column, Precision, Type
from foretell.sql.database.values import Dialect, read_value
from foretell.sql.database.writer import Apply, delete_keys, insert_tags, now
from foretell.sql.tokens import NAME, NUMBER, STRING, WORD, quote

if TYPE_CHECKING:
    from foretell.sql.database.connection import Connection

Duck = duckdb.DuckDBPyConnection
MOST_BYTES = 65_517
"""Of a text in a column."""
FROM_QUERY = 255
"""Bytes that a text of a query has at least, as a column."""
LENGTHS = {"JSON": 4_096, "BLOB": 4 << 20}
"""Bytes of types that are declared without a length."""


def create_database(reader: Reader, home: Connection) -> Outcome:
    """CREATE DATABASE [IF NOT EXISTS] name [option value ...]."""
    lenient = reader.take("IF", "NOT", "EXISTS")
    token = reader.i
    name = reader.name("a database")
    options = read_options(reader)
    home.demand_admin(reader)
    if name.lower() in RESERVED or "." in name:
        reader.fail(f"{name} is no name for a database", token)
    found = options.pop("precision", "ms")
    if found not in PRECISIONS:
        reader.fail(f"the precision must be ms, us or ns, not {found}")
    precision: Precision = found

    def change(duck: Duck) -> tuple[int, Apply]:
        if any(known.lower() == name.lower() for known in home.catalog.namespaces):
            if lenient:
                return 0, _nothing
            raise reader.statement.error(f"Database already exists: {name}", token, kind=DatabaseExists)
        made = Namespace(name, precision, now(), home.catalog.file, options)
        _execute(duck, f"CREATE SCHEMA IF NOT EXISTS {made.schema}")
        catalog.keep_namespace(duck, made)
        return 0, lambda: home.catalog.namespaces.update({name: made})

    return home.change(change)


def alter_database(reader: Reader, home: Connection) -> Outcome:
    """ALTER DATABASE name option value ...; the options are kept and shown, and change nothing."""
    namespace = _namespace(reader, home)
    options = read_options(reader)
    home.demand_admin(reader)
    if "precision" in options:
        reader.fail("the precision of a database cannot be changed", 0)

    def change(duck: Duck) -> tuple[int, Apply]:
        catalog.keep_options(duck, namespace, {**namespace.options, **options})
        return 0, lambda: namespace.options.update(options)

    return home.change(change)


def drop_database(reader: Reader, home: Connection) -> Outcome:
    """DROP DATABASE [IF EXISTS] name."""
    lenient = reader.take("IF", "EXISTS")
    token = reader.i
    name = reader.name("a database")
    reader.end()
    home.demand_admin(reader)

    def change(duck: Duck) -> tuple[int, Apply]:
        namespace = home.catalog.namespaces.get(name)
        if namespace is None:
            if lenient:
                return 0, _nothing
            raise reader.statement.error(f"Database not exist: {name}", token, kind=NoSuchDatabase)
        # not with the name of the file: DuckDB finds that ambiguous where both are one
        _execute(duck, f"DROP SCHEMA {quote(name)} CASCADE")
        catalog.forget_namespace(duck, namespace)
        return 0, lambda: _gone(home.catalog, name)

    return home.change(change)


def _gone(known: catalog.Catalog, name: str) -> None:
    known.namespaces.pop(name, None)


def use(reader: Reader, home: Connection) -> Outcome:
    """USE name."""
    reader.take("DATABASE")
    system = next((name for name in SYSTEM_SCHEMAS if reader.take(name.upper())), "")
    name = system or _namespace(reader, home).name
    reader.end()
    home.database = name
    return written(0)


def _namespace(reader: Reader, home: Connection) -> Namespace:
    token = reader.i
    name = reader.name("a database")
    found = home.catalog.namespaces.get(name)
    if found is None:
        reader.fail(f"Database not exist: {name}", token, NoSuchDatabase)
    return found


def read_options(reader: Reader) -> dict[str, str]:
    """`KEEP 3650 PRECISION 'us' COMMENT 'x' ...` to the end of the statement."""
    options: dict[str, str] = {}
    while not reader.is_done:
        key = reader.word().lower()
        if reader.sees_sign("("):
            first, last = reader.i, reader.statement.partner[reader.i]
            reader.i = last + 1
            options[key] = reader.statement.written((first + 1, last)) if last > first + 1 else ""
            continue
        options[key] = _option(reader)
        while reader.take_sign(","):
            options[key] += "," + _option(reader)
    return options


def _option(reader: Reader) -> str:
    """A text, a word, or a number with its unit."""
    if reader.sees_kind(STRING, NAME):
        return reader.text()
    if reader.sees_kind(WORD):
        return reader.word().lower()
    if not reader.sees_kind(NUMBER):
        reader.fail("a value is expected here")
    tokens = reader.statement.tokens
    value = tokens[reader.i].text
    reader.i += 1
    if reader.sees_kind(WORD) and tokens[reader.i].start == tokens[reader.i - 1].end:
        value += reader.word().lower()
    return value


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
    home.demand(reader, "write", namespace)
    if lenient and path.name in namespace.tables:
        return written(0)
    query = (reader.i, len(reader.statement.tokens))
    rows = read(home.rows(reader.statement.cut(query)), namespace.precision)
    columns = tuple(replace(c, bytes=c.bytes if c.type.width else max(c.bytes, FROM_QUERY)) for c in rows.columns)
    if not columns or columns[0].type.name != "TIMESTAMP":
        reader.fail("the first column must be a TIMESTAMP", query[0])
    _refuse_twins(reader, columns, query[0])
    table = Table(namespace, path.name, columns, now(), is_read=True)
    home.change(lambda duck: _create(duck, reader, [_Made(table, path.token, lenient)]), namespace)
    return written(home.append_to(table, rows.table))


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
        _option(reader)


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
    _refuse_twins(reader, (*columns, *tags), first)
    comment = read_options(reader).get("comment", "")
    if tags:
        return SuperTable(namespace, path.name, columns, now(), comment, tags=tags)
    return Table(namespace, path.name, columns, now(), comment, is_read=True)


def _refuse_twins(reader: Reader, columns: Sequence[Column], token: int) -> None:
    seen = {TBNAME, CREATED}
    for column in columns:
        if column.name.lower() in seen:
            reader.fail(f"{column.name} cannot be the name of a column, or stands twice", token)
        seen.add(column.name.lower())


def read_columns(reader: Reader) -> tuple[Column, ...]:
    """`(name TYPE, ...)`."""
    columns = []
    for first, last in reader.bracket():
        inner = Reader(reader.statement, first)
        columns.append(read_column(inner))
        while inner.i < last:  # PRIMARY KEY, ENCODE '...', COMPRESS '...', LEVEL '...': they change no answer
            if not inner.sees_kind(WORD, STRING):
                inner.fail("a comma is expected here")
            inner.i += 1
    return tuple(columns)


def read_column(reader: Reader) -> Column:
    """`name TYPE`, `name TYPE(bytes)`, `name DECIMAL(precision, scale)`."""
    name = reader.name("a column")
    token = reader.i
    word = reader.word()
    if reader.take("UNSIGNED"):
        word += " UNSIGNED"
    kind = BY_NAME.get(word)
    if kind is None:
        reader.fail(f"{word} is no type (known: {', '.join(BY_NAME)})", token)
    numbers = _numbers(reader) if reader.sees_sign("(") else []
    return _column(reader, name, kind, numbers, token)


def _numbers(reader: Reader) -> list[int]:
    found = []
    for first, last in reader.bracket():
        inner = Reader(reader.statement, first)
        found.append(inner.whole())
        if inner.i != last:
            inner.fail("only a number is expected here")
    return found


def _column(reader: Reader, name: str, kind: Type, numbers: list[int], token: int) -> Column:
    if kind.name == "DECIMAL":
        precision, scale = (*numbers, 0)[:2] if numbers else (10, 0)
        if len(numbers) > 2 or not 1 <= precision <= 38 or scale > precision:
            reader.fail("DECIMAL(precision, scale): a precision from 1 to 38, a scale not above it", token)
        return Column(name, kind, 8 if precision <= 18 else 16, precision, scale)
    if kind.width or kind.name in LENGTHS:
        if numbers:
            reader.fail(f"{kind.name} has no length", token)
        return Column(name, kind, kind.width or LENGTHS[kind.name])
    if len(numbers) != 1 or not 1 <= numbers[0] <= MOST_BYTES:
        reader.fail(f"{kind.name} needs a length from 1 to {MOST_BYTES}, such as {kind.name}(64)", token)
    return Column(name, kind, numbers[0])


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
        _execute(duck, f"CREATE TABLE {table.physical_tags} ({TBNAME} VARCHAR, {quote(CREATED)} BIGINT{tags})")
    _execute(duck, f"CREATE TABLE {table.physical} ({', '.join(columns)})")
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
            _execute(duck, f"DELETE FROM {physical} WHERE {TBNAME} = ?", table.name)
        return
    _execute(duck, f"DROP TABLE {table.physical}")
    if isinstance(table, SuperTable):
        _execute(duck, f"DROP TABLE {table.physical_tags}")
    catalog.forget_table(duck, table)


def alter_table(reader: Reader, home: Connection) -> Outcome:
    """ALTER TABLE t or ALTER STABLE st, with one of ALTERATIONS."""
    path = reader.path()
    namespace = home.namespace(reader, path)
    table = namespace.tables.get(path.name)
    if table is None:
        reader.fail(f"Table does not exist: {path.name}", path.token, NoSuchTable)
    for words, alter in ALTERATIONS.items():
        if reader.take(*words):
            return home.change(alter(reader, table, home), namespace)
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
        _execute(duck, f"DELETE FROM {parent.physical_tags} WHERE {TBNAME} = ?", table.name)
        insert_tags(duck, [changed])
        return 0, lambda: setattr(table, "tags", changed.tags)

    return change


def _set_comment(reader: Reader, table: AnyTable, _: Connection) -> Alteration:
    owner = _owner(reader, table)
    comment = reader.text()
    reader.end()
    return _reshaped(owner, "", comment=comment)


def _ignore(reader: Reader, _table: AnyTable, _home: Connection) -> Alteration:
    _option(reader)
    reader.end()
    return lambda _: (0, _nothing)


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
    _refuse_twins(reader, (*table.columns, *tags, Column(name, BY_NAME["INT"], 4)), 0)


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
            _execute(duck, f"ALTER TABLE {physical} {sql}")
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
    home.demand(reader, "write", namespace)
    keys = home.select(reader.statement, f"SELECT {', '.join(map(quote, columns))}")
    return home.change(lambda duck: (delete_keys(duck, owner, keys.select(columns)), _nothing), namespace)


def _execute(duck: Duck, sql: str, *values: object) -> None:
    duck.execute(sql, list(values)).fetchall()


def _nothing() -> None:
    pass
