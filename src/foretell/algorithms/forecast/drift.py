"""The straight line through the first and the last value, continued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.answers import normal_forecast
from foretell.algorithms.intervals import mean_square, residual_spread
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, Forecast


class Drift:
    """A random walk with drift: standard error of step h is sigma * sqrt(h (1 + h / (T - 1))) (fpp3, section 5.5)."""

    name: ClassVar[str] = "drift"
    aliases: ClassVar[tuple[str, ...]] = ("random_walk_with_drift",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "The line through the first and the last value; a benchmark for series with a trend"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=2, cost=0.5, prefix_consistent=True, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {}

    @np.errstate(over="ignore", invalid="ignore")
    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:  # noqa: ARG002
        first = batch.values[np.arange(len(batch)), batch.values.shape[1] - batch.lengths][:, None]
        last = batch.values[:, -1:]
        intervals = (batch.lengths - 1)[:, None]
        slope = last / intervals - first / intervals
        errors = np.diff(batch.values, axis=1) - slope
        h = np.arange(1, horizon + 1)
        spread = residual_spread(errors, parameters=1)[:, None] * np.sqrt(h * (1 + h / intervals))
        return normal_forecast(self.name, last + h * slope, spread, levels, mean_square(errors))
