"""Steps of a time zone's clock, of business months, and of days that only nearly keep their place in the month."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretell.calendars import BUSINESS
from foretell.errors import InvalidInput
from foretell.steps import DAY, Step, Times, detect_step, find_grid

ZONES = ["Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe"]


def ns(index: pd.DatetimeIndex) -> Times:
    return index.as_unit("ns").asi8


@pytest.mark.parametrize("freq", ["D", "B", "W-MON", "MS", "ME", "QS", "YE", "BME"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_pandas_calendars_go_on_by_the_clock_of_their_zone(freq: str, zone: str) -> None:
    """pandas is the oracle: the first 40 times tell the next 30."""
    whole = pd.date_range("2021-03-01", periods=70, freq=freq, tz=zone)
    step = detect_step(ns(whole[:40]), zone)
    assert step is not None and step.zone == zone
    assert step.times(int(ns(whole)[0]), 30, first=40).tolist() == ns(whole[40:]).tolist()


def test_hours_have_no_zone() -> None:
    """A day of 23 or 25 hours is no matter of theirs."""
    hours = pd.date_range("2024-10-26", periods=60, freq="h", tz="Europe/Berlin")
    assert detect_step(ns(hours), "Europe/Berlin") == Step(ns=DAY // 24)


@given(
    st.sampled_from(ZONES),
    st.integers(0, 2 * 10**18),
    st.one_of(
        st.integers(1, 40).map(lambda days: Step(ns=days * DAY)),
        st.integers(1, 12).map(lambda months: Step(months=months)),
        st.just(Step(ns=DAY, calendar=BUSINESS)),
        st.booleans().map(lambda last: Step(months=1, month_end=last, calendar=BUSINESS)),
        st.sampled_from([1, 2, 3, 4, -1]).map(lambda week: Step(months=1, week=week)),
    ),
    st.integers(2, 40),
)
def test_a_point_in_a_zone_lies_at_its_time(zone: str, start: int, plain: Step, count: int) -> None:
    step = replace(plain, zone=zone)
    at = step.times(start, count)
    assert (np.diff(at) > 0).all()
    assert step.places(int(at[0]), at).tolist() == list(range(count))


def test_a_midnight_that_the_clock_leaves_out_is_no_gap() -> None:
    days = [pd.Timestamp("2016-10-01") + pd.Timedelta(days=i) for i in range(40)]
    local = pd.DatetimeIndex(days).tz_localize("America/Sao_Paulo", nonexistent="shift_forward")
    assert local.hour.max() == 1
    grid = find_grid(ns(local.delete(3)), zone="America/Sao_Paulo")
    assert grid.step == Step(ns=DAY, zone="America/Sao_Paulo")
    assert (grid.length, grid.position is None) == (40, False)


@pytest.mark.parametrize("freq", ["BME", "BMS", "BQE", "BYE"])
def test_business_months_begin_and_end_with_a_weekday(freq: str) -> None:
    whole = pd.date_range("2020-01-01", periods=50, freq=freq)
    step = detect_step(ns(whole[:30]))
    assert step is not None and step.calendar and step.months
    assert step.times(int(ns(whole)[0]), 20, first=30).tolist() == ns(whole[30:]).tolist()


@pytest.mark.parametrize("freq", ["WOM-3FRI", "WOM-4THU", "WOM-1MON", "2B", "3B"])
def test_days_of_the_week_keep_their_place(freq: str) -> None:
    whole = pd.date_range("2020-01-01", periods=50, freq=freq)
    step = detect_step(ns(whole[:30]))
    assert step is not None and (step.week or step.calendar)
    assert step.times(int(ns(whole)[0]), 20, first=30).tolist() == ns(whole[30:]).tolist()
    grid = find_grid(ns(whole.delete(7))) if step.months else find_grid(ns(whole))
    assert (grid.length, grid.step) == (50, step)


def test_the_last_friday_of_a_month() -> None:
    fridays = pd.date_range("2020-01-01", periods=400, freq="W-FRI")
    last = fridays[fridays.month != (fridays + pd.Timedelta(days=7)).month]
    assert detect_step(ns(last[:24])) == Step(months=1, week=-1)
    assert Step(months=1, week=-1).times(int(ns(last)[0]), 20, first=24).tolist() == ns(last[24:44]).tolist()


def test_days_that_nearly_keep_their_place_are_months() -> None:
    index = pd.date_range("2020-01-10", periods=30, freq="MS") + pd.to_timedelta(np.tile([3, 5, 8, 4, 9], 6), "D")
    assert detect_step(ns(index)) == Step(months=1)
    grid = find_grid(ns(index.delete(7)))
    assert (grid.length, grid.step) == (30, Step(months=1))


@pytest.mark.parametrize("days", [28, 30, 31, 35, 45])
def test_even_days_are_no_months(days: int) -> None:
    index = pd.date_range("2020-01-05", periods=30, freq=f"{days}D")
    assert detect_step(ns(index)) == Step(ns=days * DAY)
    assert detect_step(ns(index.delete(4))) == Step(ns=days * DAY)


def test_what_a_zone_is_not() -> None:
    with pytest.raises(InvalidInput, match="only days, months and calendars have a zone"):
        Step(ns=DAY // 2, zone="Europe/Berlin")
    with pytest.raises(InvalidInput, match="'Mars/Phobos' is no time zone"):
        detect_step(np.arange(3) * DAY, "Mars/Phobos")
