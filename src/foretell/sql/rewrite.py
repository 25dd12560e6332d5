"""A block over the result of its function: the same list, order and limit, now of the result's columns.

   SELECT t.site, _frowts, 2 * FORECAST(v) FROM 'x.csv' t PARTITION BY site LIMIT 5
-> SELECT "site", _frowts, 2 * "FORECAST(v)" AS "2 * FORECAST(v)" FROM "answer" LIMIT 5
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from foretell.sql.blocks import Block
from foretell.sql.history import History
from foretell.sql.items import column_name, split_alias
from foretell.sql.limits import is_per_group, limit, limited_rows
from foretell.sql.statement import Span
from foretell.sql.text import Text, filled, written
from foretell.sql.tokens import NAME, WORD, quote

Key = tuple[tuple[str, str], ...]
KEPT = ("ORDER", "LIMIT", "OFFSET", "FETCH")
"""The clauses that work on the result."""
NUMBERED = "(SELECT *, row_number() OVER () AS __row FROM {})"
"""A result whose rows know their place in it."""


class Names(NamedTuple):
    """The result's columns, by the expression (as `Statement.key` has it) or the plain column that they stand for.

    `moment` is the one that the history's time column means in ORDER BY; "" where the result has no times.
    """

    expressions: Mapping[Key, str]
    columns: Mapping[str, str]
    moment: str = ""


def over_result(block: Block, table: str, names: Names, history: History) -> Text:
    """The block as a SELECT from `table`, in which LIMIT holds for each group unless ORDER BY mixes them."""
    statement = block.statement
    start = statement.place(block.span)[0]
    text = written("SELECT DISTINCT " if block.distinct else "SELECT ", start)
    for i, item in enumerate(block.items):
        text += (written(", ", statement.place(item)[0]) if i else Text()) + _item(block, item, names)
    keys = [written(quote(key.name), start) for key in history.keys]
    rows = limited_rows(block, keys, "__row") if is_per_group(block) else Text()
    if rows.pieces:
        text += filled(f" FROM {NUMBERED.format(quote(table))} QUALIFY {{}}", start, rows)
        return text if block.distinct else text + written(" ORDER BY __row", start)
    return text + written(f" FROM {quote(table)}", start) + _tail(block, names, history.time)


def _tail(block: Block, names: Names, time: str) -> Text:
    """ORDER BY and the limits of the whole result; `time` is the history's time column."""
    statement = block.statement
    start = statement.place(block.span)[0]
    own = {(split_alias(statement, item)[1] or "").lower() for item in block.items}
    moved = names.moment and time.lower() not in own
    ordering = names._replace(columns={time.lower(): names.moment, **names.columns}) if moved else names
    text = Text()
    if "ORDER" in block.whole:
        text += written(" ", start) + _renamed(block, block.whole["ORDER"], ordering)
    return text + limit(block)


def taken(block: Block, table: pa.Table, names: Names) -> pa.Table | None:
    """What the SELECT of `over_result` gives where it only takes columns of the result; None where it does more."""
    if block.distinct or any(word in block.whole for word in KEPT):
        return None
    columns, titles = [], []
    for item in block.items:
        expression, alias = split_alias(block.statement, item)
        name = _taken(block, expression, table, names)
        if name is None:
            return None
        columns.append(_plain(table.column(name)))
        titles.append(alias or column_name(block.statement, expression) or block.statement.written(expression))
    return pa.Table.from_arrays(columns, names=titles)


def _taken(block: Block, span: Span, table: pa.Table, names: Names) -> str | None:
    """The column of the result that an expression is."""
    last, name = _known(block, span, names)
    if last != span[1]:
        return None
    if name is None:
        name = column_name(block.statement, span)
    return name if name in table.column_names else None


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _item(block: Block, item: Span, names: Names) -> Text:
    """One item; where it loses its words to a result column, they become its name."""
    expression, alias = split_alias(block.statement, item)
    text = _renamed(block, item, names)
    if alias is None and any(not piece.copied for piece in text.pieces):
        name = column_name(block.statement, expression) or block.statement.written(expression)
        text += written(f" AS {quote(name)}", text.pieces[-1].origin)
    return text


def _renamed(block: Block, span: Span, names: Names) -> Text:
    """A span with every expression that has a result column replaced by it."""
    statement = block.statement
    done, end = statement.place(span)
    text = Text()
    i = span[0]
    while i < span[1]:
        last, name = _known(block, (i, span[1]), names)
        if name is not None:
            first, after = statement.place((i, last))
            text += statement.source.cut(done, first) + written(quote(name), first)
            done = after
        i = last
    return text + statement.source.cut(done, end)


def _known(block: Block, span: Span, names: Names) -> tuple[int, str | None]:
    """The result column that stands for what begins a span, if any, and where to go on; the longest wins."""
    statement, (i, end) = block.statement, span
    for key in sorted(names.expressions, key=len, reverse=True):
        if statement.key((i, min(i + len(key), end))) == key:
            return i + len(key), names.expressions[key]
    if statement.tokens[i].kind not in (WORD, NAME):
        return i + 1, None
    last = i + 1
    while last + 1 < end and statement.is_sign(last, "."):
        last += 2
    name = column_name(statement, (i, last))
    is_call = statement.is_sign(last, "(")
    return last, None if name is None or is_call else names.columns.get(name.lower())
