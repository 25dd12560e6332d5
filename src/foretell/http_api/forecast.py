"""forecast: many series in, one forecast each, with the status of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa

from foretell.engine.forecasting import check_horizon, check_levels
from foretell.http_api import series_in
from foretell.http_api.pieces import cut_groups
from foretell.http_api.series_in import Many
from foretell.http_api.verb import Asking, Parameters, Verb
from foretell.registry import Entry
from foretell.series import Forecast, Series, has_forecast
from foretell.wire.table import Groups, forecast_table, level_name

UNITS = {"ms": 1_000_000, "us": 1_000, "ns": 1}
"""Units of time by their ns, the one that is written where it is enough first."""


class ForecastQuery(Parameters, kw_only=True):
    horizon: Annotated[int, msgspec.Meta(ge=1)]
    levels: tuple[float, ...] = (0.1, 0.5, 0.9)

    def check(self, entry: Entry) -> None:
        check_horizon(self.horizon, entry)
        check_levels(self.levels)


class ForecastIn(ForecastQuery, kw_only=True):
    series: Many


class SeriesForecast(msgspec.Struct):
    """`quantiles` by level; point and quantiles are null where the status says why, times where none were given."""

    id: str
    status: str
    point: list[float] | None
    quantiles: dict[str, list[float]] | None
    times: list[str] | None


class ForecastOut(msgspec.Struct):
    model: str
    levels: list[float]
    forecasts: list[SeriesForecast]


async def _ask(asking: Asking, given: ForecastQuery, groups: Groups) -> Forecast:
    model = FORECAST.model(given, asking.settings)
    wanted = (given.horizon, model, given.levels, given.options)
    return await asking.serving.forecast(groups.series, *wanted, asking.deadline, asking.later)


def _json(parts: Sequence[tuple[Groups, Forecast]]) -> ForecastOut:
    rows = [_row(made, i, one) for groups, made in parts for i, one in enumerate(groups.series)]
    return ForecastOut(parts[0][1].model, list(parts[0][1].levels), rows)


def _row(made: Forecast, row: int, series: Series) -> SeriesForecast:
    answered = has_forecast(made.status[row])
    bounds = None if made.quantiles is None or not answered else made.quantiles[row]
    return SeriesForecast(
        series.id,
        made.status[row],
        made.point[row].tolist() if answered else None,
        None
        if bounds is None or not np.isfinite(bounds).all()
        else {level_name(level): bounds[:, q].tolist() for q, level in enumerate(made.levels)},
        times_of(series.future_times(made.horizon)),
    )


def times_of(times: Any) -> list[str] | None:
    """ns since the epoch as ISO 8601 UTC, to the millisecond or as fine as they are."""
    if times is None:
        return None
    unit = next(unit for unit, ns in UNITS.items() if not (times % ns).any())
    return [f"{t}Z" for t in times.astype("M8[ns]").astype(f"M8[{unit}]").astype(str)]


def _table(parts: Sequence[tuple[Groups, Forecast]]) -> pa.Table:
    return pa.concat_tables([forecast_table(groups, made) for groups, made in parts])


FORECAST = Verb(
    "forecast",
    "Forecast series: point and quantiles, and a status, for each",
    "forecast",
    "",
    ForecastIn,
    ForecastQuery,
    lambda given: series_in.groups_of_json(given.series, given.horizon),
    lambda body, columns, _: series_in.groups_of_arrow(body, columns),
    cut_groups,
    _ask,
    _json,
    _table,
    ForecastOut,
)
