"""Values that cannot be meant: a meter's 65535, a -9999 for "nothing", a slipped decimal point."""

import numpy as np

from foretell.series import BoolArray, FloatArray, IntArray

FAR = 5.0
"""An outlier lies at least so many ranges of the other values beyond them."""
RARE = 100
"""One in so many values may be one, at each side."""
LEAST = 20
"""Known values from which on there is a usual range."""
OFTEN = 3
"""What comes so often, always as long after the time before, is no outlier: the job of each night, a weekly peak."""


def without_outliers(values: FloatArray, seasons: tuple[int, ...] = (), named: int | None = None) -> FloatArray:
    """Values [N], newest last, with NaN in place of outliers.

    What comes again after one of `seasons`, in points, is none, nor is what a `named` season had no chance to repeat.
    The newest values are none where the series has not come back from such before: they may be a new level.
    """
    known = np.flatnonzero(~np.isnan(values))
    x = values[known]
    if len(x) < LEAST or not np.isfinite(x).all():
        return values
    rare = max(1, len(x) // RARE)
    low, high = np.partition(x, (rare, len(x) - 1 - rare))[[rare, -1 - rare]]
    reach = FAR * (high - low)
    if not 0 < reach < np.inf:
        return values
    far = (x < low - reach) | (x > high + reach)
    came_back = far[:-1] & ~far[1:]
    if not came_back.any():
        return values
    places = known[far]
    strange = places[~_comes_again(places, known, seasons, named)]
    found = values.copy()
    found[strange] = np.nan
    return found


def _comes_again(places: IntArray, known: IntArray, seasons: tuple[int, ...], named: int | None) -> BoolArray:
    """Which of `places` have others like them, give or take a point, in most of the cycles of a season."""
    again = np.zeros(len(places), bool)
    near = np.unique(np.concatenate([np.maximum(places - 1, 0), places, places + 1]))
    rhythm = _rhythm(places)
    for season in {*seasons, rhythm, named or 0} - {0, 1}:
        hits = np.bincount(near % season, minlength=season)[places % season] - 1
        cycles = np.bincount(known % season, minlength=season)[places % season] - 1
        least = OFTEN - 1 if season == rhythm and season not in seasons else 1
        again |= (hits >= least) & (2 * hits >= cycles)
        if season == named:
            again |= cycles == 0
    return again


def _rhythm(places: IntArray) -> int:
    """The points from one run of places to the next, give or take one, if at least half are so many; else 0."""
    begins = places[np.diff(places, prepend=-2) > 1]
    if len(begins) < OFTEN:
        return 0
    gaps = np.diff(begins)
    middle = int(np.median(gaps))
    return middle if 2 * np.count_nonzero(abs(gaps - middle) <= 1) >= len(gaps) else 0
