"""The Python door: `forecast`, `plot`, `connect`. Arrays in, a Forecast out; a table in, the same kind of table out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from foretell.engine import Engine
from foretell.engine.engine import Control, Progress
from foretell.errors import InvalidInput
from foretell.series import Forecast, Series, as_values
from foretell.wire.table import Groups, forecast_table, read_forecast, read_groups

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from foretell.sql.session import Session

ID_NAMES = ("unique_id", "item_id", "series_id", "id")
TIME_NAMES = ("ds", "ts", "timestamp", "time", "date")
VALUE_NAMES = ("y", "value", "target", "v")


@cache
def engine() -> Engine:
    """The engine of this process; worker processes if the setting `workers` asks for them."""
    from foretell.settings import settings

    return new_engine(settings().workers)


def new_engine(workers: int) -> Engine:
    """An engine with that many worker processes; with none it computes in this process."""
    from foretell.engine.worker import ProcessExecutor, ThreadExecutor

    return Engine(ProcessExecutor(workers) if workers else ThreadExecutor())


def forecast(
    data: Any,
    horizon: int,
    model: str | None = None,
    levels: Sequence[float] = (0.1, 0.5, 0.9),
    *,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Any:
    """Forecast every series in `data` `horizon` steps ahead.

    `data`: a 1-D array (one series), a 2-D array [B, T] or a list of 1-D arrays gives a `Forecast` with
    point [B, H] and quantiles [B, H, Q]. A pandas, polars or Arrow table in long form gives the same kind of
    table: id columns, time, point, one column per level (q0.1), status, model. Column names are recognised
    (unique_id, ds, y and the like) where they are not given. NaN and None are missing values.

    `options` go to the model (see `foretell models NAME`); `timeout` is in seconds.

    Raises `foretell.errors.InvalidInput`, `UnknownName`, `DeadlineExceeded`. What is wrong with one series
    stands in its status and does not fail the others.
    """
    from foretell.settings import settings

    control = Control(timeout=timeout if timeout is not None else settings().timeout, progress=progress)
    arguments = (_whole(horizon), model or settings().default_model, levels, options, control)
    table = to_arrow(data)
    if table is None:
        return engine().forecast_sync(series_of(data), *arguments)
    groups = groups_of(table, id_col, time_col, value_col)
    return like(data, forecast_table(groups, engine().forecast_sync(groups.series, *arguments)))


def plot(history: Any, forecast: Any, *, title: str = "", **columns: Any) -> Figure:
    """A matplotlib Figure of `history` (as given to `forecast`) and what `forecast` returned for it.

    Save it with `.savefig("out.png")`; a notebook shows it. `columns` are id_col, time_col and value_col.
    """
    from foretell.picture import draw

    table = to_arrow(history)
    if table is None:
        if not isinstance(forecast, Forecast):
            raise InvalidInput("forecast", f"must be what forecast() returned, got {type(forecast).__name__}")
        return draw(series_of(history), forecast, title)
    groups = groups_of(table, **columns)
    made = to_arrow(forecast)
    if made is None:
        raise InvalidInput("forecast", f"must be the table that forecast() returned, got {type(forecast).__name__}")
    return draw(groups.series, read_forecast(made, groups), title)


def connect(path: str = ":memory:") -> Session:
    """A session of SQL with FORECAST over files, tables of this process and the DuckDB database at `path`."""
    from foretell.sql.session import Session

    return Session(path)


def series_of(data: Any) -> list[Series]:
    """Series of arrays: one of a 1-D array or list of numbers, B of a 2-D array or a list of arrays."""
    if isinstance(data, np.ndarray) and data.ndim == 2:
        return [Series(as_values(row)) for row in data]
    if isinstance(data, Sequence | np.ndarray) and not isinstance(data, str | bytes):
        nested = len(data) > 0 and any(isinstance(item, Sequence | np.ndarray) for item in data)
        rows = data if nested else [data]
        return [Series(as_values(row, f"data[{i}]" if nested else "data")) for i, row in enumerate(rows)]
    if hasattr(data, "to_numpy"):
        return [Series(as_values(data.to_numpy(), "data"))]
    raise InvalidInput("data", f"must be an array, a list of arrays or a table, got {type(data).__name__}")


def to_arrow(data: Any) -> pa.Table | None:
    """A pandas, polars or Arrow table as Arrow; None for anything else. No library is imported for it."""
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    if kind == "pandas.DataFrame":
        import pyarrow as pa

        return pa.Table.from_pandas(data, preserve_index=False)
    if kind == "polars.LazyFrame":
        return data.collect().to_arrow()
    if kind == "polars.DataFrame":
        return data.to_arrow()
    if kind == "pyarrow.RecordBatch":
        import pyarrow as pa

        return pa.Table.from_batches([data])
    return data if kind == "pyarrow.Table" else None


def like(data: Any, table: pa.Table) -> Any:
    """`table` as the kind of table that `data` is."""
    library = type(data).__module__.partition(".")[0]
    if library == "pandas":
        return table.to_pandas()
    if library == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def groups_of(
    table: pa.Table,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
) -> Groups:
    """The series of a long table; columns that are not named are recognised by name, else by type."""
    names = table.column_names
    value = value_col or _recognise(names, VALUE_NAMES) or _only_number(table)
    if value is None:
        raise InvalidInput("value_col", f"say which column to forecast; the columns are {', '.join(names)}")
    time = time_col or _recognise(names, TIME_NAMES) or _first_time(table)
    if id_col is None:
        found = _recognise(names, ID_NAMES)
        id_col = [found] if found else []
    return read_groups(table, value, time, [id_col] if isinstance(id_col, str) else id_col)


def _recognise(names: Sequence[str], known: Sequence[str]) -> str | None:
    by_lower = {name.lower(): name for name in names}
    return next((by_lower[k] for k in known if k in by_lower), None)


def _first_time(table: pa.Table) -> str | None:
    import pyarrow as pa

    return next((f.name for f in table.schema if pa.types.is_timestamp(f.type) or pa.types.is_date(f.type)), None)


def _only_number(table: pa.Table) -> str | None:
    import pyarrow as pa

    numbers = [f.name for f in table.schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
    return numbers[0] if len(numbers) == 1 else None


def _whole(horizon: Any) -> int:
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer):
        raise InvalidInput("horizon", f"must be a whole number, got {horizon!r}")
    return int(horizon)
