"""Names of tables become what DuckDB keeps for them, token by token, before anything else of a statement is read.

A sub-table is the rows of its super-table that carry its name; a super-table is its rows, joined with their tags where
a tag is mentioned. Both have `tbname`, which `*` does not show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from foretell.errors import NoDatabase, NoPrivilege, NoSuchDatabase, NoSuchTable
from foretell.sql.answer import Context
from foretell.sql.blocks import ends_operand
from foretell.sql.database.catalog import CREATED, AnyTable, Catalog, SubTable, SuperTable, Table
from foretell.sql.database.references import Origin, Reference, defined, named, origins, stars
from foretell.sql.database.types import Column, Precision
from foretell.sql.statement import Span, Statement
from foretell.sql.text import written
from foretell.sql.tokens import NAME, STRING, WORD, as_text, quote, unquote
from foretell.wire.taos_types import TBNAME

SYSTEM_SCHEMAS = ("information_schema", "performance_schema")
MOMENT = {"ms": "make_timestamp_ms", "us": "make_timestamp", "ns": "make_timestamp_ns"}
"""DuckDB's functions that make a time of a number in each precision."""
System = Callable[[str], pa.Table | None]
"""A table of information_schema by name, as it is now."""


@dataclass(slots=True)
class Names:
    """The names of one connection, whose current database is `database`. `strict`: what the catalog does not know is
    an error; otherwise it is left to DuckDB. `touched` are the tables of the last statement;
    `are_ours`: it names nothing else, no file and no function."""

    catalog: Catalog
    system: System
    may_read: Callable[[str], bool]
    strict: bool
    database: str = ""
    touched: list[AnyTable] = field(default_factory=list)
    are_ours: bool = False

    def __call__(self, statement: Statement, context: Context) -> None:
        """The rewrite."""
        self.touched = []
        self.are_ours = False
        of_tags = _without_tags_word(statement)
        lists = list(origins(statement))
        known = defined(statement)
        found: dict[int, AnyTable] = {}
        for reference in (one for origin in lists for one in origin.references):
            if reference.is_call or reference.is_file:
                continue
            table = self._find(statement, reference, known, context)
            if table is not None:
                found[reference.span[0]] = table
        self.touched = list(found.values())
        if not found:
            return
        named_so = [one for origin in lists for one in origin.references]
        self.are_ours = all(one.span[0] in found or one.parts[-1].lower() in known for one in named_so)
        _read_texts(statement, found, lists, known)
        is_argument = any(origin.is_argument for origin in lists)
        kinds = (WORD, NAME, STRING) if is_argument else (WORD, NAME)  # id_cols => ['site'] names a column in a text
        mentioned = {named(statement, i) for i, token in enumerate(statement.tokens) if token.kind in kinds}
        for origin in lists:
            _replace(statement, origin, found, mentioned, _asks_tags(statement, origin, found, mentioned, of_tags))

    def granted(self) -> set[tuple[str, ...]]:
        """DuckDB's names of what the last statement may read."""
        owners = {one.parent if isinstance(one, SubTable) else one for one in self.touched}
        return set().union(*(owner.paths for owner in owners))

    def _find(self, statement: Statement, reference: Reference, known: set[str], context: Context) -> AnyTable | None:
        """The table; None where the name is not ours and may stay."""
        *before, name = reference.parts
        if not before and name.lower() in known:
            return None
        database = before[-1] if before else self.database
        if database in SYSTEM_SCHEMAS and (table := self.system(name)) is not None:
            _lend(statement, reference, table, context)
            return None
        namespace = self.catalog.namespaces.get(database) if len(before) < 2 else None
        found = namespace.tables.get(name) if namespace is not None else None
        if namespace is not None and not self.may_read(namespace.name):
            raise statement.error(f"Permission denied: {database} may not be read", reference.span, kind=NoPrivilege)
        if found is not None or not self.strict:
            return found
        if before and namespace is None:
            raise statement.error(f"Database not exist: {database}", reference.span, kind=NoSuchDatabase)
        if not database:
            message = f"no database is chosen: say USE, or DATABASE.{name}"
            raise statement.error(message, reference.span, kind=NoDatabase)
        raise statement.error(f"Table does not exist: {name}", reference.span, kind=NoSuchTable)


