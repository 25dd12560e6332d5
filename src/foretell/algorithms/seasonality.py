"""The period of a series: how many points one season has, found in the autocorrelation. 1 where there is none.

The natural periods of the step (a year of months, a week of days, a day of hours, ...) are asked first; only where
none of them stands out is any other lag considered, and then it must stand out more. Two views of the series are
asked, one without its straight line and one of its differences (a season on top of a random walk shows only there).
A lag stands out when its autocorrelation is

* significant: above `z` times Bartlett's standard error, as in the seasonality test of the M4 benchmarks
  (Makridakis, Spiliotis, Assimakopoulos 2020, doi:10.1016/j.ijforecast.2019.04.014);
* above the lowest of the lags before it by `rise`, which a slowly falling autocorrelation (a random walk) is not;
* for a lag that is not natural: a peak, and one of the shortest among those about as good (not 24 where it is 12).

Where nothing stands out in few cycles, differences are asked (few_cycles.py).

Lags are compared by the mean autocorrelation at the lag, its double and its triple, which tells 12 from 11 and 13.
Autocorrelations of all rows come from one FFT (Wiener-Khinchin), so a batch of thousands costs no loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from foretell.algorithms.few_cycles import Few, period_of_few_cycles
from foretell.algorithms.one_by_one import Unsuitable
from foretell.registry import Option
from foretell.series import Batch, BoolArray, FloatArray, IntArray
from foretell.steps import DAY, SECOND, Step


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of a lag; it must fit into the series `cycles` times."""

    z: float
    rise: float
    cycles: int


CYCLES = 2
NATURAL = Demand(z=1.645, rise=0.15, cycles=CYCLES)
OTHER = Demand(z=3.0, rise=0.3, cycles=3)
FEW_NATURAL = Few(cycles=CYCLES, most=6, ratio=0.4, sure=2.0, lowest=False)
FEW_OTHER = Few(cycles=3, most=12, ratio=0.3, sure=4.0, lowest=True)
SHORT = 400
"""Points up to which lags that are not natural are looked for in differences."""
ABOUT_AS_GOOD = 0.85
MUCH_SHORTER = 0.75
HARMONICS = 3
LONGEST = 2000
NEWEST = 8192
"""Only the newest points are looked at; enough for any period up to `LONGEST`."""
ROWS_AT_ONCE = 128

PERIOD = Option(None, "points in one season; 0 or 1: no season; not given: found in the series", int, low=0, high=1e6)
"""The option of every method that wants a period."""

NATURAL_SPANS = (60 * SECOND, 3600 * SECOND, DAY, 7 * DAY)
WEEKS_A_YEAR = 52


