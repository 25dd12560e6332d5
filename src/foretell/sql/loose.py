"""Columns outside of the aggregates beside them, as TDengine allows it: tags of a group, the row of a selector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from foretell.sql.answer import Context
from foretell.sql.blocks import QUERY, Block, is_call, read_call
from foretell.sql.calls import TIME_WORDS, spelled
from foretell.sql.history import Key
from foretell.sql.items import aliases, column_name, split_alias
from foretell.sql.meanings import CALLS
from foretell.sql.relation import relation
from foretell.sql.statement import Span, Statement
from foretell.sql.text import Text, filled
from foretell.sql.tokens import NAME, WORD, as_text

SELECTORS = {name: meaning.beside for name, meaning in CALLS.items() if meaning.beside} | {
    "MAX": "arg_max_null({}, {0})",
    "MIN": "arg_min_null({}, {0})",
}
"""Aggregates that select a row, with what gives another column of that row."""
AGGREGATES = {name for name, meaning in CALLS.items() if meaning.kind == "aggregate"}


class Loose(NamedTuple):
    """A name in the list, HAVING or ORDER BY; `is_loose`: in no aggregate, and no key of a group."""

    span: Span
    is_loose: bool


def loose_columns(block: Block, context: Context, keys: Sequence[Key], same: Sequence[Span] = ()) -> Iterator[Loose]:
    """The names in the list, HAVING and ORDER BY of a block, and the expressions `same` as a whole."""
    statement = block.statement
    lists = [split_alias(statement, item)[0] for item in block.items]
    after = [block.clauses[word] for word in ("HAVING", "ORDER") if word in block.clauses]
    aggregates = aggregates_in(block, context, [*lists, *after])
    known = {statement.key(key.span): False for key in keys} | {statement.key(span): True for span in same}
    for span in lists:
        yield from _names(statement, span, aggregates, known)
    named = aliases(block)
    for span in after:
        for word in _names(statement, span, aggregates, known):
            is_alias = (column_name(statement, word.span) or "").lower() in named
            yield word._replace(is_loose=word.is_loose and not is_alias)


def has_loose(block: Block, context: Context) -> bool:
    """Whether a column of what stands behind FROM is outside of the aggregates, or `_rowts`."""
    names = (word.span for word in loose_columns(block, context, ()) if word.is_loose)
    known = relation(block, context)
    words = (column_name(block.statement, span) or "" for span in names)
    return any(word.upper() in TIME_WORDS or known.type_of(word) for word in words)


def aggregates_in(block: Block, context: Context, spans: Sequence[Span]) -> dict[int, int]:
    """The calls of aggregates in some spans: where each begins, and its last bracket, that of FILTER too."""
    statement = block.statement
    called = {i for first, last in spans for i in range(first, last) if _is_called(statement, i)}
    names = {statement.tokens[i].text for i in called}
    known = context.place.duck.aggregates(names) | (names & AGGREGATES)
    found = {}
    for i in called:
        last = _last(statement, i)
        if statement.tokens[i].text in known and not statement.is_word(last + 1, "OVER"):
            found[i] = last
    return found


def _is_called(statement: Statement, i: int) -> bool:
    return statement.tokens[i].kind == WORD and is_call(statement, i)


def _last(statement: Statement, i: int) -> int:
    """The bracket that ends a call with its WITHIN GROUP (...) and FILTER (...)."""
    last = statement.partner[i + 1]
    if statement.is_word(last + 1, "WITHIN") and statement.is_sign(last + 3, "("):
        last = statement.partner[last + 3]
    if statement.is_word(last + 1, "FILTER") and statement.is_sign(last + 2, "("):
        last = statement.partner[last + 2]
    return last


def _names(
    statement: Statement, span: Span, aggregates: Mapping[int, int], known: Mapping[tuple[tuple[str, str], ...], bool]
) -> Iterator[Loose]:
    """The names in a span; of `known` expressions those that are wanted as a whole, and none of the others."""
    i, end = span
    inside = -1
    while i < end:
        inside = max(inside, aggregates.get(i, -1))
        key = next((key for key in known if statement.key((i, i + len(key))) == key), None)
        if key is not None and i + len(key) <= end:
            if known[key] and i > inside:
                yield Loose((i, i + len(key)), is_loose=True)
            i += len(key)
        elif statement.is_sign(i, "(") and statement.is_word(i + 1, *QUERY):
            i = statement.partner[i] + 1
        elif statement.tokens[i].kind in (WORD, NAME):
            last = _chain(statement, i)
            if not statement.is_sign(last, "(") and not statement.is_word(i - 1, "AS"):
                yield Loose((i, last), i > inside)
            i = last
        else:
            i += 1


def _chain(statement: Statement, i: int) -> int:
    """The end of a dotted name."""
    last = i + 1
    while statement.is_sign(last, ".") and not statement.is_sign(last + 1, "*"):
        last += 2
    return min(last, len(statement.tokens))


def value_of(block: Block, context: Context, span: Span) -> Text | None:
    """What a column is in a group: that of the selected row, or the one that all rows have; None if it is no column."""
    statement = block.statement
    name = column_name(statement, span)
    if name is None or not (name.upper() in TIME_WORDS or relation(block, context).type_of(name)):
        return None
    start = statement.place(span)[0]
    column = statement.cut(span)
    chosen = selector(block)
    if chosen is not None:
        template, argument = chosen
        before, _, after = template.partition("{}")
        arguments = [statement.cut(argument)]
        return spelled(block, context, before, arguments) + column + spelled(block, context, after, arguments)
    message = f"{name} is not the same in all rows: aggregate it, or add it to PARTITION BY"
    return filled(
        "CASE WHEN min({}) IS NOT DISTINCT FROM max({}) THEN any_value({}) ELSE error({}) END",
        start,
        column,
        column,
        column,
        as_text(message),
    )


def selector(block: Block) -> tuple[str, Span] | None:
    """The one selector in the list, as its template and its argument."""
    statement = block.statement
    first, last = block.clauses["SELECT"]
    calls = [
        read_call(statement, i)
        for i in range(first, last)
        if statement.tokens[i].text in SELECTORS and _is_called(statement, i)
    ]
    if not calls or len({statement.key(call.span) for call in calls}) > 1 or len(calls[0].every) != 1:
        return None
    return SELECTORS[calls[0].name], calls[0].every[0]
