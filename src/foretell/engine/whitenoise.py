"""The Ljung-Box test: is there any structure in a series that a forecast could use?

G. M. Ljung and G. E. P. Box, "On a measure of lack of fit in time series models", Biometrika 65 (1978) 297-303,
doi:10.1093/biomet/65.2.297.
"""

from __future__ import annotations

import math

import numpy as np

from foretell.series import FloatArray

LAGS = 16
_DISTANCES = np.arange(1, LAGS + 1)
CRITICAL = 26.29622760486423
"""Of the statistic: what white noise exceeds one time in 20 (chi-square with 16 degrees of freedom)."""


def statistic(values: FloatArray) -> float:
    """The test's Q up to lag 16 for `values` [T], T > 16, all finite. A constant is all structure: infinite."""
    count = len(values)
    padded = np.zeros(count + LAGS)
    centred = np.subtract(values, np.add.reduce(values) / count, out=padded[:count])
    power = float(np.einsum("t,t", centred, centred))
    if power == 0:
        return np.inf
    # Row k of this view is the series k + 1 places further on. einsum, not @: BLAS would start threads for so little.
    lagged = np.ndarray((LAGS, count), np.float64, padded, offset=8, strides=(8, 8))
    correlations = np.einsum("kt,t->k", lagged, centred) / power
    return count * (count + 2) * float(np.add.reduce(correlations * correlations / (count - _DISTANCES)))


def is_white_noise(values: FloatArray) -> bool:
    """Whether the test finds nothing in the observed `values` [T] (p >= 0.05); 16 values or fewer cannot tell."""
    seen = values if math.isfinite(np.add.reduce(values)) else values[np.isfinite(values)]
    return len(seen) > LAGS and statistic(seen) <= CRITICAL
