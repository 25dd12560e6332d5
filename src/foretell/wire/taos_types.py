"""TDengine's types, as one table: numbers, names, sizes as its clients know them, and the Arrow types that hold them.

Source: the public connectors of TDengine. A column of a table or of a result is described by a `Column`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from foretell.errors import InvalidInput

Precision = Literal["ms", "us", "ns"]
TBNAME = "tbname"
"""The column that every table has besides its own: which table a row is of."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type of TDengine.

    `number` is that of the wire; `width` the bytes of a value there, 0 where it varies; `arrow` holds its values (None
    for TIMESTAMP and DECIMAL, which depend on the column); `dtype` is NumPy's for them on the wire, if they are
    numbers; `aliases` are other words for it in DDL.
    """

    number: int
    name: str
    width: int
    arrow: pa.DataType | None = None
    dtype: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return bool(self.arrow == pa.string())

    @property
    def is_binary(self) -> bool:
        return bool(self.arrow == pa.binary())


BOOL = Type(1, "BOOL", 1, pa.bool_(), "u1", ("BOOLEAN",))
TINYINT = Type(2, "TINYINT", 1, pa.int8(), "i1")
SMALLINT = Type(3, "SMALLINT", 2, pa.int16(), "<i2")
INT = Type(4, "INT", 4, pa.int32(), "<i4", ("INTEGER",))
BIGINT = Type(5, "BIGINT", 8, pa.int64(), "<i8")
FLOAT = Type(6, "FLOAT", 4, pa.float32(), "<f4")
DOUBLE = Type(7, "DOUBLE", 8, pa.float64(), "<f8")
VARCHAR = Type(8, "VARCHAR", 0, pa.string(), aliases=("BINARY",))
TIMESTAMP = Type(9, "TIMESTAMP", 8, dtype="<i8")
NCHAR = Type(10, "NCHAR", 0, pa.string())
UTINYINT = Type(11, "TINYINT UNSIGNED", 1, pa.uint8(), "u1")
USMALLINT = Type(12, "SMALLINT UNSIGNED", 2, pa.uint16(), "<u2")
UINT = Type(13, "INT UNSIGNED", 4, pa.uint32(), "<u4", ("INTEGER UNSIGNED",))
UBIGINT = Type(14, "BIGINT UNSIGNED", 8, pa.uint64(), "<u8")
JSON = Type(15, "JSON", 0, pa.string())
VARBINARY = Type(16, "VARBINARY", 0, pa.binary())
DECIMAL = Type(17, "DECIMAL", 16)
BLOB = Type(18, "BLOB", 0, pa.binary(), aliases=("MEDIUMBLOB",))
GEOMETRY = Type(20, "GEOMETRY", 0, pa.binary())
DECIMAL64 = Type(21, "DECIMAL", 8)

TYPES = {
    kind.number: kind
    for kind in (
        BOOL, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, VARCHAR, TIMESTAMP, NCHAR, UTINYINT, USMALLINT, UINT,
        UBIGINT, JSON, VARBINARY, DECIMAL, BLOB, GEOMETRY, DECIMAL64,
    )
}  # fmt: skip
BY_NAME = {name: kind for kind in reversed(TYPES.values()) for name in (kind.name, *kind.aliases)}
"""The types by each of their words in DDL."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or of a result.

    `bytes` as TDengine counts them: a text's limit (NCHAR: in characters), otherwise the width of a value; `precision`
    and `scale` are those of DECIMAL.
    """

    name: str
    type: Type
    bytes: int
    precision: int = 0
    scale: int = 0

    @property
    def type_name(self) -> str:
        """The type without the length of a text: `DECIMAL(10, 2)`, `VARCHAR`."""
        return f"DECIMAL({self.precision}, {self.scale})" if self.type.name == "DECIMAL" else self.type.name


def holds(kind: Type, value: float) -> bool:
    """Whether a FLOAT or DOUBLE holds this number: NaN is none, and one that is too large would become infinite."""
    return math.isfinite(pa.scalar(value, kind.arrow).as_py())


def type_of(number: int) -> Type:
    """The type that has this number on the wire."""
    try:
        return TYPES[number]
    except KeyError:
        raise InvalidInput("type", f"{number} is no type; known: {', '.join(map(str, sorted(TYPES)))}") from None
