"""Autoregressive forecasts of order 24 by least squares, shrunk more at longer lags, 24 steps at a time."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from foretell.models.hybrid.arrays import Array, Arrays

ORDER = 24
RIDGE, SHRINK = 1e-3, 2.0
"""Penalty of a coefficient, in variances: RIDGE a point of the history, and SHRINK a lag."""
BOUND = 100.0
"""Values further out, in standard deviations of the context, end a forecast's growth."""


@dataclass(frozen=True)
class Autoregression:
    """Fitted models of several variants of each series."""

    ahead: Array
    """[V, B, 24, 24] maps the newest 24 values (newest first) of variant V to the next 24 (nearest first)."""


@lru_cache(maxsize=64)
def _cosines(around: int) -> np.ndarray:
    """[A / 2 + 1, 25]: power spectrum of a series padded to A -> its products with itself at lags 0 .. 24."""
    freq = np.arange(around // 2 + 1)[:, None] * (2 * np.pi / around)
    twice = np.where((freq == 0) | (freq == freq[-1]), 1.0, 2.0)
    table: np.ndarray = (twice * np.cos(freq * np.arange(ORDER + 1)[None]) / around).astype(np.float32)
    return table


_I = np.arange(ORDER)
_LOWER = np.where(_I[:, None] >= _I[None], ORDER - 1 - (_I[:, None] - _I[None]), ORDER)
_UPPER = np.minimum(_I[:, None] + _I[None], ORDER)
_APART = abs(_I[:, None] - np.arange(-1, ORDER)[None])
"""[24, 25] lag between lag i + 1 (rows) and lag j (columns, 0: what is foretold)."""
_NEWER = np.minimum(_I[:, None] + 1, np.arange(ORDER + 1)[None]) * (ORDER + 1) + _APART
"""Where the sum over ages below the smaller of the two lags stands."""
_PAIRS = _I[:, None] + np.arange(ORDER + 1)[None]
_PENALTY = np.diag(_I + 1.0).astype(np.float32)
_EYE = np.eye(ORDER, dtype=np.float32)


def fit_autoregression(xp: Arrays, variants: list[Array], size: Array) -> Autoregression:
    """Models of V variants [B, C] (newest first, about zero mean) of histories of size [B, 1] points.

    The oldest values fade in and are zero before the history; every value of it is foretold, unlike by Yule-Walker,
    which also foretells the zeros after its end and is therefore biased where a series is smooth or has a trend.
    """
    age = xp.real(xp.count(variants[0].shape[1]))[None]
    fade = xp.clip((size - age - 0.5) / xp.clip(0.5 * size, 1.0, ORDER), 0.0, 1.0)
    x = xp.concat([v * (fade * fade * (3.0 - 2.0 * fade)) for v in variants], 0)
    points = xp.concat([size] * len(variants), 0)
    around = max(x.shape[1] // 8 * 9, x.shape[1] + 32)
    whole = xp.power(x, around) @ xp.const(_cosines(around))
    pairs = x[:, :ORDER, None] * xp.gather(x, _PAIRS)
    newer = xp.running_sum(pairs.swapaxes(1, 2)).swapaxes(1, 2)
    newer = xp.concat([pairs[:, :1] * 0.0, newer], 1).reshape(len(x), -1)
    moments = xp.gather(whole, _APART) - xp.gather(newer, _NEWER)
    moments = moments * (points / (whole[:, :1] + 1e-6 * points))[..., None]
    penalty = SHRINK * xp.const(_PENALTY) + (RIDGE * points)[..., None] * xp.const(_EYE)
    phi = xp.solve(moments[..., 1:] + penalty, moments[..., :1])[..., 0]
    reply = xp.zeros(len(phi), ORDER + 1)
    reply[:, ORDER - 1] = 1.0
    for i in range(1, ORDER):
        reply[:, ORDER - 1 - i] = (phi[:, :i] * reply[:, ORDER - i : ORDER]).sum(axis=1)
    padded = xp.concat([phi, phi[:, :1] * 0.0], 1)
    ahead = xp.gather(reply, _LOWER) @ xp.gather(padded, _UPPER)
    return Autoregression(ahead.reshape(len(variants), len(size), ORDER, ORDER))


def forecast_autoregression(xp: Arrays, fitted: Autoregression, newest: list[Array], reach: int) -> Array:
    """Next `reach` values [V, O * B, reach], nearest first, from the newest 24 of V variants [O * B, 24], newest first.

    With O > 1 the rows are O origins of the same B series, which share the coefficients.
    """
    kinds, rows = fitted.ahead.shape[:2]
    ahead = fitted.ahead[:, None]
    state = xp.stack(newest, 0).reshape(kinds, -1, rows, ORDER)
    blocks = []
    for _ in range(-(-reach // ORDER)):
        block = xp.clip((ahead @ state[..., None])[..., 0], -BOUND, BOUND)
        blocks.append(block)
        state = xp.flip(block)
    return xp.concat(blocks, -1)[..., :reach].reshape(kinds, -1, reach)
