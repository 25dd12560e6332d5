"""Numbers and texts beside a time column: `ts >= 1700000000000` counts the column's ticks, a text is of the time zone.

ts >= 1700000000000  -> ts >= make_timestamp(1700000000000 * 1000)
ts < '2024-01-01'    -> the same in UTC; ts < timezone('UTC', timezone('Asia/Shanghai', TIMESTAMP '2024-01-01')) there
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from foretell.sql.answer import Context
from foretell.sql.blocks import Block
from foretell.sql.durations import is_duration
from foretell.sql.items import column_name
from foretell.sql.relation import TIME_TYPES, ZONED_NS, Time, relation
from foretell.sql.statement import Span, Statement
from foretell.sql.text import filled, written
from foretell.sql.tokens import NAME, NUMBER, STRING, WORD, as_text, unquote
from foretell.sql.words import to_utc

SMALLEST = 9
"""Digits from which on a number may be a time; 0 may be one too."""
TIME_WORDS = ("_ROWTS", "_C0", "_WSTART", "_WEND", "_FROWTS")
OFFSET = re.compile(r"(?<=\d\d:\d\d)[\d:.]{0,16}([+-])(\d\d):?(\d\d)?$")
"""An offset from UTC behind a time of day."""


def is_instant(statement: Statement, i: int) -> bool:
    """Whether the number at `i` may be a time and is compared with a plain column."""
    token = statement.tokens[i]
    if not (token.text.isdecimal() and (len(token.text) >= SMALLEST or token.text == "0")):
        return False
    return compared(statement, i) is not None


def is_zoned(statement: Statement, i: int) -> bool:
    """Whether the text at `i` ends with an offset from UTC, and is compared with a plain column."""
    text = statement.tokens[i].text[1:-1]
    return OFFSET.search(text) is not None and compared(statement, i) is not None


def is_local(statement: Statement, i: int) -> bool:
    """Whether the text at `i` is compared with a plain column."""
    return compared(statement, i) is not None


def compared(statement: Statement, i: int) -> int | None:
    """The last token of the column that the literal at `i` is compared with: `ts > 5`, `5 < ts`, BETWEEN, IN."""
    before = i - 1
    if statement.is_sign(before, "-"):
        before -= 1
    if _is_comparison(statement, before):
        while _is_comparison(statement, before):
            before -= 1
        return _column(statement, before)
    if statement.is_word(before, "AND"):
        before = next((j for j in range(before - 1, -1, -1) if statement.is_word(j, "BETWEEN")), -1)
    if statement.is_word(before, "BETWEEN"):
        return _column(statement, before - 1 - statement.is_word(before - 1, "NOT"))
    bracket = statement.parent[i]
    if bracket > 1 and statement.is_word(bracket - 1, "IN"):
        return _column(statement, bracket - 2 - statement.is_word(bracket - 2, "NOT"))
    after = i + 1
    if _is_comparison(statement, after):
        while _is_comparison(statement, after):
            after += 1
        while statement.is_sign(after + 1, "."):
            after += 2
        return _column(statement, after)
    return None


def _is_comparison(statement: Statement, i: int) -> bool:
    return any(statement.is_sign(i, sign) for sign in "<>=!")


def _column(statement: Statement, i: int) -> int | None:
    if not 0 <= i < len(statement.tokens) or statement.tokens[i].kind not in (WORD, NAME):
        return None
    return i


def times(block: Block, context: Context) -> None:
    """Put times in place of the numbers and texts that are compared with a time column."""
    statement = block.statement
    for i in block.marks:
        if statement.tokens[i].kind not in (NUMBER, STRING) or "FROM" not in block.whole:
            continue
        column = compared(statement, i)
        time = None if column is None else _time(block, context, column)
        if time is not None:
            _replace(statement, i, time, context.zone)


def sums(block: Block, context: Context) -> None:
    """Let durations be added to times with a zone and nanoseconds, which DuckDB cannot do; the latter are lost."""
    statement = block.statement
    for i in block.marks:
        if not is_duration(statement, i) or "FROM" not in block.whole:
            continue
        for place, template, column in _summands(statement, i):
            time = None if _column(statement, column[1] - 1) is None else _time(block, context, column[1] - 1)
            if time is not None and time.kind == ZONED_NS:
                start, end = statement.place(place)
                statement.source.replace(start, end, filled(template, start, statement.cut(column)))


def _summands(statement: Statement, i: int) -> Iterator[tuple[Span, str, Span]]:
    """What may be a column beside the duration at `i`, behind its place with the sign and how that is to be written."""
    moment = "CAST({} AS TIMESTAMP WITH TIME ZONE)"
    sign = statement.tokens[i - 1].text
    if sign in ("+", "-") and i > 1:  # ts - 1h
        first = i - 2
        while statement.is_sign(first - 1, "."):
            first -= 2
        yield (first, i), f"{moment} {sign}", (first, i - 1)
    if statement.is_sign(i + 2, "+"):  # 1h + ts
        last = i + 4
        while statement.is_sign(last, "."):
            last += 2
        yield (i + 2, last), f"+ {moment}", (i + 3, last)


def is_cast(statement: Statement, i: int) -> bool:
    """Whether CAST at `i` makes a whole number of a plain column: `CAST(ts AS BIGINT)`."""
    if not statement.is_sign(i + 1, "(") or not statement.is_word(i, "CAST"):
        return False
    last = statement.partner[i + 1]
    return statement.is_word(last - 1, "BIGINT") and statement.is_word(last - 2, "AS") and last - i > 4


def casts(block: Block, context: Context) -> None:
    """A time as BIGINT is a number of ticks since 1970."""
    statement = block.statement
    for i in block.marks:
        if statement.tokens[i].text != "CAST" or "FROM" not in block.whole:
            continue
        last = statement.partner[i + 1]
        inner = (i + 2, last - 2)
        if column_name(statement, inner) is None or (time := _time(block, context, last - 3)) is None:
            continue
        start, end = statement.place((i, last + 1))
        before, after = time.ticks("{}").split("{}")
        statement.source.replace(start, end, filled(f"({before}{{}}{after})", start, statement.cut(inner)))


def _time(block: Block, context: Context, i: int) -> Time | None:
    """The column at `i` if it is one of times."""
    statement = block.statement
    found = relation(block, context)
    if statement.tokens[i].text in TIME_WORDS and found.time is not None:
        return found.time
    kind = found.type_of(unquote(statement.tokens[i], statement.source.text))
    return None if kind is None or not kind.startswith(TIME_TYPES) else found.as_time("", kind)


def _replace(statement: Statement, i: int, time: Time, zone: str) -> None:
    token = statement.tokens[i]
    start = token.start
    if token.kind == NUMBER:
        if statement.is_sign(i - 1, "-"):
            start = statement.tokens[i - 1].start
        sql = time.literal(statement.source.text[start : token.end])
    elif time.is_zoned:
        return
    else:
        sql = time.typed(_utc(unquote(token, statement.source.text).strip(), zone))
    statement.source.replace(start, token.end, written(sql, start))


def instant(statement: Statement, span: Span, time: Time, zone: str) -> str:
    """The time that stands in a span, in the column's type: a number, a text, or an expression."""
    first, last = span
    token = statement.tokens[first]
    if last == first + 1 and token.kind == STRING:
        return time.typed(_utc(unquote(token, statement.source.text).strip(), zone))
    if last == first + 1 and token.kind == NUMBER:
        return time.literal(token.text)
    return f"CAST({statement.cut(span)} AS {time.kind})"


def _utc(text: str, zone: str) -> str:
    """A text as a TIMESTAMP in UTC. DuckDB would not mind the offset behind it."""
    offset = OFFSET.search(text)
    if offset is None:
        return to_utc(f"CAST({as_text(text.removesuffix('Z'))} AS TIMESTAMP)", "UTC" if text.endswith("Z") else zone)
    back = "-" if offset[1] == "+" else "+"
    minutes = int(offset[2]) * 60 + int(offset[3] or 0)
    return f"(CAST({as_text(text[: offset.start(1)])} AS TIMESTAMP) {back} INTERVAL {minutes} MINUTE)"
