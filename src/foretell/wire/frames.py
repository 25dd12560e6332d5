"""The kinds of data that Python users hold - arrays, lists, pandas, polars, Arrow - to series, and tables back.

No library is imported that the caller has not imported already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.errors import InvalidInput
from foretell.series import Series, as_values
from foretell.wire.table import Groups, read_groups

ID_NAMES = ("unique_id", "item_id", "series_id", "id")
TIME_NAMES = ("ds", "ts", "timestamp", "time", "date", "datetime", "year", "epoch")
VALUE_NAMES = ("y", "value", "target", "v")


def series_of(data: Any) -> list[Series]:
    """Series of arrays: one of a 1-D array or list of numbers, B of a 2-D array or a list of arrays."""
    if isinstance(data, np.ndarray) and data.ndim == 2:
        return [Series(as_values(row)) for row in data]
    if isinstance(data, Sequence | np.ndarray) and not isinstance(data, str | bytes):
        nested = len(data) > 0 and any(hasattr(item, "__len__") and not isinstance(item, str) for item in data)
        rows = data if nested else [data]
        return [Series(as_values(row, f"data[{i}]" if nested else "data")) for i, row in enumerate(rows)]
    if hasattr(data, "to_numpy"):
        return [Series(as_values(data.to_numpy(), "data"))]
    raise InvalidInput("data", f"must be an array, a list of arrays or a table, got {type(data).__name__}")


def to_arrow(data: Any) -> pa.Table | None:
    """A pandas, polars or Arrow table as Arrow; None for anything else. No library is imported for it.

    A pandas Series whose index has times is a table, too.
    """
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    if kind == "pandas.Series" and type(data.index).__name__ == "DatetimeIndex":
        data, kind = data.to_frame(str(data.name or VALUE_NAMES[0])), "pandas.DataFrame"
    if kind == "pandas.DataFrame":
        return pa.Table.from_pandas(_with_times(data), preserve_index=False)
    if kind == "polars.LazyFrame":
        return data.collect().to_arrow()
    if kind == "polars.DataFrame":
        return data.to_arrow()
    if kind == "pyarrow.RecordBatch":
        return pa.Table.from_batches([data])
    return data if kind == "pyarrow.Table" else None


def _with_times(frame: Any) -> Any:
    """A pandas table whose times are its index gets them as its first column; any other is left as it is."""
    name = frame.index.name or TIME_NAMES[0]
    has_times = any(kind.kind == "M" for kind in frame.dtypes) or name in frame.columns
    if type(frame.index).__name__ != "DatetimeIndex" or has_times:
        return frame
    return frame.rename_axis(index=name).reset_index()


def like(data: Any, table: pa.Table) -> Any:
    """`table` as the kind of table that `data` is."""
    library = type(data).__module__.partition(".")[0]
    if library == "pandas":
        return table.to_pandas()
    if library == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def columns_of(
    schema: pa.Schema,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
) -> tuple[list[str], str | None, str]:
    """The columns of ids, time and value of a long table; those that are not named are recognised, by name or type."""
    names = schema.names
    named = time_col or _recognise(names, TIME_NAMES)
    value = value_col or _recognise(names, VALUE_NAMES) or _only_number(schema, named)
    if value is None:
        raise InvalidInput("value_col", f"say which column to forecast; the columns are {', '.join(names)}")
    time = named or _first_time(schema)
    found = id_col or _recognise(names, ID_NAMES) or []
    ids = [found] if isinstance(found, str) else list(found)
    if time is None:
        _refuse_text(schema, (*ids, value))
    return ids, time, value


def _refuse_text(schema: pa.Schema, used: Sequence[str]) -> None:
    """Without times the rows count as one another's neighbours; a text that nobody asked for says that they are not."""
    texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    stray = [name for name in texts if name not in used]
    if stray:
        advice = f"{stray[0]} is text: make times of it, or name it as id_col if it tells the series apart"
        raise InvalidInput("time_col", f"no column has times; {advice}")


def groups_of(
    table: pa.Table,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
) -> Groups:
    """The series of a long table; columns that are not named are recognised by name, else by type."""
    ids, time, value = columns_of(table.schema, id_col, time_col, value_col)
    return read_groups(table, value, time, ids)


def _recognise(names: Sequence[str], known: Sequence[str]) -> str | None:
    by_lower = {name.lower(): name for name in names}
    return next((by_lower[k] for k in known if k in by_lower), None)


def _first_time(schema: pa.Schema) -> str | None:
    return next((f.name for f in schema if pa.types.is_timestamp(f.type) or pa.types.is_date(f.type)), None)


def _only_number(schema: pa.Schema, time: str | None) -> str | None:
    kinds = (pa.types.is_integer, pa.types.is_floating)
    numbers = [f.name for f in schema if f.name != time and any(is_kind(f.type) for is_kind in kinds)]
    return numbers[0] if len(numbers) == 1 else None
