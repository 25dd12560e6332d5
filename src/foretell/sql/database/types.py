"""Columns as DDL declares them and DuckDB keeps them; the table of TDengine's types itself is that of the wire."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from foretell.wire import taos_types as wire
from foretell.wire.taos_types import BY_NAME, DECIMAL, JSON, TIMESTAMP, TYPES, Precision, Type

__all__ = ["BY_NAME", "DECIMAL", "PRECISIONS", "TYPES", "Column", "Precision", "Type", "column_of"]

PRECISIONS: dict[Precision, tuple[int, int, str]] = {
    "ms": (0, 1_000_000, "TIMESTAMP_MS"),
    "us": (1, 1_000, "TIMESTAMP"),
    "ns": (2, 1, "TIMESTAMP_NS"),
}
"""Each precision's number on the wire, its unit in ns, and DuckDB's type for it."""

DUCK = {
    "BOOL": "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "VARCHAR": "VARCHAR",
    "NCHAR": "VARCHAR",
    "TINYINT UNSIGNED": "UTINYINT",
    "SMALLINT UNSIGNED": "USMALLINT",
    "INT UNSIGNED": "UINTEGER",
    "BIGINT UNSIGNED": "UBIGINT",
    "JSON": "VARCHAR",
    "VARBINARY": "BLOB",
    "BLOB": "BLOB",
    "GEOMETRY": "BLOB",
}
"""DuckDB's type for each type that needs no more than its name."""


@dataclass(frozen=True, slots=True)
class Column(wire.Column):
    """A column of a table or of a result, and how it is kept."""

    def duck(self, precision: Precision) -> str:
        """DuckDB's type of this column in a database of that time precision."""
        if self.type is TIMESTAMP:
            return PRECISIONS[precision][2]
        return self.type_name if self.type is DECIMAL else DUCK[self.type.name]

    def arrow(self, precision: Precision) -> pa.DataType:
        """Arrow's type of this column in a database of that time precision."""
        if self.type is TIMESTAMP:
            return pa.timestamp(precision)
        if self.type is DECIMAL:
            return pa.decimal128(self.precision, self.scale)
        return self.type.arrow

    @property
    def declared(self) -> str:
        """The type as DDL writes it."""
        return f"{self.type.name}({self.bytes})" if not self.type.width and self.type is not JSON else self.type_name


_OF_ARROW = {kind.arrow: kind for kind in reversed(TYPES.values()) if kind.arrow is not None}


def column_of(name: str, kind: pa.DataType, bytes: int = 0) -> Column:
    """The column of a result with Arrow type `kind`, one of those that `outcome.settled` leaves."""
    if pa.types.is_decimal(kind):
        return Column(name, DECIMAL, DECIMAL.width, kind.precision, kind.scale)
    found = TIMESTAMP if pa.types.is_timestamp(kind) else _OF_ARROW[kind]
    return Column(name, found, found.width or max(1, bytes))
