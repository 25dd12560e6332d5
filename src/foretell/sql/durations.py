"""Durations in SQL: `10m` without quotes, '10m' with them, or a number that counts ticks of the time column."""

from __future__ import annotations

import re

from foretell.errors import InvalidInput
from foretell.sql.statement import Span, Statement
from foretell.sql.tokens import NUMBER, STRING, WORD, unquote
from foretell.steps import Step
from foretell.wire.options import DURATIONS, read_step

MICROSECOND = 1000
WHICH = "M may be a minute or a month: write m for minutes, n for months"
MINUTE_OR_MONTH = re.compile(r"\s*+[+-]?\d*+\s*+M\s*+")
DIGITS = 18
UNITS = frozenset(unit.upper() for unit in DURATIONS if len(unit) == 1 and unit != "q")
"""TDengine's own, which stand behind a number without a blank."""


def is_duration(statement: Statement, i: int) -> bool:
    """Whether `10m` begins at token `i`: a number and a unit without a blank between them."""
    tokens = statement.tokens
    if tokens[i].kind != NUMBER or i + 1 == len(tokens):
        return False
    unit = tokens[i + 1]
    whole = tokens[i].text.isdecimal() and len(tokens[i].text) <= DIGITS
    return unit.kind == WORD and unit.start == tokens[i].end and unit.text in UNITS and whole


def read_duration(statement: Statement, span: Span, name: str, tick: Step) -> Step:
    """The duration in a span; a number alone counts ticks."""
    first, last = span
    token = statement.tokens[first]
    text = statement.written(span)
    if last - first == 1 and token.kind == STRING:
        text = unquote(token, statement.source.text)
    elif not (last - first == 2 and is_duration(statement, first)) and not (last - first == 1 and token.kind == NUMBER):
        raise statement.error(f"{name} needs a duration such as 10m, got {text}", span)
    try:
        return in_either_case(name, text, tick)
    except InvalidInput as error:
        raise statement.error(str(error), span) from None


def in_either_case(name: str, text: str, tick: Step | None = None) -> Step:
    """The duration in a text whose letters may be capitals; M alone is a minute to TDengine, and a month to pandas."""
    if MINUTE_OR_MONTH.fullmatch(text):
        raise InvalidInput(name, f"{WHICH}, got {text!r}")
    return read_step(name, text.lower(), tick)


def literal(statement: Statement, i: int) -> str:
    """The duration at `i` in an expression, as an INTERVAL; also none at all, 0s. Nanoseconds are cut."""
    if MINUTE_OR_MONTH.fullmatch(text := statement.written((i, i + 2))):
        raise statement.error(f"{text}: {WHICH}", (i, i + 2))
    unit = DURATIONS[statement.tokens[i + 1].text.lower()]
    count = int(statement.tokens[i].text)
    return f"INTERVAL '{unit.months * count} months {unit.ns * count // MICROSECOND} microseconds'"


def interval(statement: Statement, step: Step, place: int | Span) -> str:
    """A duration as an INTERVAL of DuckDB, which counts whole microseconds."""
    if step.months:
        return f"INTERVAL '{step.months} months'"
    if step.ns % MICROSECOND:
        raise statement.error("durations here are whole microseconds", place)
    return f"INTERVAL '{step.ns // MICROSECOND} microseconds'"
