"""Steps and calendars, values at the door, padding."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretell.calendars import BUSINESS
from foretell.errors import InvalidInput
from foretell.series import (
    Batch,
    FloatArray,
    IntArray,
    Series,
    as_values,
    batch_of,
    evenly,
    failed,
    has_forecast,
    levels_of,
    parse_time,
)
from foretell.steps import DAY, SECOND, Step, detect_step
from tests.fakes import regular_series

HOUR = 3600 * SECOND
starts = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)).map(parse_time)


def times(*texts: str) -> IntArray:
    return np.array([parse_time(t) for t in texts], dtype=np.int64)


def texts(at: IntArray) -> list[str]:
    return [str(t) for t in at.astype("M8[ns]").astype("M8[D]")]


@pytest.mark.parametrize(("ns", "months"), [(0, 0), (-1, 0), (0, -1), (5, 1)])
def test_a_step_is_one_of_two_kinds(ns: int, months: int) -> None:
    with pytest.raises(InvalidInput, match="step"):
        Step(ns=ns, months=months)


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (Step(months=1), "month"),
        (Step(months=3), "quarter"),
        (Step(months=12), "year"),
        (Step(months=2), "2 months"),
        (Step(ns=7 * DAY), "week"),
        (Step(ns=DAY), "day"),
        (Step(ns=6 * HOUR), "6 hours"),
        (Step(ns=SECOND // 4), "0.25 s"),
    ],
)
def test_steps_have_names(step: Step, name: str) -> None:
    assert str(step) == name


@given(starts, st.integers(1, 100 * DAY), st.integers(2, 60))
def test_a_fixed_step_is_found_again(start: int, ns: int, count: int) -> None:
    at = Step(ns=ns).times(start, count)
    found = detect_step(at)
    assert found is not None
    np.testing.assert_array_equal(found.times(start, count), at)


@given(starts, st.sampled_from([1, 2, 3, 6, 12]), st.integers(3, 40), st.booleans())
def test_a_calendar_step_is_found_again(start: int, months: int, count: int, month_end: bool) -> None:
    at = Step(months=months, month_end=month_end).times(start, count)
    found = detect_step(at)
    assert found is not None
    np.testing.assert_array_equal(found.times(int(at[0]), count), at)


@given(starts, st.integers(1, 12), st.integers(1, 60))
def test_months_keep_the_time_of_day_and_the_day_or_the_last(start: int, months: int, count: int) -> None:
    at = Step(months=months).times(start, count)
    assert np.all(at % DAY == start % DAY)
    days = at.astype("M8[ns]").astype("M8[D]")
    day = (days - days.astype("M8[M]").astype("M8[D]")).astype(int)
    is_last = (days + 1).astype("M8[M]") != days.astype("M8[M]")
    assert np.all((day == day[0]) | (is_last & (day < day[0])))
    assert np.all(np.diff(days.astype("M8[M]").astype(int)) == months)


def test_days_without_weekends_are_a_step_of_their_own() -> None:
    at = times(*(str(day) for day in np.arange("2024-03-04", "2024-04-06", dtype="M8[D]") if np.is_busday(day)))
    holiday = np.delete(at, 13)
    for seen in (at, holiday):
        assert detect_step(seen) == Step(ns=DAY, calendar=BUSINESS)
    series = regular_series(holiday, np.ones(len(holiday)))
    assert len(series) == len(at)
    assert np.flatnonzero(np.isnan(series.values)).tolist() == [13]
    ahead = series.future_times(3)
    assert ahead is not None
    assert texts(ahead) == ["2024-04-08", "2024-04-09", "2024-04-10"]
    assert str(Step(ns=DAY, calendar=BUSINESS)) == "weekday"
    assert detect_step(at[:5]) == Step(ns=DAY)
    assert detect_step(np.append(at, at[-1] + DAY)) == Step(ns=DAY)
    with pytest.raises(InvalidInput, match="the points of a calendar are whole slots apart"):
        Step(ns=HOUR, calendar=BUSINESS)


@given(
    starts,
    st.one_of(
        st.integers(1, 100 * DAY).map(lambda ns: Step(ns=ns)),
        st.integers(1, 12).map(lambda months: Step(months=months)),
        st.just(Step(ns=DAY, calendar=BUSINESS)),
    ),
    st.integers(0, 60),
)
def test_a_point_lies_at_its_time(start: int, step: Step, count: int) -> None:
    at = step.times(start, count)
    assert step.places(int(at[0]) if count else start, at).tolist() == list(range(count))
    if step.calendar:
        assert np.is_busday((at // DAY).astype("M8[D]")).all()
        assert (at % DAY == start % DAY).all()


def test_month_ends() -> None:
    end = parse_time("2023-12-31T12:00:00")
    assert texts(Step(months=1, month_end=True).times(end, 4)) == [
        "2023-12-31",
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
    ]
    assert texts(Step(months=1).times(parse_time("2024-01-30"), 3)) == ["2024-01-30", "2024-02-29", "2024-03-30"]
    found = detect_step(times("2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"))
    assert found == Step(months=1, month_end=True)
    assert detect_step(times("2024-01-30", "2024-02-29", "2024-03-30")) == Step(months=1)
    assert detect_step(times("2024-02-29", "2025-02-28", "2026-02-28")) == Step(months=12, month_end=True)


def test_before_1970() -> None:
    at = times("1949-01-01", "1949-02-01", "1949-03-01", "1949-04-01")
    assert detect_step(at) == Step(months=1)
    assert texts(Step(months=1).times(int(at[0]), 2, first=11)) == ["1949-12-01", "1950-01-01"]
    series = regular_series(at, np.arange(4.0))
    assert (series.start, series.step) == (int(at[0]), Step(months=1))
    assert parse_time("1969-12-31T23:59:59.999999") == -1000


def test_a_missing_month_is_a_gap() -> None:
    series = regular_series(times("2024-01-01", "2024-02-01", "2024-04-01"), np.array([1.0, 2, 4]))
    np.testing.assert_array_equal(series.values, [1, 2, np.nan, 4])
    assert series.step == Step(months=1)


def test_missing_hours_are_gaps() -> None:
    at = np.array([0, 1, 2, 5, 6], dtype=np.int64) * HOUR
    np.testing.assert_array_equal(regular_series(at, np.arange(5.0)).values, [0, 1, 2, np.nan, np.nan, 3, 4])


@pytest.mark.parametrize(
    ("seconds", "step"),
    [([0, 11, 19, 32, 40, 50], 10), ([0, 10, 20, 33, 43, 53], 10), ([0, 7, 20, 30, 41, 49], 9)],
    ids=["the mean step", "the usual step", "the mean step, whole"],
)
def test_jitter_keeps_its_order_and_ends_where_it_did(seconds: list[int], step: int) -> None:
    at = np.array(seconds, dtype=np.int64) * SECOND
    series = regular_series(at, np.arange(6.0))
    np.testing.assert_array_equal(series.values, np.arange(6.0))
    assert series.step is not None
    assert series.step.ns // SECOND == step
    future = series.future_times(2)
    assert future is not None
    np.testing.assert_array_equal(future, at[-1] + series.step.ns * np.array([1, 2]))


def test_one_time_or_none() -> None:
    assert detect_step(times("2024-01-01")) is None
    assert regular_series(times("2024-01-01"), np.array([1.0])).future_times(3) is None
    assert regular_series(times(), np.array([])).start is None


def test_a_far_outlier_does_not_make_a_series_of_holes() -> None:
    at = np.array([0, 1, 2, 10**6], dtype=np.int64) * SECOND
    assert len(regular_series(at, np.arange(4.0))) == 4


@pytest.mark.parametrize("step", [Step(ns=10**18), Step(months=1200)])
def test_times_out_of_range_are_refused(step: Step) -> None:
    with pytest.raises(InvalidInput, match="range of nanosecond"):
        step.times(parse_time("2200-01-01"), 20)


@pytest.mark.parametrize("data", [["a"], [[1.0]], [object()], "text", np.array(["2020"], dtype="M8[D]")])
def test_values_must_be_numbers_on_one_axis(data: object) -> None:
    with pytest.raises(InvalidInput, match=r"sales: must"):
        as_values(data, "sales")  # type: ignore[arg-type]


def test_values_become_float64() -> None:
    assert as_values([1, 2]).dtype == np.float64
    np.testing.assert_array_equal(as_values(np.array([1, None, 3])), [1, np.nan, 3])
    np.testing.assert_array_equal(as_values(np.array([True, False])), [1, 0])


@given(st.lists(st.lists(st.floats(-1e9, 1e9), max_size=12), min_size=1, max_size=6))
def test_padding_can_be_undone(rows: list[list[float]]) -> None:
    batch = batch_of([Series(np.array(row, dtype=np.float64)) for row in rows])
    for row, values in zip(batch.rows(), rows, strict=True):
        np.testing.assert_array_equal(row, values)
    np.testing.assert_array_equal(batch.observed.sum(axis=1), batch.lengths)


def test_covariates_are_padded_with_their_series() -> None:
    def one(length: int) -> Series:
        past: FloatArray = np.ones((2, length))
        return Series(np.arange(float(length)), past_covariates=past, future_covariates=np.ones((1, length + 3)))

    batch = batch_of([one(4), one(6)])
    assert batch.past_covariates is not None and batch.future_covariates is not None
    assert batch.past_covariates.shape == (2, 2, 6)
    assert batch.future_covariates.shape == (2, 1, 9)
    assert np.isnan(batch.past_covariates[0, :, :2]).all()
    with pytest.raises(InvalidInput, match="covariates"):
        batch_of([one(4), Series(np.arange(3.0))])


def test_an_empty_batch() -> None:
    assert len(batch_of([])) == 0
    assert isinstance(batch_of([Series(np.array([]))]), Batch)


def test_status_words() -> None:
    assert all(has_forecast(s) for s in ("ok", "constant", "no_interval", "repaired(3)"))
    assert not any(has_forecast(s) for s in ("too_short", "all_missing", "non_finite", "failed: x"))
    assert failed(" two\n lines ") == "failed: two lines"
    assert failed("") == "failed: no reason given"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01Z", SECOND),
        ("1970-01-01T01:00:00+01:00", 0),
        (dt.datetime(1970, 1, 2), DAY),
        (np.datetime64("1970-01-02"), DAY),
    ],
)
def test_times_are_utc(text: str | dt.datetime | np.datetime64, ns: int) -> None:
    assert parse_time(text) == ns


def test_a_bad_time_is_named() -> None:
    with pytest.raises(InvalidInput, match="'yesterday' is not an ISO 8601 time"):
        parse_time("yesterday")


def test_levels_of_a_confidence_are_round() -> None:
    assert (levels_of(0.95), levels_of(0.8)) == ((0.025, 0.975), (0.1, 0.9))


def test_covariates_are_counted() -> None:
    known = np.zeros((2, 5))
    assert Series(np.zeros(5)).covariates == 0
    assert Series(np.zeros(5), past_covariates=known, future_covariates=known).covariates == 4


def test_one_who_knows_no_calendar_has_missing_values() -> None:
    days = times(*(str(day) for day in np.arange("2024-03-04", "2024-04-06", dtype="M8[D]") if np.is_busday(day)))
    series = regular_series(days, np.arange(25.0), "a")
    with_more = replace(series, past_covariates=np.arange(25.0)[None], future_covariates=np.arange(28.0)[None])
    even = evenly(with_more)
    assert (even.step, even.start, even.id, len(even)) == (Step(ns=DAY), series.start, "a", 33)
    assert np.flatnonzero(np.isnan(even.values)).tolist() == [i for i in range(33) if i % 7 > 4]
    assert even.past_covariates is not None and even.future_covariates is not None
    np.testing.assert_array_equal(even.past_covariates[0], even.values)
    np.testing.assert_array_equal(even.future_covariates[0], [*even.values, 25, 26, 27])
    assert evenly(even) is even


def test_missing_days_are_those_of_a_clock_that_changes() -> None:
    weekdays = Step(ns=DAY, calendar=BUSINESS, zone="Europe/Berlin")
    even = evenly(Series(np.arange(60.0), parse_time("2024-02-26T00:00+01:00"), weekdays))
    assert (len(even), even.step) == (82, Step(ns=DAY, zone="Europe/Berlin"))
    assert np.flatnonzero(np.isnan(even.values)).tolist() == [i for i in range(82) if i % 7 > 4]
