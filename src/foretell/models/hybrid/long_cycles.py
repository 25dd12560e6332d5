"""A cycle too long for the network's context (a day of minutes, a week of five minutes), from a longer history.

It is found by autocorrelation, kept only if it foretells its own newest two turns better than the best short cycle
does, taken out of what the network sees, and put back ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foretell.models.hybrid.seasons import DECAY
from foretell.series import FloatArray

COARSE = 8
"""Points averaged into one for the first look."""
TURNS = 3
"""Whole turns that the history must hold."""
MOST_TURNS = 12
"""Newest turns that a profile averages, each with DECAY times the next newer one's weight."""
AS_GOOD = 0.95
"""The shortest lag with this share of the highest autocorrelation is taken."""
EXPLAINED = 0.3
"""Least share of the variance of each of the two newest turns that the turns before them must explain."""
LEFT = 0.85
"""What it leaves unexplained in each of them is at most this share of what the best short cycle leaves."""
SMOOTHING = (0, 512, 96)
"""A profile is averaged over 1 + 2 * (period // this) phases (0: not at all), as does best in the newest turn."""


@dataclass(frozen=True, slots=True)
class LongCycle:
    """A profile with mean zero; its last value belongs to the newest point of the history."""

    profile: FloatArray

    def before(self, count: int) -> FloatArray:
        """Its part in the newest `count` points."""
        return self.profile[np.arange(-count, 0) % len(self.profile)]

    def ahead(self, steps: int) -> FloatArray:
        """Its part in the next `steps`."""
        return self.profile[np.arange(steps) % len(self.profile)]


def find_long_cycle(values: FloatArray, shortest: int) -> LongCycle | None:
    """The cycle of at least `shortest` points in values [T], NaN where missing (the newest is known); None: none."""
    most = len(values) // TURNS
    if most <= shortest:
        return None
    x = values - values[-1]
    x[~np.isfinite(x)] = np.nan
    unit = float(np.nanmax(np.abs(x))) or 1.0
    x /= unit
    rough = _autocorrelation(_averages(x))
    long = _peak(rough, -(-shortest // COARSE), most // COARSE)
    short = _peak(rough, 2, shortest // COARSE)
    if not long or rough[long] < max(EXPLAINED, rough[short] if short else 0.0):
        return None
    r = _autocorrelation(x)
    period = _exact(r, long * COARSE, 2 * COARSE, shortest, most)
    short = _peak(r, 2, shortest)
    short = _exact(r, short, short // 50, 2, shortest)
    smoothing = max(SMOOTHING, key=lambda s: _explained(x, period, 0, period, s))
    for turn in (0, 1):
        explained = _explained(x, period, turn, period, smoothing)
        rival = _explained(x, short, turn, period, smoothing) if short else 0.0
        if explained < EXPLAINED or 1 - explained > LEFT * (1 - max(0.0, rival)):
            return None
    older = _profile(x[:-period], period, smoothing)
    known = ~np.isnan(x[-period:])
    newest = x[-period:][known] - x[-period:][known].mean()
    share = float(newest @ older[known] / (older[known] @ older[known]))  # both explained some: not zero
    return LongCycle(_profile(x, period, smoothing) * (min(1.0, max(0.0, share)) * unit))


def _peak(r: FloatArray, least: int, most: int) -> int:
    """The shortest lag within least .. most - 1 that is as good as the best of autocorrelations r; 0: none."""
    crossing = int(np.argmax(r < 0))  # nearer lags are alike because they are near
    lags = np.arange(max(least, crossing), most) if crossing else np.arange(0)
    peaks = lags[(r[lags] > r[lags - 1]) & (r[lags] >= r[lags + 1]) & (r[lags] > 0)]
    score = r[peaks] * np.sqrt(1 - peaks / len(r))
    return int(peaks[score >= AS_GOOD * score.max()][0]) if len(peaks) else 0


def _exact(r: FloatArray, found: int, about: int, least: int, most: int) -> int:
    """The lag near `found` (0 stays 0) whose multiples have the highest autocorrelations."""
    if not found:
        return 0
    near = np.arange(max(least, found - about), min(most, found + about + 1))
    turns = np.arange(1, max(2, min(MOST_TURNS, len(r) // 2 // int(near[-1])) + 1))
    lags = np.outer(turns, near)
    return int(near[np.argmax((r[lags] * (len(r) - lags)).sum(0))])


def _averages(x: FloatArray) -> FloatArray:
    """Means of every COARSE known values of x, counted from its end; NaN where none is known."""
    count = len(x) // COARSE
    parts = x[len(x) - count * COARSE :].reshape(count, COARSE)
    known = (~np.isnan(parts)).sum(1)
    means: FloatArray = np.where(known > 0, np.where(np.isnan(parts), 0, parts).sum(1) / np.maximum(known, 1), np.nan)
    return means


def _autocorrelation(x: FloatArray) -> FloatArray:
    """Of x [T] at lags 0 .. T - 1; missing values count as the mean."""
    flat = np.where(np.isnan(x), 0.0, x - np.nanmean(x))
    power = np.abs(np.fft.rfft(flat, 2 * len(x))) ** 2
    r: FloatArray = np.fft.irfft(power, 2 * len(x))[: len(x)]
    return r * len(x) / (len(x) - np.arange(len(x))) / (r[0] or 1.0)


def _profile(x: FloatArray, period: int, smoothing: int) -> FloatArray:
    """[P] weighted means of the newest turns of x [T], each less its own mean, ending at its newest point."""
    turns = min(MOST_TURNS, len(x) // period)
    y = x[len(x) - turns * period :].reshape(turns, period)
    known = ~np.isnan(y)
    y = np.where(known, y, 0.0)
    level = y.sum(1, keepdims=True) / np.maximum(known.sum(1, keepdims=True), 1)
    weight = known * (DECAY ** np.arange(turns)[::-1])[:, None]
    total = weight.sum(0)
    mean = (weight * (y - level)).sum(0) / np.where(total > 0, total, 1.0)
    half = period // smoothing if smoothing else 0
    if half:
        sums = np.concatenate([[0.0], mean[-half:], mean, mean[:half]]).cumsum()
        mean = (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)
    centred: FloatArray = mean - mean.mean()
    return centred


def _explained(x: FloatArray, period: int, turn: int, span: int, smoothing: int) -> float:
    """Share of the variance of a `span` of x, `turn` spans before its end, that the turns before it explain."""
    end = len(x) - turn * span
    truth = x[end - span : end]
    known = ~np.isnan(truth)
    if 2 * known.sum() < span:
        return 0.0
    miss = truth - _profile(x[: end - span], period, smoothing)[np.arange(span) % period]
    spread = truth[known].var()
    return float(1 - miss[known].var() / spread) if spread > 0 else 0.0
