"""The array vocabulary in which the candidate forecasts are written once, here for NumPy (`arrays_torch` for torch).

Only what NumPy and torch spell differently, or what needs care for speed, is listed; operators and methods that
both share (`+`, `@`, `x.sum(axis=1)`, slicing with positive steps) are used directly.
"""

from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A NumPy array or a torch tensor; shapes stand at each use. Letters: B series, C context, H steps,
K candidates."""


SMALL = 4096
"""Up to so many numbers the fewest calls are fastest, beyond the fewest passes."""


@lru_cache(maxsize=64)
def _count(n: int) -> np.ndarray:
    numbers = np.arange(n)
    numbers.setflags(write=False)
    return numbers


class Arrays(Protocol):
    """What a backend offers. Floats are 32-bit, whole numbers 64-bit."""

    def const(self, x: np.ndarray) -> Array: ...
    def count(self, n: int) -> Array: ...
    def zeros(self, *shape: int) -> Array: ...
    def real(self, x: Array) -> Array: ...
    def whole(self, x: Array) -> Array: ...
    def where(self, condition: Array, yes: Array, no: Array) -> Array: ...
    def clip(self, x: Array, low: Any, high: Any) -> Array: ...
    def minimum(self, x: Array, y: Array) -> Array: ...
    def maximum(self, x: Array, y: Array) -> Array: ...
    def exp(self, x: Array) -> Array: ...
    def log(self, x: Array) -> Array: ...
    def sqrt(self, x: Array) -> Array: ...
    def stack(self, xs: Any, axis: int) -> Array: ...
    def concat(self, xs: Any, axis: int) -> Array: ...
    def flip(self, x: Array) -> Array: ...
    def running_sum(self, x: Array) -> Array: ...
    def running_max(self, x: Array) -> Array: ...
    def take(self, x: Array, index: Array) -> Array: ...
    def phase(self, steps: Array, period: Array) -> Array: ...
    def phase_sums(self, x: Array, phase: Array, size: int) -> Array: ...
    def gather(self, x: Array, columns: np.ndarray) -> Array: ...
    def window_sums(self, sums: Array, window: Array) -> Array: ...
    def power(self, x: Array, length: int) -> Array: ...
    def inverse_power(self, p: Array, length: int) -> Array: ...
    def cross(self, x: Array, y: Array, length: int) -> Array: ...
    def solve(self, a: Array, b: Array) -> Array: ...
    def smallest(self, x: Array, k: int) -> Array: ...
    def squash(self, x: Array) -> Array: ...
    def sort(self, x: Array) -> Array: ...
    def lowest(self, x: Array) -> Array: ...
    def highest(self, x: Array) -> Array: ...


class NumpyArrays:
    """The vocabulary in NumPy."""

    where = staticmethod(np.where)
    minimum = staticmethod(np.minimum)
    maximum = staticmethod(np.maximum)
    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    sqrt = staticmethod(np.sqrt)

    def const(self, x: np.ndarray) -> Array:
        """A constant table, as an array of this backend."""
        return x

    def count(self, n: int) -> Array:
        """0 .. n-1, whole numbers (the same array each time, which cannot be written to)."""
        return _count(n)

    def zeros(self, *shape: int) -> Array:
        return np.zeros(shape, np.float32)

    def real(self, x: Array) -> Array:
        return x.astype(np.float32)

    def whole(self, x: Array) -> Array:
        return x.astype(np.int64)

    def clip(self, x: Array, low: Any, high: Any) -> Array:
        if low is not None and high is not None and x.size > SMALL:
            return np.clip(x, low, high)
        if low is not None:
            x = np.maximum(x, low)
        return x if high is None else np.minimum(x, high)

    def stack(self, xs: Any, axis: int) -> Array:
        return np.stack(xs, axis)

    def concat(self, xs: Any, axis: int) -> Array:
        return np.concatenate(xs, axis)

    def flip(self, x: Array) -> Array:
        """Last axis reversed."""
        return np.ascontiguousarray(x[..., ::-1])

    def running_sum(self, x: Array) -> Array:
        return np.cumsum(x, axis=-1, dtype=x.dtype)

    def running_max(self, x: Array) -> Array:
        return np.maximum.accumulate(x, axis=-1)

    def take(self, x: Array, index: Array) -> Array:
        """x [B, N], index [B, ...] within 0 .. N-1 -> [B, ...]: each row's own elements."""
        if len(x) > 1:
            index = index + np.arange(0, x.size, x.shape[1]).reshape((-1,) + (1,) * (index.ndim - 1))
        return x.reshape(-1).take(index)

    def phase(self, steps: Array, period: Array) -> Array:
        """steps % period for steps within 1e5 of 0, of many by the reciprocal: whole numbers have no fast division."""
        if len(period) * steps.shape[-1] < SMALL:
            return steps % period
        real, wide = steps.astype(np.float32), period.astype(np.float32)
        cycles = (real + np.float32(0.5)) * (np.float32(1) / wide)
        np.floor(cycles, out=cycles)
        cycles *= wide
        return np.subtract(real, cycles, out=cycles).astype(np.int64)

    def gather(self, x: Array, columns: np.ndarray) -> Array:
        """x [B, N] at constant columns [...] -> [B, ...]."""
        return np.take(x, columns, axis=1)

    def phase_sums(self, x: Array, phase: Array, size: int) -> Array:
        """Sums of x [B, C] over equal phase [B, C] within 0 .. size-1 -> [B, size]."""
        rows = np.arange(len(x))[:, None] * size
        flat = np.bincount((phase + rows).reshape(-1), x.reshape(-1), len(x) * size)
        return flat.reshape(len(x), size).astype(np.float32)

    def window_sums(self, sums: Array, window: Array) -> Array:
        """Sums over t .. t + window - 1, cut at the end: running sums [B, C + 1], window [B, W] -> [B, W, C]."""
        last = sums.shape[1] - 1
        out = np.empty((*window.shape, last), sums.dtype)
        for k in range(window.shape[1]):
            w = int(window[0, k])
            if (window[:, k] == w).all():
                np.subtract(sums[:, w:], sums[:, : last - w + 1], out=out[:, k, : last - w + 1])
                np.subtract(sums[:, -1:], sums[:, last - w + 1 : last], out=out[:, k, last - w + 1 :])
            else:
                end = np.minimum(np.arange(last)[None] + window[:, k : k + 1], last)
                np.subtract(self.take(sums, end), sums[:, :last], out=out[:, k])
        return out

    def power(self, x: Array, length: int) -> Array:
        """Power spectrum of x [..., N], zero-padded to `length` -> [..., length // 2 + 1]."""
        f = np.fft.rfft(x, length, axis=-1)
        return f.real**2 + f.imag**2

    def inverse_power(self, p: Array, length: int) -> Array:
        """Circular autocovariance from a power spectrum -> [..., length]."""
        return np.fft.irfft(p, length, axis=-1).astype(np.float32)

    def cross(self, x: Array, y: Array, length: int) -> Array:
        """Sum over t of x[t + lag] * y[t], for x [B, N], y [B, Q, W] -> [B, Q, length]."""
        f = np.fft.rfft(x, length, axis=-1)[:, None] * np.fft.rfft(y, length, axis=-1).conj()
        return np.fft.irfft(f, length, axis=-1).astype(np.float32)

    def solve(self, a: Array, b: Array) -> Array:
        """x of a x = b, for a [..., N, N] and b [..., N, M]."""
        return np.linalg.solve(a, b)

    def smallest(self, x: Array, k: int) -> Array:
        """Places of the k smallest along the last axis, in no order -> [..., k] (k small: one search each)."""
        left = x.copy()
        found = np.empty((*x.shape[:-1], k), np.int64)
        for i in range(k):
            place = left.argmin(axis=-1)
            found[..., i] = place
            np.put_along_axis(left, place[..., None], np.inf, axis=-1)
        return found

    def squash(self, x: Array) -> Array:
        """Inverse hyperbolic sine: linear near zero, logarithmic far out."""
        size = np.abs(x)
        grown = size * size
        grown += 1.0
        np.sqrt(grown, out=grown)
        grown += size
        np.log(grown, out=grown)
        return np.copysign(grown, x, out=grown)

    def sort(self, x: Array) -> Array:
        """Ascending along the last axis."""
        return np.sort(x, axis=-1)

    def lowest(self, x: Array) -> Array:
        """Minimum along the last axis, kept as an axis of one."""
        return np.min(x, axis=-1, keepdims=True)

    def highest(self, x: Array) -> Array:
        """Maximum along the last axis, kept as an axis of one."""
        return np.max(x, axis=-1, keepdims=True)


NUMPY = NumpyArrays()
