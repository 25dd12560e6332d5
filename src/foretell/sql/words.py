"""Words that mean the same wherever they stand: NOW, TODAY(), and durations such as `1h` in `now - 1h`."""

from __future__ import annotations

from foretell.sql.answer import Context
from foretell.sql.blocks import Block, select_around
from foretell.sql.durations import is_duration, literal
from foretell.sql.items import aliases
from foretell.sql.relation import relation
from foretell.sql.statement import Span, Statement
from foretell.sql.text import written
from foretell.sql.tokens import NUMBER, WORD, as_text

NOW = "make_timestamp(epoch_us(now()))"
"""The time of the statement, in UTC."""
BEFORE_NAME = ("AS", "FROM", "JOIN", "INTO", "TABLE", "UPDATE")
"""Words behind which a table or a name stands."""


def words(statement: Statement, context: Context) -> None:
    """Put DuckDB's words in their place; NOW without brackets only where no SELECT is around it."""
    for i, token in enumerate(statement.tokens):
        if token.kind == NUMBER and is_duration(statement, i):
            _duration(statement, i)
        elif token.kind == WORD and token.text in ("NOW", "TODAY") and is_now(statement, i):
            if statement.is_sign(i + 1, "("):
                _put(statement, (i, i + 3), NOW if token.text == "NOW" else midnight(NOW, context.zone))
            elif select_around(statement, i) is None and _is_value(statement, context, i):
                _put(statement, (i, i + 1), NOW)


def nows(block: Block, context: Context) -> None:
    """NOW without brackets is the time, unless it is a column or an alias; inside FROM it always is."""
    statement = block.statement
    bare = [i for i in block.marks if statement.is_word(i, "NOW") and not statement.is_sign(i + 1, "(")]
    first, last = block.whole.get("FROM", (0, 0))
    for i in bare:
        if first <= i < last:
            _put(statement, (i, i + 1), NOW)
    for i in bare:
        if not first <= i < last and not _is_named(block, context):
            _put(statement, (i, i + 1), NOW)


def _is_named(block: Block, context: Context) -> bool:
    """Whether something in the block has the name of NOW."""
    if "SELECT" in block.clauses and "now" in aliases(block):
        return True
    return "FROM" in block.whole and relation(block, context).type_of("now") is not None


def _is_value(statement: Statement, context: Context, i: int) -> bool:
    """Whether NOW at `i`, outside of any SELECT, is the time: in VALUES, and in an UPDATE of a table without it."""
    if statement.is_word(0, "UPDATE"):
        end = next((j for j in statement.level((0, len(statement.tokens))) if statement.is_word(j, "SET")), 1)
        if i < end or end < 2:
            return False
        start = statement.tokens[1].start
        everything = written("SELECT * FROM ", start) + statement.cut((1, end))
        found, _ = context.place.duck.columns(everything, statement.source, context.place.lookup)
        return all(name.lower() != "now" for name, _ in found)
    return any(statement.is_word(j, "VALUES") for j in statement.level((0, i)))


def _put(statement: Statement, span: Span, sql: str) -> None:
    start, end = statement.place(span)
    statement.source.replace(start, end, written(sql, start))


def midnight(time: str, zone: str) -> str:
    """The last midnight before a time in UTC, in a time zone."""
    if zone == "UTC":
        return f"date_trunc('day', {time})"
    return to_utc(f"date_trunc('day', {to_local(time, zone)})", zone)


def to_local(time: str, zone: str) -> str:
    """A TIMESTAMP in UTC as one of a time zone."""
    return time if zone == "UTC" else f"timezone({as_text(zone)}, timezone('UTC', {time}))"


def to_utc(time: str, zone: str) -> str:
    """A TIMESTAMP of a time zone as one in UTC."""
    return time if zone == "UTC" else f"timezone('UTC', timezone({as_text(zone)}, {time}))"


def is_now(statement: Statement, i: int) -> bool:
    """Whether NOW or TODAY at `i` may be the time: TODAY has brackets, and neither is an alias or a part of a name."""
    token = statement.tokens[i]
    if not statement.is_word(i, token.text) or statement.is_word(i - 1, *BEFORE_NAME) or statement.is_sign(i + 1, "."):
        return False
    if statement.is_sign(i + 1, "("):
        return statement.partner[i + 1] == i + 2
    return token.text == "NOW" and not statement.is_word(statement.parent[i] - 1, "USING")


def _duration(statement: Statement, i: int) -> None:
    _put(statement, (i, i + 2), literal(statement, i))
