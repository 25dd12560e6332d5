"""Functions that stand in FROM and take a table and named arguments: AI.FORECAST(TABLE t, data_col => 'v', ...)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foretell.errors import ForetellError, SqlError, UnknownName
from foretell.sql.blocks import QUERY, Block, Call
from foretell.sql.statement import Span, Statement
from foretell.sql.text import Text, written
from foretell.sql.tokens import NUMBER, STRING, unquote

ROOT = "AI"


@dataclass(frozen=True)
class TableCall:
    """One call: its tokens, those of its table (a name, a file or a query without its brackets), and its arguments.

    `values` are the arguments by name in lower case: a text, a number, or a list of texts; `places` are where they
    stand. `block` is the call as errors, EXPLAIN and WITH lists want it.
    """

    name: str
    block: Block
    table: Span
    values: Mapping[str, Any]
    places: Mapping[str, int]

    @property
    def span(self) -> Span:
        return self.block.span

    @property
    def statement(self) -> Statement:
        return self.block.statement

    @property
    def origin(self) -> int:
        return self.statement.place(self.span)[0]

    def error(self, message: str, argument: str = "", code: int | None = None) -> SqlError:
        """An error at an argument, or at the call where that is not written."""
        return self.statement.error(message, self.places.get(argument, self.span[0]), code)

    def blame(self, argument: str, error: ForetellError) -> SqlError:
        return self.error(str(error), argument, error.tdengine_code)

    def rows(self) -> Text:
        """FROM with the table."""
        rows = self.statement.cut(self.table)
        if self.statement.is_word(self.table[0], *QUERY):
            return written("FROM (", self.origin) + rows + written(")", self.origin)
        return written("FROM ", self.origin) + rows


def table_calls(statement: Statement, functions: Mapping[str, Sequence[str]]) -> Iterator[TableCall]:
    """The calls of a statement; `functions` has the arguments that each takes."""
    for i, (_, text, _, _) in enumerate(statement.tokens):
        if text != ROOT or not statement.is_word(i, ROOT):
            continue
        if statement.is_sign(i + 1, ".") and statement.is_sign(i + 3, "("):
            name = f"{ROOT}.{statement.tokens[i + 2].text.upper()}"
            if name not in functions:
                raise statement.error(str(UnknownName("function", name, functions)), i)
            yield _read(statement, i, name, functions[name])


def _read(statement: Statement, i: int, name: str, known: Sequence[str]) -> TableCall:
    if not (statement.is_word(i - 1, "FROM", "JOIN", "LATERAL") or statement.is_sign(i - 1, ",")):
        raise statement.error(f"{name} is a table: it stands behind FROM", i)
    last = statement.partner[i + 3]
    parts = statement.split((i + 4, last)) if last > i + 4 else []
    if not parts or not statement.is_word(parts[0][0], "TABLE") or parts[0][1] < parts[0][0] + 2:
        raise statement.error(f"{name} begins with its table: {name}(TABLE readings, ...) or TABLE (SELECT ...)", i)
    values: dict[str, Any] = {}
    places: dict[str, int] = {}
    for part in parts[1:]:
        argument = _name(statement, part, name, known)
        if argument in values:
            raise statement.error(f"{argument}: is given twice", part)
        values[argument] = _value(statement, (part[0] + 3, part[1]), argument)
        places[argument] = part[0]
    span = (i, last + 1)
    call = Call(name, span, (), None)
    block = Block(statement, span, {}, {}, (call,))
    return TableCall(name, block, _table(statement, parts[0], name), values, places)


def _name(statement: Statement, part: Span, name: str, known: Sequence[str]) -> str:
    first = part[0]
    if not (statement.is_sign(first + 1, "=") and statement.is_sign(first + 2, ">") and part[1] > first + 3):
        raise statement.error(f"{name} takes arguments by name: NAME => VALUE, with {', '.join(known)}", first)
    argument = statement.written((first, first + 1)).lower()
    if argument not in known:
        raise statement.error(str(UnknownName(f"argument of {name}", argument, known)), first)
    return argument


def _table(statement: Statement, part: Span, name: str) -> Span:
    first, last = part[0] + 1, part[1]
    if not statement.is_sign(first, "("):
        return first, last
    if statement.partner[first] != last - 1 or not statement.is_word(first + 1, *QUERY):
        raise statement.error(f"{name} takes TABLE readings or TABLE (SELECT ...)", first)
    return first + 1, last - 1


def _value(statement: Statement, span: Span, argument: str) -> Any:
    """A text, a number, or a list of texts."""
    first, last = span
    token = statement.tokens[first]
    if last == first + 1 and token.kind == STRING:
        return unquote(token, statement.source.text)
    if token.kind == NUMBER and last == first + 1:
        return float(token.text) if any(sign in token.text for sign in ".eE") else int(token.text)
    if token.text in ("[", "(") and statement.partner[first] == last - 1:
        inner = statement.split((first + 1, last - 1)) if last > first + 2 else []
        return [_value(statement, one, argument) for one in inner]
    raise statement.error(f"{argument}: a text, a number or a list of texts is expected here", first)
