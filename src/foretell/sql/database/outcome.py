"""What one statement gave: a table in TDengine's types, or how many rows it wrote."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from foretell.errors import SqlError
from foretell.sql.database.times import in_precision
from foretell.sql.database.types import Column, Precision, column_of
from foretell.sql.result import Result
from foretell.wire.plain import plain, text_of

SUM = pa.decimal128(38, 0)
"""What DuckDB's HUGEINT is in Arrow, its type for sums of integers."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a statement.

    `table` holds the rows, with each column in the Arrow type of `columns`; `precision` is that of all its times
    (UTC, without a zone). `affected` is None for a query; for a statement that writes or defines it is the number of
    rows written, and the table is empty. `raw` is what a query gave before it was put into TDengine's types.
    """

    table: pa.Table
    columns: tuple[Column, ...]
    precision: Precision = "ms"
    affected: int | None = None
    raw: Result | None = None

    @property
    def is_update(self) -> bool:
        return self.affected is not None


def written(rows: int) -> Outcome:
    """The outcome of a statement that wrote that many rows."""
    return Outcome(pa.table({}), (), affected=rows)


def read(
    table: pa.Table,
    precision: Precision,
    declared: Mapping[str, Column] | None = None,
    raw: Result | None = None,
    exact: bool = True,
) -> Outcome:
    """The outcome of a query; `declared` are the columns of its tables, by name: of what is called so, and is of that
    kind, type and size are known. Unless `exact`, DECIMAL comes from numbers that were written with a point, which are
    DOUBLE in TDengine."""
    columns: list[Column] = []
    arrays: list[pa.ChunkedArray] = []
    for name, values in zip(table.column_names, table.itercolumns(), strict=True):
        known = (declared or {}).get(name)
        if known is None or known.arrow(precision) != values.type:
            values = _settled(values, precision)
        if known is not None and known.arrow(precision) == values.type:
            columns.append(replace(known, name=name))
        else:
            if pa.types.is_decimal(values.type) and values.type != SUM and not exact:
                values = values.cast(pa.float64())
            columns.append(column_of(name, values.type, _longest(values)))
        arrays.append(values)
    return Outcome(pa.Table.from_arrays(arrays, names=table.column_names), tuple(columns), precision, raw=raw)


def _longest(values: pa.ChunkedArray) -> int:
    """Bytes of the longest text; 0 where there are none."""
    if not (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        return 0
    return pc.max(pc.binary_length(values)).as_py() or 0


def settled(table: pa.Table, precision: Precision) -> pa.Table:
    """The table with every column in the Arrow type of one of TDengine's types; names may stand twice."""
    columns = [_settled(column, precision) for column in table.itercolumns()]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _settled(column: pa.ChunkedArray, precision: Precision) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _settled(column.cast(kind.value_type), precision)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _times(column, precision)
    if kind == SUM:
        return _whole(column)
    if pa.types.is_decimal(kind):
        return column if kind.bit_width == 128 else column.cast(pa.decimal128(min(kind.precision, 38), kind.scale))
    if pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return column.cast(pa.binary())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_boolean(kind):
        return column
    if pa.types.is_primitive(kind) and (pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64())):
        return column
    return _worded(column)


def _times(column: pa.ChunkedArray, precision: Precision) -> pa.ChunkedArray:
    try:
        return in_precision(column, precision)
    except pa.ArrowInvalid as error:
        raise SqlError(f"a time does not fit the precision {precision} of the database: {error}") from None


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A sum of integers: BIGINT where it fits, else BIGINT UNSIGNED, else as it is."""
    for kind in (pa.int64(), pa.uint64()):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(kind)
    return column


def _worded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists, intervals and whatever else TDengine has no type for, as text."""
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    texts = [None if value is None else text_of(value) for value in plain(column)]
    return pa.chunked_array([texts], pa.string())
