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


class Ces:
    """No trend or level of its own, but two states that chase each other; the season simple, partial, full or none.

    The model is linear, so the standard error of step h is sigma * sqrt(1 + c_1^2 + ... + c_{h-1}^2), where c_j is the
    effect of an error now on the forecast j steps ahead; it is measured on the fitted model.
    """

    name: ClassVar[str] = "ces"
    aliases: ClassVar[tuple[str, ...]] = ("auto_ces",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Complex exponential smoothing; needs no choice between level and trend"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=8, max_context=40_000, cost=60, prefix_consistent=True)
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
    fitted = auto_ces(values, period, model=model)
    point = np.asarray(forecast_ces(fitted, horizon)["mean"], dtype=np.float64)
    errors = values - fitted["fitted"]
    kind = fitted["seasontype"]
    sigma = residual_spread(errors, PARAMETERS[kind])
    spread = sigma * np.sqrt(1 + np.concatenate([[0.0], np.cumsum(_effects(values, fitted, horizon)[:-1] ** 2)]))
    bounds = normal_quantiles(point, spread, levels) if levels else None
    return Answer(point, bounds, errors, period if kind != "N" else 1, {"model": f"CES({kind})"})


def _effects(values: FloatArray, fitted: Mapping[str, Any], horizon: int) -> FloatArray:
    """What one more unit in the last value does to the forecasts [H]."""
    from statsforecast.ces import forecast_ces, initstate, pegelsresid_ces

    period, kind = fitted["m"], fitted["seasontype"]
    first = initstate(values, period, kind)
    forecasts = []
    for extra in (0.0, 1.0):
        told = values.copy()
        told[-1] += extra
        _, _, states, _ = pegelsresid_ces(
            y=told, m=period, init_states=first, n_components=first.shape[1], seasontype=kind, nmse=3, **fitted["par"]
        )
        forecasts.append(np.asarray(forecast_ces({**fitted, "states": states}, horizon)["mean"]))
    effects: FloatArray = forecasts[1] - forecasts[0]
    return effects
