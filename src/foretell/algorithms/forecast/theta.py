"""The theta method in its four optimised forms (Fiorucci et al. 2016), the best by its errors: statsforecast's fit."""

from __future__ import annotations

from collections.abc import Mapping
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
    limits: ClassVar[Limits] = Limits(min_context=BURN_IN + 2, max_context=5000, cost=300, prefix_consistent=True)
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "decomposition_type": Option(
            None,
            "how a season is taken out; not given: multiplicative where all values are positive, else additive",
            choices=("multiplicative", "additive"),
        ),
        "season_test": Option(
            False,
            "take a season out only where the autocorrelation at its period passes the test of statsforecast's "
            "AutoTheta, behind which a trend can hide a season",
            bool,
        ),
    }

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        periods = periods_of(batch, options["period"])
        kind, tested = options["decomposition_type"], options["season_test"]

        def fit(values: FloatArray, row: int) -> Answer:
            return smooth(values, int(periods[row]), horizon, levels, kind, tested)

        return one_by_one(self.name, batch, horizon, levels, fit)


def smooth(
    values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], kind: str | None, tested: bool = False
) -> Answer:
    """Fit one series [T] and forecast it. A period that was given or found is that of a season, unless it is `tested`;
    statsforecast always tests, so the season is taken out here, in its way."""
    from statsforecast.theta import auto_theta, forecast_theta

    if kind == "multiplicative" and values.min() <= 0:
        raise Unsuitable("a multiplicative season needs positive values; try decomposition_type=additive")
    check_cycles(len(values), period)
    has_season = period > 1 and (not tested or _passes_test(values, period))
    season, multiplied = _season(values, period, kind) if has_season else (np.zeros(1), False)
    past, ahead = np.resize(season, len(values)), np.resize(np.roll(season, -len(values)), horizon)
    fitted = auto_theta(values / past if multiplied else values - past, 1)
    errors = np.asarray(fitted["residuals"], dtype=np.float64)
    point = np.asarray(forecast_theta(fitted, horizon)["mean"], dtype=np.float64)
    spread = residual_spread(errors[BURN_IN:], parameters=1) * np.sqrt(
        1 + np.arange(horizon) * fitted["par"]["alpha"] ** 2
    )
    if multiplied:
        errors, point, spread = errors * past, point * ahead, spread * ahead
    else:
        point = point + ahead
    bounds = normal_quantiles(point, spread, levels) if levels else None
    return Answer(point, bounds, errors[BURN_IN:], period if has_season else 1, {"model": fitted["modeltype"]})


def _passes_test(values: FloatArray, period: int) -> bool:
    """The seasonality test of the M4 benchmarks, from a period of 4."""
    from statsmodels.tsa.stattools import acf

    if period < 4:
        return False
    correlation = acf(values, nlags=period, fft=False)[1:]
    error = np.sqrt((1 + 2 * np.sum(correlation[:-1] ** 2)) / len(values))
    return bool(np.abs(correlation[-1]) / error > NormalDist().inv_cdf(0.95))


def _season(values: FloatArray, period: int, kind: str | None) -> tuple[FloatArray, bool]:
    """The season [P] of the classical decomposition, and whether it multiplies; one near 0 cannot."""
    from statsmodels.tsa.seasonal import seasonal_decompose

    if kind != "additive" and values.min() > 0:
        season: FloatArray = seasonal_decompose(values, model="multiplicative", period=period).seasonal[:period]
        if season.min() >= LEAST_FACTOR:
            return season, True
    return seasonal_decompose(values, model="additive", period=period).seasonal[:period], False
