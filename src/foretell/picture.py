"""A picture of series and what a model says of them: one panel a series.

A forecast has a band for each pair of levels; anomalies and imputed values are dots.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foretell.results import Detection, Pictured
from foretell.series import BoolArray, FloatArray, Forecast, IntArray, Series, has_forecast
from foretell.titles import title as name_axes
from foretell.wire.table import Groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PANELS = 12
HISTORY = "#3b4252"
AHEAD = "#c4572e"


def draw(
    series: Sequence[Series],
    answer: Pictured,
    title: str = "",
    history: int | None = None,
    times: Sequence[IntArray] | None = None,
    ahead: Sequence[Series] | None = None,
) -> Figure:
    """A figure with the first MAX_PANELS series; `history` limits the points shown of each before a forecast.

    By default up to six horizons, at least 60 points, are shown; all where nothing lies ahead. `times` [T] of each
    series are those of its points, where these need not lie on its grid; `ahead` are the series whose next times are
    those of the forecast, where they are not the history's own.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = min(len(series), MAX_PANELS)
    columns = 1 if shown <= 1 else 2 if shown <= 4 else 3
    rows = max(1, -(-shown // columns))
    width, height = (9.0, 4.2) if shown <= 1 else (4.6 * columns, 2.7 * rows + 0.4)
    figure = Figure(figsize=(width, height), layout="constrained", dpi=120)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for index in range(shown):
        own_times = None if times is None else times[index]
        _panel(axes[index], series[index], answer, index, history, own_times, (ahead or series)[index])
        name_axes(axes[index], series[index].id, width / columns)
    for axis in axes[shown:]:
        axis.set_visible(False)
    left_out = f" (first {shown} of {len(series)} series)" if shown < len(series) else ""
    figure.suptitle((title or _title(answer)) + left_out, fontsize=11)
    if shown:
        known = [axis.get_legend_handles_labels() for axis in axes[:shown]]
        entries = {label: handle for handles, labels in known for handle, label in zip(handles, labels, strict=True)}
        figure.legend(
            entries.values(), entries.keys(), loc="outside lower center", ncols=len(entries), fontsize=8, frameon=False
        )
    return figure


def save(path: Path, groups: Groups, answer: Pictured, ahead: Sequence[Series] | None = None) -> None:
    """Draw into a file; its ending decides between PNG, SVG and PDF."""
    times = None if groups.time_type is None else groups.times
    draw(groups.series, answer, times=times, ahead=ahead).savefig(path)


def goes_on(series: Series, ahead: Series) -> bool:
    """Whether the next time of `ahead` is behind the history, and no later than the history's own next time."""
    first, own = ahead.future_times(1), series.future_times(1)
    if first is None or series.start is None:
        return True
    newest = series.start if series.step is None else series.step.times(series.start, 1, first=len(series) - 1)[0]
    return bool(newest < first[0] and (own is None or first[0] <= own[0]))


def _title(answer: Pictured) -> str:
    """The model; of windows also how many there are, since a statement may show fewer."""
    if not isinstance(answer, Detection):
        return answer.model
    found = sum(len(answer.windows(i)) for i in range(len(answer)))
    return f"{answer.model}: all {found} windows found"


def _panel(
    axis: Axes,
    series: Series,
    answer: Pictured,
    index: int,
    history: int | None,
    times: IntArray | None,
    ahead: Series,
) -> None:
    horizon = answer.horizon if isinstance(answer, Forecast) else 0
    past_x, future_x = _axis(series, horizon, times, ahead)
    shown = slice(-(history or max(60, 6 * horizon)), None) if horizon else slice(None)
    _history(axis, past_x[shown], series.values[shown])
    status, values, is_ahead = answer.status[index], series.values, False
    if not has_forecast(status):
        behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        axis.text(0.5, 0.94, status[:60], transform=axis.transAxes, ha="center", va="top", color=AHEAD, bbox=behind)
    elif isinstance(answer, Forecast):
        _ahead(axis, series, answer, index, past_x, future_x, joined=goes_on(series, ahead))
        is_ahead = True
    elif isinstance(answer, Detection):
        _points(axis, past_x, values, answer.row(index) != answer.normal, "anomaly", above=True)
    else:
        values, imputed = answer.row(index)
        _points(axis, past_x, values, imputed, "imputed", above=False)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.xaxis.get_offset_text().set_fontsize(8)  # the year, as the labels above it
    axis.grid(alpha=0.25, linewidth=0.5)
    if not is_ahead and np.isfinite(values).sum() < 2:
        _ticks_of_one(axis, past_x, values)
    elif past_x.dtype.kind == "M":
        import matplotlib.dates

        dates: Any = matplotlib.dates  # its locators carry no types
        locator = dates.AutoDateLocator(minticks=3, maxticks=7)  # with 5, four days fit no interval
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def _history(axis: Axes, x: Any, values: FloatArray) -> None:
    """A line, and a dot for each value without a neighbour, which no line would show."""
    axis.plot(x, values, color=HISTORY, linewidth=1.2, label="history")
    seen = np.pad(np.isfinite(values), 1)
    lone = seen[1:-1] & ~seen[:-2] & ~seen[2:]
    if lone.any():
        axis.plot(x[lone], values[lone], ".", color=HISTORY, markersize=4)


def _points(axis: Axes, x: Any, values: FloatArray, marked: BoolArray, label: str, above: bool) -> None:
    """The marked points of a history, above it or behind."""
    if marked.any():
        axis.plot(x[marked], values[marked], "o", color=AHEAD, markersize=3.5, label=label, zorder=3 if above else 1.9)


def _ticks_of_one(axis: Axes, x: Any, values: FloatArray) -> None:
    """The one value that a panel shows, and its time; of none there is nothing to measure."""
    seen = np.isfinite(values)
    axis.set_xticks(x[seen], [str(one)[:19].removesuffix("T00:00:00") for one in x[seen]])
    axis.set_yticks(values[seen])


def _ahead(
    axis: Axes, series: Series, forecast: Forecast, index: int, past_x: Any, future_x: Any, joined: bool
) -> None:
    """The point forecast and the bands, all `joined` to the last observation or alone."""
    begin = np.flatnonzero(~np.isnan(series.values))[-1:] if joined else np.empty(0, int)
    x = np.concatenate([past_x[begin], future_x])

    def drawn(ahead: FloatArray) -> FloatArray:
        return np.concatenate([series.values[begin], ahead])

    axis.plot(x, drawn(forecast.point[index]), color=AHEAD, linewidth=1.4, label=forecast.model)
    for inwards, (low, high, text) in enumerate(_bands(forecast, index)):
        alpha = 1 - 0.82 / (1 + 0.2 * inwards)
        axis.fill_between(x, drawn(low), drawn(high), color=AHEAD, alpha=alpha, linewidth=0, label=text)


def _bands(forecast: Forecast, index: int) -> list[tuple[FloatArray, FloatArray, str]]:
    """The pairs of levels from the outermost one inwards; none where there are no bounds for this series."""
    if forecast.quantiles is None or np.isnan(forecast.quantiles[index]).any():
        return []
    quantiles, levels = forecast.quantiles[index], forecast.levels
    return [
        (quantiles[:, i], quantiles[:, -1 - i], f"{levels[-1 - i] - levels[i]:.0%} interval")
        for i in range(len(levels) // 2)
    ]


def _axis(series: Series, horizon: int, times: IntArray | None, ahead: Series) -> tuple[Any, Any]:
    """x values of history and future: times where the series has them, else the index."""
    future = ahead.future_times(horizon)
    if times is not None:
        return times.astype("M8[ns]"), None if future is None else future.astype("M8[ns]")
    if series.start is not None and len(series) == 1:
        return np.array([series.start], "M8[ns]"), None if future is None else future.astype("M8[ns]")
    if future is None or series.start is None or series.step is None:
        return np.arange(len(series)), np.arange(len(series), len(series) + horizon)
    return series.step.times(series.start, len(series)).astype("M8[ns]"), future.astype("M8[ns]")
