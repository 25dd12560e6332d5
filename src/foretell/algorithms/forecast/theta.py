"""The theta method in its four optimised forms (Fiorucci et al. 2016), the best by its errors: statsforecast's fit."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from foretell.algorithms.intervals import normal_quantiles, residual_spread
from foretell.algorithms.one_by_one import Answer, Unsuitable, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, periods_of, shows
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
    limits: ClassVar[Limits] = Limits(min_context=BURN_IN + 2, max_context=5000, cost=300, prefix_consistent=True)
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "decomposition_type": Option(
            None,
            "how a season is taken out; not given: multiplicative where all values are positive, else additive",
            choices=("multiplicative", "additive"),
        ),
    }

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        periods, kind = periods_of(batch, options["period"]), options["decomposition_type"]

        def fit(values: FloatArray, row: int) -> Answer:
            return self._smooth(values, int(periods[row]), horizon, levels, kind)

        return one_by_one(self.name, batch, horizon, levels, fit)

    def _smooth(
        self, values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], kind: str | None
    ) -> Answer:
        """Fit one series [T], without its season where it shows one, and forecast it."""
        if kind == "multiplicative" and values.min() <= 0:
            raise Unsuitable("a multiplicative season needs positive values; try decomposition_type=additive")
        check_cycles(len(values), period)
        if period > 1 and self.is_seasonal(values, period):
            return _fit(values, *_season(values, period, kind), horizon, levels)
        return _fit(values, np.zeros(1), False, horizon, levels)

    @staticmethod
    def is_seasonal(values: FloatArray, period: int) -> bool:
        """Whether a series shows a season of a period: by AutoTheta's test or, where a trend hides it there, ours."""
        return passes_test(values, period) or shows(values, period)


def passes_test(values: FloatArray, period: int) -> bool:
    """The seasonality test of the M4 benchmarks and of statsforecast's AutoTheta, from a period of 4."""
    from statsmodels.tsa.stattools import acf

    if period < 4:
        return False
    correlation = acf(values, nlags=period, fft=False)[1:]
    error = np.sqrt((1 + 2 * np.sum(correlation[:-1] ** 2)) / len(values))
    return bool(np.abs(correlation[-1]) / error > NormalDist().inv_cdf(0.95))


def _season(values: FloatArray, period: int, kind: str | None) -> tuple[FloatArray, bool]:
    """The season [P] of the classical decomposition, and whether it multiplies."""
    from statsmodels.tsa.seasonal import seasonal_decompose

    if kind != "additive" and values.min() > 0:
        season = seasonal_decompose(values, model="multiplicative", period=period).seasonal[:period]
        if season.min() >= LEAST_FACTOR:
            return season, True
    return seasonal_decompose(values, model="additive", period=period).seasonal[:period], False


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
