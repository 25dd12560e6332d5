"""Pictures of forecasts: whatever the step and the span, the axis of time has ticks and says nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foretell.picture import draw, save
from foretell.series import Forecast, Series
from foretell.steps import DAY, SECOND, Step


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
    save(path, [Series(np.arange(20.0))], forecast(3))
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
