"""Complex exponential smoothing (Svetunkov, Kourentzes & Ord 2022, doi:10.1002/nav.22074): statsforecast's fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.intervals import normal_quantiles, residual_spread
from foretell.algorithms.one_by_one import Answer, Unsuitable, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, periods_of
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, FloatArray, Forecast

PARAMETERS = {"N": 4, "S": 4, "P": 6, "F": 8}
"""Real numbers that are estimated: smoothing parameters and the first states, seasons apart."""

NO_MODEL = "no model able to be fitted"
"""What statsforecast says, with a bare Exception."""


class Ces:
    """No trend or level of its own, but two states that chase each other; the season simple, partial, full or none.

    The model is linear, so the standard error of step h is sigma * sqrt(1 + c_1^2 + ... + c_{h-1}^2), where c_j is the
    effect of an error now on the forecast j steps ahead.
    """

    name: ClassVar[str] = "ces"
    aliases: ClassVar[tuple[str, ...]] = ("auto_ces",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Complex exponential smoothing; needs no choice between level and trend"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=8, max_context=10_000, cost=100, prefix_consistent=True)
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "model": Option("Z", "season: N none, S simple, P partial, F full; Z: chosen by AICc", choices=tuple("NSPFZ")),
    }

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        periods = periods_of(batch, options["period"])

        def fit(values: FloatArray, row: int) -> Answer:
            return smooth(values, int(periods[row]), horizon, levels, options["model"])

        return one_by_one(self.name, batch, horizon, levels, fit)


def smooth(values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], model: str) -> Answer:
    """Fit one series [T] and forecast it."""
    from statsforecast.ces import auto_ces, forecast_ces

    if model in "SPF" and period < 2:
        raise Unsuitable(f"model {model} needs a period; none was given or found")
    check_cycles(len(values), period)
    try:
        fitted = auto_ces(values, period, model=model)
    except Exception as error:
        if str(error) != NO_MODEL:
            raise
        raise Unsuitable(f"{NO_MODEL}; errors that vanish, as of an exact pattern, cannot be compared") from None
    point = np.asarray(forecast_ces(fitted, horizon)["mean"], dtype=np.float64)
    errors = values - fitted["fitted"]
    kind = fitted["seasontype"]
    sigma = residual_spread(errors, PARAMETERS[kind])
    spread = sigma * np.sqrt(1 + np.concatenate([[0.0], np.cumsum(_effects(fitted, horizon)[:-1] ** 2)]))
    bounds = normal_quantiles(point, spread, levels) if levels else None
    return Answer(point, bounds, errors, period if kind != "N" else 1, {"model": f"CES({kind})"})


def _effects(fitted: Mapping[str, Any], horizon: int) -> FloatArray:
    """What one more unit of error in the last value does to the forecasts [H]: those from its trace in the states."""
    from statsforecast.ces import forecast_ces

    a0, a1, b0, b1 = (fitted["par"][name] for name in ("alpha_0", "alpha_1", "beta_0", "beta_1"))
    trace = np.zeros_like(fitted["states"])
    gains = {"P": (b0,), "F": (b0 - b1, b0 + b1)}.get(fitted["seasontype"], ())
    trace[fitted["n"] + fitted["m"] - 1] = (a0 - a1, a0 + a1, *gains)
    effects: FloatArray = np.asarray(forecast_ces({**fitted, "states": trace}, horizon)["mean"])
    return effects
