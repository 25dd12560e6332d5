"""ARIMA with orders chosen by AICc (Hyndman & Khandakar 2008, doi:10.18637/jss.v027.i03): statsforecast's search."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from foretell.algorithms.decomposition import decompose
from foretell.algorithms.intervals import normal_quantiles
from foretell.algorithms.one_by_one import Answer, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, periods_of
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, FloatArray, Forecast

LONGEST_SEASON = 12
"""Seasonal terms are tried up to this period: the time of a fit grows with its square. A longer season is taken out
by STL first, and put back after."""
ONE_SIGMA = 100 * (2 * NormalDist().cdf(1) - 1)
"""The level, in percent, of the interval that reaches one standard error to each side."""


class Arima:
    """Automatic and seasonal by default; `start_p`, `max_p`, `start_q` and `max_q` bound the stepwise search.

    Models are compared by conditional sums of squares where the series is long (over 150 values) or has a season of
    12 or more, and the chosen one is fitted again by maximum likelihood, as R's auto.arima does it.
    """

    name: ClassVar[str] = "arima"
    aliases: ClassVar[tuple[str, ...]] = ("auto_arima",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "ARIMA, seasonal where there is a season, orders chosen by AICc"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(
        min_context=4, max_context=2000, cost=3000, prefix_consistent=True, shift_equivariant=True
    )
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "start_p": Option(2, "autoregressive order where the search starts", int, low=0, high=20),
        "max_p": Option(5, "highest autoregressive order", int, low=0, high=20),
        "start_q": Option(2, "moving-average order where the search starts", int, low=0, high=20),
        "max_q": Option(5, "highest moving-average order", int, low=0, high=20),
    }

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        periods = periods_of(batch, options["period"])
        orders = {key: options[key] for key in ("start_p", "max_p", "start_q", "max_q")}

        def fit(values: FloatArray, row: int) -> Answer:
            return search(values, int(periods[row]), horizon, levels, orders)

        return one_by_one(self.name, batch, horizon, levels, fit, centred=True)


def search(
    values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], orders: Mapping[str, int]
) -> Answer:
    """Find a model for one series [T] and forecast with it."""
    check_cycles(len(values), period)
    if period <= LONGEST_SEASON:
        return _fit(values, period, horizon, levels, orders)
    parts = decompose(values, [period])
    return parts.restore(_fit(parts.rest, 1, horizon, levels, orders))


def _fit(values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], orders: Mapping[str, int]) -> Answer:
    from statsforecast.arima import arima_string, auto_arima_f, forecast_arima

    approximate = len(values) > 150 or period >= LONGEST_SEASON
    fitted = auto_arima_f(values, period=period, approximation=approximate, **orders)
    answer = forecast_arima(fitted, horizon, level=[ONE_SIGMA])
    point = np.asarray(answer["mean"], dtype=np.float64)
    spread = answer["upper"].to_numpy()[:, 0] - point
    bounds = normal_quantiles(point, spread, levels) if levels else None
    _, _, *seasonal, m, _, seasonal_differences = fitted["arma"]
    used = m if any(seasonal) or seasonal_differences else 1
    notes = {"model": arima_string(fitted).strip()}
    return Answer(point, bounds, np.asarray(fitted["residuals"]), int(used), notes)
