"""What a picture of a statement's answers needs: histories, what follows them, what was unusual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from foretell.results import Detection
from foretell.series import Forecast, IntArray, Series, has_forecast

if TYPE_CHECKING:
    from foretell.sql.answer import Answer

MOST_SERIES, MOST_POINTS = 12, 1000
Numbers = list[float | None]


class Ahead(msgspec.Struct):
    """A forecast: `low` and `high` are its outermost levels, null where there are none."""

    times: list[float]
    point: Numbers
    low: Numbers | None
    high: Numbers | None


class Plot(msgspec.Struct):
    """One series: its newest points, times in seconds since the epoch, null for missing values.

    `windows` are the first and last times of its anomalies.
    """

    name: str
    times: list[float]
    values: Numbers
    ahead: Ahead | None = None
    windows: list[tuple[float, float]] = []


def plots(answers: Sequence[Answer]) -> list[Plot]:
    """The series of all answers, the first of each at most."""
    found = []
    for answer in answers:
        series = answer.history.groups.series[:MOST_SERIES]
        own = answer.history.groups.times
        for row, one in enumerate(series):
            times = _times(one) if own is None else own[row]
            if times is not None and isinstance(answer.result, Forecast | Detection):
                found.append(_plot(one, times, answer.result, row))
    return found[:MOST_SERIES]


def _plot(series: Series, times: IntArray, result: Forecast | Detection, row: int) -> Plot:
    newest = slice(-MOST_POINTS, None)
    plot = Plot(series.id, _seconds(times[newest]), _numbers(series.values[newest]))
    if isinstance(result, Detection):
        if has_forecast(result.status[row]):
            first, last, _ = result.windows(row).T
            plot.windows = list(zip(_seconds(times[first]), _seconds(times[last]), strict=True))
        return plot
    ahead = series.future_times(result.horizon)
    if ahead is not None and has_forecast(result.status[row]):
        bounds = None if result.quantiles is None else result.quantiles[row]
        low, high = (None, None) if bounds is None else (_numbers(bounds[:, 0]), _numbers(bounds[:, -1]))
        plot.ahead = Ahead(_seconds(ahead), _numbers(result.point[row]), low, high)
    return plot


def _times(series: Series) -> IntArray | None:
    if series.start is None or series.step is None:
        return None
    return series.step.times(series.start, len(series))


def _seconds(times: IntArray) -> list[float]:
    seconds: list[float] = (times / 1e9).tolist()
    return seconds


def _numbers(values: Any) -> Numbers:
    return [value if np.isfinite(value) else None for value in values.tolist()]
