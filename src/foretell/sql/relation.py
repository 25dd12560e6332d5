"""What stands behind FROM: its columns, the names of its tables, and its time column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foretell.errors import listed
from foretell.sql.answer import Context
from foretell.sql.blocks import Block
from foretell.sql.items import split_alias
from foretell.sql.statement import Span, Statement
from foretell.sql.text import written
from foretell.sql.tokens import NAME, STRING, WORD, quote, unquote
from foretell.steps import SECOND, Step

MILLISECOND = SECOND // 1000
TICKS = {"TIMESTAMP_S": SECOND, "TIMESTAMP_MS": MILLISECOND, "TIMESTAMP_NS": 1}
"""Nanoseconds that an integer counts beside a time column of these types; other types: Profile.tick."""
TIME_TYPES = ("TIMESTAMP", "DATE")
ZONED_NS = "TIMESTAMPTZ_NS"
"""What pandas writes for times with a zone. DuckDB compares and sorts them, and has next to no functions of them."""
ZONED = ("TIMESTAMP WITH TIME ZONE", ZONED_NS)
JOINS = ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL", "ASOF", "SEMI", "ANTI", "POSITIONAL")
AFTER_TABLE = ("ON", "USING", "TABLESAMPLE", *JOINS)


@dataclass(frozen=True, slots=True)
class Time:
    """A time column: how SQL names it, its type, and the nanoseconds that an integer beside it counts."""

    sql: str
    kind: str
    tick: int

    @property
    def step(self) -> Step:
        return Step(ns=self.tick)

    @property
    def is_fine(self) -> bool:
        """Whether it has nanoseconds."""
        return self.kind.endswith("_NS")

    @property
    def is_zoned(self) -> bool:
        """Whether it is a moment, which a zone shows as a time."""
        return self.kind in ZONED

    def plain(self, sql: str) -> str:
        """A time of this type as a TIMESTAMP in UTC; nanoseconds are cut off."""
        if self.is_fine:
            ns = f"epoch_ns({sql})"
            return f"make_timestamp(({ns} - ({ns} % 1000 + 1000) % 1000) // 1000)"
        if self.is_zoned:
            return f"timezone('UTC', {sql})"
        return sql if self.kind == "TIMESTAMP" else f"CAST({sql} AS TIMESTAMP)"

    def typed(self, sql: str) -> str:
        """A TIMESTAMP in UTC as a time of this type; a date stays a TIMESTAMP."""
        moment = f"timezone('UTC', {sql})" if self.is_zoned else sql
        return f"CAST({moment} AS {self.kind})" if self.kind in (*TICKS, ZONED_NS) else moment

    def number(self, sql: str) -> str:
        """A time of this type as a whole number of microseconds, or of nanoseconds where it has them."""
        return f"epoch_ns({sql})" if self.is_fine else f"epoch_us({self.plain(sql)})"

    @property
    def per_number(self) -> int:
        """Nanoseconds that `number` counts."""
        return 1 if self.is_fine else 1000

    def ticks(self, sql: str) -> str:
        """A time of this type as a whole number of ticks since 1970."""
        return (
            f"{self.number(sql)} // {self.tick // self.per_number}" if self.tick > self.per_number else self.number(sql)
        )

    def literal(self, number: str) -> str:
        """The time that a whole number of ticks since 1970 stands for."""
        if self.tick == 1:
            return f"CAST(make_timestamp_ns({number}) AS {self.kind})"
        return self.typed(f"make_timestamp(CAST({number} AS BIGINT) * {self.tick // 1000})")


@dataclass(frozen=True, slots=True)
class Relation:
    """The columns behind FROM with their types, the tables' names (None: unnamed), and the time column if any."""

    columns: tuple[tuple[str, str], ...]
    tables: tuple[str | None, ...]
    time: Time | None
    tick: int

    def as_time(self, sql: str, kind: str) -> Time:
        """A column of times of that type."""
        return Time(sql, kind, TICKS.get(kind, self.tick))

    def type_of(self, name: str) -> str | None:
        """The type of a column, by its name in any case; None if there is none."""
        return next((kind for column, kind in self.columns if column.lower() == name.lower()), None)


def relation(block: Block, context: Context) -> Relation:
    """Find out, without running the block. The answer is kept for the rest of the statement."""
    key = block.whole["FROM"]
    if key not in context.relations:
        statement = block.statement
        start = statement.place(block.span)[0]
        everything = block.within(written("SELECT * ", start) + statement.cut(key))
        columns, _ = context.place.duck.columns(everything, statement.source, context.place.lookup)
        context.relations[key] = _relation(block, columns, context.profile.tick)
    return context.relations[key]


def required_time(block: Block, context: Context, what: str) -> Time:
    """The time column; an error that lists the columns if there is none."""
    if "FROM" not in block.whole:
        raise block.statement.error(f"{what} needs a FROM", block.span)
    found = relation(block, context)
    if found.time is None:
        known = listed(f"{name} {kind}" for name, kind in found.columns)
        raise block.statement.error(
            f"{what} needs a TIMESTAMP or a DATE, and here is only {known}; cast one in a subquery",
            block.whole["FROM"],
        )
    return found.time


def _relation(block: Block, columns: Sequence[tuple[str, str]], tick: int) -> Relation:
    tables = tuple(_tables(block.statement, block.clauses["FROM"]))
    time = None
    for name, kind in columns:
        if kind.startswith(TIME_TYPES):
            twice = [other for other, _ in columns].count(name) > 1 and tables[0]
            sql = f"{quote(tables[0])}.{quote(name)}" if twice and tables[0] else quote(name)
            time = Time(sql, kind, TICKS.get(kind, tick))
            break
    return Relation(tuple(columns), tables, time, tick)


def _tables(statement: Statement, span: Span) -> list[str | None]:
    """The names by which expressions call the tables of a FROM."""
    cuts = [i for i in statement.level(span) if statement.is_sign(i, ",") or statement.is_word(i, "JOIN")]
    starts = [span[0], *(i + 1 for i in cuts)]
    return [_name(statement, (start, end)) for start, end in zip(starts, [*cuts, span[1]], strict=True)]


def _name(statement: Statement, span: Span) -> str | None:
    """The alias of a table, else its own name; None for a subquery or a function without an alias."""
    end = next((i for i in statement.level(span) if statement.is_word(i, *AFTER_TABLE)), span[1])
    if end <= span[0]:
        return None
    if statement.is_sign(end - 1, ")") and statement.partner[end - 1] > span[0] + 1:  # t AS name(columns)
        before = statement.partner[end - 1]
        if statement.is_word(before - 2, "AS") or statement.is_sign(before - 2, ")"):
            end = before
    _, alias = split_alias(statement, (span[0], end))
    last = statement.tokens[end - 1]
    if alias is not None or last.kind in (WORD, NAME):
        return alias or unquote(last, statement.source.text)
    if last.kind == STRING and end - span[0] == 1:
        return unquote(last, statement.source.text).rpartition("/")[2].partition(".")[0]
    return None
