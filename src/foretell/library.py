"""The Python door. Arrays in, an object with arrays out; a table in, the same kind of table out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from foretell.engine import Engine
from foretell.engine.engine import Control, Progress
from foretell.errors import InvalidInput
from foretell.results import Detection, Imputation
from foretell.series import Forecast, Series, as_horizon
from foretell.wire.frames import groups_of, like, series_of, to_arrow
from foretell.wire.points import detection_table, imputation_table
from foretell.wire.table import Groups, forecast_table, read_forecast, read_groups, read_points

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from foretell.sql.session import Session

Answer = TypeVar("Answer")


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
    (unique_id, ds, y and the like) where they are not given; `id_col=[]` says that there is one series only. NaN and
    None are missing values.

    `options` go to the model (see `foretell models NAME`); `timeout` is in seconds.

    Raises `foretell.errors.InvalidInput`, `UnknownName`, `DeadlineExceeded`. What is wrong with one series
    stands in its status and does not fail the others.
    """
    from foretell.settings import settings

    arguments = (as_horizon(horizon), model or settings().default_model, levels, options, _control(timeout, progress))

    def ask(series: list[Series]) -> Forecast:
        return engine().forecast_sync(series, *arguments)

    return _answered(data, (id_col, time_col, value_col, read_groups), ask, forecast_table)


def detect(
    data: Any,
    model: str = "iqr",
    *,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Any:
    """Find the anomalous points of every series in `data`, which is as for `forecast`.

    Arrays give a `Detection` with labels [B, T] (1: normal). A table gives the same kind of table, a row for each point
    in order of its series and time: id columns, time, label, anomaly, score, status, model.

    `options` go to the detector. Raises as `forecast` does.
    """
    control = _control(timeout, progress)

    def ask(series: list[Series]) -> Detection:
        return engine().detect_sync(series, model, options, control)

    columns = (id_col, time_col, value_col, read_points)
    return _answered(data, columns, ask, lambda groups, made: detection_table([(groups, made)]))


def impute(
    data: Any,
    model: str = "moment",
    *,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Any:
    """Fill the gaps of every series in `data`, which is as for `forecast`; what is there stays as it is.

    Arrays give an `Imputation` with values [B, T] and marks imputed [B, T]. A table gives the same kind of table, a row
    for each point, those whose time is missing among them: id columns, time, value, imputed, status, model.

    `options` go to the imputer. Raises as `forecast` does.
    """
    control = _control(timeout, progress)

    def ask(series: list[Series]) -> Imputation:
        return engine().impute_sync(series, model, options, control)

    columns = (id_col, time_col, value_col, read_groups)
    return _answered(data, columns, ask, lambda groups, made: imputation_table([(groups, made)]))


def plot(
    history: Any,
    forecast: Any,
    *,
    title: str = "",
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
) -> Figure:
    """A matplotlib Figure of `history` (as given to `forecast`) and what `forecast` returned for it.

    Save it with `.savefig("out.png")`; a notebook shows it. Name the columns as for `forecast`.
    """
    from foretell.picture import draw

    table = to_arrow(history)
    if table is None:
        if not isinstance(forecast, Forecast):
            raise InvalidInput("forecast", f"must be what forecast() returned, got {type(forecast).__name__}")
        series = series_of(history)
        if len(series) != len(forecast):
            raise InvalidInput("forecast", f"is of {len(forecast)} series, the history of {len(series)}")
        return draw(series, forecast, title)
    groups = groups_of(table, id_col, time_col, value_col)
    made = to_arrow(forecast)
    if made is None:
        raise InvalidInput("forecast", f"must be the table that forecast() returned, got {type(forecast).__name__}")
    return draw(groups.series, read_forecast(made, groups), title)


def connect(path: str = ":memory:") -> Session:
    """A session of SQL with FORECAST over files, tables of this process and the DuckDB database at `path`."""
    from foretell.sql.session import Session

    return Session(path)


def _answered(
    data: Any,
    columns: tuple[Any, ...],
    ask: Callable[[list[Series]], Answer],
    write: Callable[[Groups, Answer], pa.Table],
) -> Any:
    """What `ask` says of arrays as it is; of a table, read by `groups_of` with `columns`, as the same kind of table."""
    table = to_arrow(data)
    if table is None:
        return ask(series_of(data))
    groups = groups_of(table, *columns)
    return like(data, write(groups, ask(groups.series)))


def _control(timeout: float | None, progress: Progress | None) -> Control:
    from foretell.settings import settings

    if timeout is not None and not timeout > 0:
        raise InvalidInput("timeout", f"must be a positive number of seconds, got {timeout!r}")
    return Control(timeout=timeout if timeout is not None else settings().timeout, progress=progress)
