"""The theta method in its four optimised forms (Fiorucci et al. 2016), the best by its errors: statsforecast's fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.intervals import normal_quantiles, residual_spread
from foretell.algorithms.one_by_one import Answer, Unsuitable, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, periods_of
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, FloatArray, Forecast

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
        periods = periods_of(batch, options["period"])

        def fit(values: FloatArray, row: int) -> Answer:
            return smooth(values, int(periods[row]), horizon, levels, options["decomposition_type"])

        return one_by_one(self.name, batch, horizon, levels, fit)


def smooth(values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], kind: str | None) -> Answer:
    """Fit one series [T] and forecast it."""
    from statsforecast.theta import auto_theta, forecast_theta

    if kind == "multiplicative" and values.min() <= 0:
        raise Unsuitable("a multiplicative season needs positive values; try decomposition_type=additive")
    check_cycles(len(values), period)
    fitted = auto_theta(values, period, decomposition_type=kind or "multiplicative")
    point = np.asarray(forecast_theta(fitted, horizon)["mean"], dtype=np.float64)
    season = _season(fitted, len(values), horizon)
    multiplied = season is not None and fitted["decomposition_type"] == "multiplicative"
    errors = _errors(fitted, season, len(values))
    scale = season[len(values) :] if season is not None and multiplied else np.ones(horizon)
    plain = errors / season[: len(values)] if season is not None and multiplied else errors
    sigma = residual_spread(plain[BURN_IN:], parameters=1)
    spread = sigma * scale * np.sqrt(1 + np.arange(horizon) * fitted["par"]["alpha"] ** 2)
    bounds = normal_quantiles(point, spread, levels) if levels else None
    notes = {"model": fitted["modeltype"]}
    return Answer(point, bounds, errors[BURN_IN:], period if season is not None else 1, notes)


def _season(fitted: Mapping[str, Any], count: int, horizon: int) -> FloatArray | None:
    """The season [T + H] that was taken out, or None."""
    if not fitted.get("decompose"):
        return None
    next_season = np.asarray(fitted["seas_forecast"]["mean"], dtype=np.float64)
    season: FloatArray = next_season[np.arange(-count, horizon) % len(next_season)]
    return season


def _errors(fitted: Mapping[str, Any], season: FloatArray | None, count: int) -> FloatArray:
    """One-step errors [T] of the series; statsforecast 2.1 adds an additive season to them, which is undone here."""
    errors = np.asarray(fitted["residuals"], dtype=np.float64)
    if season is not None and fitted["decomposition_type"] == "additive":
        return errors - season[:count]
    return errors
