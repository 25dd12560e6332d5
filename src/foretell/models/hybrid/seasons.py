"""Seasonal profiles: of single periods with recent cycles weighted up, and of two periods together, shrunk."""

from dataclasses import dataclass
from math import log

import numpy as np

from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.past import Past

CYCLES = 6
"""Cycles that a decayed profile averages."""
DECAY = 0.8
"""Weight of a cycle relative to the next newer one."""
CYCLE_WEIGHTS = (DECAY ** np.arange(CYCLES)).astype(np.float32)
FADE = 0.92
"""The same in joint profiles, which average all cycles."""
LOG_FADE = log(FADE)
RECENT = 16
"""Newest points from which the level beside a profile is estimated."""
SMOOTH_FROM = 96
"""A joint profile is smoothed over 1 + 2 * (period // 96) phases."""


def phases(xp: Arrays, steps: Array, period: Array) -> Array:
    """Age of the newest point that shares the phase of a future step: steps [B, H], period [B, 1] -> [B, H]."""
    return period - 1 - xp.phase(steps - 1, period)


def cycle_forecasts(xp: Arrays, now: Past, periods: Array, steps: Array) -> list[Array]:
    """Median of the last cycles of the first period, then three forecasts [B, H] per period [B, 3].

    These three: repeat the last cycle; decayed profile on the last cycle's mean; the same on a recent level.
    """
    p = periods[:, :, None]
    ages = xp.concat([phases(xp, steps[:, None], p), xp.phase(xp.count(RECENT)[None, None], p)], 2)
    cycle = xp.count(CYCLES)
    means = now.span_mean(xp, cycle * p, (cycle + 1) * p)
    ahead = steps.shape[1]
    values: list[Array] = []
    sums: Array = 0.0
    weights: Array = 0.0
    for k in range(CYCLES):  # one by one: six small arrays stay in the cache, one large one does not
        index = ages + k * p
        weight = xp.real(index < now.length[:, :, None]) * CYCLE_WEIGHTS[k]
        values.append(xp.take(now.z, xp.clip(index, None, now.z.shape[1] - 1)))
        sums = sums + (values[k] - means[..., k : k + 1]) * weight
        weights = weights + weight
    profile = sums / (weights + 1e-6)
    recent = (0.7 ** xp.real(xp.count(RECENT))) * now.seen[:, :RECENT]
    height = ((now.z[:, None, :RECENT] - profile[..., ahead:]) * recent[:, None]).sum(axis=-1)
    height = height / recent.sum(axis=-1)[:, None]
    ours = profile[..., :ahead]
    counts = xp.clip((now.length - 1 - ages[:, 0, :ahead]) // periods[:, :1] + 1, 0, CYCLES)
    found = [_cycle_median(xp, xp.stack([x[:, 0, :ahead] for x in values], -1), counts)]
    for i in range(periods.shape[1]):
        found += [values[0][:, i, :ahead], means[:, i, :1] + ours[:, i], height[:, i, None] + ours[:, i]]
    return found


def _cycle_median(xp: Arrays, values: Array, counts: Array) -> Array:
    """[B, H] lower median of the same phase over the newest counts [B, H] of the cycles [B, H, CYCLES]."""
    rows, ahead, cycles = values.shape
    known = xp.where(xp.count(cycles) < counts[..., None], values, values * 0.0 + 1e6)
    ordered = xp.sort(known).reshape(rows * ahead, cycles)
    middle = (counts.reshape(-1, 1) - 1) // 2
    return xp.take(ordered, xp.clip(middle, 0, None)).reshape(rows, ahead)


def cycle_slope(xp: Arrays, now: Past, period: Array) -> Array:
    """[B, 1] change per step between the means of the newest cycle and of up to three cycles before it."""
    cycles = xp.clip(now.length // period, 1, 4)
    newest = now.span_mean(xp, period * 0, period)
    oldest = now.span_mean(xp, (cycles - 1) * period, cycles * period)
    return (newest - oldest) / xp.real(xp.clip((cycles - 1) * period, 1, None))


@dataclass(frozen=True)
class Joint:
    """Two seasonal profiles that add up, each shrunk towards zero by its noise."""

    short: Array
    """[B, M] profile by age modulo the shorter period."""
    long: Array
    """[B, M] profile of what the shorter one leaves."""
    periods: tuple[Array, Array]
    """Two [B, 1] periods, the shorter first; 1 means none."""
    here: Array
    """[B, C] seasonal part at the ages of the past, as `at` gives it."""
    strength: Array
    """[B, 2] shrinkage of each, 0 .. 1."""

    def at(self, xp: Arrays, ages: Array) -> Array:
        """Seasonal part at ages [B, N] (negative ages are future steps) -> [B, N]."""
        short, long = self.periods
        return xp.take(self.short, xp.phase(ages, short)) + xp.take(self.long, xp.phase(ages, long))


def joint_profile(xp: Arrays, now: Past, residual: Array, first: Array, second: Array) -> Joint:
    """Profiles of detrended values [B, C] for two periods [B, 1]; those longer than the history are dropped."""
    size = now.z.shape[1] // 2 + 2
    first, second = (xp.where(p <= now.length, p, p * 0 + 1) for p in (first, second))
    short, long = xp.minimum(first, second), xp.maximum(first, second)
    ages = xp.count(now.z.shape[1])[None]
    of_short, of_long = xp.phase(ages, short), xp.phase(ages, long)
    one, kept_one = _profile(xp, now, residual, of_short, short, size)
    here = xp.take(one, of_short)
    two, kept_two = _profile(xp, now, residual - here, of_long, long, size)
    here = here + xp.take(two, of_long)
    return Joint(one, two, (short, long), here, xp.concat([kept_one, kept_two], 1))


def _profile(xp: Arrays, now: Past, residual: Array, phase: Array, period: Array, size: int) -> tuple[Array, Array]:
    """Smoothed and shrunk phase means [B, size] and the shrinkage [B, 1] (variance components, one-way layout).

    `phase` [B, C] is the age modulo `period` [B, 1]; older cycles count less.
    """
    age = xp.real(xp.count(residual.shape[1]))[None]
    weight = xp.exp((age - xp.real(phase)) * (LOG_FADE / xp.real(period))) * now.seen
    whole = weight.sum(axis=1, keepdims=True)
    counts = (1.0 - xp.exp(LOG_FADE * phase_counts(xp, now.length, period, size))) / (1.0 - FADE)
    part = residual * weight
    centre = part.sum(axis=1, keepdims=True) / whole
    means = xp.phase_sums(part, phase, size) / xp.clip(counts, 1.0, None)
    means = (means - centre) * xp.real(counts > 0)
    between = (means * means * counts).sum(axis=1, keepdims=True) / whole
    total = ((residual - centre) ** 2 * weight).sum(axis=1, keepdims=True) / whole
    points = whole * whole / (weight * weight).sum(axis=1, keepdims=True)
    share = xp.real(period) / xp.maximum(points, xp.real(period))
    half = period // SMOOTH_FROM
    smooth = _smooth(xp, means, period, half)
    left = (total - between) / xp.clip(1.0 - share, 0.1, None) * share / (1.0 + 2.0 * xp.real(half))
    signal = (smooth * smooth * counts).sum(axis=1, keepdims=True) / whole
    kept = xp.clip(1.0 - left / (signal + 1e-6), 0.0, 1.0) * xp.real(period > 1)
    return smooth * kept, kept


def phase_counts(xp: Arrays, length: Array, period: Array, size: int) -> Array:
    """How many of `length` [B, 1] points fall on each phase of `period` [B, 1] -> [B, size]."""
    phase = xp.count(size)[None]
    inside = xp.real(phase < period)
    return xp.real((length - 1 - phase + period) // period) * inside


def _smooth(xp: Arrays, profile: Array, period: Array, half: Array) -> Array:
    """Circular moving average over 2 * half + 1 phases of profiles [B, M]; rows with half = 0 stay as they are."""
    wide = (half > 0)[:, 0]
    if not bool(wide.any()):
        return profile
    smoothed = profile * 1.0
    smoothed[wide] = _circular_mean(xp, profile[wide], period[wide], half[wide])
    return smoothed


def _circular_mean(xp: Arrays, profile: Array, period: Array, half: Array) -> Array:
    place = xp.count(profile.shape[1])[None]
    sums = xp.concat([profile[:, :1] * 0.0, xp.running_sum(profile)], 1)

    def upto(end: Array) -> Array:
        """Sum of phases 0 .. end-1, continued circularly on both sides."""
        around = end // period
        return xp.take(sums, end - around * period) + xp.real(around) * xp.take(sums, period)

    mean = (upto(place + half + 1) - upto(place - half)) / xp.real(2 * half + 1)
    return xp.where(place < period, mean, profile)
