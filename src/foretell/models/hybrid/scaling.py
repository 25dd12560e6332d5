"""Values to standard units and back, in float64: a pair that undoes itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretell.series import BoolArray, FloatArray

CONSTANT = 1e-15
"""A series whose values differ by at most this share of their size has no spread that a float64 can hold."""


def is_constant(low: float, high: float) -> bool:
    """Whether a series between these values is as good as constant, whatever its size."""
    return high - low <= CONSTANT * max(abs(low), abs(high))


@dataclass(frozen=True)
class Scaling:
    """x = origin + unit * (mean + spread * z), row by row; each [B, 1]."""

    origin: FloatArray
    unit: FloatArray
    mean: FloatArray
    spread: FloatArray

    def undo(self, z: NDArray[np.floating]) -> FloatArray:
        """Standard units [B, H, Q] -> values."""
        inner = self.mean[..., None] + self.spread[..., None] * z.astype(np.float64)
        values: FloatArray = self.origin[..., None] + self.unit[..., None] * inner
        return values


def scale(values: FloatArray) -> tuple[NDArray[np.float32], BoolArray, Scaling]:
    """Rows [B, C] with NaN = missing (at least one known value each) -> z, what is known, and the way back.

    The newest value is taken out first, exactly where numbers are close, so that a large offset costs no digits.
    """
    known = ~np.isnan(values)
    newest = values.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    origin = np.take_along_axis(values, newest[:, None], 1)
    away = np.where(known, values - origin, 0.0)
    unit = _positive(np.abs(away).max(1, keepdims=True))
    away = away / unit
    count = known.sum(1, keepdims=True)
    mean = away.sum(1, keepdims=True) / count
    away = np.where(known, away - mean, 0.0)
    spread = _positive(np.sqrt((away * away).sum(1, keepdims=True) / count))
    return (away / spread).astype(np.float32), known, Scaling(origin, unit, mean, spread)


def _positive(x: FloatArray) -> FloatArray:
    """1 in place of 0."""
    return np.where(x > 0, x, 1.0)
