"""Quantiles from a point forecast and its standard error, and the error sizes that they start from."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from foretell.series import FloatArray, IntArray


def normal_quantiles(point: FloatArray, spread: FloatArray, levels: tuple[float, ...]) -> FloatArray:
    """Quantiles [..., H, Q] of normal errors with standard deviation `spread` [..., H] around `point` [..., H]."""
    size = np.array([NormalDist().inv_cdf(level) for level in levels])
    with np.errstate(over="ignore", invalid="ignore"):
        result: FloatArray = point[..., None] + spread[..., None] * size
    return result


def residual_spread(errors: FloatArray, parameters: int = 0) -> FloatArray:
    """Standard deviation [...] of one-step errors [..., N], NaN left out, with `parameters` estimated from the data.

    Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.5. NaN where there are
    too few errors to say. Works at any scale: the largest error is taken out before squaring.
    """
    sizes = np.abs(errors)
    largest = np.fmax.reduce(sizes, axis=-1, initial=0.0)
    sizes /= np.where(largest > 0, largest, 1.0)[..., None]
    count: IntArray = sizes.shape[-1] - np.isnan(sizes).sum(axis=-1) - parameters
    np.nan_to_num(sizes, copy=False)
    total = np.einsum("...n,...n->...", sizes, sizes)
    spread: FloatArray = np.where(count > 0, largest * np.sqrt(total / np.maximum(count, 1)), np.nan)
    return spread


def mean_square(errors: FloatArray) -> FloatArray:
    """Mean of the squared one-step errors [..., N] -> [...], NaN left out: what details call `mse`."""
    with np.errstate(over="ignore"):
        result: FloatArray = residual_spread(errors) ** 2
    return result
