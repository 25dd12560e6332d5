"""ARIMA with orders chosen by AICc (Hyndman & Khandakar 2008, doi:10.18637/jss.v027.i03): statsforecast's search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.decomposition import decompose, shows_few
from foretell.algorithms.intervals import normal_quantiles
from foretell.algorithms.one_by_one import Answer, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, periods_of
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, FloatArray, Forecast

LONG = 150
LONGEST_SEASON = 12
"""Seasonal terms are tried up to this period: the time of a fit grows with its square. A longer season is taken out
by STL first, and put back after."""
ONE_SIGMA = 100 * (2 * NormalDist().cdf(1) - 1)
"""The level, in percent, of the interval that reaches one standard error to each side."""


class Arima:
    """Automatic and seasonal by default; `start_p`, `max_p`, `start_q` and `max_q` bound the stepwise search.

    Models are compared by maximum likelihood up to 150 values. Those of a longer series are compared by conditional
    sums of squares, which is many times faster, and the best is fitted again in full (the rule of R's auto.arima); this
    is now and then far off, so two plain models are second opinions.
    """

    name: ClassVar[str] = "arima"
    aliases: ClassVar[tuple[str, ...]] = ("auto_arima",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "ARIMA, seasonal where there is a season, orders chosen by AICc"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(
        min_context=4, max_context=2000, cost=8000, prefix_consistent=True, shift_equivariant=True
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

        return one_by_one(self.name, batch, horizon, levels, fit, shifted=True)


def search(
    values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], orders: Mapping[str, int]
) -> Answer:
    """Find a model for one series [T] and forecast with it."""
    check_cycles(len(values), period)
    if period <= LONGEST_SEASON:
        answer = _fit(values, period, horizon, levels, orders)
        if answer.period == period or not shows_few(values, period):
            return answer
    parts = decompose(values, [period])
    return parts.restore(_fit(parts.rest, 1, horizon, levels, orders))


def _fit(values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], orders: Mapping[str, int]) -> Answer:
    from statsforecast.arima import arima_string, auto_arima_f, forecast_arima

    approximate = len(values) > LONG
    fitted = auto_arima_f(values, period=period, approximation=approximate, **orders)
    if approximate:
        fitted = min((fitted, *_plain(values, fitted, orders)), key=lambda model: float(model["aicc"]))
    answer = forecast_arima(fitted, horizon, level=[ONE_SIGMA])
    point = np.asarray(answer["mean"], dtype=np.float64)
    spread = answer["upper"].to_numpy()[:, 0] - point
    bounds = normal_quantiles(point, spread, levels) if levels else None
    _, _, *seasonal, m, _, seasonal_differences = fitted["arma"]
    used = m if any(seasonal) or seasonal_differences else 1
    notes = {"model": arima_string(fitted).strip()}
    return Answer(point, bounds, np.asarray(fitted["residuals"]), int(used), notes)


def _plain(values: FloatArray, fitted: Mapping[str, Any], orders: Mapping[str, int]) -> Iterator[Mapping[str, Any]]:
    """Purely moving-average and purely autoregressive models of order 1, of the same differences, fitted in full."""
    from statsforecast.arima import Arima

    m, d, D = fitted["arma"][4:]
    once = int(m > 1)
    for p, q in ((0, 1), (1, 0)):
        if p <= orders["max_p"] and q <= orders["max_q"]:
            seasonal = {"order": (p * once, D, q * once), "period": m}
            with suppress(Exception):  # no second opinion then
                yield Arima(values, (p, d, q), seasonal, include_constant=d + D < 2, method="CSS-ML")
