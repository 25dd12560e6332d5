"""Words that mean the same wherever they stand: NOW, TODAY(), and durations such as `1h` in `now - 1h`."""

from __future__ import annotations

from foretell.sql.answer import Context
from foretell.sql.durations import is_duration, literal
from foretell.sql.statement import Statement
from foretell.sql.text import written
from foretell.sql.tokens import NUMBER, WORD

NOW = "make_timestamp(epoch_us(now()))"
"""The time of the statement, in UTC."""


def words(statement: Statement, context: Context) -> None:
    """Put DuckDB's words in their place."""
    for i, token in enumerate(statement.tokens):
        if token.kind == NUMBER and is_duration(statement, i):
            _duration(statement, i)
        elif token.kind == WORD and token.text in ("NOW", "TODAY") and is_now(statement, i):
            last = i + 3 if statement.is_sign(i + 1, "(") else i + 1
            sql = NOW if token.text == "NOW" else midnight(NOW, context.zone)
            start, end = statement.place((i, last))
            statement.source.replace(start, end, written(sql, start))


def midnight(time: str, zone: str) -> str:
    """The last midnight before a time in UTC, in a time zone."""
    if zone == "UTC":
        return f"date_trunc('day', {time})"
    return to_utc(f"date_trunc('day', {to_local(time, zone)})", zone)


def to_local(time: str, zone: str) -> str:
    """A TIMESTAMP in UTC as one of a time zone."""
    return time if zone == "UTC" else f"timezone('{zone}', timezone('UTC', {time}))"


def to_utc(time: str, zone: str) -> str:
    """A TIMESTAMP of a time zone as one in UTC."""
    return time if zone == "UTC" else f"timezone('UTC', timezone('{zone}', {time}))"


def is_now(statement: Statement, i: int) -> bool:
    """Whether NOW or TODAY at `i` is the time: TODAY has brackets, and neither is an alias or a part of a name."""
    token = statement.tokens[i]
    if not statement.is_word(i, token.text) or statement.is_word(i - 1, "AS") or statement.is_sign(i + 1, "."):
        return False
    if statement.is_sign(i + 1, "("):
        return statement.partner[i + 1] == i + 2
    return token.text == "NOW"


def _duration(statement: Statement, i: int) -> None:
    start, end = statement.place((i, i + 2))
    statement.source.replace(start, end, written(literal(statement, i), start))
