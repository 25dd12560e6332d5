"""What is said of a series before any model sees it."""

from __future__ import annotations

import numpy as np
import pytest

from foretell.engine.repair import newest, prepare
from foretell.gaps import fill
from foretell.registry import Limits
from foretell.series import FloatArray, Series
from foretell.steps import DAY, Step

NAN = np.nan


@pytest.mark.parametrize(
    ("values", "limits", "status", "kept"),
    [
        ([1, 2, 3], Limits(), "ok", [1, 2, 3]),
        ([1, NAN, 3], Limits(), "repaired(1)", [1, 2, 3]),
        ([1, NAN, 3], Limits(missing=True), "ok", [1, NAN, 3]),
        ([NAN, NAN, 2, 3], Limits(), "ok", [2, 3]),
        ([1, 2, NAN, NAN], Limits(), "repaired(2)", [1, 2, 2, 2]),
        ([5, 5, 5], Limits(), "constant", [5, 5, 5]),
        ([5, NAN, 5], Limits(), "repaired(1)", [5, 5, 5]),
        ([5, NAN, 5], Limits(missing=True), "constant", [5, NAN, 5]),
        ([5], Limits(), "ok", [5]),
        ([1, 2, 3, 4], Limits(max_context=2), "ok", [3, 4]),
        ([NAN, 1, 2, NAN, 4], Limits(max_context=3), "repaired(1)", [2, 3, 4]),
        ([], Limits(), "all_missing", None),
        ([NAN, NAN], Limits(), "all_missing", None),
        ([1, NAN, NAN], Limits(max_context=2), "all_missing", None),
        ([1, np.inf], Limits(), "non_finite", None),
        ([NAN, -np.inf, 2], Limits(), "non_finite", None),
        ([np.inf, -np.inf], Limits(), "non_finite", None),
        ([1, 2], Limits(min_context=3), "too_short", None),
        ([1, NAN, 2], Limits(min_context=3), "too_short", None),
        ([1e308, 1e308, 2], Limits(), "ok", [1e308, 1e308, 2]),
    ],
)
def test_statuses(values: list[float], limits: Limits, status: str, kept: list[float] | None) -> None:
    given = np.array(values, dtype=np.float64)
    before = given.copy()
    prepared = prepare(Series(given), limits)
    assert prepared.status == status
    if kept is None:
        assert prepared.series is None
    else:
        assert prepared.series is not None
        np.testing.assert_array_equal(prepared.series.values, kept)
    np.testing.assert_array_equal(given, before)


def test_the_newest_points_keep_their_times_and_covariates() -> None:
    past, future = np.arange(10.0).reshape(2, 5), np.arange(14.0).reshape(2, 7)
    series = Series(np.arange(5.0), 0, Step(ns=DAY), "a", past, future)
    kept = newest(series, 2)
    assert (kept.start, kept.id) == (3 * DAY, "a")
    assert kept.past_covariates is not None and kept.future_covariates is not None
    np.testing.assert_array_equal(kept.past_covariates, past[:, 3:])
    np.testing.assert_array_equal(kept.future_covariates, future[:, 3:])
    assert newest(series, 9) is series


def test_the_newest_months_keep_the_calendar() -> None:
    january = int(np.datetime64("2024-01-31", "ns").astype(np.int64))
    kept = newest(Series(np.arange(5.0), january, Step(months=1, month_end=True)), 4)
    assert kept.start is not None
    assert str(np.datetime64(kept.start, "ns").astype("M8[D]")) == "2024-02-29"


def test_filling_is_linear_inside_and_flat_at_the_end() -> None:
    values: FloatArray = np.array([1, NAN, NAN, 4, NAN, 2, NAN])
    np.testing.assert_allclose(fill(values), [1, 2, 3, 4, 3, 2, 2])
