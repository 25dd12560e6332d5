"""What a block with one of our functions must not hold, each with the way round it."""

from __future__ import annotations

from collections.abc import Iterator

from foretell.sql.blocks import QUERY, Block, Call
from foretell.sql.duck import Duck
from foretell.sql.statement import Span
from foretell.sql.tokens import WORD

REFUSED = {
    "GROUP": "aggregate first, in a subquery: FROM (SELECT ... GROUP BY ...)",
    "HAVING": "aggregate first, in a subquery",
    "QUALIFY": "use the window function in a subquery",
    "WINDOW": "use the window function in a subquery",
    "USING": "sample in a subquery",
}


CODES = {"FORECAST": 0x80002685}
"""TDengine's codes for a function in the wrong company, where it has one of its own (protocol section 1.8)."""


def check_block(block: Block, duck: Duck) -> Call:
    """The one call of the block, which may be written several times."""
    statement = block.statement
    call = block.calls[0]
    for word, advice in REFUSED.items():
        if word in block.whole:
            raise statement.error(
                f"{word} cannot stand beside {call.name}: {advice}", block.whole[word], CODES.get(call.name)
            )
    if "SELECT" not in block.whole:
        raise statement.error(f"{call.name} belongs in the list of a SELECT", call.span, CODES.get(call.name))
    for other in block.calls:
        _check_place(block, other)
        if statement.key(other.span) != statement.key(call.span):
            raise statement.error(
                f"one SELECT holds one {call.name}; join two subqueries, or put them together with UNION ALL",
                other.span,
                CODES.get(call.name),
            )
    _check_items(block, call, duck)
    return call


def _check_place(block: Block, call: Call) -> None:
    allowed = [block.clauses[word] for word in ("SELECT", "ORDER") if word in block.clauses]
    if not any(first <= call.span[0] < last for first, last in allowed):
        raise block.statement.error(
            f"{call.name} belongs in the list of a SELECT; filter its result one level out: FROM (SELECT ...) WHERE",
            call.span,
            CODES.get(call.name),
        )


def _check_items(block: Block, call: Call, duck: Duck) -> None:
    statement = block.statement
    for first, last in block.items:
        if statement.is_sign(last - 1, "*") or statement.is_sign(first, "*") or statement.is_word(first, "COLUMNS"):
            text = f"* cannot stand beside {call.name}: name the columns of PARTITION BY"
            raise statement.error(text, first, CODES.get(call.name))
    called: dict[str, int] = {}
    for i in _own_tokens(block):
        if statement.is_word(i, "OVER"):
            text = f"a window function cannot stand beside {call.name}: use it one level out"
            raise statement.error(text, i, CODES.get(call.name))
        if statement.tokens[i].kind == WORD and statement.is_sign(i + 1, "("):
            called.setdefault(statement.tokens[i].text, i)
    for name in duck.aggregates(set(called)):
        raise statement.error(
            f"{name.lower()} cannot stand beside {call.name}: aggregate first, in a subquery, or one level out",
            called[name],
            CODES.get(call.name),
        )


def _own_tokens(block: Block) -> Iterator[int]:
    """The tokens of the block's list and order that belong neither to a call of ours nor to a subquery."""
    statement = block.statement
    ends = {other.span[0]: other.span[1] for other in block.calls}
    spans: list[Span] = [block.clauses[word] for word in ("SELECT", "ORDER") if word in block.clauses]
    for i, last in spans:
        while i < last:
            if i in ends:
                i = ends[i]
            elif statement.is_sign(i, "(") and statement.is_word(i + 1, *QUERY):
                i = statement.partner[i] + 1
            else:
                yield i
                i += 1
