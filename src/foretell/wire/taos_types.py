"""TDengine's types: numbers, names and sizes as its clients know them, and which Arrow types travel as which.

Source: the public connectors of TDengine. A column of a result is described by a `Column`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from foretell.errors import InvalidInput

Precision = Literal["ms", "us", "ns"]
PRECISIONS: tuple[Precision, ...] = ("ms", "us", "ns")
"""Units of a database's times; the place in this table is the number on the wire."""


@dataclass(frozen=True, slots=True)
class Type:
    """`width` is the bytes of a value, 0 where it varies; `dtype` that of NumPy, where values are numbers."""

    number: int
    name: str
    width: int
    dtype: str = ""


BOOL = Type(1, "BOOL", 1, "u1")
TINYINT = Type(2, "TINYINT", 1, "i1")
SMALLINT = Type(3, "SMALLINT", 2, "<i2")
INT = Type(4, "INT", 4, "<i4")
BIGINT = Type(5, "BIGINT", 8, "<i8")
FLOAT = Type(6, "FLOAT", 4, "<f4")
DOUBLE = Type(7, "DOUBLE", 8, "<f8")
VARCHAR = Type(8, "VARCHAR", 0)
TIMESTAMP = Type(9, "TIMESTAMP", 8, "<i8")
NCHAR = Type(10, "NCHAR", 0)
UTINYINT = Type(11, "TINYINT UNSIGNED", 1, "u1")
USMALLINT = Type(12, "SMALLINT UNSIGNED", 2, "<u2")
UINT = Type(13, "INT UNSIGNED", 4, "<u4")
UBIGINT = Type(14, "BIGINT UNSIGNED", 8, "<u8")
JSON = Type(15, "JSON", 0)
VARBINARY = Type(16, "VARBINARY", 0)
DECIMAL = Type(17, "DECIMAL", 16)
BLOB = Type(18, "BLOB", 0)
GEOMETRY = Type(20, "GEOMETRY", 0)
DECIMAL64 = Type(21, "DECIMAL", 8)

TYPES = {
    kind.number: kind
    for kind in (
        BOOL, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, VARCHAR, TIMESTAMP, NCHAR, UTINYINT, USMALLINT, UINT,
        UBIGINT, JSON, VARBINARY, DECIMAL, BLOB, GEOMETRY, DECIMAL64,
    )
}  # fmt: skip
BYTES = (VARBINARY, GEOMETRY, BLOB)
"""Types whose values are no text."""
WORDS = (VARCHAR, NCHAR, JSON)

_OF_ARROW = {
    pa.bool_(): BOOL,
    pa.int8(): TINYINT,
    pa.int16(): SMALLINT,
    pa.int32(): INT,
    pa.int64(): BIGINT,
    pa.uint8(): UTINYINT,
    pa.uint16(): USMALLINT,
    pa.uint32(): UINT,
    pa.uint64(): UBIGINT,
    pa.float16(): FLOAT,
    pa.float32(): FLOAT,
    pa.float64(): DOUBLE,
}
_TO_ARROW = {kind.number: arrow for arrow, kind in _OF_ARROW.items() if arrow != pa.float16()}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result. `bytes` is the size that was declared: characters of an NCHAR, bytes of any other.

    `precision` and `scale` are those of a DECIMAL.
    """

    name: str
    type: Type
    bytes: int
    precision: int = 0
    scale: int = 0

    @property
    def type_name(self) -> str:
        """The type as people write it, `DECIMAL(10, 2)` with its digits."""
        return f"DECIMAL({self.precision}, {self.scale})" if self.type.name == "DECIMAL" else self.type.name


def type_of(number: int) -> Type:
    """The type that has this number on the wire."""
    try:
        return TYPES[number]
    except KeyError:
        raise InvalidInput("type", f"{number} is no type; known: {', '.join(map(str, sorted(TYPES)))}") from None


def kind_of(arrow: pa.DataType) -> Type:
    """The type that values of an Arrow type travel as. What TDengine has no type for travels as text, DECIMAL of
    expressions as DOUBLE, as TDengine computes them."""
    if found := _OF_ARROW.get(arrow):
        return found
    if pa.types.is_timestamp(arrow) or pa.types.is_date(arrow):
        return TIMESTAMP
    if pa.types.is_decimal(arrow):
        return DOUBLE
    if pa.types.is_binary(arrow) or pa.types.is_large_binary(arrow) or pa.types.is_fixed_size_binary(arrow):
        return VARBINARY
    return VARCHAR


def arrow_of(kind: Type, unit: Precision, column: Column | None = None) -> pa.DataType:
    """The Arrow type of what has come over the wire."""
    if kind is TIMESTAMP:
        return pa.timestamp(unit)
    if kind in BYTES:
        return pa.binary()
    if kind in (DECIMAL, DECIMAL64):
        digits = column.precision if column and column.precision else (38 if kind is DECIMAL else 18)
        return pa.decimal128(digits, column.scale if column else 0)
    return _TO_ARROW.get(kind.number, pa.string())


def columns_of(table: pa.Table) -> list[Column]:
    """How the columns of a table travel where nobody has declared it."""
    return [_column(name, table.column(i)) for i, name in enumerate(table.column_names)]


def _column(name: str, values: pa.ChunkedArray) -> Column:
    kind = kind_of(values.type)
    return Column(name, kind, kind.width or _longest(values))


def _longest(values: pa.ChunkedArray) -> int:
    """Bytes of the longest value, at least 1."""
    return max([1, *(_longest_of(chunk) for chunk in values.chunks)])


def _longest_of(chunk: pa.Array) -> int:
    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary
    if not (pa.types.is_string(chunk.type) or pa.types.is_binary(chunk.type)) or not len(chunk):
        return 64
    offsets = np.frombuffer(chunk.buffers()[1], "<i4", len(chunk) + 1, chunk.offset * 4)
    return int(np.diff(offsets).max())


def unit_of(columns: Iterable[pa.DataType], default: Precision = "ms") -> Precision:
    """The finest unit among Arrow times; `default` where there are none."""
    units = {arrow.unit for arrow in columns if pa.types.is_timestamp(arrow)} & set(PRECISIONS)
    return max(units, key=PRECISIONS.index, default=default)
