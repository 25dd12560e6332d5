"""How good the forecasts of a running server turn out: an earlier forecast is scored when the series comes again.

Only series with a name and times can be recognised. The error is in units of the series' own steps (its mean absolute
change from point to point), so that series and models can be compared; 1 is about as good as repeating the last value
one step ahead.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from foretell.series import FloatArray, Forecast, Series, has_forecast
from foretell.steps import Step

MOST_SERIES = 10_000
MOST_STEPS = 64

Scored = Callable[[str, float, float | None], None]
"""Told of a forecast whose truth has come: model, error, and, where it had bounds, how often the truth was within them
over how often it should have been (1 is right)."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A forecast of the steps from `start` on: point [H], bounds [H, 2] or None."""

    start: int
    step: Step
    point: FloatArray
    bounds: FloatArray | None
    expected: float


@dataclass(slots=True)
class Drift:
    """Remembers at most `most` series, the longest unseen forgotten first.

    Threads may see at once: what is remembered is taken out, and put in, in one operation each.
    """

    scored: Scored
    most: int = MOST_SERIES
    _kept: OrderedDict[tuple[str, str], Remembered] = field(default_factory=OrderedDict)

    def see(self, model: str, series: Sequence[Series], forecast: Forecast) -> None:
        """Score what is remembered of these series, and remember their new forecasts."""
        for row, one in enumerate(series):
            if one.id and one.start is not None and one.step is not None and len(one):
                self._see(model, one, forecast, row)

    def _see(self, model: str, series: Series, forecast: Forecast, row: int) -> None:
        key = model, series.id
        kept = self._kept.pop(key, None)
        times = series.future_times(1)
        if times is None:
            return
        if kept is not None and kept.step == series.step:
            if kept.start == times[0]:
                self._kept[key] = kept  # the same question again
                return
            self._score(model, kept, series)
        if has_forecast(forecast.status[row]):
            self._kept[key] = _remembered(int(times[0]), series, forecast, row)
            if len(self._kept) > self.most:
                self._kept.popitem(last=False)

    def _score(self, model: str, kept: Remembered, series: Series) -> None:
        """Compare with the points that have come since; nothing where they are not of the same grid."""
        if series.start is None or series.step is None:
            return
        own = series.step.times(series.start, len(series))
        first = int(np.searchsorted(own, kept.start))
        count = min(len(own) - first, len(kept.point))
        if count < 1 or own[first] != kept.start:
            return
        truth = series.values[first : first + count]
        known = ~np.isnan(truth)
        steps = np.abs(np.diff(series.values))
        scale = float(np.nanmean(steps)) if (~np.isnan(steps)).any() else 0.0
        if not known.any() or not scale > 0:
            return
        error = float(np.abs(truth - kept.point[:count])[known].mean()) / scale
        inside = None
        if kept.bounds is not None:
            low, high = kept.bounds[:count].T
            inside = float(((truth >= low) & (truth <= high))[known].mean()) / kept.expected
        self.scored(model, error, inside)


def _remembered(start: int, series: Series, forecast: Forecast, row: int) -> Remembered:
    if series.step is None:
        raise ValueError("a series without a step has no times to come")
    bounds, expected = None, 0.0
    if forecast.quantiles is not None and len(forecast.levels) > 1:
        bounds = forecast.quantiles[row, :MOST_STEPS][:, [0, -1]].copy()
        expected = forecast.levels[-1] - forecast.levels[0]
    return Remembered(start, series.step, forecast.point[row, :MOST_STEPS].copy(), bounds, expected)
