"""LIMIT, OFFSET, SLIMIT and SOFFSET: which groups of PARTITION BY are given, and which rows of them."""

from __future__ import annotations

from collections.abc import Sequence

from foretell.sql.blocks import Block
from foretell.sql.text import Text, filled, joined, written


def is_per_group(block: Block) -> bool:
    """Whether LIMIT holds for each group: ORDER BY mixes them."""
    return "PARTITION" in block.whole and "ORDER" not in block.whole


def bounded(block: Block, keys: Sequence[Text], order: str, per_group: bool) -> list[Text]:
    """The conditions of SLIMIT, and of LIMIT where it holds for each group."""
    rows = limited_rows(block, keys, order) if per_group else Text()
    return [condition for condition in (limited_groups(block, keys), rows) if condition.pieces]


def limited_groups(block: Block, keys: Sequence[Text]) -> Text:
    """The condition of SLIMIT and SOFFSET, which count groups in their order; empty where there is none."""
    bounds = _bounds(block, "SLIMIT", "SOFFSET")
    if not bounds.pieces:
        return bounds
    if not keys:
        raise block.statement.error("SLIMIT counts the groups of PARTITION BY, and there is none", block.span)
    return filled("dense_rank() OVER (ORDER BY {}){}", _start(block), joined(keys), bounds)


def may_give_none(block: Block) -> bool:
    """Whether SLIMIT and SOFFSET may leave no group, though there are some."""
    numbers = _numbers(block, "SLIMIT", "SOFFSET")
    return numbers.get("SLIMIT") == 0 or numbers.get("SOFFSET", 0) > 0


def limited_rows(block: Block, keys: Sequence[Text], order: str) -> Text:
    """The condition of LIMIT and OFFSET in each group; empty where there is none."""
    bounds = _bounds(block, "LIMIT", "OFFSET")
    if not bounds.pieces:
        return bounds
    within = f" ORDER BY {order}" if order else ""
    return filled("row_number() OVER (PARTITION BY {}{}){}", _start(block), joined(keys), within, bounds)


def limit(block: Block) -> Text:
    """LIMIT and OFFSET as DuckDB has them."""
    parts = _counts(block, "LIMIT", "OFFSET")
    return joined((filled(f" {word} {{}}", _start(block), part) for word, part in parts.items()), "")


def _counts(block: Block, count: str, skip: str) -> dict[str, Text]:
    """How many to give and to leave out: `LIMIT 5 OFFSET 2`, which is also `LIMIT 2, 5`."""
    statement = block.statement
    parts = {word: statement.cut(block.clauses[word]) for word in (count, skip) if word in block.clauses}
    if count == "LIMIT" and "FETCH" in block.clauses:
        parts[count] = _fetched(block)
    if count in block.clauses and len(both := statement.split(block.clauses[count])) > 1:
        if len(both) > 2 or skip in block.clauses:
            raise statement.error(f"{count} has one number, or two: those to leave out and those to give", both[-1])
        parts = {count: statement.cut(both[1]), skip: statement.cut(both[0])}
    return parts


def _fetched(block: Block) -> Text:
    """FETCH FIRST 5 ROWS ONLY is LIMIT 5, without a number LIMIT 1."""
    statement, (first, last) = block.statement, block.clauses["FETCH"]
    if not (statement.is_word(first, "FIRST", "NEXT") and statement.is_word(last - 1, "ONLY")):
        raise statement.error("FETCH has the form FETCH FIRST n ROWS ONLY", first)
    return statement.cut((first + 1, last - 2)) if last - first > 3 else written("1", _start(block))


def _bounds(block: Block, count: str, skip: str) -> Text:
    """A condition on a position from 1, to be put behind it; empty where there is no limit."""
    start = _start(block)
    numbers = _numbers(block, count, skip)
    skipped = numbers.get(skip, 0)
    if count in numbers:
        return written(f" BETWEEN {skipped + 1} AND {skipped + numbers[count]}", start)
    return written(f" > {skipped}", start) if numbers else Text()


def _numbers(block: Block, count: str, skip: str) -> dict[str, int]:
    """How many to give and to leave out; ALL is no limit."""
    parts = _counts(block, count, skip)
    return {word: _whole(block, word, part) for word, part in parts.items() if str(part).upper() != "ALL"}


def _whole(block: Block, word: str, part: Text) -> int:
    """DuckDB would take a limit of -1 or 1.5 as a position among others."""
    if not str(part).isdecimal():
        raise block.statement.source.error(f"{word} must be a whole number of at least 0, got {part}", part.origin(0))
    return int(str(part))


def _start(block: Block) -> int:
    return block.statement.place(block.span)[0]
