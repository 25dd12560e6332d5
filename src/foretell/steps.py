"""The steps of time: which points in time follow one another, found in data and continued.

Times are integers, nanoseconds since the epoch, UTC. Days, weeks and months are those of a time zone's clock where a
step names one: a day may then have 23 or 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foretell.calendars import BUSINESS, Calendar, find_calendar
from foretell.errors import InvalidInput

Times = NDArray[np.int64]

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Step:
    """The spacing of a series: a number of nanoseconds, or of calendar months (a month is not a number of ns).

    Exactly one of `ns` and `months` is positive. `month_end` keeps the last day of each month. With a `calendar` what
    it leaves out does not exist: a step of a day goes from Friday to Monday, one of an hour from the evening to the
    next morning; months begin or end with one of its days. `week` keeps the day of the week in a step of months: the
    first (1) to the fourth of the month, or its last (-1). `zone` (such as Europe/Berlin) is where days, months and
    calendars are counted; without one, in UTC.
    """

    ns: int = 0
    months: int = 0
    month_end: bool = False
    calendar: Calendar | None = None
    week: int = 0
    zone: str | None = None

    def __post_init__(self) -> None:
        if (self.ns > 0) == (self.months > 0) or self.ns < 0 or self.months < 0:
            raise InvalidInput("step", f"must be positive, got ns={self.ns} months={self.months}")
        if self.calendar and (self.ns % self.slot or (self.months and self.slot != DAY)):
            raise InvalidInput("step", f"the points of a calendar are whole slots apart, got ns={self.ns}")
        if self.zone and self.ns % DAY and not self.calendar:
            raise InvalidInput("step", f"only days, months and calendars have a zone, got ns={self.ns}")

    @property
    def slot(self) -> int:
        """ns of a slot of the calendar; of a step without one, the step itself."""
        return WEEK // self.calendar.size if self.calendar else self.ns

    @property
    def even(self) -> Step:
        """What it is to one who knows neither clocks nor calendars: points as far apart, one after the other."""
        return Step(ns=self.ns, months=self.months)

    @property
    def cycles(self) -> tuple[int, ...]:
        """How many points a day and a week of the calendar have, or a year."""
        return self.calendar.cycles if self.calendar and self.ns == self.slot else ()

    def times(self, start: int, count: int, first: int = 0) -> Times:
        """Times [count] of the points `first`, `first` + 1, ... of a series whose point 0 is at `start`."""
        steps = np.arange(first, first + count, dtype=np.int64)
        if self.zone is None:
            return self._times(start, steps)
        return _instants(self._times(_local(start, self.zone), steps), self.zone)

    def fits(self, start: int, count: int) -> bool:
        """Whether `count` times from `start` on lie in the range of nanosecond timestamps."""
        span = count * (self.ns or self.months * 28 * DAY)
        if self.calendar and self.ns:
            span *= self.calendar.apart
        if start >= 0 and start + 2 * span < 2**63 - DAY:
            return True
        if span >= 2**64 or not -(2**63) <= start < 2**63:
            return False
        try:
            self.times(start, 1, first=max(0, count - 1))
        except InvalidInput:
            return False
        return True

    def _times(self, start: int, steps: Times) -> Times:
        if self.months:
            return _add_months(start, self.months * steps, self)
        if self.calendar is None:
            return _add(start, self.ns, steps)
        before = self.calendar.before(np.array(start // self.slot)) + self.ns // self.slot * steps
        return _at(self.calendar.cells(before), self.slot, start % self.slot)

    def places(self, start: int, times: Times) -> Times:
        """Which point of such a series lies at each of `times` [T], or is the last one before it."""
        if self.zone is not None:
            start, times = _local(start, self.zone), _clock(times, self.zone)
        if self.months:
            first = np.datetime64(start, "ns").astype("M8[M]")
            months: Times = (times.astype("M8[ns]").astype("M8[M]") - first).astype(np.int64)
            return months // self.months
        if self.calendar is not None:
            cells, first = times // self.slot, np.array(start // self.slot)
            slots = self.calendar.before(cells + 1) - 1 - self.calendar.before(first)
            return slots // (self.ns // self.slot)
        if self.zone is not None:  # a midnight that the clock leaves out is that day's first hour
            return (times // DAY - start // DAY) // (self.ns // DAY)
        return (times - start) // self.ns

    def __str__(self) -> str:
        if self.months:
            return {1: "month", 3: "quarter", 12: "year"}.get(self.months, f"{self.months} months")
        if self.calendar == BUSINESS:
            return "weekday" if self.ns == DAY else f"{self.ns // DAY} weekdays"
        if self.calendar is not None:
            return f"{replace(self, calendar=None, zone=None)} ({self.calendar})"
        for unit, size in (("week", 7 * DAY), ("day", DAY), ("hour", 3600 * SECOND), ("minute", 60 * SECOND)):
            if self.ns % size == 0:
                n = self.ns // size
                return unit if n == 1 else f"{n} {unit}s"
        return f"{self.ns / SECOND:g} s"


def _clock(times: Times, zone: str) -> Times:
    """What a clock in `zone` shows at `times` [T], as ns."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        shown = pc.local_timestamp(pa.array(times).cast(pa.timestamp("ns", zone)))
    except pa.ArrowInvalid:
        raise InvalidInput("time", f"{zone!r} is no time zone that is known here") from None
    result: Times = shown.cast(pa.int64()).to_numpy()
    return result


