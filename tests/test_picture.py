"""Pictures of forecasts: whatever the step and the span, the axis of time has ticks and says nothing else."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from foretell.picture import draw, save
from foretell.results import Detection, Imputation
from foretell.series import Forecast, Series
from foretell.steps import DAY, SECOND, Step
from foretell.wire.table import Groups, read_groups


def forecast(horizon: int) -> Forecast:
    point = np.zeros((1, horizon))
    return Forecast(point, point[..., None] + [-1, 1], (0.1, 0.9), ("ok",), "naive")


@pytest.mark.parametrize("step", [SECOND, 60 * SECOND, 3600 * SECOND, DAY, 7 * DAY])
@pytest.mark.parametrize("count", [1, 5, 30, 100, 366, 1000, 4320, 5760, 7200])
def test_every_span_has_a_few_ticks(step: int, count: int) -> None:
    series = Series(np.arange(float(count)), start=0, step=Step(ns=step), id="a")
    figure = draw([series], forecast(3), history=count)
    figure.canvas.draw()  # matplotlib's warning about spans without a fitting interval would be an error
    assert 1 <= len(figure.axes[0].get_xticks()) <= 9


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_ending_decides(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    save(path, Groups([Series(np.arange(20.0))], pa.table({})), forecast(3))
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm", b"%PDF")


def test_every_pair_of_levels_is_a_band_that_begins_at_the_last_value() -> None:
    point = np.zeros((1, 3))
    made = Forecast(point, point[..., None] + [-2, -1, 0, 1, 2], (0.025, 0.1, 0.5, 0.9, 0.975), ("ok",), "naive")
    figure = draw([Series(np.arange(20.0))], made)
    bands = figure.axes[0].collections
    assert [band.get_label() for band in bands] == ["95% interval", "80% interval"]
    assert [np.asarray(band.get_paths()[0].vertices)[0].tolist() for band in bands] == [[19, 19], [19, 19]]
    assert [text.get_text() for text in figure.legends[0].get_texts()][-2:] == ["95% interval", "80% interval"]


def test_the_legend_names_what_any_panel_has() -> None:
    point = np.full((2, 3), np.nan)
    point[1] = 0
    made = Forecast(point, point[..., None] + [-1, 1], (0.1, 0.9), ("too_short", "ok"), "naive")
    figure = draw([Series(np.arange(2.0)), Series(np.arange(20.0))], made)
    assert len(figure.legends[0].get_texts()) == 3


def nothing(*status: str) -> Forecast:
    return Forecast(np.full((len(status), 3), np.nan), None, (), status, "naive")


def lines(axis: Any, what: str) -> tuple[Any, Any]:
    """Where the dots of a panel lie that have this label or marker."""
    (found,) = [one for one in axis.lines if what in (one.get_label(), one.get_marker())]
    return found.get_xdata(), found.get_ydata().tolist()


def labels(ticks: Any) -> list[str]:
    return [one.get_text() for one in ticks]


def test_a_panel_without_a_forecast_shows_what_there_is() -> None:
    one, gone = Series(np.array([3.0]), start=DAY), Series(np.full(9, np.nan), start=0, step=Step(ns=DAY))
    figure = draw([one, gone, Series(np.array([1.0, np.nan, 2.0]))], nothing("too_short", "all_missing", "too_short"))
    figure.canvas.draw()
    alone, missing, dots = figure.axes[:3]
    assert labels(alone.get_xticklabels()) == ["1970-01-02"] and alone.get_yticks().tolist() == [3]
    assert labels(missing.get_xticklabels()) == labels(missing.get_yticklabels()) == []
    assert labels(missing.texts) == ["all_missing"]
    assert lines(dots, ".")[1] == [1, 2]


@pytest.mark.parametrize("name", ["\u65e5\u672c \U0001f600", "$\\nosuch$ 5$", "a" * 300, "a\nb"])
def test_any_name_is_a_title(name: str) -> None:
    """Without a warning, which would be an error here, and inside of the picture."""
    figure = draw([Series(np.arange(9.0), id=name)] * 2, nothing("too_short", "too_short"))
    figure.savefig(io.BytesIO())
    left, right = (axis.title.get_window_extent() for axis in figure.axes)
    assert left.x0 >= 0 and left.x1 < right.x0 and right.x1 <= figure.bbox.x1


def test_a_panel_of_one_point_has_its_ticks_whatever_its_status() -> None:
    one = Imputation(np.array([[4.0]]), np.array([[False]]), np.array([1]), ("ok",))
    (axis,) = draw([Series(np.array([4.0]), start=DAY)], one).axes
    assert (labels(axis.get_xticklabels()), axis.get_yticks().tolist()) == (["1970-01-02"], [4])


def test_a_group_without_a_name_is_null() -> None:
    table = pa.table({"id": pa.array([None, "a"]), "v": [1.0, 2.0]})
    assert [one.id for one in read_groups(table, "v", ids=["id"]).series] == ["NULL", "a"]


def test_anomalies_are_marked_where_they_are() -> None:
    values = np.array([1.0, 1, 9, 1, 8])
    found = Detection(np.array([[1, 1, -1, 1, 2]]), None, np.array([5]), ("ok",), "iqr")
    times = np.array([0, 1, 2, 3, 99]) * DAY
    (axis,) = draw([Series(values, 0, Step(ns=DAY))], found, times=[times]).axes
    days, marked = lines(axis, "anomaly")
    assert (days.astype("M8[D]").astype(int).tolist(), marked) == ([2, 99], [9, 8])


def test_the_title_says_that_all_windows_are_drawn() -> None:
    found = Detection(np.array([[1, -1, -1, 1, -1]]), None, np.array([5]), ("ok",), "iqr")
    assert draw([Series(np.arange(5.0))], found).get_suptitle() == "iqr: all 2 windows found"


@pytest.mark.parametrize(("start", "joined"), [(20, True), (1000, False), (5, False)])
def test_a_forecast_is_drawn_at_the_times_that_it_has(start: int, joined: bool) -> None:
    daily = Step(ns=DAY)
    history, ahead = Series(np.arange(20.0), 0, daily), Series(np.empty(0), start * DAY, daily)
    (axis,) = draw([history], forecast(3), ahead=[ahead]).axes
    days, _ = lines(axis, "naive")
    places = days.astype("M8[D]").astype(int).tolist()
    assert places == ([19] if joined else []) + [start, start + 1, start + 2]


def test_imputed_values_are_marked_in_the_gaps() -> None:
    marks = np.array([[False, False, True, False]])
    filled = Imputation(np.array([[np.nan, 1.0, 2, 3]]), marks, np.array([3]), ("ok",))
    (axis,) = draw([Series(np.array([1.0, np.nan, 3.0]))], filled).axes
    places, marked = lines(axis, "imputed")
    assert (places.tolist(), marked) == ([1], [2])
