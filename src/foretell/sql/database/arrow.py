"""Rows that come as Arrow columns: prepared and schemaless inserts, files, INSERT INTO ... SELECT."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from foretell.errors import NoSuchColumn, NoSuchTable, SqlError, ValueTooLong
from foretell.sql.database.catalog import AnyTable, Namespace, SubTable, SuperTable, Table
from foretell.sql.database.rows import Names, Rows, names_of, run_of, runs_of, times_in
from foretell.sql.database.times import check_range, in_precision
from foretell.sql.database.types import BY_NAME, Column, Precision
from foretell.sql.database.values import too_long
from foretell.sql.database.writer import now
from foretell.wire.taos_types import TBNAME

NAMES = Column(TBNAME, BY_NAME["VARCHAR"], 192)
"""The column of a super-table that says to which sub-table a row belongs."""


def append_rows(namespace: Namespace, name: str, columns: pa.Table, using: str, tags: pa.Table | None) -> Rows:
    """Columns by name as rows of a table, which is made if it is not there and `using` and `tags` say how."""
    found = namespace.tables.get(name)
    made: tuple[SubTable, ...] = ()
    if found is None:
        found = _sub_table(namespace, name, using, tags)
        made = (found,)
    owner = found.parent if isinstance(found, SubTable) else found
    known = {column.name: column for column in writable(owner, with_name=not isinstance(found, SubTable))}
    for column in columns.column_names:
        if column not in known:
            raise NoSuchColumn(f"Invalid column name: {column}")
    return rows_of(found, [known[column] for column in columns.column_names], columns, made)


def _sub_table(namespace: Namespace, name: str, using: str, tags: pa.Table | None) -> SubTable:
    parent = namespace.tables.get(using)
    if not using or tags is None or not isinstance(parent, SuperTable):
        raise NoSuchTable(f"Table does not exist: {using or name}")
    values = {}
    known = {tag.name: tag for tag in parent.tags}
    for tag, column in zip(tags.column_names, tags.itercolumns(), strict=True):
        if tag not in known:
            raise NoSuchColumn(f"Invalid tag name: {tag}")
        values[tag] = _plain(fitted(column, known[tag], namespace.precision))[0]
    return SubTable(name, parent, tuple(values.get(tag.name) for tag in parent.tags), now())


def writable(table: Table, with_name: bool) -> tuple[Column, ...]:
    """The columns that may be written: those of a table; in a super-table also `tbname` and the tags."""
    if isinstance(table, SuperTable) and with_name:
        return (NAMES, *table.columns, *table.tags)
    return table.columns


def rows_of(table: AnyTable, columns: Sequence[Column], values: pa.Table, made: tuple[SubTable, ...] = ()) -> Rows:
    """`values`, in the order of `columns`, as rows of a table."""
    owner = table.parent if isinstance(table, SubTable) else table
    precision = owner.namespace.precision
    arrays = {c.name: fitted(v, c, precision) for c, v in zip(columns, values.itercolumns(), strict=True)}
    if owner.time not in arrays:
        raise SqlError(f"{owner.time} must be among the columns")
    if arrays[owner.time].null_count:
        raise SqlError(f"{owner.time} cannot be NULL")
    if isinstance(table, SuperTable):
        return _rows_of_many(table, arrays)
    if isinstance(table, SubTable):
        arrays = {TBNAME: pa.chunked_array([pa.repeat(table.name, len(values))]), **arrays}
    batch = pa.table(arrays)
    times = times_in(batch, owner.time)
    name = table.name if isinstance(table, SubTable) else ""
    return Rows(owner, batch, (run_of(name, times),) if len(times) else (), made)


def _rows_of_many(table: SuperTable, arrays: dict[str, pa.ChunkedArray]) -> Rows:
    """Rows of a super-table, which say themselves to which sub-table each belongs; tags make those that are new."""
    column = arrays.get(TBNAME)
    if column is None or column.null_count:
        raise SqlError(f"{TBNAME} must be among the columns, and not NULL")
    names = names_of(column)
    tags = {tag.name: arrays[tag.name] for tag in table.tags if tag.name in arrays}
    batch = pa.table({name: array for name, array in arrays.items() if name not in tags})
    made = _new(table, names, tags) if tags else ()
    return Rows(table, batch, runs_of(names, times_in(batch, table.time)), made, names.are_together)


def _new(table: SuperTable, names: Names, tags: dict[str, pa.ChunkedArray]) -> tuple[SubTable, ...]:
    """The sub-tables that are not there yet, with the tags of their first row."""
    rows = names.first_rows()
    new = [i for i, name in enumerate(names.words) if name not in table.children]
    picked = {tag: _plain(values.take(pa.array(rows[new]))) for tag, values in tags.items()}
    created = now()

    def values(i: int) -> tuple[object, ...]:
        return tuple(picked[tag.name][i] if tag.name in picked else None for tag in table.tags)

    return tuple(SubTable(names.words[code], table, values(i), created) for i, code in enumerate(new))


def _plain(values: pa.ChunkedArray) -> list[object]:
    """Values of a tag as the catalog keeps them: times as numbers."""
    kept: list[object] = (values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values).to_pylist()
    return kept


def fitted(values: pa.ChunkedArray, column: Column, precision: Precision) -> pa.ChunkedArray:
    """Values as a column keeps them."""
    kind = column.arrow(precision)
    try:
        found = _cast(values, kind)
        if pa.types.is_timestamp(kind):
            refuse_outside(found, precision)
    except (ValueError, pa.ArrowException) as error:
        raise SqlError(f"{column.name}: {values.type} does not fit {column.declared}: {error}") from None
    if not column.type.width and column.bytes and (column.type.is_text or column.type.is_binary):
        sizes = pc.utf8_length(found) if column.type.name == "NCHAR" else pc.binary_length(found)
        most = pc.max(sizes).as_py()
        if most is not None and most > column.bytes:
            raise ValueTooLong(too_long(column, most))
    return found


def refuse_outside(times: pa.Array | pa.ChunkedArray, precision: Precision) -> None:
    """ValueError if times leave the range of a precision."""
    found = pc.min_max(times.cast(pa.int64())).as_py()
    if found["min"] is not None:
        check_range(found["min"], found["max"], precision)


def _cast(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if isinstance(values, pa.Array):
        values = pa.chunked_array([values])
    if values.type == kind:
        return values
    if pa.types.is_timestamp(kind):
        return in_precision(values, kind.unit)
    if pa.types.is_integer(kind) and (pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)):
        return _whole(values).cast(kind)
    if pa.types.is_floating(kind):
        return _rounded(values, kind)
    return values.cast(kind)


def _whole(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The numbers, if they are whole; ArrowInvalid otherwise."""
    broken = values.filter(pc.not_equal(values, pc.round(values)))
    if len(broken):
        raise pa.ArrowInvalid(f"{broken[0]} is no whole number; round() makes it one")
    return values


def _rounded(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """The nearest numbers of a type; ArrowInvalid where one becomes infinite that was not."""
    found = values.cast(kind, safe=False)
    new = pc.is_inf(found)
    if pa.types.is_floating(values.type):
        new = pc.and_not(new, pc.is_inf(values))
    if pc.any(new).as_py():
        raise pa.ArrowInvalid(f"{values.filter(new)[0]} is too large")
    return found
