"""What a model may see, and that it sees no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foretell.calendars import BUSINESS, Week
from foretell.errors import InvalidInput
from foretell.evaluation.task import Task, Window, rolling_windows, season_of
from foretell.series import Series
from foretell.steps import DAY, SECOND, Step

COUNT = Series(np.arange(20.0), start=0, step=Step(ns=DAY), id="count")


def test_visible_and_truth_share_nothing_and_leave_nothing_out() -> None:
    window = Window(COUNT, origin=12, horizon=5)
    np.testing.assert_array_equal(window.visible().values, np.arange(12.0))
    np.testing.assert_array_equal(window.truth(), np.arange(12.0, 17.0))


def test_changing_the_future_does_not_change_what_is_visible() -> None:
    other = Series(np.concatenate([COUNT.values[:12], np.full(8, 99.0)]), 0, Step(ns=DAY), "count")
    before, after = Window(COUNT, 12, 5).visible(), Window(other, 12, 5).visible()
    np.testing.assert_array_equal(before.values, after.values)


def test_max_context_keeps_the_newest_points_and_their_times() -> None:
    seen = Window(COUNT, 12, 5, max_context=4).visible()
    np.testing.assert_array_equal(seen.values, [8, 9, 10, 11])
    assert seen.start == 8 * DAY


def test_covariates_are_cut_with_the_series() -> None:
    known = np.arange(40.0).reshape(2, 20)
    seen = Window(Series(COUNT.values, past_covariates=known, future_covariates=known), 12, 5).visible()
    assert seen.past_covariates is not None and seen.past_covariates.shape == (2, 12)
    assert seen.future_covariates is not None and seen.future_covariates.shape == (2, 17)


def test_rolling_windows_go_back_from_the_end() -> None:
    found = rolling_windows([COUNT], horizon=4, windows=3)
    assert [(w.index, w.origin) for w in found] == [(0, 16), (1, 12), (2, 8)]
    assert [w.origin for w in rolling_windows([COUNT], 4, 3, stride=1)] == [16, 15, 14]


def test_short_series_and_windows_without_truth_are_left_out() -> None:
    short = Series(np.arange(9.0), id="short")
    gap = Series(np.array([1.0, 2, 3, 4, np.nan, np.nan]), id="gap")
    found = rolling_windows([COUNT, short, gap], horizon=2, windows=4)
    assert [(w.series.id, w.origin) for w in found if w.series.id != "count"] == [
        ("short", 7),
        ("short", 5),
        ("short", 3),
    ]


def test_no_window_at_all_is_an_error_that_names_the_length() -> None:
    with pytest.raises(InvalidInput, match="needs 33 points a series, the longest here has 20"):
        rolling_windows([COUNT], 30)


@pytest.mark.parametrize(
    "wrong", [{"windows": 0}, {"stride": 0}, {"max_context": -1}, {"horizon": 2.5}, {"windows": True}]
)
def test_counts_must_be_whole_and_positive(wrong: dict[str, Any]) -> None:
    [name] = wrong
    with pytest.raises(InvalidInput, match=f"{name}: must be a whole number of at least 1"):
        rolling_windows([COUNT], **{"horizon": 3, **wrong})


def test_infinite_values_are_no_truth_and_no_scale() -> None:
    series = Series(np.array([1.0, 2.0, np.inf, 4.0, 5.0, 6.0, np.inf]), id="wild")
    task = Task("wild", (Window(series, 5, 2),), 2, 1)
    np.testing.assert_array_equal(task.truth, [[6.0, np.nan]])
    np.testing.assert_array_equal(task.scale, [1.0])


@pytest.mark.parametrize(
    ("step", "season"),
    [
        (None, 1),
        (Step(months=1), 12),
        (Step(months=3), 4),
        (Step(months=12), 1),
        (Step(months=5), 1),
        (Step(ns=7 * DAY), 1),
        (Step(ns=DAY), 7),
        (Step(ns=DAY // 24), 24),
        (Step(ns=DAY // 96), 96),
        (Step(ns=60 * SECOND), 1440),
        (Step(ns=10 * SECOND), 360),
        (Step(ns=7 * SECOND), 1),
        (Step(ns=DAY // 24 * 7), 1),
        (Step(ns=DAY, calendar=BUSINESS), 5),
        (Step(ns=2 * DAY, calendar=BUSINESS), 1),
        (Step(ns=DAY // 24, calendar=Week(168, ((9, 17), (33, 41)))), 8),
    ],
)
def test_the_usual_season_of_a_step(step: Step | None, season: int) -> None:
    assert season_of(step) == season
