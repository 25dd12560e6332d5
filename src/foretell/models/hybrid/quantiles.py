"""Quantiles at any level from those that the network gives."""

from statistics import NormalDist

import numpy as np

from foretell.series import FloatArray


def at_levels(quantiles: FloatArray, trained: tuple[float, ...], asked: tuple[float, ...]) -> FloatArray:
    """Quantiles [B, H, Q] at trained levels -> [B, H, len(asked)], ascending where the levels are.

    Between two trained levels a straight line over the normal distribution's quantiles of the levels; beyond the
    outermost ones the line through the last two goes on, which is a normal tail.
    """
    normal = NormalDist()
    places = np.array([normal.inv_cdf(level) for level in trained])
    wanted = np.array([normal.inv_cdf(level) for level in asked])
    right = np.clip(np.searchsorted(places, wanted), 1, len(places) - 1)
    share = (wanted - places[right - 1]) / (places[right] - places[right - 1])
    low, high = quantiles[..., right - 1], quantiles[..., right]
    found: FloatArray = np.where(share == 1, high, low + (high - low) * share)
    return found
