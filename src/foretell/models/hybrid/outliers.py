"""Values that cannot be meant: a meter's 65535, a -9999 for "nothing", a slipped decimal point."""

import numpy as np

from foretell.series import FloatArray

FAR = 5.0
"""An outlier lies at least so many ranges of the other values beyond them."""
RARE = 100
"""One in so many values may be one, at each side."""
LEAST = 20
"""Known values from which on there is a usual range."""


def without_outliers(values: FloatArray) -> FloatArray:
    """Values [N], newest last, with NaN in place of outliers.

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
    found = values.copy()
    found[known[far]] = np.nan
    return found
