"""PARTITION BY without a window, and functions that give rows: the groups of a SELECT, one after the other.

With aggregates the groups are those of GROUP BY, otherwise the rows of the groups; LIMIT holds for each group.
"""

from __future__ import annotations

from foretell.sql.answer import Context
from foretell.sql.blocks import Block, Call, ends_operand, read_call
from foretell.sql.calls import spelled
from foretell.sql.grouped import Groups, grouped, key_texts, listed, named, ordered
from foretell.sql.history import Key, partition_keys
from foretell.sql.items import split_alias
from foretell.sql.limits import bounded, limit
from foretell.sql.loose import aggregates_in, has_loose, selector
from foretell.sql.meanings import CALLS, Meaning
from foretell.sql.relation import relation
from foretell.sql.text import Text, filled, joined, written

OWN = ("PARTITION", "SLIMIT", "SOFFSET")
"""Clauses that DuckDB does not have."""


def partitions(block: Block, context: Context) -> None:
    """Rewrite a block that has groups but no window, or a function that gives rows or selects one."""
    done = block.statement.source.is_replaced(*block.statement.place(block.span))
    if block.calls or "FROM" not in block.whole or done:
        return
    rows = _row_calls(block)
    selects = "GROUP" not in block.whole and _selects(block, context)
    if not (rows or selects or any(word in block.whole for word in OWN)):
        return
    statement = block.statement
    if "SELECT" not in block.whole:
        raise statement.error("PARTITION BY needs a SELECT", block.span)
    lists = [split_alias(statement, item)[0] for item in block.items]
    aggregates = aggregates_in(block, context, lists) or "HAVING" in block.whole or "GROUP" in block.whole
    text = _of_groups(block, context) if aggregates and not rows else _of_rows(block, context, rows)
    start = statement.place(block.span)[0]
    statement.source.replace(*statement.place(block.span), filled("SELECT * FROM ({})", start, text))


def names(block: Block, context: Context) -> None:
    """Give the items of a list that were rewritten the names that they had; half an expression is left to DuckDB."""
    if "SELECT" not in block.whole or not (block.marks or context.profile.named) or block.calls:
        return
    statement = block.statement
    if statement.source.is_replaced(*statement.place(block.span)):
        return
    for item in block.items:
        is_whole = ends_operand(statement, item[1] - 1)
        if is_whole and (context.profile.named or not statement.cut(item).is_copied):
            statement.source.replace(*statement.place(item), named(block, item))


def limits(block: Block, _context: Context) -> None:
    """Put LIMIT 2, 5 in DuckDB's words."""
    statement = block.statement
    if not any(statement.tokens[i].text == "LIMIT" for i in block.marks):
        return
    if not statement.source.is_replaced(*statement.place(block.span)):
        statement.source.replace(*statement.place(block.whole["LIMIT"]), limit(block))


def _called(block: Block) -> list[tuple[int, Meaning]]:
    """The calls that `meanings` knows, by their place."""
    words = ((i, block.statement.tokens[i].text) for i in block.marks)
    return [(i, CALLS[word]) for i, word in words if word in CALLS]


def _selects(block: Block, context: Context) -> bool:
    """Whether the list has a selector: FIRST and the like, or MAX or MIN with a column of their row beside them."""
    if any(meaning.beside for _, meaning in _called(block)):
        return True
    return "SELECT" in block.clauses and selector(block) is not None and has_loose(block, context)


def _row_calls(block: Block) -> list[Call]:
    """The calls that give rows, each once."""
    calls = [read_call(block.statement, i) for i, meaning in _called(block) if meaning.kind == "rows"]
    return list({block.statement.key(call.span): call for call in calls}.values())


def _source(block: Block) -> Text:
    """FROM and WHERE."""
    statement, whole = block.statement, block.whole
    text = statement.cut(whole["FROM"])
    return text + filled(" {}", text.origin(0), statement.cut(whole["WHERE"])) if "WHERE" in whole else text


def _of_groups(block: Block, context: Context) -> Text:
    """One row for each group."""
    by = [Key(span, block.statement.written(span)) for span in block.listed("GROUP")]
    return grouped(block, context, Groups(_source(block), (*partition_keys(block), *by)))


def _of_rows(block: Block, context: Context, calls: list[Call]) -> Text:
    """The rows of the groups by time, or those that a function gives."""
    start = block.statement.place(block.span)[0]
    time = relation(block, context).time
    order = "" if time is None else time.sql
    keys = key_texts(block, partition_keys(block))
    source = _source(block)
    distinct = "DISTINCT " if block.distinct else ""
    keep = _kept(block, context, calls)
    if not keep or not bounded(block, keys, order, per_group="ORDER" not in block.whole):
        kept = filled(" QUALIFY {}", start, joined(keep, " AND ")) if keep else Text()
        return filled("SELECT {}{} {}{}{}", start, distinct, listed(block), source, kept, ordered(block, keys, order))
    inner = [filled(f"{{}} AS __k{i}", start, key) for i, key in enumerate([*keys, written(order or "1", start)])]
    own = [f"__k{i}" for i in range(len(inner))]
    rows = filled("SELECT {}, {} {} QUALIFY {}", start, listed(block), joined(inner), source, joined(keep, " AND "))
    by = [written(name, start) for name in own[:-1]]
    template = f"SELECT {distinct}* EXCLUDE ({', '.join(own)}) FROM ({{}}){{}}"
    return filled(template, start, rows, ordered(block, by, own[-1]))


def _kept(block: Block, context: Context, calls: list[Call]) -> list[Text]:
    """What must hold of the rows that are given: for each function that gives rows, its own."""
    found = []
    for call in calls:
        if template := CALLS[call.name].keep:
            arguments = [block.statement.cut(argument) for argument in call.every]
            condition = spelled(block, context, template, arguments)
            found.append(filled("({})", block.statement.place(call.span)[0], condition))
    return found
