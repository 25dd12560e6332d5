"""Time-lagged cross-correlation: how alike two series are when one is moved against the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.labels import near_one
from foretell.errors import InvalidInput
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Correlation
from foretell.series import Batch, FloatArray, failed

FEW = 2
LAG = 1_000_000


class Tlcc:
    """Pearson's correlation of a[t] with b[t + lag] over all t that both have, for each lag.

    A lag over fewer than two points, or with a constant side, has no correlation: it is left out, and the note in
    `details` says so. Points that miss a value on either side are left out of the sums.
    """

    name: ClassVar[str] = "tlcc"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "correlation"
    description: ClassVar[str] = "Pearson's correlation at each lag from lag_start to lag_end"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(max_context=100_000, missing=True, cost=1, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {
        "lag_start": Option(-1, "first lag, in points", int, low=-LAG, high=LAG),
        "lag_end": Option(1, "last lag, in points", int, low=-LAG, high=LAG),
    }

    def correlate(self, first: Batch, second: Batch, options: Options) -> tuple[Correlation, ...]:
        start, end = options["lag_start"], options["lag_end"]
        if start > end:
            raise InvalidInput("lag_start", f"must not be above lag_end, got {start} and {end}")
        return tuple(lagged(a, b, start, end) for a, b in zip(first.rows(), second.rows(), strict=True))


def lagged(a: FloatArray, b: FloatArray, start: int, end: int) -> Correlation:
    """The correlations of two series [T] at the lags from `start` to `end`, both included."""
    if len(a) != len(b):
        return Correlation(failed(f"needs two series of one length, got {len(a)} and {len(b)} points"), model=Tlcc.name)
    a, b = near_one(a), near_one(b)
    furthest = len(a) - FEW
    short = [lag for lag in (start, end) if abs(lag) > furthest]
    known, constant = [], []
    for lag in range(max(start, -furthest), min(end, furthest) + 1):
        value = pearson(a[max(0, -lag) : len(a) - max(0, lag)], b[max(0, lag) : len(b) + min(0, lag)])
        if value is None:
            constant.append(lag)
        else:
            known.append((lag, value))
    return Correlation(
        lags=np.array([lag for lag, _ in known], dtype=np.int64),
        values=np.array([value for _, value in known], dtype=np.float64),
        model=Tlcc.name,
        details=_note(short, furthest, constant),
    )


def pearson(a: FloatArray, b: FloatArray) -> float | None:
    """Pearson's correlation of a [n] and b [n], in [-1, 1]; None for fewer than two points or a constant side."""
    seen = ~(np.isnan(a) | np.isnan(b))
    a, b = a[seen], b[seen]
    if len(a) < FEW or a.min() == a.max() or b.min() == b.max():
        return None
    a, b = near_one(a - a.mean()), near_one(b - b.mean())
    return float(np.clip((a @ b) / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def _note(short: list[int], furthest: int, constant: list[int]) -> Mapping[str, str]:
    """What was left out, in one sentence."""
    reasons = []
    if short:
        reasons.append(f"lags beyond {furthest} points have fewer than {FEW} points")
    if constant:
        named = ", ".join(map(str, constant[:10])) + (", ..." if len(constant) > 10 else "")
        reasons.append(f"at {named} one of the two is constant or has fewer than {FEW} points")
    return {"note": "lags left out: " + "; ".join(reasons)} if reasons else {}
