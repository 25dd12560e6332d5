"""Trend and season by medians: a few wild points leave no trace in them, and thousands of points take milliseconds.

The trend is the running median over one season; the season is, for each place in it, the median of what is left in
the neighbouring cycles, so that it may change slowly. The idea is that of Cleveland et al. (1990), STL, with medians
in place of weighted regressions.
"""

from __future__ import annotations

import numpy as np

from foretell.algorithms.labels import MAD_TO_SIGMA
from foretell.algorithms.seasonality import check_cycles, detect_period
from foretell.series import FloatArray
from foretell.steps import Step

CYCLES = 3
"""A season that was not given must be seen so often: a median of two is no median."""
NEIGHBOURS = 11
"""Cycles that are looked at to learn one; odd."""
PLAIN_WINDOW = 51
"""Points in the running median of a series without a season; odd."""
WILD = 8.0
"""Points further from the median than so many standard deviations do not help to find the period."""


def find_period(values: FloatArray, step: Step | None, given: int | None) -> int:
    """The given period of `values` [T], or the one that they show; 1 where there is none."""
    if given is not None:
        check_cycles(len(values), given)
        return max(1, given)
    found = detect_period(_without_wild(values), step)
    return found if len(values) >= CYCLES * found else 1


def trend_and_season(values: FloatArray, period: int) -> tuple[FloatArray, FloatArray]:
    """Both parts [T] of `values` [T], nothing missing; the season is 0 where the period is 1."""
    from scipy.ndimage import median_filter

    if period < 2:
        return median_filter(values, size=min(PLAIN_WINDOW, len(values)), mode="reflect"), np.zeros(len(values))
    trend = _running_median(values, period)
    cycles = _cycles(values - trend, period)
    season = median_filter(cycles, size=(min(NEIGHBOURS, 2 * len(cycles) - 1), 1), mode="reflect")
    return trend, season.ravel()[: len(values)]


def _without_wild(values: FloatArray) -> FloatArray:
    middle = np.median(values)
    reach = WILD * MAD_TO_SIGMA * np.median(np.abs(values - middle))
    result: FloatArray = np.clip(values, middle - reach, middle + reach) if reach > 0 else values
    return result


def _running_median(values: FloatArray, window: int) -> FloatArray:
    """[T]; where the window would leave the series, the slope of the outermost full windows goes on."""
    from scipy.ndimage import median_filter

    trend: FloatArray = median_filter(values, size=window, mode="nearest")
    first, last = window // 2, len(values) - window // 2 - 1
    reach = min(window, last - first)
    if reach < 1:
        return np.full(len(values), np.median(values))
    index = np.arange(len(values))
    begin = trend[first] + (index - first) * (trend[first + reach] - trend[first]) / reach
    end = trend[last] + (index - last) * (trend[last] - trend[last - reach]) / reach
    return np.where(index < first, begin, np.where(index > last, end, trend))


def _cycles(values: FloatArray, period: int) -> FloatArray:
    """`values` [T] as whole cycles [N, period]; what the last one lacks is taken from the one before."""
    count = -(-len(values) // period)
    cycles = np.resize(values, (count, period))
    missing = count * period - len(values)
    if missing:
        cycles[-1, period - missing :] = cycles[-2, period - missing :]
    return cycles
