"""POST /v1/forecast: many series in, one forecast each, with the status of each."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
import numpy as np
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from foretell.errors import InvalidInput
from foretell.http_api.door import Door
from foretell.series import Series, Step, as_values, has_forecast, parse_time
from foretell.wire.asgi import unless_gone
from foretell.wire.options import read_step

MAX_SERIES = 10_000
Web = Request[Any, Any, Any]


class SeriesIn(msgspec.Struct):
    """Values oldest first, null = missing; `start` is the ISO 8601 time of the first, `step` such as 1h, 15m, 1mo."""

    values: list[float | None]
    id: str = ""
    start: str | None = None
    step: str | None = None


class ForecastIn(msgspec.Struct, forbid_unknown_fields=True):
    series: Annotated[list[SeriesIn], msgspec.Meta(min_length=1, max_length=MAX_SERIES)]
    horizon: Annotated[int, msgspec.Meta(ge=1)]
    model: str | None = None
    levels: tuple[float, ...] = (0.1, 0.5, 0.9)
    options: dict[str, Any] = {}
    timeout: Annotated[float, msgspec.Meta(gt=0)] | None = None


class SeriesOut(msgspec.Struct):
    """`quantiles` by level; point and quantiles are null where the status says why, times where none were given."""

    id: str
    status: str
    point: list[float] | None
    quantiles: dict[str, list[float]] | None
    times: list[str] | None


class ForecastOut(msgspec.Struct):
    model: str
    levels: list[float]
    forecasts: list[SeriesOut]


def forecast(door: Door) -> HTTPRouteHandler:
    @post("/v1/forecast", status_code=200, summary="Forecast series")
    async def handle(request: Web, data: JSONBody[ForecastIn]) -> ForecastOut:
        """Forecast every series `horizon` steps ahead with quantiles at `levels`."""
        series = [_series(given, f"series[{i}]") for i, given in enumerate(data.series)]
        timeout = min(data.timeout or door.settings.request_timeout, door.settings.request_timeout)
        made = await unless_gone(
            request.receive,
            door.serving.forecast(
                series,
                data.horizon,
                data.model or door.settings.default_model,
                data.levels,
                data.options,
                time.monotonic() + timeout,
            ),
        )
        rows = [_out(made, i, s) for i, s in enumerate(series)]
        return ForecastOut(made.model, list(made.levels), rows)

    return handle


def _series(given: SeriesIn, name: str) -> Series:
    start = None if given.start is None else parse_time(given.start)
    step: Step | None = None if given.step is None else read_step(f"{name}.step", given.step)
    if step is not None and start is None:
        raise InvalidInput(f"{name}.start", "is needed with step")
    return Series(
        as_values(np.array(given.values or [None], dtype=np.float64), f"{name}.values"), start, step, given.id
    )


def _out(made: Any, row: int, series: Series) -> SeriesOut:
    status = made.status[row]
    times = series.future_times(made.horizon)
    quantiles = None if made.quantiles is None else made.quantiles[row]
    answered = has_forecast(status)
    return SeriesOut(
        series.id,
        status,
        made.point[row].tolist() if answered else None,
        {f"{level:g}": quantiles[:, q].tolist() for q, level in enumerate(made.levels)}
        if answered and quantiles is not None and np.isfinite(quantiles).all()
        else None,
        None if times is None else [f"{t}Z" for t in times.astype("M8[ns]").astype("M8[ms]").astype(str)],
    )