def _local(time: int, zone: str) -> int:
    return int(_clock(np.array([time]), zone)[0])


def _instants(shown: Times, zone: str) -> Times:
    """When a clock in `zone` shows these: the first time of two, the first moment after one that is left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    local = pa.array(shown).cast(pa.timestamp("ns"))
    result: Times = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest").cast("int64").to_numpy()
    return result


def _add(start: int, step: int, steps: Times) -> Times:
    last = start + step * (int(steps[-1]) + 1 if len(steps) else 0)
    if not -(2**63) <= last < 2**63:
        raise InvalidInput("step", f"the times would leave the range of nanosecond timestamps ({last} ns)")
    return start + step * steps


def _at(cells: Times, slot: int, rest: int) -> Times:
    """The times `rest` ns after the beginning of each of `cells`, which are `slot` ns long."""
    if np.abs(cells).max(initial=0) > (2**63 - 1) // slot - 1:
        raise InvalidInput("step", "the times would leave the range of nanosecond timestamps (years 1678 to 2262)")
    return cells * slot + rest


def _add_months(start: int, months: Times, step: Step) -> Times:
    """`start` moved by whole months; a day that a month does not have becomes its last."""
    day0 = np.datetime64(start, "ns").astype("M8[D]")
    time_of_day = start - int(day0.astype("M8[ns]").astype(np.int64))
    target = day0.astype("M8[M]") + months
    if step.calendar:
        return _at(_open_day(target, step.month_end, step.calendar), DAY, time_of_day)
    if step.week:
        return _at(_nth_of(target, _weekday(day0.astype(np.int64)), step.week), DAY, time_of_day)
    length = ((target + 1).astype("M8[D]") - target.astype("M8[D]")).astype(np.int64)
    day = int((day0 - day0.astype("M8[M]").astype("M8[D]")).astype(np.int64))
    offset = length - 1 if step.month_end else np.minimum(day, length - 1)
    return _at(target.astype("M8[D]").astype(np.int64) + offset, DAY, time_of_day)


def _open_day(months: NDArray[np.datetime64], last: bool, calendar: Calendar) -> Times:
    """The first or the last day of each month that the calendar has."""
    first = (months + int(last)).astype("M8[D]").astype(np.int64)
    return calendar.cells(calendar.before(first) - int(last))


def _weekday(days: Times) -> Times:
    """0 for Mondays, of days since 1970-01-01, a Thursday."""
    return (days + 3) % 7


def _nth_of(months: NDArray[np.datetime64], weekday: Times, week: int) -> Times:
    """The day of each month that is its `week`-th `weekday`, or its last one (-1)."""
    first = (months + int(week < 0)).astype("M8[D]").astype(np.int64)
    nth: Times = first + (weekday - _weekday(first)) % 7 + 7 * (week if week < 0 else week - 1)
    return nth


def detect_step(times: Times, zone: str | None = None) -> Step | None:
    """The step of ascending times [T]: the calendar step that they follow, else their most frequent difference.

    None with fewer than two times. A few missing timestamps do not hide the step. Times that a clock in `zone` shows at
    one time of day are days, weekdays, weeks or months of that clock; opening hours are those that it shows.
    """
    if len(times) < 2:
        return None
    if zone is not None and (shown := _step_of_clock(times, zone)):
        return shown
    if months := _step_of_months(times):
        return months
    differences, counts = np.unique(np.diff(times), return_counts=True)
    if len(differences) > 1:
        parts = _step_of_calendar(times, differences)
        if parts and (zone is None or parts.slot == DAY):  # hours of a zone are none of UTC: they move with its clock
            return parts
        if _are_about_months(times):
            return Step(months=_months_between(times))
    best = int(differences[counts == counts.max()][0])
    return Step(ns=best) if best > 0 else None


def _step_of_clock(times: Times, zone: str) -> Step | None:
    """The step of what the clock in `zone` shows, if that is one time of day (but for days that do not have it).

    Or some slots of the week, none of which the clock leaves out or shows twice.
    """
    shown = _clock(times, zone)
    hours, counts = np.unique(shown % DAY, return_counts=True)
    same = shown // DAY * DAY + hours[counts.argmax()]
    found = None
    if np.array_equal(_instants(same, zone), times):
        found = detect_step(same)
    elif np.array_equal(_instants(shown, zone), times):
        found = _step_of_calendar(shown, np.diff(shown))
        found = None if found is None or _has_changes(found, shown, zone) else found
    return None if found is None else replace(found, zone=zone)


def _has_changes(step: Step, shown: Times, zone: str) -> bool:
    """Whether a point of the calendar is left out or comes twice, from the first year of these to the one after."""
    if step.calendar is None:
        return False
    first, last = shown[[0, -1]].astype("M8[ns]").astype("M8[Y]").astype(int).tolist()
    bounds = np.concatenate([_changes(zone, year) for year in range(first, last + 2)], axis=1)
    begin, end = step.calendar.before(-((shown[0] % step.slot - bounds) // step.slot))
    return bool((begin < end).any())


@lru_cache(1024)
def _changes(zone: str, year: int) -> Times:
    """From and up to what [2, N] a clock in `zone` leaves out or shows again, in a year counted from 1970 on."""
    years = np.datetime64(year, "Y"), np.datetime64(year + 1, "Y")
    minutes = np.arange(*years, np.timedelta64(15, "m"), dtype="M8[m]").astype(np.int64)
    most = (2**63 - DAY) // (60 * SECOND)  # the first and the last year of nanoseconds are cut off
    quarters = minutes.clip(-most, most) * (60 * SECOND)
    shown = _clock(quarters, zone)
    pairs = np.stack([shown[:-1] + np.diff(quarters), shown[1:]])
    return np.sort(pairs[:, pairs[0] != pairs[1]], axis=0)


def _step_of_calendar(times: Times, differences: Times) -> Step | None:
    """The step of times in the same part of each week or month. `differences` has all of those between neighbours."""
    unit = int(np.gcd.reduce(differences))
    slot = DAY if unit % DAY == 0 else unit
    if slot < 60 * SECOND or DAY % slot or unit % WEEK == 0:
        return None
    cells = times // slot
    calendar = find_calendar(cells, WEEK // slot)
    if calendar is None:
        return None
    apart = int(np.gcd.reduce(np.diff(calendar.before(cells))))
    return Step(ns=apart * slot, calendar=calendar)


def _step_of_months(times: Times) -> Step | None:
    """A step of whole months if every time is the same day of its month: a date, its last, its first or last weekday.

    A date that a month does not have is its last.
    """
    days, time_of_day = np.divmod(times, DAY)
    if np.any(time_of_day != time_of_day[0]):
        return None
    months = _months_between(times)
    if not months:
        return None
    date = days.astype("M8[D]")
    month = date.astype("M8[M]")
    day = (date - month.astype("M8[D]")).astype(np.int64)
    is_last = (date + 1).astype("M8[M]") != month
    if is_last.all() or bool(((day == day.max()) | (is_last & (day < day.max()))).all()):
        return Step(months=months, month_end=bool(is_last.all()))
    last = next((last for last in (True, False) if np.array_equal(days, _open_day(month, last, BUSINESS))), None)
    if last is not None:
        return Step(months=months, month_end=last, calendar=BUSINESS)
    of_week = _weekday(days)
    weeks = (int(day[0]) // 7 + 1, -1) if len(days) > 2 and np.all(of_week == of_week[0]) else ()
    week = next((week for week in weeks if np.array_equal(days, _nth_of(month, of_week[:1], week))), None)
    return None if week is None else Step(months=months, week=week)


def _months_between(times: Times) -> int:
    """The months of which all differences are multiples; 0 if two times lie in one month."""
    gaps = np.diff(times.astype("M8[ns]").astype("M8[M]").astype(np.int64))
    return 0 if gaps.min() < 1 else int(np.gcd.reduce(gaps))


def _are_about_months(times: Times) -> bool:
    """At least four times, each in a month of its own and in the same week of it, counted from its start or its end."""
    if len(times) < 4 or not _months_between(times):
        return False
    stamps = times.astype("M8[ns]")
    month = stamps.astype("M8[M]")
    since = (stamps - month.astype("M8[ns]")).astype(np.int64)
    until = ((month + 1).astype("M8[ns]") - stamps).astype(np.int64)
    return bool(min(np.ptp(since), np.ptp(until)) <= 7 * DAY)


MAX_GAP_FACTOR = 20
"""A grid may have this many times more places than there are points; beyond, the times are no grid."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where ascending times lie on a regular grid: `position` [T] is None where they fill it without a hole."""

    start: int
    step: Step | None
    length: int
    position: Times | None = None

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """`values` [..., T] on the grid [..., length], NaN where a timestamp is missing."""
        if self.position is None:
            return values
        grid = np.full((*values.shape[:-1], self.length), np.nan)
        grid[..., self.position] = values
        return grid


