"""A SELECT of aggregates over groups and windows: its list, its order and its limits, in DuckDB's words.

   SELECT _wstart, avg(v) FROM t PARTITION BY site INTERVAL(1h) LIMIT 2
-> SELECT "_wstart" AS "_wstart", avg(v) AS "avg(v)" FROM (rows) AS "t" GROUP BY site, "_wstart"
   QUALIFY row_number() OVER (PARTITION BY site ORDER BY "_wstart") BETWEEN 1 AND 2 ORDER BY site, "_wstart"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foretell.sql.answer import Context
from foretell.sql.blocks import Block
from foretell.sql.history import Key
from foretell.sql.items import column_name, label, split_alias
from foretell.sql.limits import bounded, is_per_group, limit
from foretell.sql.loose import Loose, loose_columns, value_of
from foretell.sql.statement import Span, Statement
from foretell.sql.text import Text, filled, joined, written
from foretell.sql.tokens import quote


@dataclass(frozen=True)
class Groups:
    """What a block aggregates.

    `source` is FROM with the rows; `by` are the columns that tell the windows of one group apart, `order` the SQL that
    sorts them, `having` what a window must fulfil. `meant` is what pseudo-columns stand for; of the expressions `same`
    a window has one value.
    """

    source: Text
    keys: tuple[Key, ...] = ()
    by: tuple[str, ...] = ()
    order: str = ""
    having: str = ""
    meant: Mapping[str, str] = field(default_factory=dict)
    same: tuple[Span, ...] = ()


def grouped(block: Block, context: Context, groups: Groups) -> Text:
    """The block as one SELECT of DuckDB, in the order of its groups and windows where it has no other."""
    start = block.statement.place(block.span)[0]
    translate(block, context, groups)
    by = [*key_texts(block, groups.keys), *(written(name, start) for name in groups.by)]
    text = filled("SELECT {}{} {}", start, "DISTINCT " if block.distinct else "", listed(block), groups.source)
    text += filled(" GROUP BY {}", start, joined(by)) if by else Text()
    text += having(block, groups.having)
    return text + ordered(block, key_texts(block, groups.keys), groups.order)


def translate(block: Block, context: Context, groups: Groups) -> None:
    """Put SQL in place of pseudo-columns, and of columns that stand outside of aggregates."""
    statement = block.statement
    for word in loose_columns(block, context, groups.keys, groups.same):
        text = _translated(block, context, groups, word)
        if text is not None:
            statement.source.replace(*statement.place(word.span), text)


def _translated(block: Block, context: Context, groups: Groups, word: Loose) -> Text | None:
    statement = block.statement
    start = statement.place(word.span)[0]
    first, last = word.span
    if last == first + 1 and (meant := groups.meant.get(statement.tokens[first].text)):
        return written(meant, start)
    if not word.is_loose:
        return None
    if any(statement.key(same) == statement.key(word.span) for same in groups.same):
        return filled("any_value({})", start, statement.cut(word.span))
    return value_of(block, context, word.span)


def put(statement: Statement, span: Span, names: Mapping[tuple[tuple[str, str], ...], str]) -> None:
    """Let SQL of our own stand for the expressions in a span that have one."""
    i = span[0]
    while i < span[1]:
        key = next((key for key in names if statement.key((i, i + len(key))) == key), None)
        if key is not None:
            start, end = statement.place((i, i + len(key)))
            statement.source.replace(start, end, written(names[key], start))
        i += len(key) if key else 1


def key_texts(block: Block, keys: Sequence[Key]) -> list[Text]:
    return [block.statement.cut(key.span) for key in keys]


def having(block: Block, more: str) -> Text:
    """HAVING with one more condition, if any."""
    start = block.statement.place(block.span)[0]
    conditions = [written(more, start)] if more else []
    if "HAVING" in block.clauses:
        conditions.append(filled("({})", start, block.statement.cut(block.clauses["HAVING"])))
    return filled(" HAVING {}", start, joined(conditions, " AND ")) if conditions else Text()


def listed(block: Block) -> Text:
    """The SELECT list, each item with the name that TDengine gives it."""
    return joined(named(block, item) for item in block.items)


def named(block: Block, item: Span) -> Text:
    """An item of the list with its name: its alias, or the text that was written."""
    statement = block.statement
    expression, alias = split_alias(statement, item)
    text = statement.cut(item)
    plain = column_name(statement, expression)
    if (
        alias is not None
        or statement.is_sign(item[1] - 1, "*")
        or (plain and text.is_copied)
        or _has_names(block, item)
    ):
        return text
    name = label(statement, expression) if plain is None or plain.startswith("_") else plain
    return text + written(f" AS {quote(name)}", statement.place(item)[0])


def _has_names(block: Block, item: Span) -> bool:
    """Whether an item is a selector of every column, which has become several with names."""
    statement = block.statement
    return item[1] - item[0] == 4 and statement.is_sign(item[0] + 2, "*") and not statement.is_word(item[0], "COUNT")


def ordered(block: Block, keys: Sequence[Text], order: str) -> Text:
    """QUALIFY, ORDER BY and LIMIT. LIMIT holds for each group of PARTITION BY, unless ORDER BY mixes the groups."""
    start = block.statement.place(block.span)[0]
    per_group = is_per_group(block)
    conditions = bounded(block, keys, order, per_group)
    text = filled(" QUALIFY {}", start, joined(conditions, " AND ")) if conditions else Text()
    text += in_order(block, [*keys, *([written(order, start)] if order else [])])
    return text if per_group else text + limit(block)


def in_order(block: Block, default: Sequence[Text]) -> Text:
    """ORDER BY as it was written, else by `default`."""
    start = block.statement.place(block.span)[0]
    if "ORDER" in block.whole:
        return filled(" {}", start, block.statement.cut(block.whole["ORDER"]))
    return filled(" ORDER BY {}", start, joined(default)) if default and not block.distinct else Text()
