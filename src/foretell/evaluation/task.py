"""What a model is asked, and what only the judge knows.

A `Window` cuts one series at one origin; a `Task` is many windows with one horizon and one seasonal period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from foretell.engine.repair import newest
from foretell.errors import InvalidInput
from foretell.evaluation.metrics import seasonal_scale
from foretell.series import FloatArray, Series
from foretell.steps import DAY, SECOND, Step

MIN_HISTORY = 3
"""Fewer points before an origin are no history."""

HOUR = 3600 * SECOND
CYCLES = ((30 * SECOND, HOUR), (12 * HOUR, DAY), (DAY, 7 * DAY))
"""The cycle of every step up to so many nanoseconds."""


@dataclass(frozen=True, slots=True)
class Window:
    """`series` before `origin` is what a model may see (its newest `max_context` points), the next `horizon` the truth.

    `index` says which of a series' windows it is: 0 for the newest.
    """

    series: Series
    origin: int
    horizon: int
    index: int = 0
    max_context: int | None = None

    def visible(self) -> Series:
        """What the model may see. Covariates known ahead reach to the end of the horizon."""
        past, future = self.series.past_covariates, self.series.future_covariates
        seen = replace(
            self.series,
            values=self.series.values[: self.origin],
            past_covariates=None if past is None else past[:, : self.origin],
            future_covariates=None if future is None else future[:, : self.origin + self.horizon],
        )
        return newest(seen, self.max_context or self.origin)

    def truth(self) -> FloatArray:
        """What it may not see: [H], NaN where missing (an infinite value is no truth)."""
        return _finite(self.series.values[self.origin : self.origin + self.horizon])


@dataclass(frozen=True, eq=False)
class Task:
    """Windows to forecast: N rows, in the order of `windows`. `period` is the season in points (1: none).

    `season_told` says whether all models are told the period, or only the baseline (the others find it themselves).
    `known_scale` [N] replaces the scale of MASE where the visible history is damaged on purpose.
    """

    name: str
    windows: tuple[Window, ...]
    horizon: int
    period: int
    season_told: bool = True
    known_scale: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.windows)

    @cached_property
    def visible(self) -> list[Series]:
        return [w.visible() for w in self.windows]

    @cached_property
    def truth(self) -> FloatArray:
        """[N, H]."""
        return np.array([w.truth() for w in self.windows]).reshape(len(self), self.horizon)

    @cached_property
    def scale(self) -> FloatArray:
        """[N]: the seasonal naive error inside what is visible."""
        if self.known_scale is not None:
            return self.known_scale
        rows = [seasonal_scale(_finite(s.values)[None], self.period)[0] for s in self.visible]
        return np.array(rows, dtype=np.float64)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """[N]: the series that each row belongs to."""
        return tuple(w.series.id for w in self.windows)


def rolling_windows(
    series: Sequence[Series], horizon: int, windows: int = 1, stride: int | None = None, max_context: int | None = None
) -> tuple[Window, ...]:
    """The newest `windows` windows of every series, `stride` points apart (default: the horizon).

    A series too short for an older window takes part in the newer ones only. A window whose truth is missing
    altogether is left out. InvalidInput if no window is left.
    """
    check_counts(horizon=horizon, windows=windows, stride=stride, max_context=max_context)
    candidates = (
        Window(s, len(s) - horizon - index * (stride or horizon), horizon, index, max_context)
        for s in series
        for index in range(windows)
    )
    found = tuple(w for w in candidates if w.origin >= MIN_HISTORY and not np.isnan(w.truth()).all())
    if not found:
        longest = max((len(s) for s in series), default=0)
        needed = horizon + MIN_HISTORY
        raise InvalidInput("horizon", f"a back-test needs {needed} points a series, the longest here has {longest}")
    return found


def check_counts(**counts: int | None) -> None:
    """Each is a whole number of at least 1, or not given."""
    for name, count in counts.items():
        if count is not None and (isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1):
            raise InvalidInput(name, f"must be a whole number of at least 1, got {count!r}")


def season_of(step: Step | None) -> int:
    """The usual season of a spacing, in points.

    A year of months or quarters, a week of days or weekdays, a day of anything from minutes to hours, an hour of
    seconds. Weeks and years have none (1), as in the M4 competition; neither has a series without times.
    """
    if step is None:
        return 1
    if step.months:
        return 12 // step.months if 12 % step.months == 0 else 1
    if step.calendar:
        return min(step.cycles, default=1)
    cycle = next((cycle for longest, cycle in CYCLES if step.ns <= longest), step.ns)
    return cycle // step.ns if cycle % step.ns == 0 else 1


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)
