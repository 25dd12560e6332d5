"""A picture of histories and forecasts: one panel a series, with a band for each pair of levels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foretell.series import FloatArray, Forecast, Series, has_forecast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PANELS = 12
HISTORY = "#3b4252"
AHEAD = "#c4572e"


def draw(series: Sequence[Series], forecast: Forecast, title: str = "", history: int | None = None) -> Figure:
    """A figure with the first MAX_PANELS series; `history` limits the points shown before the forecast.

    By default up to six horizons, at least 60 points, are shown.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = min(len(series), MAX_PANELS)
    columns = 1 if shown <= 1 else 2 if shown <= 4 else 3
    rows = max(1, -(-shown // columns))
    size = (9.0, 4.2) if shown <= 1 else (4.6 * columns, 2.7 * rows + 0.4)
    figure = Figure(figsize=size, layout="constrained", dpi=120)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for index in range(shown):
        _panel(axes[index], series[index], forecast, index, history or max(60, 6 * forecast.horizon))
    for axis in axes[shown:]:
        axis.set_visible(False)
    left_out = f" (first {shown} of {len(series)} series)" if shown < len(series) else ""
    figure.suptitle((title or forecast.model) + left_out, fontsize=11)
    if shown:
        handles, labels = max(
            (axis.get_legend_handles_labels() for axis in axes[:shown]), key=lambda both: len(both[0])
        )
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    return figure


def save(path: Path, series: Sequence[Series], forecast: Forecast) -> None:
    """Draw into a file; its ending decides between PNG, SVG and PDF."""
    draw(series, forecast).savefig(path)


def _panel(axis: Axes, series: Series, forecast: Forecast, index: int, history: int) -> None:
    past_x, future_x = _axis(series, forecast.horizon)
    axis.plot(past_x[-history:], series.values[-history:], color=HISTORY, linewidth=1.2, label="history")
    status = forecast.status[index]
    if has_forecast(status):
        _ahead(axis, series, forecast, index, past_x, future_x)
    else:
        behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        axis.text(0.5, 0.5, status[:60], transform=axis.transAxes, ha="center", color=AHEAD, bbox=behind)
    axis.set_title(series.id, fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25, linewidth=0.5)
    if past_x.dtype.kind == "M":
        import matplotlib.dates

        dates: Any = matplotlib.dates  # its locators carry no types
        locator = dates.AutoDateLocator(minticks=3, maxticks=7)  # with 5, four days fit no interval
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def _ahead(axis: Axes, series: Series, forecast: Forecast, index: int, past_x: Any, future_x: Any) -> None:
    """The point forecast and the bands, all joined to the last observation."""
    newest = np.flatnonzero(~np.isnan(series.values))[-1:]
    x = np.concatenate([past_x[newest], future_x])

    def joined(ahead: FloatArray) -> FloatArray:
        return np.concatenate([series.values[newest], ahead])

    axis.plot(x, joined(forecast.point[index]), color=AHEAD, linewidth=1.4, label=forecast.model)
    for inwards, (low, high, text) in enumerate(_bands(forecast, index)):
        alpha = 1 - 0.82 / (1 + 0.2 * inwards)
        axis.fill_between(x, joined(low), joined(high), color=AHEAD, alpha=alpha, linewidth=0, label=text)


def _bands(forecast: Forecast, index: int) -> list[tuple[FloatArray, FloatArray, str]]:
    """The pairs of levels from the outermost one inwards; none where there are no bounds for this series."""
    if forecast.quantiles is None or np.isnan(forecast.quantiles[index]).any():
        return []
    quantiles, levels = forecast.quantiles[index], forecast.levels
    return [
        (quantiles[:, i], quantiles[:, -1 - i], f"{levels[-1 - i] - levels[i]:.0%} interval")
        for i in range(len(levels) // 2)
    ]


def _axis(series: Series, horizon: int) -> tuple[Any, Any]:
    """x values of history and future: times where the series has them, else the index."""
    future = series.future_times(horizon)
    if future is None or series.start is None or series.step is None:
        return np.arange(len(series)), np.arange(len(series), len(series) + horizon)
    return series.step.times(series.start, len(series)).astype("M8[ns]"), future.astype("M8[ns]")
