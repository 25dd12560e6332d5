"""Autoregressive forecasts of order 24 by Yule-Walker (Levinson-Durbin), 24 steps at a time."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from foretell.models.hybrid.arrays import Array, Arrays

ORDER = 24
RIDGE = 3e-3


@dataclass(frozen=True)
class Autoregression:
    """Fitted models of several variants of each series."""

    ahead: Array
    """[V, B, 24, 24] maps the newest 24 values (newest first) of variant V to the next 24 (nearest first)."""


@lru_cache(maxsize=64)
def _cosines(around: int) -> np.ndarray:
    """[A / 2 + 1, 25]: power spectrum of a series padded to A -> its autocovariances at lags 0 .. 24, lag window in."""
    freq = np.arange(around // 2 + 1)[:, None] * (2 * np.pi / around)
    lag = np.arange(ORDER + 1)[None]
    twice = np.where((freq == 0) | (freq == freq[-1]), 1.0, 2.0)
    window = np.exp(-0.5 * (lag / (2.5 * ORDER)) ** 2)
    table: np.ndarray = (twice * np.cos(freq * lag) * window / around).astype(np.float32)
    return table


_I = np.arange(ORDER)
_LOWER = np.where(_I[:, None] >= _I[None], ORDER - 1 - (_I[:, None] - _I[None]), ORDER)
_UPPER = np.minimum(_I[:, None] + _I[None], ORDER)


def fit_autoregression(xp: Arrays, variants: list[Array], size: Array) -> Autoregression:
    """Models of V variants [B, C] (newest first, about zero mean) of histories of size [B, 1] points."""
    around = max(variants[0].shape[1] // 8 * 9, variants[0].shape[1] + 32)
    cov = xp.power(xp.concat(variants, 0), around) @ xp.const(_cosines(around))
    cov = cov / (cov[:, :1] + 1e-6)
    cov[:, :1] = cov[:, :1] + RIDGE + 0.3 / xp.concat([size] * len(variants), 0)
    phi = _levinson(xp, cov)
    reply = xp.zeros(len(phi), ORDER + 1)
    reply[:, ORDER - 1] = 1.0
    for i in range(1, ORDER):
        reply[:, ORDER - 1 - i] = (phi[:, :i] * reply[:, ORDER - i : ORDER]).sum(axis=1)
    padded = xp.concat([phi, phi[:, :1] * 0.0], 1)
    ahead = xp.gather(reply, _LOWER) @ xp.gather(padded, _UPPER)
    return Autoregression(ahead.reshape(len(variants), len(size), ORDER, ORDER))


def _levinson(xp: Arrays, cov: Array) -> Array:
    """Coefficients [N, 24] for lags 1 .. 24 from autocovariances [N, 25]."""
    phi = cov[:, 1:2] / cov[:, :1]
    error = cov[:, :1] * (1.0 - phi * phi)
    for k in range(1, ORDER):
        miss = cov[:, k + 1 : k + 2] - (phi * xp.flip(cov[:, 1 : k + 1])).sum(axis=1, keepdims=True)
        last = miss / error
        phi = xp.concat([phi - last * xp.flip(phi), last], 1)
        error = error * (1.0 - last * last)
    return phi


def forecast_autoregression(xp: Arrays, fitted: Autoregression, newest: list[Array], reach: int) -> Array:
    """Next `reach` values [V, O * B, reach], nearest first, from the newest 24 of V variants [O * B, 24], newest first.

    With O > 1 the rows are O origins of the same B series, which share the coefficients.
    """
    kinds, rows = fitted.ahead.shape[:2]
    ahead = fitted.ahead[:, None]
    state = xp.stack(newest, 0).reshape(kinds, -1, rows, ORDER)
    blocks = []
    for _ in range(-(-reach // ORDER)):
        block = (ahead @ state[..., None])[..., 0]
        blocks.append(block)
        state = xp.flip(block)
    return xp.concat(blocks, -1)[..., :reach].reshape(kinds, -1, reach)
