"""Prediction intervals for models that give only a point forecast, from their own errors inside the context.

Split conformal prediction with scaled absolute errors (Lei et al. 2018, doi:10.1080/01621459.2017.1307116, applied
to rolling origins): the model forecasts from a bounded number of earlier origins; the errors of each step ahead are
scaled by their spread, pooled, and the finite-sample quantile of their absolute values gives a band that is
symmetric around the point forecast. Beyond the largest error that was seen, the tail of a normal distribution
continues it. Beyond the longest horizon that could be tried, the spread grows with the square root of the step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from foretell.series import FloatArray

MAX_ORIGINS = 8
MIN_ERRORS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to try the model: the first `origins` points of the context are history, the next `horizon` the truth."""

    origins: tuple[int, ...]
    horizon: int


def plan(length: int, horizon: int, min_context: int) -> Plan | None:
    """Origins for a context of `length` points, or None where it is too short for an honest interval.

    At least half of the context stays history, so that the errors are those of a model as well informed as now.
    """
    shortest = max(min_context, math.ceil(length / 2))
    room = length - shortest
    tried = min(horizon, max(1, room // 2) if room < 2 * horizon else horizon)
    last = length - tried
    count = min(MAX_ORIGINS, last - shortest + 1)
    if count < 1 or count * tried < MIN_ERRORS:
        return None
    origins = np.unique(np.linspace(shortest, last, count).round().astype(int))
    return Plan(tuple(int(o) for o in origins), tried)


def quantiles(point: FloatArray, errors: FloatArray, levels: tuple[float, ...]) -> FloatArray:
    """Quantiles [H, Q] around `point` [H] from `errors` [N, H'] (truth - forecast; NaN where the truth is missing)."""
    spread = _spread(errors, len(point))
    scaled = np.abs(errors / spread[: errors.shape[1]])
    pooled = np.sort(scaled[~np.isnan(scaled)])
    width = np.array([math.copysign(_absolute_quantile(pooled, abs(2 * level - 1)), level - 0.5) for level in levels])
    result: FloatArray = point[:, None] + spread[:, None] * width
    return result


def _spread(errors: FloatArray, horizon: int) -> FloatArray:
    """Root mean squared error [H] of each step ahead: smoothed over neighbouring steps, never falling."""
    seen = ~np.isnan(errors)
    squares = np.where(seen, errors, 0.0) ** 2
    window = np.ones(max(1, 2 * (errors.shape[1] // 6) + 1))
    sums = np.convolve(squares.sum(0), window, "same")
    counts = np.convolve(seen.sum(0), window, "same")
    steps = np.maximum.accumulate(np.sqrt(sums / np.maximum(counts, 1)))
    ahead = np.arange(len(steps), horizon) + 1
    spread = np.concatenate([steps, steps[-1] * np.sqrt(ahead / len(steps))])[:horizon]
    tiny = np.finfo(np.float64).tiny
    result: FloatArray = np.maximum(spread, tiny)
    return result


def _absolute_quantile(pooled: FloatArray, coverage: float) -> float:
    """The size that `coverage` of the errors stay under: the ceil((N + 1) coverage)-th smallest of N."""
    count = len(pooled)
    rank = math.ceil((count + 1) * coverage - 1e-9)
    if rank <= 0:
        return 0.0
    if rank <= count:
        return float(pooled[rank - 1])
    return float(pooled[-1]) * _normal_size(coverage) / _normal_size(count / (count + 1))


def _normal_size(coverage: float) -> float:
    return NormalDist().inv_cdf((1 + min(coverage, 1 - 1e-12)) / 2)
