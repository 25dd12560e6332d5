"""The time range of a query: what WHERE says of the time column in conditions that all must hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from foretell.sql.items import column_name
from foretell.sql.statement import Span, Statement
from foretell.sql.tokens import NAME, WORD
from foretell.sql.windows.frame import Windowed

TIME_WORDS = ("_ROWTS", "_C0")
MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}


class Bounds(NamedTuple):
    """The earliest and the latest time that a row may have, as TIMESTAMP in UTC; None: not said."""

    first: str | None
    last: str | None


class Condition(NamedTuple):
    """`ts sign limit`."""

    sign: str
    limit: Span


def bounds(window: Windowed) -> Bounds:
    """The range of WHERE."""
    block, time = window.block, window.time
    first: list[str] = []
    last: list[str] = []
    if "WHERE" in block.clauses:
        for sign, limit in _conditions(window, block.clauses["WHERE"]):
            sql = time.plain(f"CAST({block.statement.cut(limit)} AS {time.kind})")
            if sign in (">", ">=", "="):
                first.append(sql)
            if sign in ("<", "<=", "="):
                last.append(f"({sql} - INTERVAL 1 MICROSECOND)" if sign == "<" else sql)
    return Bounds(_of(first, "greatest"), _of(last, "least"))


def _of(limits: list[str], which: str) -> str | None:
    return f"{which}({', '.join(limits)})" if limits else None


def _conditions(window: Windowed, span: Span) -> Iterator[Condition]:
    """The conditions on the time column that hold for every row; none where OR stands beside them."""
    statement = window.block.statement
    if any(statement.is_word(i, "OR") for i in statement.level(span)):
        return
    for part in _conjuncts(statement, span):
        first, last = part
        if statement.is_sign(first, "(") and statement.partner[first] == last - 1:
            yield from _conditions(window, (first + 1, last - 1))
        else:
            yield from _of_part(window, part)


def _conjuncts(statement: Statement, span: Span) -> Iterator[Span]:
    """A span cut at its ANDs, but not at those of BETWEEN."""
    start, between = span[0], False
    for i in statement.level(span):
        between = between or statement.is_word(i, "BETWEEN")
        if statement.is_word(i, "AND"):
            if not between:
                yield start, i
                start = i + 1
            between = False
    if start < span[1]:
        yield start, span[1]


def _of_part(window: Windowed, part: Span) -> Iterator[Condition]:
    statement = window.block.statement
    inside = list(statement.level(part))
    between = next((i for i in inside if statement.is_word(i, "BETWEEN")), None)
    if between is not None:
        middle = next((i for i in inside if i > between and statement.is_word(i, "AND")), None)
        if middle is not None and _is_time(window, (part[0], between)):
            yield from _checked(window, Condition(">=", (between + 1, middle)))
            yield from _checked(window, Condition("<=", (middle + 1, part[1])))
        return
    signs = [i for i in inside if statement.tokens[i].text in ("<", ">", "=") and statement.tokens[i].kind == "sign"]
    if not signs or signs[-1] - signs[0] != len(signs) - 1:
        return
    sign = "".join(statement.tokens[i].text for i in signs)
    left, right = (part[0], signs[0]), (signs[-1] + 1, part[1])
    if sign in MIRRORED and _is_time(window, left):
        yield from _checked(window, Condition(sign, right))
    elif sign in MIRRORED and _is_time(window, right):
        yield from _checked(window, Condition(MIRRORED[sign], left))


def _is_time(window: Windowed, span: Span) -> bool:
    statement = window.block.statement
    name = column_name(statement, span)
    if name is None:
        return False
    return name.upper() in TIME_WORDS or name.lower() == window.time.sql.rpartition(".")[2].strip('"').lower()


def _checked(window: Windowed, condition: Condition) -> Iterator[Condition]:
    """The condition, if its limit is the same for all rows."""
    statement = window.block.statement
    first, last = condition.limit
    names = (
        i for i in range(first, last) if statement.tokens[i].kind in (WORD, NAME) and not statement.is_sign(i + 1, "(")
    )
    if first < last and not any(window.relation.type_of(statement.written((i, i + 1)).strip('"`')) for i in names):
        yield condition