def _lend(statement: Statement, reference: Reference, table: pa.Table, context: Context) -> None:
    """Let DuckDB see a table of information_schema, until the statement is done."""
    duck, name = context.place.duck, reference.parts[-1]
    lent = f"__foretell_{name}"
    duck.register(lent, table)
    context.lent.callback(duck.unregister, lent)
    _put(statement, reference.span, lent if reference.alias else f"{lent} AS {quote(name)}")


def _put(statement: Statement, span: Span, text: str) -> None:
    start, end = statement.place(span)
    statement.source.replace(start, end, written(text, start))


def _without_tags_word(statement: Statement) -> set[int]:
    """Take the word out of `SELECT TAGS tbname, site FROM st`; the tokens of these SELECTs."""
    found: set[int] = set()
    for i in range(len(statement.tokens) - 2, 0, -1):
        if not (statement.is_word(i, "TAGS") and statement.is_word(i - 1, "SELECT")):
            continue
        if statement.tokens[i + 1].kind in (WORD, NAME) and not statement.is_word(i + 1, "FROM", "AS"):
            _put(statement, (i, i + 1), "")
            statement.take_out(i)
            found = {i - 1} | {select - 1 for select in found}
    return found


def _asks_tags(
    statement: Statement, origin: Origin, found: dict[int, AnyTable], mentioned: set[str], of_tags: set[int]
) -> bool:
    """Whether a SELECT asks for tags and names alone, so that series without rows are among the answers."""
    if origin.items is None or origin.items[0] == origin.items[1]:
        return False
    first, last = origin.items
    if first - 1 in of_tags:
        return True
    if not statement.is_word(first, "DISTINCT") or any(statement.is_sign(i, "(") for i in range(first, last)):
        return False
    tables = [found[one.span[0]] for one in origin.references if one.span[0] in found]
    columns = {c.name for table in tables if isinstance(table, Table) for c in table.columns}
    return (
        len(tables) == len(origin.references) and not (columns & mentioned) and not any(stars(statement, origin.items))
    )


def _replace(
    statement: Statement, origin: Origin, found: dict[int, AnyTable], mentioned: set[str], asks_tags: bool
) -> None:
    """Our tables of one FROM, and the `*` before it."""
    ours = [(one, found[one.span[0]]) for one in origin.references if one.span[0] in found]
    if not ours:
        return
    marks = list(stars(statement, origin.items)) if origin.items else []
    hidden: dict[str, list[str]] = {}
    for reference, table in ours:
        if asks_tags and isinstance(table, SuperTable):
            sql, secret = table.physical_tags, [TBNAME, CREATED]
        else:
            everything = bool(marks) or origin.items is None or reference.is_pivoted
            sql, secret = relation(table, mentioned, everything)
        if reference.is_pivoted:
            sql, secret = _without(sql, [name for name in secret if name not in mentioned]), []
        alias = reference.alias or reference.parts[-1]
        _put(statement, reference.span, sql if reference.alias else f"{sql} AS {quote(alias)}")
        hidden[alias] = [f"{quote(alias)}.{quote(name)}" for name in secret]
    all_hidden = [name for names in hidden.values() for name in names]
    for i, alias in marks:
        names = hidden.get(alias, []) if alias else all_hidden
        if names:
            _exclude(statement, i, ", ".join(names))
    if origin.items is None and (all_hidden or statement.is_word(origin.token, "TABLE")):
        without = f" EXCLUDE ({', '.join(all_hidden)})" if all_hidden else ""
        _put(statement, (origin.token, origin.token + 1), f"SELECT *{without} FROM")


def _without(sql: str, names: list[str]) -> str:
    """A relation without some columns, for PIVOT, which takes whatever there is for a group."""
    return f"(SELECT * EXCLUDE ({', '.join(map(quote, names))}) FROM {sql})" if names else sql


def _exclude(statement: Statement, star: int, names: str) -> None:
    """Leave columns out of a `*`, which may have an EXCLUDE of its own."""
    if not statement.is_word(star + 1, "EXCLUDE"):
        _put(statement, (star, star + 1), f"* EXCLUDE ({names})")
    elif statement.is_sign(star + 2, "("):
        last = statement.partner[star + 2]
        _put(statement, (last, last + 1), f", {names})")
    else:
        _put(statement, (star + 2, star + 3), f"({statement.written((star + 2, star + 3))}, {names})")


