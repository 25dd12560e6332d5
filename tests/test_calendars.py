"""Weeks of which only a part has points: which part is found, what is none, and what comes next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretell.calendars import BUSINESS, Dates, Week, find_calendar
from foretell.steps import DAY, SECOND, WEEK, Step, Times, detect_step, find_grid

HOUR = 3600 * SECOND
ZONES = [None, "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
Keep = Callable[[pd.DatetimeIndex], np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]


def ns(index: pd.DatetimeIndex) -> Times:
    return index.as_unit("ns").asi8


def hours(index: pd.DatetimeIndex) -> pd.Index[float]:
    return index.hour + index.minute / 60


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("freq", "keep", "cycles"),
    [
        ("D", lambda t: t.dayofweek < 6, (6,)),
        ("D", lambda t: t.dayofweek != 0, (6,)),
        ("D", lambda t: ~t.dayofweek.isin([4, 5]), (5,)),
        ("D", lambda t: t.dayofweek.isin([0, 2, 4]), (3,)),
        ("D", lambda t: t.dayofweek.isin([4, 5]), (2,)),
        ("h", lambda t: (t.hour >= 9) & (t.hour < 17), (8, 56)),
        ("h", lambda t: (t.hour >= 9) & (t.hour < 17) & (t.dayofweek < 5), (8, 40)),
        ("30min", lambda t: (hours(t) >= 9.5) & (t.hour < 16) & (t.dayofweek < 5), (13, 65)),
        ("5min", lambda t: (hours(t) >= 9.5) & (t.hour < 16) & (t.dayofweek < 5), (78, 390)),
        ("h", lambda t: (t.hour >= 9) & (t.hour < np.where(t.dayofweek < 5, 18, 13)) & (t.dayofweek < 6), (49,)),
        ("h", lambda t: t.hour.isin([8, 13, 20]), (3, 21)),
    ],
    ids=["Mon-Sat", "Tue-Sun", "Sun-Thu", "MWF", "FriSat", "9-17", "office", "stocks", "ticks", "short Sat", "doses"],
)
def test_the_part_of_each_week_goes_on(freq: str, keep: Keep, cycles: tuple[int, ...], zone: str | None) -> None:
    """Nine weeks, over the day when clocks change, tell the next two."""
    every = pd.date_range("2024-02-05", "2024-04-22", freq=freq, inclusive="left")
    whole = every[keep(every)].tz_localize(zone)
    at, seen = ns(whole), int((whole < whole[0] + pd.Timedelta(weeks=9)).sum())
    step = detect_step(at[:seen], zone)
    assert step is not None and step.cycles == cycles
    assert step.times(int(at[0]), len(at) - seen, first=seen).tolist() == at[seen:].tolist()
    holiday = np.delete(at[:seen], slice(seen // 2, seen // 2 + cycles[0] // 3 + 1))
    grid = find_grid(holiday, zone=zone)
    assert (grid.step, grid.length) == (step, seen)


def of_week(index: pd.DatetimeIndex) -> pd.Index[int]:
    return index.dayofweek * 24 + index.hour


NIGHTS: list[tuple[str, Keep]] = [
    ("Europe/Berlin", lambda t: t.dayofweek < 5),
    ("Europe/Berlin", lambda t: (of_week(t) >= 6) & (of_week(t) < 126)),
    ("America/New_York", lambda t: (of_week(t) < 113) | (of_week(t) >= 161)),
    ("Europe/Berlin", lambda t: (t.hour >= 18) | (t.hour < 2)),
]


@pytest.mark.parametrize("end", ["2024-03-30", "2024-10-26", "2025-01-20"], ids=["spring", "autumn", "year"])
@pytest.mark.parametrize(("zone", "keep"), NIGHTS, ids=["24/5", "three shifts", "currencies", "bar"])
def test_nights_go_on_by_the_clock(zone: str, keep: Keep, end: str) -> None:
    """Where the clock changes next, or has done so within the year."""
    every = pd.date_range("2024-01-22", "2025-05-01", freq="h", tz=zone, inclusive="left")
    whole = every[keep(every)]
    at, seen = ns(whole), int((whole < pd.Timestamp(end, tz=zone)).sum())
    grid = find_grid(at[:seen], zone=zone)
    assert grid.step is not None and grid.step.zone == zone
    assert (grid.length, grid.position) == (seen, None)
    assert grid.step.times(grid.start, len(at) - seen, first=seen).tolist() == at[seen:].tolist()


def test_an_hour_that_the_clock_changes_is_in_no_calendar() -> None:
    """A bar in New York until 2:00 is open twice from 1:00 to 2:00 in November."""
    every = pd.date_range("2024-07-01", periods=56 * 24, freq="h", tz="America/New_York")
    assert detect_step(ns(every[(every.hour >= 18) | (every.hour < 2)]), "America/New_York") == Step(ns=HOUR)
    assert detect_step(ns(every[(every.hour >= 18) | (every.hour < 1)]), "America/New_York") != Step(ns=HOUR)


@pytest.mark.parametrize("weeks", [2, 52])
@pytest.mark.parametrize("keep", [keep for _, keep in NIGHTS])
def test_a_slot_without_any_row_is_not_open(keep: Keep, weeks: int) -> None:
    every = pd.date_range("2024-01-22", periods=weeks * 168, freq="h", tz="Europe/Berlin")
    at = ns(every[keep(every)])
    week = find_calendar(at // HOUR, 168)
    assert week is None or (isinstance(week, Week) and np.isin(week.open, (at // HOUR + 72) % 168).all())


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([DAY, 6 * HOUR, HOUR, HOUR // 4]),
    st.integers(14, 100),
    st.floats(0, 0.2),
    st.sampled_from([None, "Europe/Berlin"]),
)
def test_gaps_are_no_calendar(seed: int, slot: int, days: int, share: float, zone: str | None) -> None:
    random = np.random.default_rng(seed)
    at = random.integers(10_000, 20_000) * DAY + np.arange(days * DAY // slot) * slot
    step = detect_step(at[random.random(len(at)) >= share], zone)
    assert step is not None and step.calendar is None


weekdays = st.sets(st.integers(0, 6), min_size=2, max_size=6).map(sorted)


@given(weekdays, st.integers(0, 16), st.integers(1, 8), st.integers(6, 12), st.integers(-2000, 2000))
def test_a_calendar_is_found_again(days: list[int], first: int, count: int, weeks: int, away: int) -> None:
    """Of days if there is one hour a day; whatever the week, and the minute of the hour."""
    size = 7 if count == 1 else 168
    slots = np.array(days) if count == 1 else np.add.outer(np.array(days) * 24, first + np.arange(count)).ravel()
    phase = first * HOUR if count == 1 else 0
    cells = np.add.outer(np.arange(weeks) * size, slots).ravel()
    at = cells * (WEEK // size) + phase + 11 * 60 * SECOND + 4 * DAY + away * WEEK
    step = detect_step(at)
    assert step is not None and isinstance(step.calendar, Week)
    assert step.calendar.size == size and step.calendar.open.tolist() == slots.tolist()
    assert step.times(int(at[0]), len(slots), first=len(at)).tolist() == (at[: len(slots)] + weeks * WEEK).tolist()
    later = detect_step(at[len(slots) // 2 :] + 5 * WEEK)
    assert later == step


@st.composite
def calendars(draw: st.DrawFn) -> Week:
    size = draw(st.sampled_from([7, 14, 168]))
    bounds = sorted(draw(st.sets(st.integers(0, size), min_size=2, max_size=8)))
    return Week(size, tuple(zip(bounds[::2], bounds[1::2], strict=False)))


@given(calendars(), st.integers(-(10**18), 10**18), st.integers(1, 500))
def test_a_point_of_a_calendar_lies_at_its_time(calendar: Week, start: int, count: int) -> None:
    step = Step(ns=WEEK // calendar.size, calendar=calendar)
    at = step.times(start, count)
    slots = (at // step.slot + 3 * calendar.size // 7) % calendar.size
    assert (np.diff(at) > 0).all() and np.isin(slots, calendar.open).all()
    assert ((at - start) % step.slot == 0).all() and at[0] - start < WEEK
    assert step.places(int(at[0]), at).tolist() == list(range(count))
    assert step.fits(start, count)
    assert not step.fits(2**63 - 1 - 2 * WEEK, 500)


def day_numbers(count: int, *shut: int) -> Times:
    """`count` days from a Monday on without these days of the week."""
    return np.array([day for day in range(4, count + 4) if (day - 4) % 7 not in shut])


@pytest.mark.parametrize(
    ("cells", "size", "why"),
    [
        (day_numbers(20, 6), 7, "Sunday was left out twice"),
        (np.append(day_numbers(60, 6), 66), 7, "a Sunday after all"),
        (np.delete(day_numbers(28, 6), [3, 9]), 7, "too many gaps for so few weeks"),
        (day_numbers(400)[np.arange(400) % 3 > 0], 7, "two of three days"),
        (day_numbers(11, 5, 6), 7, "one weekend and no second Friday"),
        (np.delete(day_numbers(12, 5, 6), 7), 7, "one weekend and a gap"),
        (np.arange(4 * 24, 17 * 24).reshape(-1, 24)[:, 9:17].ravel(), 168, "a day less than two weeks of hours"),
        (np.array([i for i in range(24 * 60) if i % 24 != 2]), 168, "an hour a day without a value"),
        (np.array([i for i in range(24 * 20) if i % 24 > 5 or i > 24 * 12]), 168, "nights for a while"),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "",
)
def test_what_is_no_calendar(cells: Times, size: int, why: str) -> None:
    assert find_calendar(cells, size) is None, why


def test_a_weekend_takes_less_evidence() -> None:
    assert find_calendar(np.delete(day_numbers(19, 5, 6), 4), 7) == BUSINESS
    assert find_calendar(day_numbers(12, 5, 6), 7) == BUSINESS


@pytest.mark.parametrize("days", [5, 7])
@pytest.mark.parametrize("hours", [(0, 24), (9, 17)], ids=str)
def test_two_weeks_tell_the_same_hours_of_all_days_or_weekdays(days: int, hours: tuple[int, int]) -> None:
    """From the first hour to the last, without the weekend or night that follows."""
    slots = np.add.outer(np.arange(days) * 24, np.arange(*hours)).ravel()
    found = find_calendar(np.append(slots, slots + 168) + 4 * 24, 168)
    assert found is None if len(slots) == 168 else isinstance(found, Week) and found.open.tolist() == slots.tolist()


def test_calendars_have_names() -> None:
    assert str(Step(ns=DAY, calendar=Week(7, ((0, 1), (2, 3))))) == "day (Mon, Wed)"
    assert str(Step(ns=HOUR, calendar=Week(168, ((9, 17), (33, 41))))) == "hour (16 of 168 a week)"
    assert str(Step(ns=2 * DAY, calendar=BUSINESS, zone="Europe/Berlin")) == "2 weekdays"


def test_one_who_knows_no_calendars_sees_one_point_after_the_other() -> None:
    step = Step(ns=HOUR, calendar=Week(168, ((9, 17), (33, 41))), zone="Europe/Berlin")
    assert step.even == Step(ns=HOUR)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_days_without_a_step_keep_their_order_and_are_days(zone: str | None) -> None:
    days = pd.DatetimeIndex(["2024-03-01", "2024-03-08", "2024-03-10", "2024-03-13", "2024-03-27", "2024-04-02"])
    grid = find_grid(ns(days.tz_localize(zone)), zone=zone)
    assert (grid.position, grid.length, grid.step) == (None, 6, Step(ns=6 * DAY, zone=zone))
    ahead = pd.DatetimeIndex(["2024-04-02", "2024-04-08"]).tz_localize(zone)
    assert grid.step is not None
    assert grid.step.times(grid.start, 2, first=5).tolist() == ns(ahead).tolist()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("days", "name"), [((1, 15), "1 and 15"), ((15, 31), "15 and 31"), ((14, 30), "14 and 30")])
def test_two_days_of_each_month_go_on(days: tuple[int, int], name: str, zone: str | None) -> None:
    every = pd.date_range("2023-01-01", "2025-01-01", inclusive="left")
    at = ns(every[(every.day == days[0]) | (every.day == np.minimum(days[1], every.days_in_month))].tz_localize(zone))
    step = detect_step(at[:36], zone)
    assert step == Step(ns=DAY, calendar=Dates(days), zone=zone)
    assert step.times(int(at[0]), 12, first=36).tolist() == at[36:].tolist()
    assert (step.cycles, str(step)) == ((24,), f"day ({name})")
    grid = find_grid(np.delete(at, [3, 8, 9]), zone=zone)
    assert (grid.step, grid.length) == (step, 48)
    assert detect_step(at[:5], zone) != step


@given(st.integers(1, 27), st.integers(28, 31), st.integers(-90_000, 90_000), st.integers(1, 99))
def test_a_date_lies_at_its_time(first: int, last: int, start: int, count: int) -> None:
    step = Step(ns=DAY, calendar=Dates((first, last)))
    at = step.times(start * DAY + HOUR, count)
    assert (np.diff(at) > 0).all() and at[0] - start * DAY < 31 * DAY
    assert step.places(int(at[0]), at).tolist() == list(range(count))
    assert step.places(int(at[0]), at - HOUR - 1).tolist() == list(range(-1, count - 1))
    assert step.fits(start * DAY, count)
