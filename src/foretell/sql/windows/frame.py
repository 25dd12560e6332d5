"""The rows of a block, put into windows: a query that gives them with the columns that tell the windows apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from foretell.sql.answer import Context
from foretell.sql.blocks import Block
from foretell.sql.grouped import key_texts
from foretell.sql.history import Key, partition_keys
from foretell.sql.relation import Relation, Time, relation, required_time
from foretell.sql.statement import Span
from foretell.sql.text import Text, filled, joined, written
from foretell.sql.tokens import quote


class Frame(NamedTuple):
    """Rows with windows.

    `by`: the columns that tell the windows of a group apart. `start` and `end`: SQL over the rows of one window.
    `same`: the expressions of which a window has one value. `meant`: SQL for the pseudo-columns of this kind alone.
    """

    rows: Text
    by: tuple[str, ...]
    start: str
    end: str
    same: tuple[Span, ...] = ()
    meant: Mapping[str, str] = {}


@dataclass(frozen=True)
class Windowed:
    """A block with a window clause, which begins with `word`, and what every kind of window needs of it."""

    block: Block
    context: Context
    word: str
    time: Time
    relation: Relation
    keys: tuple[Key, ...]

    @cached_property
    def origin(self) -> int:
        return self.block.statement.place(self.block.whole[self.word])[0]

    @cached_property
    def arguments(self) -> list[Span]:
        """What stands in the brackets of the clause."""
        return inside(self.block, self.word)

    @cached_property
    def partition(self) -> Text:
        """PARTITION BY for a window function; nothing where the block has no groups."""
        keys = key_texts(self.block, self.keys)
        return filled("PARTITION BY {} ", self.origin, joined(keys)) if keys else Text()

    def write(self, template: str, *parts: Text | str) -> Text:
        """Words of our own, in place of the clause."""
        return filled(template, self.origin, *parts)

    def rows(self, *columns: Text) -> Text:
        """The rows of FROM and WHERE with more columns; the tables of a join can still be named."""
        tables = self.relation.tables
        lent = [written(quote(table), self.origin) for table in tables if table] if len(tables) > 1 else []
        more = joined([*lent, *columns])
        statement, whole = self.block.statement, self.block.whole
        text = self.write(
            "SELECT *{} {}", self.write(", {}", more) if more.pieces else "", statement.cut(whole["FROM"])
        )
        return text + (self.write(" {}", statement.cut(whole["WHERE"])) if "WHERE" in whole else Text())

    def over(self, rows: Text, *columns: Text, where: str = "") -> Text:
        """The rows of a query with more columns."""
        more = self.write(", {}", joined(columns)) if columns else Text()
        return self.write("SELECT *{} FROM ({}){}{}", more, rows, self.alias, f" WHERE {where}" if where else "")

    @cached_property
    def alias(self) -> str:
        """The name of the table again, for the expressions that use it."""
        tables = self.relation.tables
        return f" AS {quote(tables[0])}" if len(tables) == 1 and tables[0] else " AS __rows"


Framed = Callable[[Windowed], Frame]
"""A kind of window."""


def windowed(block: Block, context: Context, word: str) -> Windowed:
    """The block, once it is known that it has what a window needs."""
    time = required_time(block, context, word)
    return Windowed(block, context, word, time, relation(block, context), partition_keys(block))


def inside(block: Block, word: str) -> list[Span]:
    """What stands in the brackets of a clause; nothing may follow them."""
    statement = block.statement
    first, last = block.clauses[word]
    close = statement.partner[first]
    if close + 1 != last:
        raise statement.error(f"{word}(...) ends before this; a word that begins a clause is missing", close + 1)
    if close == first + 1:
        raise statement.error(f"{word} needs something in its brackets", first)
    return statement.split((first + 1, close))


def numbered(window: Windowed, *columns: Text) -> Text:
    """The rows with `__n`, their number in their group by time, and `__ts`, their time."""
    number = window.write("row_number() OVER ({}ORDER BY {}) AS __n", window.partition, window.time.sql)
    return window.rows(number, window.write("{} AS __ts", window.time.sql), *columns)


def count_of(window: Windowed, span: Span, name: str, least: int, most: int) -> int:
    """A whole number in a clause."""
    statement = window.block.statement
    text = statement.written(span)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise statement.error(f"{name} must be a whole number from {least} to {most}, got {text}", span)
    return int(text)


def at_most(window: Windowed, arguments: Sequence[Span], most: int) -> None:
    """An error at the first argument that is too much."""
    if len(arguments) > most:
        raise window.block.statement.error(f"{window.word} takes {most} arguments at most", arguments[most])
