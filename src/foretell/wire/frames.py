"""The kinds of data that Python users hold - arrays, lists, pandas, polars, Arrow - to series, and tables back.

No library is imported that the caller has not imported already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretell.errors import InvalidInput, RepeatedTime, UnknownName, listed
from foretell.series import Series, as_values
from foretell.wire.table import Groups, read_groups

ID_NAMES = ("unique_id", "item_id", "series_id", "id")
TIME_NAMES = ("ds", "ts", "timestamp", "time", "date", "datetime", "year", "epoch")
VALUE_NAMES = ("y", "value", "target", "v")


def series_of(data: Any) -> list[Series]:
    """Series of arrays: one of a 1-D array or list of numbers, B of a 2-D array or a list of arrays or of Series."""
    if isinstance(data, np.ndarray) and data.dtype != object:
        return [Series(as_values(row, "data")) for row in (data if data.ndim == 2 else [data])]
    if isinstance(data, Sequence | np.ndarray) and not isinstance(data, str | bytes):
        nested = len(data) > 0 and any(hasattr(item, "__len__") and not isinstance(item, str) for item in data)
        rows = data if nested else [data]
        return [
            row if isinstance(row, Series) else Series(as_values(row, f"data[{i}]" if nested else "data"))
            for i, row in enumerate(rows)
        ]
    if hasattr(data, "to_numpy"):
        return [Series(as_values(data.to_numpy(), "data"))]
    raise InvalidInput("data", f"must be an array, a list of arrays or a table, got {type(data).__name__}")


def to_arrow(data: Any) -> pa.Table | None:
    """A pandas, polars or Arrow table as Arrow; None for anything else. No library is imported for it.

    A pandas Series is a table too, unless its index only counts.
    """
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    if kind == "pandas.Series" and _tells(data.index):
        data, kind = data.to_frame(str(data.name or VALUE_NAMES[0])), "pandas.DataFrame"
    if kind == "pandas.DataFrame":
        return _from_pandas(data)
    if kind == "polars.LazyFrame":
        return data.collect().to_arrow()
    if kind == "polars.DataFrame":
        return data.to_arrow()
    if kind == "pyarrow.RecordBatch":
        return pa.Table.from_batches([data])
    return data if kind == "pyarrow.Table" else None


def _from_pandas(frame: Any) -> pa.Table:
    """A pandas table whose index tells times or series has them as columns; periods become the times they begin at."""
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InvalidInput(str(twice), "is the name of two columns")
    if frame.columns.nlevels > 1:
        raise InvalidInput("data", "has columns of several levels; bring it into long form, such as by stack()")
    if _tells(frame.index):
        frame = _with_index(frame)
    for name, kind in frame.dtypes.items():
        if type(kind).__name__ == "PeriodDtype":
            frame = frame.assign(**{name: frame[name].dt.to_timestamp()})
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError) as error:
        raise InvalidInput("data", f"a column cannot be read: {'; '.join(map(str, error.args))}") from None


def _tells(index: Any) -> bool:
    """Whether a pandas index says more than the number of a row."""
    counts = index.nlevels == 1 and index.dtype.kind in "iuf" and str(index.name).lower() not in ID_NAMES + TIME_NAMES
    return not counts


def _with_index(frame: Any) -> Any:
    """The levels of the index as columns, for those that are none yet; times without a name are called ds."""
    if frame.index.nlevels == 1 and frame.index.name is None:
        has_times = type(frame.index).__name__ in ("DatetimeIndex", "PeriodIndex")
        if has_times and any(kind.kind == "M" for kind in frame.dtypes):
            return frame
        frame = frame.rename_axis(index=TIME_NAMES[0] if has_times else "index")
    known = [name for name in frame.index.names if name in frame.columns]
    return frame.reset_index(level=known, drop=True).reset_index() if len(known) < frame.index.nlevels else frame


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
    for name, given in (("time_col", time_col), ("value_col", value_col)):
        if given is not None and not isinstance(given, str):
            raise InvalidInput(name, f"must be the name of a column, got {given!r}")
    named = time_col or _recognise(names, TIME_NAMES)
    value = value_col or _recognise(names, VALUE_NAMES) or _only_number(schema, named)
    if value is None:
        raise _no_value(schema, named)
    time = named or _first_time(schema)
    found = (_recognise(names, ID_NAMES) or []) if id_col is None else id_col
    ids = [found] if isinstance(found, str) else list(found)
    for name in (*ids, *filter(None, (time, value))):
        if name not in names:
            raise UnknownName("column", name, names)
    stray = [name for name in _texts(schema) if name not in (*ids, value)]
    if time is None and stray:  # without times the rows are neighbours, and a text says that they are not
        they, it = ("are", "one") if len(stray) > 1 else ("is", "it")
        advice = f"{listed(stray)} {they} text: make times of {it}, or name as id_col what tells the series apart"
        raise InvalidInput("time_col", f"no column has times; {advice}")
    return ids, time, value


def _texts(schema: pa.Schema) -> list[str]:
    kinds = [(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema]
    return [name for name, kind in kinds if pa.types.is_string(kind) or pa.types.is_large_string(kind)]


def groups_of(
    table: pa.Table,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
    read: Callable[..., Groups] = read_groups,
) -> Groups:
    """The series of a long table; columns that are not named are recognised by name, else by type.

    `read` makes the series: `read_groups` puts them on a grid, `read_points` keeps the rows as they are.
    """
    ids, time, value = columns_of(table.schema, id_col, time_col, value_col)
    if not ids and id_col is None and time is not None:
        ids = _ids_by_text(table, time, value)
    try:
        return read(table, value, time, ids)
    except RepeatedTime as error:
        others = [name for name in table.column_names if name not in (*ids, time, value)]
        error.args = (f"{error} as id_col (--id); further columns: {listed(others)}",)
        raise


def _ids_by_text(table: pa.Table, time: str, value: str) -> list[str]:
    """The only text beside times that repeat tells series apart; where times do not repeat, nobody can know."""
    texts = {name: len(pc.unique(table[name])) for name in _texts(table.schema) if name not in (time, value)}
    if len(texts) == 1 and len(pc.unique(table[time])) < len(table):
        return list(texts)
    if telling := [name for name, count in texts.items() if count > 1]:
        advice = (
            "name it as id_col if it tells series apart; if not, leave it out or name no column (id_col=[], --id '')"
        )
        raise InvalidInput("id_col", f"{telling[0]} is text with {texts[telling[0]]} values; {advice}")
    return list(texts)[:1]


def _recognise(names: Sequence[str], known: Sequence[str]) -> str | None:
    by_lower = {name.lower(): name for name in names}
    return next((by_lower[k] for k in known if k in by_lower), None)


def _first_time(schema: pa.Schema) -> str | None:
    return next((f.name for f in schema if pa.types.is_timestamp(f.type) or pa.types.is_date(f.type)), None)


def _numbers(schema: pa.Schema, time: str | None) -> list[str]:
    kinds = (pa.types.is_integer, pa.types.is_floating)
    return [f.name for f in schema if f.name != time and any(is_kind(f.type) for is_kind in kinds)]


def _only_number(schema: pa.Schema, time: str | None) -> str | None:
    numbers = _numbers(schema, time)
    return numbers[0] if len(numbers) == 1 else None


def _no_value(schema: pa.Schema, time: str | None) -> InvalidInput:
    if _numbers(schema, time):
        return InvalidInput("value_col", f"say which column to forecast; the columns are {listed(schema.names)}")
    kinds = listed(f"{field.name}: {field.type}" for field in schema)
    return InvalidInput(
        "value_col", f"no column is of numbers, make some of the one to forecast; the columns are {kinds}"
    )
