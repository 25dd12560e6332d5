"""The Ljung-Box test: is there any structure in a series that a forecast could use?

G. M. Ljung and G. E. P. Box, "On a measure of lack of fit in time series models", Biometrika 65 (1978) 297-303,
doi:10.1093/biomet/65.2.297.
"""

from __future__ import annotations

import numpy as np

from foretell.series import FloatArray

LAGS = 16
SIGNIFICANCE = 0.05


def ljung_box(values: FloatArray, lags: int = LAGS) -> float:
    """The p-value of "no autocorrelation up to lag `lags`" for `values` [T], T > lags, all finite.

    A constant is all structure: 0.
    """
    from scipy.special import gammaincc  # a quarter of a second that only this check pays

    count = len(values)
    centred = values - values.mean()
    power = float(np.einsum("t,t", centred, centred))
    if power == 0:
        return 0.0
    # Row k of this view is the series k + 1 places further on. einsum, not @: BLAS would start threads for so little.
    padded = np.concatenate([centred[1:], np.zeros(lags)])
    lagged = np.lib.stride_tricks.as_strided(padded, (lags, count), (padded.itemsize, padded.itemsize))
    correlations = np.einsum("kt,t->k", lagged, centred) / power
    distances = np.arange(1, lags + 1)
    statistic = count * (count + 2) * float(np.sum(correlations**2 / (count - distances)))
    return float(gammaincc(lags / 2, statistic / 2))


def is_white_noise(values: FloatArray) -> bool:
    """Whether the test at lag 16 finds nothing in the observed `values` [T]; 16 values or fewer cannot tell."""
    seen = values[np.isfinite(values)]
    return len(seen) > LAGS and ljung_box(seen) >= SIGNIFICANCE
