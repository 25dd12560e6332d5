"""Prediction intervals of exponential smoothing, all thirty models of the taxonomy, from their last states.

Innovations state space models as in Hyndman, Koehler, Ord & Snyder (2008), Forecasting with Exponential Smoothing.
For linear models with additive errors the forecast variance is exact (their section 6.3, class 1): with c_j the effect
of an error on the forecast j steps later, it is sigma^2 (1 + c_1^2 + ... + c_{h-1}^2). For all others many futures are
simulated, from a fixed seed, and counted. Libraries give intervals for some of the models only, and not always right
ones: statsforecast 2.1 lets the whole horizon enter the variance of the first step of a seasonal model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Literal

import numpy as np

from foretell.algorithms.intervals import normal_quantiles
from foretell.series import FloatArray

Component = Literal["N", "A", "M"]
PATHS = 2000
SEED = 20080619
SMALLEST = 1e-6
"""Multiplicative states stay above it (series come in units of their mean size)."""


@dataclass(frozen=True, slots=True)
class Smoothing:
    """A fitted model at the end of its series.

    `error`, `trend`, `season`: none, additive or multiplicative. `sigma` is the standard deviation of the one-step
    errors, relative to the forecast where `error` is "M". `seasons` [m] starts with the one of the next step.
    `beta` and `gamma` are those of the state space form (beta = alpha * beta* of the component form).
    """

    error: Component
    trend: Component
    season: Component
    sigma: float
    level: float
    slope: float = 0.0
    seasons: FloatArray | None = None
    alpha: float = 0.0
    beta: float = 0.0
    gamma: float = 0.0
    phi: float = 1.0

    def quantiles(self, point: FloatArray, levels: tuple[float, ...]) -> FloatArray:
        """Quantiles [H, Q] for the horizon of `point` [H]."""
        if "M" in (self.error, self.trend, self.season):
            return self._simulated(len(point), levels)
        return normal_quantiles(point, self._spread(len(point)), levels)

    def _spread(self, horizon: int) -> FloatArray:
        """Standard errors [H] of a linear model."""
        j = np.arange(1, horizon)
        effect = np.full(len(j), self.alpha)
        if self.trend == "A":
            effect += self.beta * np.cumsum(self.phi**j)
        if self.season == "A" and self.seasons is not None:
            effect += self.gamma * (j % len(self.seasons) == 0)
        spread: FloatArray = self.sigma * np.sqrt(1 + np.concatenate([[0.0], np.cumsum(effect**2)]))
        return spread

    def _simulated(self, horizon: int, levels: tuple[float, ...]) -> FloatArray:
        """Quantiles [H, Q] of simulated futures."""
        level, slope = np.full(PATHS, self.level), np.full(PATHS, self.slope)
        neutral = 1.0 if self.season == "M" else 0.0
        seasons = np.array([neutral]) if self.seasons is None else self.seasons
        season = np.repeat(seasons[:, None], PATHS, axis=1)
        random = np.random.default_rng(SEED)
        quantiles = np.empty((horizon, len(levels)))
        for h in range(horizon):
            now = season[h % len(season)]
            grown = self._grown(slope)
            base = self._base(level, grown)
            value, share = (base * now, now) if self.season == "M" else (base + now, np.ones(PATHS))
            size = np.abs(value) if self.error == "M" else 1.0
            shock = self.sigma * size * random.permutation(_normal_sample())
            quantiles[h] = np.quantile(value + shock, levels)
            new_level = base + self.alpha * shock / share
            slope = grown + self.beta * shock / (share * (level if self.trend == "M" else 1.0))
            now = now + self.gamma * shock / (base if self.season == "M" else 1.0)
            season[h % len(season)] = np.maximum(now, SMALLEST) if self.season == "M" else now
            level = np.maximum(new_level, SMALLEST) if "M" in (self.trend, self.season) else new_level
        return quantiles

    def _grown(self, slope: FloatArray) -> FloatArray:
        """The slope as it is carried to the next step, damped."""
        return np.maximum(slope, SMALLEST) ** self.phi if self.trend == "M" else self.phi * slope

    def _base(self, level: FloatArray, grown: FloatArray) -> FloatArray:
        """Level and trend together, before the season."""
        base = {"N": level, "A": level + grown, "M": level * grown}[self.trend]
        return np.maximum(base, SMALLEST) if "M" in (self.trend, self.season) else base


@cache
def _normal_sample() -> FloatArray:
    """Evenly spaced quantiles [PATHS] of the normal distribution: a sample without luck, to be shuffled."""
    return np.array([NormalDist().inv_cdf((i + 0.5) / PATHS) for i in range(PATHS)])