def relation(table: AnyTable, mentioned: set[str], everything: bool) -> tuple[str, list[str]]:
    """What DuckDB reads for a table, and those of its columns that `*` does not show.

    Tags come in where they are `mentioned`, those of a super-table also where `everything` is asked for.
    """
    if isinstance(table, SubTable):
        return _sub_table(table, mentioned)
    if isinstance(table, SuperTable):
        tags = [tag.name for tag in table.tags if everything or tag.name in mentioned]
        return (_with_tags(table, tags) if tags else table.physical), [TBNAME]
    if TBNAME not in mentioned:
        return table.physical if table.is_sorted else f"({_in_order(table, f'FROM {table.physical}')})", []
    return f"({_in_order(table, f'SELECT *, {as_text(table.name)} AS {TBNAME} FROM {table.physical}')})", [TBNAME]


def _with_tags(table: SuperTable, tags: Sequence[str]) -> str:
    columns = _listed("d", [TBNAME, *(column.name for column in table.columns)])
    return (
        f"(SELECT {columns}, {_listed('t', tags)} FROM {table.physical} d "
        f"JOIN {table.physical_tags} t ON d.{TBNAME} = t.{TBNAME})"
    )


def _sub_table(table: SubTable, mentioned: set[str]) -> tuple[str, list[str]]:
    parent = table.parent
    precision = parent.namespace.precision
    columns = _listed("d", [TBNAME, *(column.name for column in parent.columns)])
    tags = [tag.name for tag in parent.tags if tag.name in mentioned]
    for tag, value in zip(parent.tags, table.tags, strict=True):
        if tag.name in tags:
            columns += f", {literal(value, tag, precision)} AS {quote(tag.name)}"
    sql = f"SELECT {columns} FROM {parent.physical} d WHERE d.{TBNAME} = {as_text(table.name)}"
    return f"({_in_order(parent, sql)})", [TBNAME, *tags]


def _in_order(table: Table, sql: str) -> str:
    """The rows of one series in the order of time, which is how they lie unless some came late."""
    return sql if table.is_sorted else f"{sql} ORDER BY {quote(table.time)}"


def literal(value: object, column: Column, precision: Precision) -> str:
    """A value of a tag as DuckDB writes it."""
    if value is None:
        plain = "NULL"
    elif column.type.name == "TIMESTAMP":
        plain = f"{MOMENT[precision]}({value})"
    else:
        plain = as_text("".join(f"\\x{byte:02x}" for byte in value) if isinstance(value, bytes) else value)
    return f"CAST({plain} AS {column.duck(precision)})"


def _listed(alias: str, names: Iterable[str]) -> str:
    return ", ".join(f"{alias}.{quote(name)}" for name in names)


def _read_texts(statement: Statement, found: dict[int, AnyTable], lists: list[Origin], known: set[str]) -> None:
    """TDengine writes texts between " too: such a token that names nothing here is a text."""
    names = {TBNAME, *known} | {name for table in found.values() for name in _columns(table)}
    names |= {name.lower() for origin in lists for one in origin.references for name in (*one.parts, one.alias)}
    quoted = [i for i, token in enumerate(statement.tokens) if token.kind == NAME and token.text[0] == '"']
    aliases = {i for i in quoted if ends_operand(statement, i - 1) or statement.is_word(i - 1, "AS")}
    names |= {named(statement, i).lower() for i in aliases}
    for i in quoted:
        if named(statement, i).lower() in names or statement.is_sign(i + 1, ".") or statement.is_sign(i - 1, "."):
            continue
        token = statement.tokens[i]
        text = unquote(token, statement.source.text)
        statement.tokens[i] = token._replace(kind=STRING)
        _put(statement, (i, i + 1), as_text(text))


def _columns(table: AnyTable) -> set[str]:
    owner: Table = table.parent if isinstance(table, SubTable) else table
    tags = owner.tags if isinstance(owner, SuperTable) else ()
    return {column.name.lower() for column in (*owner.columns, *tags)}
