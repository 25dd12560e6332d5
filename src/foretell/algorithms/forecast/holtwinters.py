"""Exponential smoothing of a given form (Holt 1957, Winters 1960): statsmodels' fit from several starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.exponential_smoothing import Component, Smoothing
from foretell.algorithms.one_by_one import Answer, Unsuitable, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, periods_of
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, FloatArray, Forecast

STARTS: tuple[Mapping[str, Any], ...] = (
    {"use_brute": True},
    {"use_brute": False},
    {"use_brute": False, "method": "least_squares"},
)
"""Ways to fit; statsmodels' optimiser stops early on some series, and each of these on other ones."""
LONG_SEASON = 24
FORMS = ("add", "mul")
LETTER: Mapping[str | None, Component] = {None: "N", "add": "A", "mul": "M"}
FLAT = "no trend and no seasonal: a flat line; try trend=add, seasonal=add with a period, or the model ets"
PERIOD_UNUSED = "period is used only together with seasonal=add or seasonal=mul"
NO_SEASON = "seasonal was asked for, but no period was given or found"


class HoltWinters:
    """Without options: simple exponential smoothing, a flat line, as TDgpt has it. `mul` wants positive values."""

    name: ClassVar[str] = "holtwinters"
    aliases: ClassVar[tuple[str, ...]] = ("holt_winters",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Exponential smoothing with the trend and season that you name"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=2, max_context=10_000, cost=500, prefix_consistent=True)
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "trend": Option(None, "additive or multiplicative trend; not given: none", choices=FORMS),
        "seasonal": Option(None, "additive or multiplicative season; not given: none", choices=FORMS),
    }

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        trend, seasonal, given = options["trend"], options["seasonal"], options["period"]
        periods = periods_of(batch, given if seasonal else given or 0)

        def fit(values: FloatArray, row: int) -> Answer:
            period = int(periods[row]) if seasonal else 1
            return smooth(values, trend, seasonal if period > 1 else None, period, horizon, levels)

        forecast = one_by_one(self.name, batch, horizon, levels, fit, shifted="mul" not in (trend, seasonal))
        hints = (_hint(trend, seasonal, int(period)) for period in periods)
        return replace(forecast, details=tuple(_with(d, h) for d, h in zip(forecast.details, hints, strict=True)))


def smooth(
    values: FloatArray, trend: str | None, seasonal: str | None, period: int, horizon: int, levels: tuple[float, ...]
) -> Answer:
    """Fit one series [T] from every start and forecast it with the fit that leaves the smallest squared errors."""
    if "mul" in (trend, seasonal) and values.min() <= 0:
        raise Unsuitable("mul needs positive values; this series has some at or below 0")
    check_cycles(len(values), period)
    fits = [_fit(values, trend, seasonal, period, start) for start in _starts(seasonal, period)]
    best = min((f for f in fits if np.isfinite(f.sse)), key=lambda f: f.sse, default=None)
    if best is None:
        raise Unsuitable("no fit from any start")
    point = np.asarray(best.forecast(horizon), dtype=np.float64)
    bounds = state_of(best, len(values)).quantiles(point, levels) if levels else None
    return Answer(point, bounds, values - best.fittedvalues, period)


def _starts(seasonal: str | None, period: int) -> tuple[Mapping[str, Any], ...]:
    """Which ways are worth their time: without a season the first two agree, with a long one the last takes minutes."""
    return STARTS if seasonal and period <= LONG_SEASON else STARTS[:2]


def _fit(values: FloatArray, trend: str | None, seasonal: str | None, period: int, start: Mapping[str, Any]) -> Any:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    m = period if seasonal else None
    model = ExponentialSmoothing(
        values, trend=trend, seasonal=seasonal, seasonal_periods=m, initialization_method="estimated"
    )
    return model.fit(**start)


def state_of(fitted: Any, count: int) -> Smoothing:
    """The last states of statsmodels' fit of `count` values; its beta is that of the component form."""
    model, params = fitted.model, fitted.params
    alpha, beta, gamma = (float(np.nan_to_num(params[f"smoothing_{part}"])) for part in ("level", "trend", "seasonal"))
    parameters = 2 + 2 * model.has_trend + model.has_seasonal * (1 + (model.seasonal_periods or 0))
    freedom = count - parameters
    return Smoothing(
        "A",
        LETTER[model.trend],
        LETTER[model.seasonal],
        sigma=float(np.sqrt(fitted.sse / freedom)) if freedom > 0 else np.nan,
        level=float(fitted.level[-1]),
        slope=float(fitted.trend[-1]) if model.has_trend else 0.0,
        seasons=np.asarray(fitted.season[-model.seasonal_periods :]) if model.has_seasonal else None,
        alpha=alpha,
        beta=alpha * beta,
        gamma=gamma,
    )


def _with(details: Mapping[str, Any], hint: str | None) -> Mapping[str, Any]:
    return {**details, "hint": hint} if hint and details else details


def _hint(trend: str | None, seasonal: str | None, period: int) -> str | None:
    if seasonal is None and period > 1:
        return PERIOD_UNUSED
    if seasonal is not None and period < 2:
        return NO_SEASON
    return FLAT if trend is None and seasonal is None else None
