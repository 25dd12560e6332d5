"""The period of a series that holds few cycles of it, found in its differences.

In a history of few cycles no autocorrelation is significant, however plain the season: two cycles of a sine have .5 at
their lag. But values one period apart differ much less than values a part of it apart, which those of random walks and
other aimless series do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foretell.series import BoolArray, FloatArray, IntArray

PARTS = np.array([0.25, 0.375, 0.5, 0.625, 0.75])
"""Parts of a lag at which values are compared with those the whole lag apart."""
ABOUT_AS_GOOD = 0.6
"""A shorter lag is taken where its ratio, times this, is no more than the best one's."""


@dataclass(frozen=True, slots=True)
class Few:
    """What is asked of a lag, which fits `cycles` times into the series and less than `most` times.

    The ratio of the variances of differences, at the lag and at its parts, is at most `ratio`, and its logarithm lies
    `sure` standard errors below zero; with `lowest` it is the lowest of its neighbours too.
    """

    cycles: int
    most: int
    ratio: float
    sure: float
    lowest: bool


def period_of_few_cycles(values: FloatArray, count: IntArray, lags: IntArray, demand: Few) -> IntArray:
    """One of `lags` (ascending, from 2) for each row of [B, T] with `count` [B] known values; 1 where none fits."""
    lags = lags[demand.cycles * lags <= count.max(initial=0)]
    if not len(lags):
        return np.ones(len(values), dtype=np.int64)
    change = change_by_lag(values, int(lags[-1]) + 2)
    parts = np.maximum(1, np.rint(lags[:, None] * PARTS).astype(np.int64))
    between = change[:, parts].mean(axis=2)
    ratio = np.divide(change[:, lags], between, out=np.ones_like(between), where=between > 0)
    pairs = np.maximum(count[:, None] - lags, 1)
    good = ratio < np.minimum(demand.ratio, np.exp(-demand.sure * np.sqrt(4 / pairs)))
    good &= (demand.cycles * lags <= count[:, None]) & (count[:, None] < demand.most * lags)
    if demand.lowest:
        good &= _lowest(change, lags)
    ratio = np.where(good, ratio, np.inf)
    first = (good & (ABOUT_AS_GOOD * ratio <= ratio.min(axis=1, keepdims=True))).argmax(axis=1)
    return np.where(good.any(axis=1), lags[first], 1)


def change_by_lag(values: FloatArray, lags: int) -> FloatArray:
    """Variance [B, lags] of the differences of rows [B, T] at each lag below `lags`; NaN is left out, and a straight
    line has none. From a few FFTs, for all lags at once."""
    seen = ~np.isnan(values)
    mean = np.where(seen, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    x = np.where(seen, values - mean, 0.0)
    width = 1 << (values.shape[1] + lags).bit_length()
    known, level, square = (np.fft.rfft(y, width, axis=1) for y in (seen.astype(np.float64), x, x * x))

    def sums(spectrum: np.ndarray) -> FloatArray:
        found: FloatArray = np.fft.irfft(spectrum, width, axis=1)[:, :lags]
        return found

    cross = level.conj() * known
    pairs = np.maximum(np.rint(sums(abs(known) ** 2)), 1.0)
    squares = sums(2 * (square * known.conj()).real) - 2 * sums(abs(level) ** 2)
    total = sums(cross.conj() - cross)
    return np.maximum(squares / pairs - (total / pairs) ** 2, 0.0)


def _lowest(change: FloatArray, lags: IntArray) -> BoolArray:
    here = change[:, lags]
    return (here <= change[:, lags - 1]) & (here <= change[:, lags + 1])
