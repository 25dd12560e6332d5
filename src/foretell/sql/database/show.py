"""SHOW, DESCRIBE and information_schema, with TDengine's names of columns."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from foretell.errors import NoSuchTable
from foretell.sql.database.catalog import Namespace, SubTable, SuperTable, Table
from foretell.sql.database.outcome import Outcome, read
from foretell.sql.database.reader import Reader
from foretell.sql.database.types import Column
from foretell.sql.database.values import written_value
from foretell.sql.tokens import ticked

if TYPE_CHECKING:
    from foretell.sql.database.connection import Connection

TEXT, INT, BIGINT, TINY, TIME = pa.string(), pa.int32(), pa.int64(), pa.int8(), pa.timestamp("ms")
SYSTEM_NAME = "information_schema"


class View(NamedTuple):
    """A table of information_schema: its columns with their Arrow types, and what makes its rows."""

    columns: dict[str, pa.DataType]
    rows: Callable[[Connection], Iterator[Sequence[Any]]]

    def table(self, home: Connection) -> pa.Table:
        rows = list(self.rows(home))
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self.columns)
        return pa.table(
            {name: pa.array(values, kind) for (name, kind), values in zip(self.columns.items(), columns, strict=True)}
        )


OPTIONS: dict[str, tuple[pa.DataType, Any]] = {
    "vgroups": (pa.int16(), 2),
    "ntables": (BIGINT, 0),
    "replica": (TINY, 1),
    "strict": (TEXT, "on"),
    "duration": (TEXT, "10d"),
    "keep": (TEXT, "3650d,3650d,3650d"),
    "buffer": (INT, 256),
    "pagesize": (INT, 4),
    "pages": (INT, 256),
    "minrows": (INT, 100),
    "maxrows": (INT, 4096),
    "comp": (TINY, 2),
    "precision": (TEXT, "ms"),
    "status": (TEXT, "ready"),
    "retentions": (TEXT, None),
    "single_stable": (pa.bool_(), False),
    "cachemodel": (TEXT, "none"),
    "cachesize": (INT, 1),
    "wal_level": (TINY, 1),
    "wal_fsync_period": (INT, 3000),
}
"""The columns of ins_databases behind the first two, with what TDengine says where nothing was given."""


def _databases(home: Connection) -> Iterator[Sequence[Any]]:
    yield (SYSTEM_NAME, None, *(None if name != "ntables" else len(VIEWS) for name in OPTIONS))
    for one in _seen(home):
        own = {**one.options, "precision": one.precision, "ntables": _count(one)}
        yield (
            one.name,
            one.created,
            *(_option(name, kind, own.get(name, value)) for name, (kind, value) in OPTIONS.items()),
        )


def _option(name: str, kind: pa.DataType, value: Any) -> Any:
    """An option as its column has it; a number may have been written with a unit."""
    if name != "single_stable" and pa.types.is_integer(kind):
        digits = re.match(r"\d+", str(value))
        return int(digits[0]) if digits else None
    return value


def _count(namespace: Namespace) -> int:
    return sum(not isinstance(table, SuperTable) for table in list(namespace.tables.values()))


def _seen(home: Connection) -> list[Namespace]:
    """The databases that the user may read or write."""
    return [one for one in list(home.catalog.namespaces.values()) if home.user.sees(one.name)]


def _tables(home: Connection) -> Iterator[Sequence[Any]]:
    for namespace in _seen(home):
        for table in list(namespace.tables.values()):
            if isinstance(table, SuperTable):
                continue
            owner = table.parent if isinstance(table, SubTable) else table
            above = table.parent.name if isinstance(table, SubTable) else None
            kind = "CHILD_TABLE" if above else "NORMAL_TABLE"
            comment = None if isinstance(table, SubTable) else table.comment or None
            yield (
                table.name,
                namespace.name,
                table.created,
                len(owner.columns),
                above,
                _uid(namespace, table.name),
                2,
                0,
                comment,
                kind,
            )


def _uid(namespace: Namespace, name: str) -> int:
    """A number for a table, the same as long as it has its name."""
    return int.from_bytes(hashlib.blake2b(f"{namespace.name}.{name}".encode(), digest_size=7).digest(), "big")


def _stables(home: Connection) -> Iterator[Sequence[Any]]:
    for namespace in _seen(home):
        for table in namespace.own():
            if isinstance(table, SuperTable):
                columns, tags = len(table.columns), len(table.tags)
                yield table.name, namespace.name, table.created, columns, tags, table.created, table.comment or None


def _columns(home: Connection) -> Iterator[Sequence[Any]]:
    for namespace in _seen(home):
        for table in list(namespace.tables.values()):
            owner = table.parent if isinstance(table, SubTable) else table
            kind = (
                "CHILD_TABLE"
                if isinstance(table, SubTable)
                else "SUPER_TABLE"
                if isinstance(table, SuperTable)
                else "NORMAL_TABLE"
            )
            for column in owner.columns:
                yield (
                    table.name,
                    namespace.name,
                    kind,
                    column.name,
                    column.declared,
                    column.bytes,
                    column.precision,
                    column.scale,
                    1,
                )


def _tags(home: Connection) -> Iterator[Sequence[Any]]:
    for namespace in _seen(home):
        if not home.user.may("read", namespace.name):
            continue
        for table in list(namespace.tables.values()):
            if isinstance(table, SubTable):
                for tag, value in zip(table.parent.tags, table.tags, strict=True):
                    shown = None if value is None else str(value)
                    yield table.name, namespace.name, table.parent.name, tag.name, tag.declared, shown


def _users(home: Connection) -> Iterator[Sequence[Any]]:
    for user in list(home.users.known.values()):
        if home.user.is_admin or user.name == home.user.name:
            yield user.name, int(user.is_admin), int(user.is_enabled), 1, int(user.is_admin), user.created, "0.0.0.0/0"


def _privileges(home: Connection) -> Iterator[Sequence[Any]]:
    for user in list(home.users.known.values()):
        if user.is_admin and home.user.is_admin:
            yield user.name, "all", "all", "", "", ""
        elif home.user.is_admin or user.name == home.user.name:
            for database, given in user.grants.items():
                for privilege in sorted(given):
                    yield user.name, privilege, "all" if database == "*" else database, "", "", ""


VIEWS: dict[str, View] = {
    "ins_databases": View(
        {"name": TEXT, "create_time": TIME} | {name: kind for name, (kind, _) in OPTIONS.items()}, _databases
    ),
    "ins_tables": View(
        {
            "table_name": TEXT,
            "db_name": TEXT,
            "create_time": TIME,
            "columns": INT,
            "stable_name": TEXT,
            "uid": BIGINT,
            "vgroup_id": INT,
            "ttl": INT,
            "table_comment": TEXT,
            "type": TEXT,
        },
        _tables,
    ),
    "ins_stables": View(
        {
            "stable_name": TEXT,
            "db_name": TEXT,
            "create_time": TIME,
            "columns": INT,
            "tags": INT,
            "last_update": TIME,
            "table_comment": TEXT,
        },
        _stables,
    ),
    "ins_columns": View(
        {
            "table_name": TEXT,
            "db_name": TEXT,
            "table_type": TEXT,
            "col_name": TEXT,
            "col_type": TEXT,
            "col_length": INT,
            "col_precision": INT,
            "col_scale": INT,
            "col_nullable": INT,
        },
        _columns,
    ),
    "ins_tags": View(
        {
            "table_name": TEXT,
            "db_name": TEXT,
            "stable_name": TEXT,
            "tag_name": TEXT,
            "tag_type": TEXT,
            "tag_value": TEXT,
        },
        _tags,
    ),
    "ins_users": View(
        {
            "name": TEXT,
            "super": TINY,
            "enable": TINY,
            "sysinfo": TINY,
            "createdb": TINY,
            "create_time": TIME,
            "allowed_host": TEXT,
        },
        _users,
    ),
    "ins_user_privileges": View(
        {"user_name": TEXT, "privilege": TEXT, "db_name": TEXT, "table_name": TEXT, "condition": TEXT, "notes": TEXT},
        _privileges,
    ),
}
"""The tables of information_schema."""


class Listing(NamedTuple):
    """What a SHOW shows: columns of a table of information_schema, of the rows that have some values.

    `of_database`: only those of one database, the current one or that which is named; `like` is the column that
    LIKE looks at.
    """

    view: str
    columns: tuple[str, ...]
    having: dict[str, Any] = {}  # noqa: RUF012  a NamedTuple's default, never changed
    of_database: bool = False
    like: str = ""


LISTINGS: dict[tuple[str, ...], Listing] = {
    ("DATABASES",): Listing("ins_databases", ("name",), like="name"),
    ("TABLES",): Listing("ins_tables", ("table_name",), of_database=True, like="table_name"),
    ("NORMAL", "TABLES"): Listing("ins_tables", ("table_name",), {"type": "NORMAL_TABLE"}, True, "table_name"),
    ("CHILD", "TABLES"): Listing("ins_tables", ("table_name",), {"type": "CHILD_TABLE"}, True, "table_name"),
    ("STABLES",): Listing("ins_stables", ("stable_name",), of_database=True, like="stable_name"),
    ("USERS",): Listing("ins_users", tuple(VIEWS["ins_users"].columns)),
    ("USER", "PRIVILEGES"): Listing("ins_user_privileges", tuple(VIEWS["ins_user_privileges"].columns)),
}
"""What may stand behind SHOW, beside SHOW CREATE and SHOW TAGS."""


def show(reader: Reader, home: Connection) -> Outcome:
    """SHOW [database.] ... [FROM database] [LIKE 'pattern']."""
    database = ""
    if reader.statement.is_sign(reader.i + 1, "."):
        database = reader.name("a database")
        reader.expect_sign(".")
    for words, listing in LISTINGS.items():
        if _take_dotted(reader, words):
            return _listed(reader, home, listing, database)
    raise reader.error(
        f"one of these is expected here: {', '.join(' '.join(words) for words in LISTINGS)}, CREATE, TAGS"
    )


def _take_dotted(reader: Reader, words: Sequence[str]) -> bool:
    """Words, the first of which may stand behind a dot."""
    tokens = reader.statement.tokens[reader.i : reader.i + len(words)]
    found = [token.text for token in tokens] == list(words)
    reader.i += len(words) if found else 0
    return found


def _listed(reader: Reader, home: Connection, listing: Listing, database: str) -> Outcome:
    if listing.of_database and (reader.take("FROM") or reader.take("IN")):
        database = reader.name("a database")
    pattern = reader.text() if reader.take("LIKE") else None
    reader.end()
    having = dict(listing.having)
    if listing.of_database:
        having["db_name"] = home.namespace_named(reader, database).name
    rows = VIEWS[listing.view].table(home).to_pylist()
    kept = [
        row
        for row in rows
        if all(row[name] == value for name, value in having.items()) and _is_like(row.get(listing.like), pattern)
    ]
    kinds = VIEWS[listing.view].columns
    return read(pa.table({name: pa.array([row[name] for row in kept], kinds[name]) for name in listing.columns}), "ms")


def _is_like(value: Any, pattern: str | None) -> bool:
    """SQL's LIKE: % any characters, _ one.

    A part between two % stays at the first place where it fits: later ones only leave less for the rest, and to try
    them takes years for 50 %.
    """
    if pattern is None:
        return True
    text = str(value)
    if len(pattern) - pattern.count("%") > len(text):
        return False
    first, *rest = (re.escape(part).replace("_", ".") for part in re.sub("%+", "%", pattern).split("%"))
    between = "".join(f"(?>.*?{part})" for part in rest[:-1])
    last = "".join(f".*{part}" for part in rest[-1:])
    return re.fullmatch(first + between + last, text, re.DOTALL) is not None


def show_create(reader: Reader, home: Connection) -> Outcome:
    """SHOW CREATE DATABASE | TABLE | STABLE name."""
    if reader.take("DATABASE"):
        token = reader.i
        namespace = home.namespace_named(reader, reader.name("a database"), token)
        reader.end()
        return _pair(
            "Database", namespace.name, f"CREATE DATABASE {ticked(namespace.name)} PRECISION '{namespace.precision}'"
        )
    if not (reader.take("TABLE") or reader.take("STABLE")):
        reader.fail("DATABASE, TABLE or STABLE is expected here")
    path = reader.path()
    namespace = home.namespace(reader, path)
    reader.end()
    table = namespace.tables.get(path.name)
    if table is None:
        reader.fail(f"Table does not exist: {path.name}", path.token, NoSuchTable)
    if isinstance(table, SubTable):
        home.demand("read", namespace)
    return _pair("Table", table.name, definition(table))


def _pair(what: str, name: str, text: str) -> Outcome:
    return read(pa.table({what: [name], f"Create {what}": [text]}), "ms")


def definition(table: Table | SubTable) -> str:
    """The statement that makes a table."""
    if isinstance(table, SubTable):
        tags = ", ".join(ticked(tag.name) for tag in table.parent.tags)
        values = ", ".join(map(written_value, table.tags))
        return f"CREATE TABLE {ticked(table.name)} USING {ticked(table.parent.name)} ({tags}) TAGS ({values})"
    columns = _defined(table.columns)
    if isinstance(table, SuperTable):
        return f"CREATE STABLE {ticked(table.name)} ({columns}) TAGS ({_defined(table.tags)})"
    return f"CREATE TABLE {ticked(table.name)} ({columns})"


def _defined(columns: Sequence[Column]) -> str:
    return ", ".join(f"{ticked(column.name)} {column.declared}" for column in columns)


def show_tags(reader: Reader, home: Connection) -> Outcome:
    """SHOW TAGS FROM sub-table [FROM database]."""
    reader.expect("FROM")
    path = reader.path()
    if reader.take("FROM"):
        path = path._replace(database=reader.name("a database"))
    namespace = home.namespace(reader, path)
    reader.end()
    home.demand("read", namespace)
    table = namespace.tables.get(path.name)
    if not isinstance(table, SubTable):
        reader.fail(f"Table does not exist: {path.name}", path.token, NoSuchTable)
    rows = [
        row
        for row in VIEWS["ins_tags"].table(home).to_pylist()
        if (row["table_name"], row["db_name"]) == (table.name, namespace.name)
    ]
    return read(pa.Table.from_pylist(rows, pa.schema(VIEWS["ins_tags"].columns)), "ms")


def describe(reader: Reader, home: Connection) -> Outcome:
    """DESCRIBE t."""
    path = reader.path()
    namespace = home.namespace(reader, path)
    reader.end()
    table = namespace.tables.get(path.name)
    if table is None:
        reader.fail(f"Table does not exist: {path.name}", path.token, NoSuchTable)
    owner = table.parent if isinstance(table, SubTable) else table
    tags = owner.tags if isinstance(owner, SuperTable) else ()
    rows = [(column, "") for column in owner.columns] + [(tag, "TAG") for tag in tags]
    described = {
        "field": pa.array([column.name for column, _ in rows]),
        "type": pa.array([column.type.name for column, _ in rows]),
        "length": pa.array([column.bytes for column, _ in rows], INT),
        "note": pa.array([note for _, note in rows]),
    }
    return read(pa.table(described), "ms")
