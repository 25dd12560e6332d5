"""What can be said of a series before any model sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from foretell import series as words
from foretell.gaps import fill
from foretell.registry import Limits
from foretell.series import Series


@dataclass(frozen=True, slots=True)
class Prepared:
    """A series ready for a model, with its status; `series` is None where no answer is possible.

    `ahead` counts the missing points at the end that were taken off: a forecast has to reach that much further.
    """

    series: Series | None
    status: str
    ahead: int = 0


def prepare(series: Series, limits: Limits, reach: int = 0) -> Prepared:
    """Trim, cut to the newest points that the model takes, and fill gaps if it needs that.

    Missing values before the first observation are dropped: they say nothing. Up to `reach` missing ones at the end
    are taken off, not filled: a held value would break trend and season. The status is `non_finite`, `all_missing`,
    `too_short` (fewer observations than the model needs), `constant`, `repaired(n)` or `ok`.
    """
    values = series.values
    if len(values) <= limits.max_context and np.isfinite(values).all():
        return _finite(series, limits)
    if np.isinf(values).any():
        return Prepared(None, words.NON_FINITE)
    seen = np.flatnonzero(~np.isnan(values))
    if not len(seen):
        return Prepared(None, words.ALL_MISSING)
    ahead = 0 if limits.missing else min(len(values) - 1 - int(seen[-1]), reach)
    trimmed = newest(oldest(series, len(values) - ahead), min(len(values) - ahead - int(seen[0]), limits.max_context))
    prepared = _with_gaps(trimmed, limits)
    if not ahead or prepared.series is None:
        return prepared
    status = prepared.status
    if status != words.CONSTANT:
        status = words.repaired(ahead + int(np.isnan(trimmed.values).sum()))
    return Prepared(prepared.series, status, ahead)


def prepare_whole(series: Series, limits: Limits) -> Prepared:
    """As `prepare`, for verbs that answer for each point: nothing is trimmed or cut, and too many points `failed`."""
    if not series.reaches(0):
        return Prepared(None, words.failed(words.OUTSIDE))
    if len(series) > limits.max_context:
        return Prepared(None, words.failed(f"takes at most {limits.max_context} points, got {len(series)}"))
    if np.isinf(series.values).any():
        return Prepared(None, words.NON_FINITE)
    return _with_gaps(series, limits)


def _with_gaps(series: Series, limits: Limits) -> Prepared:
    """A series without infinite values, its gaps filled if the model needs that."""
    missing = np.isnan(series.values)
    if missing.all():
        return Prepared(None, words.ALL_MISSING)
    count = int(missing.sum())
    if len(series) - count < limits.min_context:
        return Prepared(None, words.TOO_SHORT)
    if not count or limits.missing:
        return _finite(series, limits)
    return Prepared(replace(series, values=fill(series.values)), words.repaired(count))


def _finite(series: Series, limits: Limits) -> Prepared:
    seen = series.values[~np.isnan(series.values)] if limits.missing else series.values
    if not len(seen):
        return Prepared(None, words.ALL_MISSING)
    if len(seen) < limits.min_context:
        return Prepared(None, words.TOO_SHORT)
    constant = len(seen) > 1 and bool((seen == seen[0]).all())
    return Prepared(series, words.CONSTANT if constant else words.OK)


def oldest(series: Series, count: int) -> Series:
    """The first `count` points; what was known of the future stays."""
    if count >= len(series):
        return series
    past = series.past_covariates
    return replace(
        series,
        values=series.values[:count],
        past_covariates=None if past is None else past[:, :count],
    )


def newest(series: Series, count: int) -> Series:
    """The last `count` points."""
    drop = len(series) - count
    if drop <= 0:
        return series
    start = series.start
    if start is not None and series.step is not None:
        start = int(series.step.times(start, 1, first=drop)[0])
    past, future = series.past_covariates, series.future_covariates
    return replace(
        series,
        values=series.values[drop:],
        start=start,
        past_covariates=None if past is None else past[:, drop:],
        future_covariates=None if future is None else future[:, drop:],
    )
