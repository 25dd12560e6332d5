"""The last value, repeated: the best forecast of a random walk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.answers import normal_forecast
from foretell.algorithms.intervals import mean_square, residual_spread
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, Forecast


class Naive:
    """Point: the last value. Standard error of step h: sigma * sqrt(h) (fpp3, section 5.5)."""

    name: ClassVar[str] = "naive"
    aliases: ClassVar[tuple[str, ...]] = ("last_value", "random_walk")
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "The last value repeated; a benchmark, right for random walks"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(cost=0.5, prefix_consistent=True, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {}

    @np.errstate(over="ignore", invalid="ignore")
    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:  # noqa: ARG002
        errors = np.diff(batch.values, axis=1)
        steps = np.sqrt(np.arange(1, horizon + 1))
        point = np.repeat(batch.values[:, -1:], horizon, axis=1)
        return normal_forecast(self.name, point, residual_spread(errors)[:, None] * steps, levels, mean_square(errors))
