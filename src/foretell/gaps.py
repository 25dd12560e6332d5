"""Gaps in a series, and the plainest way to close them."""

from __future__ import annotations

import numpy as np

from foretell.series import FloatArray


def fill(values: FloatArray) -> FloatArray:
    """`values` [T], at least one seen, with NaN replaced: linearly between neighbours, by the nearest value outside."""
    missing = np.isnan(values)
    filled = values.copy()
    index = np.arange(len(values))
    filled[missing] = np.interp(index[missing], index[~missing], values[~missing])
    return filled
