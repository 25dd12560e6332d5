"""How far a forecast was from the truth. Plain functions over arrays; a smaller value is better, but for coverage.

Axes: B series (or windows of series), T context, H horizon, Q quantile levels. Every function gives one value a row,
[B], as the mean over the H steps whose truth is known: NaN in `truth` is skipped, and a row without any truth is NaN.
NaN in a forecast is never skipped where the truth is known: that row is NaN, because a model that does not answer
must not look good for it.
"""

from __future__ import annotations

import numpy as np

from foretell.series import FloatArray

NEGLIGIBLE = 1e-12
"""A naive error of at most this share of the mean size is rounding: the series is constant."""


def mae(truth: FloatArray, point: FloatArray) -> FloatArray:
    """Mean absolute error [B] of `point` [B, H], in the unit of the data."""
    return _mean_where_known(truth, np.abs(truth - point))


def mse(truth: FloatArray, point: FloatArray) -> FloatArray:
    """Mean squared error [B] of `point` [B, H], in the squared unit of the data."""
    return _mean_where_known(truth, (truth - point) ** 2)


def bias(truth: FloatArray, point: FloatArray) -> FloatArray:
    """What the sum of `point` is above that of the truth, over the sum of |truth|: [B], both [B, H].

    -0.1: a tenth too low in sum, though each step may look well. NaN where the truth is 0.
    """
    total = _mean_where_known(truth, np.abs(truth))
    return _mean_where_known(truth, point - truth) / np.where(total > 0, total, np.nan)


def smape(truth: FloatArray, point: FloatArray) -> FloatArray:
    """Symmetric mean absolute percentage error [B], from 0 to 200.

    The definition of the M4 competition (Makridakis et al. 2020, doi:10.1016/j.ijforecast.2019.04.014):
    200 |y - f| / (|y| + |f|). A step at which both are 0 counts as 0.
    """
    size = np.abs(truth) + np.abs(point)
    exact = size == 0
    return _mean_where_known(truth, np.where(exact, 0.0, 200 * np.abs(truth - point) / np.where(exact, 1.0, size)))


def mase(truth: FloatArray, point: FloatArray, scale: FloatArray) -> FloatArray:
    """Mean absolute scaled error [B]: the mean absolute error over `scale` [B], see `seasonal_scale`.

    Hyndman & Koehler 2006, doi:10.1016/j.ijforecast.2006.03.001. NaN where the scale is.
    """
    return mae(truth, point) / scale


def seasonal_scale(history: FloatArray, period: int) -> FloatArray:
    """The in-sample error [B] of the seasonal naive forecast: mean |x[t] - x[t - period]| over `history` [B, T].

    Pairs with a missing value (or left padding) are skipped. NaN, so that MASE is undefined and not infinite, where
    there is no pair (fewer than `period` + 1 points) or where the history repeats itself exactly.
    """
    if history.shape[1] <= period:
        return np.full(len(history), np.nan)
    change = np.abs(history[:, period:] - history[:, :-period])
    scale = _mean_where_known(change, change)
    size = _mean_where_known(history, np.abs(history))
    return np.where(scale > NEGLIGIBLE * size, scale, np.nan)


def quantile_loss(truth: FloatArray, quantiles: FloatArray, levels: tuple[float, ...]) -> FloatArray:
    """Twice the pinball loss [B] of `quantiles` [B, H, Q], averaged over steps and levels, in the unit of the data.

    With evenly spread levels this approximates the continuous ranked probability score (Gneiting & Raftery 2007,
    doi:10.1198/016214506000001437); at the level 0.5 alone it is the absolute error.
    """
    error = truth[:, :, None] - quantiles
    level = np.array(levels)
    return _mean_where_known(truth, 2 * np.maximum(level * error, (level - 1) * error).mean(2))


def weighted_quantile_loss(truth: FloatArray, quantiles: FloatArray, levels: tuple[float, ...]) -> FloatArray:
    """`quantile_loss` over the mean size of the truth, [B]: the CRPS without a unit. NaN where the truth is 0.

    For many series pool them, as is usual (Park et al. 2022, arXiv:2111.06581): sum of losses over sum of sizes.
    """
    size = _mean_where_known(truth, np.abs(truth))
    return quantile_loss(truth, quantiles, levels) / np.where(size > 0, size, np.nan)


def size(truth: FloatArray) -> FloatArray:
    """Sum of the known |y| [B]: the weight of a row in the pooled weighted quantile loss."""
    return np.asarray(np.nansum(np.abs(truth), axis=1))


def coverage(truth: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """The share [B] of the truth that lies in the interval `lower` .. `upper`, both [B, H], ends included."""
    inside = ((truth >= lower) & (truth <= upper)).astype(np.float64)
    unknown = np.isnan(lower) | np.isnan(upper)
    return _mean_where_known(truth, np.where(unknown, np.nan, inside))


def relative_error(error: FloatArray, baseline: FloatArray) -> FloatArray:
    """`error` / `baseline`, both [B], between 0.01 and 100, so that no single series decides a geometric mean.

    Both 0: 1, equally good. NaN where either is.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((error == 0) & (baseline == 0), 1.0, error / baseline)
    return np.clip(ratio, 0.01, 100.0)


def geometric_mean(ratios: FloatArray) -> float:
    """The geometric mean of positive ratios [B], NaN left out; NaN if none is left."""
    known = ratios[~np.isnan(ratios)]
    return float(np.exp(np.log(known).mean())) if len(known) else float("nan")


def _mean_where_known(truth: FloatArray, error: FloatArray) -> FloatArray:
    """The mean [B] of `error` [B, H] over the steps at which `truth` [B, H] is known."""
    known = ~np.isnan(truth)
    count = known.sum(1)
    total = np.where(known, error, 0.0).sum(1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
