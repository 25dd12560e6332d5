"""Forecasts without a season: exponential levels, damped trends, lines (Gardner 1985; theta: Assimakopoulos 2000)."""

from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np

from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.past import Past

DISCOUNTS = (0.3, 0.05, 0.2, 0.03, 0.0)
"""Weight of a point of age j is (1 - discount) ** j; the last one is the plain mean and line."""
UNIT = 64.0
"""Ages enter the sums in units of 64 steps, which keeps 32-bit sums exact enough."""
FAST, SLOW = 0.9, 0.98
"""Damping of the local and the long trend."""
LOCAL = 0.97
"""Damping of the local line, and of the time over which a curve goes on."""
MOST_BENT = 0.1
"""Most that a slope grows or shrinks per step."""


@dataclass(frozen=True)
class Lines:
    """Discounted means and lines of one past."""

    level: Array
    """[B, 5] discounted means, one per discount."""
    slope: Array
    """[B, 5] slopes per step towards the future."""
    end: Array
    """[B, 5] the line's value at the newest point."""
    age: Array
    """[B, 5] mean age of the weighted points."""
    slope_age: Array
    """[B, 5] age at which a parabola has the slope of its line."""


@lru_cache(maxsize=64)
def _weights(context: int) -> np.ndarray:
    """[C, 10]: the discounts' weights, and times age."""
    return _moments(context)[:, : 2 * len(DISCOUNTS)].astype(np.float32)


@lru_cache(maxsize=64)
def _sums(context: int) -> np.ndarray:
    """[C + 1, 20]: the weights of the newest 0 .. C points added up; so too times age, its square and its cube."""
    zero = np.zeros((1, 4 * len(DISCOUNTS)))
    return np.concatenate([zero, _moments(context).cumsum(0)]).astype(np.float32)


def _moments(context: int) -> np.ndarray:
    age = np.arange(context)[:, None]
    w = (1.0 - np.array(DISCOUNTS)[None]) ** age
    return np.concatenate([w * (age / UNIT) ** power for power in range(4)], 1)


def fit_lines(xp: Arrays, now: Past) -> Lines:
    """Weighted least squares lines for all discounts, slopes shrunk a little towards zero."""
    k = len(DISCOUNTS)
    s = xp.const(_sums(now.z.shape[1]))[now.length[:, 0]]
    t = now.z @ xp.const(_weights(now.z.shape[1]))
    s0, s1, s2, s3 = (s[:, i * k : (i + 1) * k] for i in range(4))
    t0, t1 = t[:, :k], t[:, k:]
    level = t0 / s0
    spread = s0 * s2 - s1 * s1
    slope = (s1 * t0 - s0 * t1) / (spread + (1e-3 / UNIT**2) * s0 * s0 + 1e-9)
    age = s1 / s0
    slope_age = 0.5 * (s0 * s3 - s1 * s2) / (spread + (1e-3 / UNIT**2) * s0 * s0)
    return Lines(level, slope / UNIT, level + slope * age, UNIT * age, UNIT * slope_age)


def damped(xp: Arrays, h: Array, damping: float) -> Array:
    """Sum of damping ** i for i in 1 .. h."""
    return (damping / (1.0 - damping)) * (1.0 - xp.exp(h * log(damping)))


def level_forecasts(xp: Arrays, now: Past, lines: Lines, steps: Array) -> list[Array]:
    """Ten forecasts [B, H] for steps [B, H] (1 = next).

    Last, two levels, two damped trends, line, drift, theta, local line, curve.
    """
    h = xp.real(steps)
    flat = h * 0.0
    last = now.z[:, :1]
    oldest = xp.take(now.z, now.length - 1)
    drift = (last - oldest) / xp.clip(now.size - 1.0, 1.0, None)
    fast, slow, local = (damped(xp, h, damping) for damping in (FAST, SLOW, LOCAL))
    level, slope, end = lines.level, lines.slope, lines.end
    return [
        last + flat,
        level[:, 0:1] + flat,
        level[:, 1:2] + flat,
        end[:, 2:3] + slope[:, 2:3] * fast,
        end[:, 3:4] + slope[:, 3:4] * slow,
        end[:, 4:5] + slope[:, 4:5] * h,
        last + drift * h,
        level[:, 0:1] + (0.5 * slope[:, 4:5]) * h,
        end[:, 2:3] + slope[:, 2:3] * local,
        _bent(xp, now, lines, local),
    ]


def _bent(xp: Arrays, now: Past, lines: Lines, h: Array) -> Array:
    """A curve a + b exp(k t) at times h [B, H] ahead: its slope goes on changing as it has changed.

    k comes from the local slope relative to the whole line's; it has no zero point, so neither has the forecast.
    """
    local, whole = lines.slope[:, 2:3], lines.slope[:, 4:5]
    age, at = lines.age[:, 2:3], lines.slope_age[:, 2:3]
    apart = xp.clip(lines.slope_age[:, 4:5] - at, 1.0, None)
    ratio = xp.clip(xp.where(local * whole > 0, abs(local) / (abs(whole) + 1e-9), local * 0.0 + 1.0), 0.2, 5.0)
    k = xp.clip(xp.log(ratio) / apart, -MOST_BENT, MOST_BENT) * (now.size / (now.size + 8.0))
    k = xp.where(abs(k) < 1e-4, k * 0.0 + 1e-4, k)
    newest = local * xp.exp(k * at)
    return lines.level[:, 2:3] + local * xp.exp(k * (at - age)) * age + newest * (xp.exp(k * h) - 1.0) / k
