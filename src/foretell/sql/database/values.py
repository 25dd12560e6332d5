"""A value of a statement as the value of a column: numbers, texts, times, NULL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from foretell.errors import ValueTooLong
from foretell.sql.database.times import EPOCH, UNITS, check_range, read_time
from foretell.sql.database.types import PRECISIONS, Column, Precision
from foretell.sql.statement import Span, Statement
from foretell.sql.tokens import NAME, NUMBER, STRING, as_text, unquote
from foretell.wire.taos_types import holds

TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What values mean beside their words: the precision of times without a unit, the zone of texts without one."""

    precision: Precision
    zone: tzinfo = UTC


def read_value(statement: Statement, span: Span, column: Column, dialect: Dialect) -> Any:
    """The value in a span, for a column; an error shows the place."""
    first, last = span
    if last - first == 1 and statement.is_word(first, "NULL"):
        return None
    try:
        if column.type.name == "TIMESTAMP":
            return _time(statement, span, dialect)
        return READERS.get(column.type.name, _integer)(_literal(statement, span), column)
    except ValueTooLong as error:
        raise statement.error(str(error), first, kind=ValueTooLong) from None
    except (ValueError, OverflowError, InvalidOperation, pa.ArrowException):
        written = statement.written(span)
        raise statement.error(f"{column.name}: {written} is no value of {column.declared}", first) from None


def written_value(value: object) -> str:
    """The twin of `read_value`: a value of a tag or a column as a statement has it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    return repr(value) if isinstance(value, int | float) else as_text(value)


def _literal(statement: Statement, span: Span) -> str:
    """What stands in a span: one token, or a number with its sign. Without its quotes."""
    first, last = span
    sign = ""
    if last - first == 2 and (statement.is_sign(first, "-") or statement.is_sign(first, "+")):
        sign = statement.tokens[first].text
        first += 1
        if statement.tokens[first].kind != NUMBER:
            raise ValueError
    if last - first != 1:
        raise ValueError
    return sign + unquote(statement.tokens[first], statement.source.text)


def _time(statement: Statement, span: Span, dialect: Dialect) -> int:
    """A number, a text, NOW or TODAY, and durations added to it."""
    i, last = span
    unit = PRECISIONS[dialect.precision][1]
    token = statement.tokens[i]
    if statement.is_word(i, "NOW", "TODAY"):
        moment = _moment(token.text, dialect.zone) // unit
        i += 1
        if statement.is_sign(i, "(") and statement.is_sign(i + 1, ")"):
            i += 2
    elif token.kind in (STRING, NAME):
        text = unquote(token, statement.source.text)
        moment = int(text) if text.lstrip("+-").isdecimal() else read_time(text, dialect.precision, dialect.zone)
        i += 1
    else:
        negative = statement.is_sign(i, "-")
        i += negative
        moment = int(statement.tokens[i].text) * (-1 if negative else 1)
        i += 1
    while i < last:
        moment += _added(statement, (i, last)) // unit
        i += 3
    check_range(moment, moment, dialect.precision)
    return moment


def _added(statement: Statement, span: Span) -> int:
    """Nanoseconds of `+ 10s` or `- 1a` at the beginning of a span."""
    i, last = span
    if i + 3 > last:
        raise ValueError
    sign, number, unit = (token.text for token in statement.tokens[i : i + 3])
    if sign not in "+-" or unit not in UNITS:
        raise ValueError
    return (1 if sign == "+" else -1) * int(number) * UNITS[unit]


def _moment(word: str, zone: tzinfo) -> int:
    """Nanoseconds of NOW or TODAY."""
    if word == "NOW":
        return time.time_ns()
    day = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((day - EPOCH).total_seconds()) * 1_000_000_000


def _bool(text: str, _: Column) -> bool:
    known = TRUTH.get(text.lower())
    return float(text) != 0 if known is None else known


def _integer(text: str, column: Column) -> int:
    value = int(text)
    pa.scalar(value, column.type.arrow)
    return value


def _float(text: str, column: Column) -> float:
    value = float(text)
    if not holds(column.type, value):
        raise ValueError
    return value


def _text(text: str, column: Column) -> str:
    size = len(text) if column.type.name == "NCHAR" else len(text.encode())
    if size > column.bytes:
        raise ValueTooLong(too_long(column, size))
    return text


def too_long(column: Column, size: int) -> str:
    """What to say of a text of that many bytes (NCHAR: characters)."""
    return f"Value too long for column/tag: {column.name} is {column.declared}, the value has {size}"


def _json(text: str, _: Column) -> str:
    if text and not isinstance(json.loads(text), dict):
        raise ValueError
    return text


def _binary(text: str, column: Column) -> bytes:
    value = bytes.fromhex(text[2:]) if text.lower().startswith("\\x") else text.encode()
    if len(value) > column.bytes:
        raise ValueTooLong(too_long(column, len(value)))
    return value


def _decimal(text: str, column: Column) -> Decimal:
    value = round(Decimal(text), column.scale)
    pa.scalar(value, pa.decimal128(column.precision, column.scale))
    return value


READERS: dict[str, Callable[[str, Column], Any]] = {
    "BOOL": _bool,
    "FLOAT": _float,
    "DOUBLE": _float,
    "VARCHAR": _text,
    "NCHAR": _text,
    "JSON": _json,
    "VARBINARY": _binary,
    "GEOMETRY": _binary,
    "BLOB": _binary,
    "DECIMAL": _decimal,
}
"""How each type reads a literal; the others are whole numbers."""
