"""What trend and season do not explain, measured in robust standard deviations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.labels import VALID_CODE, Finding, detection, robust_distance
from foretell.algorithms.robust_season import find_period, trend_and_season
from foretell.algorithms.seasonality import PERIOD
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Detection
from foretell.series import Batch, FloatArray


class SeasonalResidual:
    """Anomalous: far from where trend and season are, both told by medians. Score: that distance.

    The default threshold is high because real residuals have heavy tails; docs/decisions.md has the measurement.
    """

    name: ClassVar[str] = "seasonal_residual"
    aliases: ClassVar[tuple[str, ...]] = ("residual",)
    kind: ClassVar[Kind] = "anomaly"
    description: ClassVar[str] = "Far from trend and season (found by itself); our default for series over time"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=8, max_context=200_000, cost=10, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "threshold": Option(
            7.0, "distance, in robust standard deviations, from which on a point is anomalous", float, low=1
        ),
        "valid_code": VALID_CODE,
    }

    def detect(self, batch: Batch, options: Options) -> Detection:
        def find(values: FloatArray, row: int) -> Finding:
            period = find_period(values, batch.steps[row], options["period"])
            trend, season = trend_and_season(values, period)
            distance = np.abs(robust_distance(values - trend - season))
            return distance > options["threshold"], distance, {"period": period if period > 1 else 0}

        return detection(self.name, batch, options, find)
