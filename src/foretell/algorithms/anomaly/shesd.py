"""Seasonal hybrid ESD: a generalised ESD test with medians, on the series without its season."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.labels import MAD_TO_SIGMA, VALID_CODE, Finding, detection
from foretell.algorithms.robust_season import find_period, trend_and_season
from foretell.algorithms.seasonality import PERIOD
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Detection
from foretell.series import Batch, FloatArray, IntArray

SIGNIFICANCE = 0.05
SIGN = {"both": 0, "pos": 1, "neg": -1}


class Shesd:
    """Hochenbaum, Vallis & Kejariwal 2017, arXiv:1704.07706. The season is that of robust_season.py, not STL's.

    Score: distance from the median in robust standard deviations.
    """

    name: ClassVar[str] = "shesd"
    aliases: ClassVar[tuple[str, ...]] = ("s_h_esd",)
    kind: ClassVar[Kind] = "anomaly"
    description: ClassVar[str] = "Seasonal hybrid ESD: at most a share of the points, after taking the season out"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=5, max_context=50_000, cost=20, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "direction": Option("both", "which anomalies are of interest: high ones, low ones", choices=tuple(SIGN)),
        "max_anoms": Option(0.05, "the largest share of anomalous points", float, low=1e-6, high=0.49),
        "valid_code": VALID_CODE,
    }

    def detect(self, batch: Batch, options: Options) -> Detection:
        def find(values: FloatArray, row: int) -> Finding:
            period = find_period(values, batch.steps[row], options["period"])
            rest = values - trend_and_season(values, period)[1]
            count = max(1, int(options["max_anoms"] * len(values)))
            anomalous = np.zeros(len(values), dtype=np.bool_)
            anomalous[extreme(rest, count, SIGN[options["direction"]])] = True
            distance = np.abs(rest - np.median(rest)) / _spread(rest)
            return anomalous, distance, {"period": period if period > 1 else 0}

        return detection(self.name, batch, options, find)


def extreme(values: FloatArray, most: int, sign: int) -> IntArray:
    """Indices of the outliers among `values` [n], at most so many; `sign` 1: high ones, -1: low ones, 0: both.

    The point furthest from the median goes first; all that went before the last significant one are outliers too
    (Rosner 1983). In sorted order it is always one of the two ends that goes.
    """
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    low, high = 0, len(ranked)
    gone, statistics = [], []
    for _ in range(most):
        rest = ranked[low:high]
        middle, spread = np.median(rest), _spread(rest)
        if spread == 0:
            break
        take_high = sign > 0 or (sign == 0 and rest[-1] - middle >= middle - rest[0])
        statistics.append(abs((rest[-1] if take_high else rest[0]) - middle) / spread)
        low, high = (low, high - 1) if take_high else (low + 1, high)
        gone.append(high if take_high else low - 1)
    significant = np.flatnonzero(np.array(statistics) > critical(len(values), len(gone), 1 if sign else 2))
    found: IntArray = order[gone[: significant[-1] + 1]] if len(significant) else order[:0]
    return found


def critical(count: int, tests: int, tails: int) -> FloatArray:
    """What the statistic of the first, second, ... test [tests] has to exceed for `count` values."""
    from scipy.stats import t

    left = count - np.arange(tests)
    quantile = t.isf(SIGNIFICANCE / (tails * left), left - 2)
    result: FloatArray = quantile * (left - 1) / np.sqrt((left - 2 + quantile**2) * left)
    return result


def _spread(values: FloatArray) -> float:
    """Standard deviation told by the median absolute deviation."""
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))
