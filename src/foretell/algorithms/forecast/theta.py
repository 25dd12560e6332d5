"""The theta method in its four optimised forms (Fiorucci et al. 2016), the best by its errors: statsforecast's fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from foretell.algorithms.intervals import normal_quantiles, residual_spread
from foretell.algorithms.one_by_one import Answer, Unsuitable, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, periods_of
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, FloatArray, Forecast

LEAST_FACTOR = 0.01
BURN_IN = 3
"""The first errors of the dynamic forms come from a line through one or two points."""


class Theta:
    """Simple exponential smoothing along a trend line, on the series without its season.

    Standard error of step h: sigma * sqrt(1 + (h - 1) alpha^2), as the method is simple exponential smoothing with a
    drift (Hyndman & Billah 2003, doi:10.1016/S0169-2070(01)00143-1); a multiplicative season scales it.
    """

    name: ClassVar[str] = "theta"
    aliases: ClassVar[tuple[str, ...]] = ("auto_theta",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Theta method; strong and quick on short business series"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=BURN_IN + 2, max_context=5000, cost=600, prefix_consistent=True)
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "decomposition_type": Option(
            None,
            "how a season is taken out; not given: in the way that leaves the smaller errors",
            choices=("multiplicative", "additive"),
        ),
        "classic": Option(
            False,
            "as statsforecast's AutoTheta: a season is taken out only where its autocorrelation passes a test, in "
            "which a trend can hide it, and multiplicative where all values are positive",
            bool,
        ),
    }

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        periods = periods_of(batch, options["period"])
        kind, classic = options["decomposition_type"], options["classic"]

        def fit(values: FloatArray, row: int) -> Answer:
            return smooth(values, int(periods[row]), horizon, levels, kind, classic)

        return one_by_one(self.name, batch, horizon, levels, fit)


def smooth(
    values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], kind: str | None, classic: bool
) -> Answer:
    """Fit one series [T] and forecast it. A period that was given or found is that of a season; statsforecast would
    always test it, so the season is taken out here."""
    if kind == "multiplicative" and values.min() <= 0:
        raise Unsuitable("a multiplicative season needs positive values; try decomposition_type=additive")
    check_cycles(len(values), period)
    if period < 2 or (classic and not _passes_test(values, period)):
        return _fit(values, np.zeros(1), False, horizon, levels)
    fits = (_fit(values, *season, horizon, levels) for season in _seasons(values, period, kind, classic))
    return min(fits, key=lambda fit: float(np.mean(fit.errors**2)))


def _fit(values: FloatArray, season: FloatArray, multiplied: bool, horizon: int, levels: tuple[float, ...]) -> Answer:
    """The method on a series [T] without its `season` [P], which is put back, or which it was `multiplied` by."""
    from statsforecast.theta import auto_theta, forecast_theta

    past, ahead = np.resize(season, len(values)), np.resize(np.roll(season, -len(values)), horizon)
    fitted = auto_theta(values / past if multiplied else values - past, 1)
    errors = np.asarray(fitted["residuals"], dtype=np.float64)[BURN_IN:]
    point = np.asarray(forecast_theta(fitted, horizon)["mean"], dtype=np.float64)
    spread = residual_spread(errors, parameters=1) * np.sqrt(1 + np.arange(horizon) * fitted["par"]["alpha"] ** 2)
    if multiplied:
        errors, point, spread = errors * past[BURN_IN:], point * ahead, spread * ahead
    else:
        point = point + ahead
    bounds = normal_quantiles(point, spread, levels) if levels else None
    return Answer(point, bounds, errors, len(season), {"model": fitted["modeltype"]})


def _passes_test(values: FloatArray, period: int) -> bool:
    """The seasonality test of the M4 benchmarks, from a period of 4."""
    from statsmodels.tsa.stattools import acf

    if period < 4:
        return False
    correlation = acf(values, nlags=period, fft=False)[1:]
    error = np.sqrt((1 + 2 * np.sum(correlation[:-1] ** 2)) / len(values))
    return bool(np.abs(correlation[-1]) / error > NormalDist().inv_cdf(0.95))


def _seasons(values: FloatArray, period: int, kind: str | None, classic: bool) -> Iterator[tuple[FloatArray, bool]]:
    """The seasons [P] of the classical decomposition that come into question, and whether they multiply."""
    from statsmodels.tsa.seasonal import seasonal_decompose

    multiplies = False
    if kind != "additive" and values.min() > 0:
        season = seasonal_decompose(values, model="multiplicative", period=period).seasonal[:period]
        if multiplies := season.min() >= LEAST_FACTOR:
            yield season, True
    if not multiplies or (kind is None and not classic):
        yield seasonal_decompose(values, model="additive", period=period).seasonal[:period], False
