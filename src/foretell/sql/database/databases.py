"""CREATE, ALTER and DROP of databases; USE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from foretell.errors import (
    DatabaseExists,
    NoSuchDatabase,
)
from foretell.sql.database import catalog
from foretell.sql.database.catalog import (
    RESERVED,
    Namespace,
)
from foretell.sql.database.names import SYSTEM_SCHEMAS
from foretell.sql.database.outcome import Outcome, written
from foretell.sql.database.reader import Reader
from foretell.sql.database.types import PRECISIONS, Precision
from foretell.sql.database.users import keep
from foretell.sql.database.writer import Apply, execute, nothing, now
from foretell.sql.tokens import NAME, NUMBER, STRING, WORD, quote

if TYPE_CHECKING:
    from foretell.sql.database.connection import Connection

Duck = duckdb.DuckDBPyConnection


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
                return 0, nothing
            raise reader.statement.error(f"Database already exists: {name}", token, kind=DatabaseExists)
        made = Namespace(name, precision, now(), home.catalog.file, options)
        execute(duck, f"CREATE SCHEMA IF NOT EXISTS {made.schema}")
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
    """DROP DATABASE [IF EXISTS] name. What was granted on it goes with it: another of that name is another one."""
    lenient = reader.take("IF", "EXISTS")
    token = reader.i
    name = reader.name("a database")
    reader.end()
    home.demand_admin(reader)

    def change(duck: Duck) -> tuple[int, Apply]:
        namespace = home.catalog.namespaces.get(name)
        if namespace is None:
            if lenient:
                return 0, nothing
            raise reader.statement.error(f"Database not exist: {name}", token, kind=NoSuchDatabase)
        # not with the name of the file: DuckDB finds that ambiguous where both are one
        execute(duck, f"DROP SCHEMA {quote(name)} CASCADE")
        catalog.forget_namespace(duck, namespace)
        others = home.users.without(name)
        for user in others:
            keep(duck, user)

        def apply() -> None:
            home.catalog.namespaces.pop(name, None)
            home.users.known.update({user.name: user for user in others})

        return 0, apply

    return home.change(change)


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
    return home.namespace_named(reader, reader.name("a database"), token)


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
        options[key] = read_option(reader)
        while reader.take_sign(","):
            options[key] += "," + read_option(reader)
    return options


def read_option(reader: Reader) -> str:
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
