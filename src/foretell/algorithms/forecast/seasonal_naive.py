"""The value of one season ago, repeated: the benchmark that every seasonal method has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.answers import normal_forecast
from foretell.algorithms.intervals import residual_spread
from foretell.algorithms.seasonality import PERIOD, periods_of
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import OK, Batch, FloatArray, Forecast, IntArray, failed


class SeasonalNaive:
    """Point: the last season. Standard error of step h: sigma * sqrt(k), the k-th season ahead (fpp3, section 5.5)."""

    name: ClassVar[str] = "seasonal_naive"
    aliases: ClassVar[tuple[str, ...]] = ("snaive",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "The last season repeated; the benchmark that other methods have to beat"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(cost=0.5, prefix_consistent=True, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {"period": PERIOD}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        periods = periods_of(batch, options["period"])
        point = np.full((len(batch), horizon), np.nan)
        spread = point.copy()
        mse = np.full(len(batch), np.nan)
        for period in np.unique(periods):
            rows = (periods == period) & (batch.lengths >= period)
            point[rows], spread[rows], mse[rows] = _last_season(batch.values[rows], int(period), horizon)
        return normal_forecast(self.name, point, spread, levels, mse, periods, _status(batch.lengths, periods))


@np.errstate(over="ignore", invalid="ignore")
def _last_season(values: FloatArray, period: int, horizon: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points [B, H], standard errors [B, H] and mean squared one-season errors [B] of rows [B, T] with one period."""
    if values.shape[1] < period:
        return np.empty((0, horizon)), np.empty((0, horizon)), np.empty(0)
    ahead = np.arange(horizon)
    errors = values[:, period:] - values[:, :-period]
    spread = residual_spread(errors)
    point = values[:, values.shape[1] - period + ahead % period]
    return point, spread[:, None] * np.sqrt(ahead // period + 1), spread**2


def _status(lengths: IntArray, periods: IntArray) -> tuple[str, ...]:
    return tuple(
        OK if period <= length else failed(f"a period of {period} needs at least {period} values, got {length}")
        for length, period in zip(lengths, periods, strict=True)
    )
