"""Nearest-analogue forecasts: what followed the past stretches that look most like the newest one (Lorenz 1969)."""

import numpy as np

from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.past import Past

WINDOWS = np.array([24, 72])
"""Lengths of the stretch compared; at most a third of the history."""
NEIGHBOURS = 5
FAR = 1e9


def analogue_forecasts(xp: Arrays, now: Past, steps: Array) -> list[Array]:
    """One forecast [B, H] per window for steps [B, H]: the weighted, level-adjusted continuations of five analogues."""
    context = now.z.shape[1]
    widest = min(int(WINDOWS.max()), context)
    window = xp.clip(xp.minimum(xp.const(WINDOWS)[None], now.length // 3), 1, None)
    wide = xp.real(window)
    inside = xp.real(xp.count(widest)[None, None] < window[..., None])
    mean = (now.z[:, None, :widest] * inside).sum(axis=-1) / wide
    query = (now.z[:, None, :widest] - mean[..., None]) * inside
    distance = xp.cross(now.z, query, context)  # circular: wrong only for starts that the history's end forbids
    total = xp.window_sums(now.sums, window)
    squares = xp.window_sums(_with_zero(xp, xp.running_sum(now.z * now.z)), window)
    distance *= -2.0
    distance += squares
    distance -= total * total * (1.0 / wide[..., None])
    distance += (query * query).sum(axis=-1)[..., None]
    start = xp.count(context)[None, None]
    gap = xp.clip(now.length // 8, 2, 8)[..., None]
    allowed = (start >= gap) & (start <= now.length[..., None] - window[..., None])
    distance = xp.where(allowed, xp.clip(distance, 0.0, None), distance * 0.0 + FAR)
    found = _pick(xp, now, distance, total, mean, wide, steps)
    return [found[:, i] for i in range(len(WINDOWS))]


def _with_zero(xp: Arrays, x: Array) -> Array:
    return xp.concat([x[:, :1] * 0.0, x], 1)


def _pick(xp: Arrays, now: Past, distance: Array, total: Array, mean: Array, wide: Array, steps: Array) -> Array:
    """Continuations [B, 2, H] of the nearest starts, weighted by closeness; the last value where there is none."""
    rows, kinds, context = distance.shape
    index = xp.smallest(distance, NEIGHBOURS).reshape(rows * kinds, NEIGHBOURS)
    far = xp.take(distance.reshape(rows * kinds, context), index).reshape(rows, kinds, NEIGHBOURS)
    near = xp.lowest(far)
    weight = xp.exp(-(far - near) / (0.3 * near + 1e-3)) * xp.real(far < FAR / 2)
    known = weight.sum(axis=-1, keepdims=True)
    weight = weight / (known + 1e-6)
    theirs = xp.take(total.reshape(rows * kinds, context), index).reshape(rows, kinds, NEIGHBOURS)
    lift = mean[..., None] - theirs / wide[..., None]
    back = xp.clip(index.reshape(rows, kinds, 1, NEIGHBOURS), 1, None)
    ages = back - 1 - xp.phase(steps[:, None, :, None] - 1, back)
    values = (xp.take(now.z, ages) * weight[:, :, None]).sum(axis=-1) + (lift * weight).sum(axis=-1)[..., None]
    return xp.where(known > 0.5, values, values * 0.0 + now.z[:, None, :1])