@lru_cache
def natural_periods(step: Step | None) -> tuple[int, ...]:
    """Periods, in points, that people give to a series with this step; shortest first."""
    if step is None:
        return ()
    if step.months:
        return (12 // step.months,) if step.months in (1, 2, 3, 4, 6) else ()
    if step.calendar:
        return tuple(p for p in step.cycles if p <= LONGEST)
    if step.ns == 7 * DAY:
        return (WEEKS_A_YEAR,)
    spans = [span // step.ns for span in NATURAL_SPANS if span % step.ns == 0]
    return tuple(p for p in spans if 1 < p <= LONGEST)


def periods_of(batch: Batch, given: int | None = None) -> IntArray:
    """Period [B] of each row: the given one (0 means 1: no season), else the detected one."""
    if given is not None:
        return np.full(len(batch), max(1, given), dtype=np.int64)
    found = np.ones(len(batch), dtype=np.int64)
    by_step = {step: natural_periods(step) for step in set(batch.steps)}
    for candidates in set(by_step.values()):
        rows = np.array([i for i, step in enumerate(batch.steps) if by_step[step] == candidates])
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            found[part] = detect_periods(batch.values[part, -NEWEST:], candidates)
    return found


def check_cycles(length: int, period: int) -> None:
    """A method that fits a season needs to see it twice; detected periods always fit."""
    if period > 1 and length < CYCLES * period:
        raise Unsuitable(f"period {period} needs at least {CYCLES * period} values, got {length}")


def detect_period(values: FloatArray, step: Step | None = None) -> int:
    """The period of one series [T]; 1 where it has none."""
    return int(detect_periods(values[None, -NEWEST:], natural_periods(step))[0])


def nested_periods(values: FloatArray, step: Step | None = None) -> tuple[int, ...]:
    """The period of one series [T] and the shorter natural ones that it shows as well (a day within a week)."""
    longest = detect_period(values, step)
    shorter = [p for p in natural_periods(step) if p < longest and longest % p == 0]
    return (*(p for p in shorter if shows(values, p)), longest)


def shows(values: FloatArray, period: int) -> bool:
    """Whether one series [T] has this period, if it is looked at first."""
    return bool(detect_periods(values[None, -NEWEST:], (period,))[0] == period)


def detect_periods(values: FloatArray, natural: tuple[int, ...] = ()) -> IntArray:
    """Periods [B] of rows [B, T]; NaN is padding or missing."""
    count = (~np.isnan(values)).sum(axis=1)
    lags = min(LONGEST, values.shape[1] // NATURAL.cycles) + 1
    if lags < 3:
        return np.ones(len(values), dtype=np.int64)
    values = _at_most_one(values)
    views = [_View.of(v, count, lags) for v in (values, np.diff(values, axis=1))]
    natural = tuple(lag for lag in natural if lag < lags)
    found = np.ones(len(values), dtype=np.int64)
    if natural:
        score = np.maximum(*(v.scores(NATURAL)[:, natural] for v in views))
        found = np.where(score.max(axis=1) > 0, np.array(natural)[score.argmax(axis=1)], 1)
        few = (found == 1) & (count < FEW_NATURAL.most * natural[-1])
        found[few] = period_of_few_cycles(values[few], count[few], np.array(natural), FEW_NATURAL)
    rest = found == 1
    if rest.any():
        found[rest] = _shortest_good(np.maximum(*(v.take(rest).peaks_only(OTHER) for v in views)))
    few = (found == 1) & (count <= SHORT)
    if few.any() and not natural:
        found[few] = period_of_few_cycles(values[few, -SHORT:], count[few], np.arange(3, SHORT // 3), FEW_OTHER)
    return found


def _shortest_good(scores: FloatArray) -> IntArray:
    """The best lag [B], or one much shorter (12 rather than 24) that is about as good; 1 where none is."""
    best = scores.max(axis=1, keepdims=True)
    at_best = scores.argmax(axis=1)[:, None]
    lags = np.arange(scores.shape[1])
    good = (scores >= ABOUT_AS_GOOD * best) & ((lags == at_best) | (lags < MUCH_SHORTER * at_best))
    return np.where(best[:, 0] > 0, good.argmax(axis=1), 1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _View:
    """Autocorrelations [B, lags] of one view of the rows, their standard errors, and the rise above the lags before."""

    correlation: FloatArray
    error: FloatArray
    rise: FloatArray
    count: IntArray

    @classmethod
    def of(cls, values: FloatArray, count: IntArray, lags: int) -> _View:
        correlation = autocorrelation(_without_line(values), lags)
        squares = np.cumsum(correlation**2, axis=1) - 1
        error = np.sqrt(np.maximum(1 + 2 * _shifted(squares, 0.0), 1) / np.maximum(count, 1)[:, None])
        trough = np.minimum.accumulate(_shifted(correlation, 1.0), axis=1)
        return cls(correlation, error, correlation - trough, count)

    def take(self, rows: BoolArray) -> _View:
        return _View(self.correlation[rows], self.error[rows], self.rise[rows], self.count[rows])

    def scores(self, demand: Demand) -> FloatArray:
        """Mean correlation [B, lags] at each lag and its multiples; -inf where the lag does not meet the demand."""
        lags = np.arange(self.correlation.shape[1])
        good = (self.rise > demand.rise) & (self.correlation > demand.z * self.error)
        good &= (lags > 1) & (demand.cycles * lags <= self.count[:, None])
        total = self.correlation.copy()
        times = np.ones(len(lags))
        for k in range(2, HARMONICS + 1):
            inside = (len(lags) - 1) // k + 1
            total[:, :inside] += self.correlation[:, ::k]
            times[:inside] += 1
        return np.where(good, total / times, -np.inf)

    def peaks_only(self, demand: Demand) -> FloatArray:
        """The scores of lags that are not lower than their neighbours."""
        left = _shifted(self.correlation, -np.inf)
        right = _shifted(self.correlation[:, ::-1], -np.inf)[:, ::-1]
        is_peak = (self.correlation >= left) & (self.correlation >= right)
        return np.where(is_peak, self.scores(demand), -np.inf)


def autocorrelation(values: FloatArray, lags: int) -> FloatArray:
    """Autocorrelation [B, lags], lag 0 first, of rows [B, T] with mean 0; zeros for a row of zeros."""
    width = 1 << (values.shape[1] + lags).bit_length()
    power = np.abs(np.fft.rfft(values, width, axis=1)) ** 2
    covariance = np.fft.irfft(power, axis=1)[:, :lags]
    variance = covariance[:, :1]
    result: FloatArray = np.divide(covariance, variance, out=np.zeros_like(covariance), where=variance > 0)
    return result


def _at_most_one(values: FloatArray) -> FloatArray:
    """Rows divided by their largest size, so that nothing overflows."""
    largest = np.max(np.where(np.isnan(values), 0.0, np.abs(values)), axis=1, keepdims=True, initial=0.0)
    result: FloatArray = values / np.where(largest > 0, largest, 1.0)
    return result


def _without_line(values: FloatArray) -> FloatArray:
    """Rows without their least-squares line, missing points 0; what is left of a straight line is 0 too."""
    seen = ~np.isnan(values)
    count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    y = np.where(seen, values, 0.0)
    y = np.where(seen, y - y.sum(axis=1, keepdims=True) / count, 0.0)
    time = np.arange(values.shape[1]) * seen
    time = np.where(seen, time - time.sum(axis=1, keepdims=True) / count, 0.0)
    square = (time**2).sum(axis=1, keepdims=True)
    slope = (time * y).sum(axis=1, keepdims=True) / np.where(square > 0, square, 1.0)
    y = y - slope * time
    noise = 1e-12 * np.sqrt(count)  # for values up to 1
    size = np.sqrt((y**2).sum(axis=1, keepdims=True))
    return np.where(size > noise, y, 0.0)


def _shifted(rows: FloatArray, first: float) -> FloatArray:
    """Rows moved one place to the right, `first` in front."""
    return np.concatenate([np.full((len(rows), 1), first), rows[:, :-1]], axis=1)
