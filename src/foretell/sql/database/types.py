"""TDengine's types, as one table: what DDL reads, DESCRIBE and the wire show, and DuckDB and Arrow keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

Precision = Literal["ms", "us", "ns"]
PRECISIONS: dict[Precision, tuple[int, int, str]] = {
    "ms": (0, 1_000_000, "TIMESTAMP_MS"),
    "us": (1, 1_000, "TIMESTAMP"),
    "ns": (2, 1, "TIMESTAMP_NS"),
}
"""Each precision's number on the wire, its unit in ns, and DuckDB's type for it."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type of TDengine.

    `number` is that of the blocks on the wire; `width` the bytes of a value, 0 where a column gives them; `duck` and
    `arrow` are what keeps it here (None for TIMESTAMP and DECIMAL, which depend on the column); `aliases` are other
    words for it in DDL.
    """

    name: str
    number: int
    width: int
    duck: str
    arrow: pa.DataType | None
    aliases: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return self.duck == "VARCHAR"

    @property
    def is_binary(self) -> bool:
        return self.duck == "BLOB"


TYPES: tuple[Type, ...] = (
    Type("BOOL", 1, 1, "BOOLEAN", pa.bool_(), ("BOOLEAN",)),
    Type("TINYINT", 2, 1, "TINYINT", pa.int8()),
    Type("SMALLINT", 3, 2, "SMALLINT", pa.int16()),
    Type("INT", 4, 4, "INTEGER", pa.int32(), ("INTEGER",)),
    Type("BIGINT", 5, 8, "BIGINT", pa.int64()),
    Type("FLOAT", 6, 4, "FLOAT", pa.float32()),
    Type("DOUBLE", 7, 8, "DOUBLE", pa.float64()),
    Type("VARCHAR", 8, 0, "VARCHAR", pa.string(), ("BINARY",)),
    Type("TIMESTAMP", 9, 8, "", None),
    Type("NCHAR", 10, 0, "VARCHAR", pa.string()),
    Type("TINYINT UNSIGNED", 11, 1, "UTINYINT", pa.uint8()),
    Type("SMALLINT UNSIGNED", 12, 2, "USMALLINT", pa.uint16()),
    Type("INT UNSIGNED", 13, 4, "UINTEGER", pa.uint32(), ("INTEGER UNSIGNED",)),
    Type("BIGINT UNSIGNED", 14, 8, "UBIGINT", pa.uint64()),
    Type("JSON", 15, 0, "VARCHAR", pa.string()),
    Type("VARBINARY", 16, 0, "BLOB", pa.binary()),
    Type("DECIMAL", 17, 16, "", None),
    Type("BLOB", 18, 0, "BLOB", pa.binary(), ("MEDIUMBLOB",)),
    Type("GEOMETRY", 20, 0, "BLOB", pa.binary()),
)
BY_NAME: dict[str, Type] = {name: one for one in TYPES for name in (one.name, *one.aliases)}
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

    def duck(self, precision: Precision) -> str:
        """DuckDB's type of this column in a database of that time precision."""
        if self.type.name == "TIMESTAMP":
            return PRECISIONS[precision][2]
        return f"DECIMAL({self.precision}, {self.scale})" if self.type.name == "DECIMAL" else self.type.duck

    def arrow(self, precision: Precision) -> pa.DataType:
        """Arrow's type of this column in a database of that time precision."""
        if self.type.name == "TIMESTAMP":
            return pa.timestamp(precision)
        if self.type.name == "DECIMAL":
            return pa.decimal128(self.precision, self.scale)
        return self.type.arrow

    @property
    def declared(self) -> str:
        """The type as DDL writes it."""
        if self.type.name == "DECIMAL":
            return f"DECIMAL({self.precision}, {self.scale})"
        return f"{self.type.name}({self.bytes})" if not self.type.width and self.type.name != "JSON" else self.type.name


_OF_ARROW: dict[Any, str] = {one.arrow: one.name for one in reversed(TYPES) if one.arrow is not None}


def column_of(name: str, kind: pa.DataType, bytes: int = 0) -> Column:
    """The column of a result with Arrow type `kind`, one of those that `outcome.settled` leaves."""
    if pa.types.is_decimal(kind):
        return Column(name, BY_NAME["DECIMAL"], 16, kind.precision, kind.scale)
    found = BY_NAME["TIMESTAMP" if pa.types.is_timestamp(kind) else _OF_ARROW[kind]]
    return Column(name, found, found.width or max(1, bytes))