def find_grid(times: Times, step: Step | None = None, zone: str | None = None) -> Grid:
    """The grid of ascending, distinct `times` [T >= 1], of the given step or of the one detected (in `zone`).

    Times that lie on no grid (jitter, or holes much longer than the data) keep their order; their step is the
    difference that most of them have, else the mean, as in TDengine (section 1.3). The last time stays where it is.
    """
    step = step or detect_step(times, zone)
    if step is None:
        return Grid(int(times[0]), None, len(times))
    position = _grid_positions(times, step)
    if position is None:
        return _in_order(times, step.zone)
    length = int(position[-1]) + 1
    return Grid(int(times[0]), step, length, None if length == len(times) else position)


def _in_order(times: Times, zone: str | None) -> Grid:
    """The grid that the last time ends, one place for each; `zone` if they are days of its clock."""
    first = 1 - len(times)
    if zone is None:
        usual = _usual_difference(times)
        return Grid(int(times[-1]) + first * usual, Step(ns=usual), len(times))
    step = Step(ns=_usual_difference(_clock(times, zone) // DAY * DAY), zone=zone)
    return Grid(int(step.times(int(times[-1]), 1, first)[0]), step, len(times))


def _usual_difference(times: Times) -> int:
    """The difference that at least half of the neighbours have, else the mean one: whole days where all are."""
    differences, counts = np.unique(np.diff(times), return_counts=True)
    if 2 * counts.max() >= len(times) - 1:
        return int(differences[counts.argmax()])
    unit = 1 if (differences % DAY).any() else DAY
    span, parts = int(times[-1]) - int(times[0]), (len(times) - 1) * unit
    return max(unit, (2 * span + parts) // (2 * parts) * unit)


def _grid_positions(times: Times, step: Step) -> Times | None:
    """Index of each time on the grid, or None where the times do not lie on one or it would be mostly holes."""
    position = step.places(int(times[0]), times)
    if position[-1] >= MAX_GAP_FACTOR * len(times):
        return None
    if step.ns and (step.calendar or step.zone is not None):
        on_grid = np.array_equal(step.times(int(times[0]), int(position[-1]) + 1)[position], times)
    else:
        on_grid = bool(step.months) or not np.any((times - times[0]) % step.ns)
    return position if on_grid else None
