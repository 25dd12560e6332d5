"""What a picture of a statement's answers needs: histories, what follows them, what was unusual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from foretell.picture import goes_on
from foretell.results import Detection
from foretell.series import FloatArray, Forecast, IntArray, Series, has_forecast

if TYPE_CHECKING:
    from foretell.sql.answer import Answer

MOST_SERIES, MOST_POINTS = 12, 2000
Numbers = list[float | None]


class Ahead(msgspec.Struct):
    """A forecast: `low` and `high` are its outermost levels, null where there are none.

    `joined`: it goes on from the history, and does not stand somewhere else in time.
    """

    times: list[float]
    point: Numbers
    low: Numbers | None
    high: Numbers | None
    joined: bool


class Plot(msgspec.Struct):
    """One series, of `points` points: times in seconds since the epoch, null for missing values.

    Of a long one the newest before a forecast, else the least and the largest of each stretch. `windows` are the first
    and last times of its anomalies, of all that were found.
    """

    name: str
    points: int
    times: list[float]
    values: Numbers
    ahead: Ahead | None = None
    windows: list[tuple[float, float]] | None = None


def plots(answers: Sequence[Answer]) -> list[Plot]:
    """The series of all answers, the first of each at most."""
    found = []
    for answer in answers:
        series = answer.history.groups.series[:MOST_SERIES]
        own = answer.history.groups.times
        for row, one in enumerate(series):
            times = _times(one) if own is None else own[row]
            if times is None:
                continue
            if isinstance(answer.result, Forecast):
                found.append(_forecast(one, times, answer.result, row, (answer.ahead or series)[row]))
            elif isinstance(answer.result, Detection):
                found.append(_detection(one, times, answer.result, row))
    return found[:MOST_SERIES]


def _forecast(series: Series, times: IntArray, forecast: Forecast, row: int, next_of: Series) -> Plot:
    plot = _plot(series, times, slice(-MOST_POINTS, None))
    ahead = next_of.future_times(forecast.horizon)
    if ahead is not None and has_forecast(forecast.status[row]):
        bounds = None if forecast.quantiles is None else forecast.quantiles[row]
        low, high = (None, None) if bounds is None else (_numbers(bounds[:, 0]), _numbers(bounds[:, -1]))
        point = _numbers(forecast.point[row])
        plot.ahead = Ahead(_seconds(ahead), point, low, high, goes_on(series, next_of))
    return plot


def _detection(series: Series, times: IntArray, detection: Detection, row: int) -> Plot:
    plot = _plot(series, times, outline(series.values, MOST_POINTS))
    if has_forecast(detection.status[row]):
        first, last, _ = detection.windows(row).T
        plot.windows = list(zip(_seconds(times[first]), _seconds(times[last]), strict=True))
    return plot


def _plot(series: Series, times: IntArray, shown: slice | IntArray) -> Plot:
    return Plot(series.id, len(series), _seconds(times[shown]), _numbers(series.values[shown]))


def outline(values: FloatArray, most: int) -> IntArray:
    """Which of the values [T] to draw so that a line looks as if it went through all: `most` or a few more.

    The least and the largest of each stretch; a stretch of missing values stays one.
    """
    places = np.arange(len(values))
    if len(values) <= most:
        return places
    stretch = places * (most // 2) // len(values)
    missing = np.isnan(values)
    rising = np.lexsort((np.where(missing, np.inf, values), stretch))
    falling = np.lexsort((np.where(missing, np.inf, -values), stretch))
    begins = np.flatnonzero(np.diff(stretch, prepend=-1))
    return np.unique(np.concatenate([rising[begins], falling[begins], places[:1], places[-1:]]))


def _times(series: Series) -> IntArray | None:
    if series.start is None or series.step is None:
        return None
    return series.step.times(series.start, len(series))


def _seconds(times: IntArray) -> list[float]:
    seconds: list[float] = (times / 1e9).tolist()
    return seconds


def _numbers(values: Any) -> Numbers:
    return [value if np.isfinite(value) else None for value in values.tolist()]
