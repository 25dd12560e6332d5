"""The columns of a CREATE or ALTER, read."""

from __future__ import annotations

from collections.abc import Sequence

from foretell.sql.database.catalog import (
    CREATED,
)
from foretell.sql.database.reader import Reader
from foretell.sql.database.types import BY_NAME, Column, Type
from foretell.sql.tokens import STRING, WORD
from foretell.wire.taos_types import TBNAME

MOST_BYTES = 65_517
"""Of a text in a column."""
FROM_QUERY = 255
"""Bytes that a text of a query has at least, as a column."""
LENGTHS = {"JSON": 4_096, "BLOB": 4 << 20}
"""Bytes of types that are declared without a length."""


def refuse_twins(reader: Reader, columns: Sequence[Column], token: int) -> None:
    seen = {TBNAME, CREATED}
    for column in columns:
        if column.name.lower() in seen:
            reader.fail(f"{column.name} cannot be the name of a column, or stands twice", token)
        seen.add(column.name.lower())


def read_columns(reader: Reader) -> tuple[Column, ...]:
    """`(name TYPE, ...)`."""
    columns = []
    for first, last in reader.bracket():
        inner = Reader(reader.statement, first)
        columns.append(read_column(inner))
        while inner.i < last:  # PRIMARY KEY, ENCODE '...', COMPRESS '...', LEVEL '...': they change no answer
            if not inner.sees_kind(WORD, STRING):
                inner.fail("a comma is expected here")
            inner.i += 1
    return tuple(columns)


def read_column(reader: Reader) -> Column:
    """`name TYPE`, `name TYPE(bytes)`, `name DECIMAL(precision, scale)`."""
    name = reader.name("a column")
    token = reader.i
    word = reader.word()
    if reader.take("UNSIGNED"):
        word += " UNSIGNED"
    kind = BY_NAME.get(word)
    if kind is None:
        reader.fail(f"{word} is no type (known: {', '.join(BY_NAME)})", token)
    numbers = _numbers(reader) if reader.sees_sign("(") else []
    return _column(reader, name, kind, numbers, token)


def _numbers(reader: Reader) -> list[int]:
    found = []
    for first, last in reader.bracket():
        inner = Reader(reader.statement, first)
        found.append(inner.whole())
        if inner.i != last:
            inner.fail("only a number is expected here")
    return found


def _column(reader: Reader, name: str, kind: Type, numbers: list[int], token: int) -> Column:
    if kind.name == "DECIMAL":
        precision, scale = (*numbers, 0)[:2] if numbers else (10, 0)
        if len(numbers) > 2 or not 1 <= precision <= 38 or scale > precision:
            reader.fail("DECIMAL(precision, scale): a precision from 1 to 38, a scale not above it", token)
        return Column(name, kind, 8 if precision <= 18 else 16, precision, scale)
    if kind.width or kind.name in LENGTHS:
        if numbers:
            reader.fail(f"{kind.name} has no length", token)
        return Column(name, kind, kind.width or LENGTHS[kind.name])
    if len(numbers) != 1 or not 1 <= numbers[0] <= MOST_BYTES:
        reader.fail(f"{kind.name} needs a length from 1 to {MOST_BYTES}, such as {kind.name}(64)", token)
    return Column(name, kind, numbers[0])
