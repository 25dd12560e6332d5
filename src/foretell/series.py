"""Series, Batch, Forecast: what goes into a model and what comes out. Shapes and units are written here once.

Axes: B series, T context, H horizon, Q quantile levels, C covariates. Times are integers, nanoseconds
since the epoch, UTC. Values are float64; NaN means missing, nothing else does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretell.errors import InvalidInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Step:
    """The spacing of a series: a number of nanoseconds, or of calendar months (a month is not a number of ns).

    Exactly one of `ns` and `months` is positive. `month_end` keeps the last day of each month. With `weekdays` the
    step is a day, and Saturdays and Sundays do not exist.
    """

    ns: int = 0
    months: int = 0
    month_end: bool = False
    weekdays: bool = False

    def __post_init__(self) -> None:
        if (self.ns > 0) == (self.months > 0) or self.ns < 0 or self.months < 0:
            raise InvalidInput("step", f"must be positive, got ns={self.ns} months={self.months}")
        if self.weekdays and self.ns != DAY:
            raise InvalidInput("step", f"weekdays are a day apart, got ns={self.ns}")

    def times(self, start: int, count: int, first: int = 0) -> IntArray:
        """Times [count] of the points `first`, `first` + 1, ... of a series whose point 0 is at `start`."""
        if self.weekdays:
            return _add_weekdays(start, np.arange(first, first + count, dtype=np.int64))
        if self.ns:
            return _checked_range(start, self.ns, first, count)
        return _add_months(start, self.months * np.arange(first, first + count, dtype=np.int64), self.month_end)

    def places(self, start: int, times: IntArray) -> IntArray:
        """Which point of such a series lies at each of `times` [T], or is the last one before it."""
        if self.weekdays:
            days: IntArray = np.busday_count(_day(start), (times // DAY).astype("M8[D]")).astype(np.int64)
            return days
        if self.ns:
            return (times - start) // self.ns
        first = np.datetime64(start, "ns").astype("M8[M]")
        months: IntArray = (times.astype("M8[ns]").astype("M8[M]") - first).astype(np.int64)
        return months // self.months

    def __str__(self) -> str:
        if self.weekdays:
            return "weekday"
        if self.months:
            return {1: "month", 3: "quarter", 12: "year"}.get(self.months, f"{self.months} months")
        for unit, size in (("week", 7 * DAY), ("day", DAY), ("hour", 3600 * SECOND), ("minute", 60 * SECOND)):
            if self.ns % size == 0:
                n = self.ns // size
                return unit if n == 1 else f"{n} {unit}s"
        return f"{self.ns / SECOND:g} s"


def _checked_range(start: int, step: int, first: int, count: int) -> IntArray:
    last = start + step * (first + count)
    if not -(2**63) <= last < 2**63:
        raise InvalidInput("step", f"the times would leave the range of nanosecond timestamps ({last} ns)")
    return start + step * np.arange(first, first + count, dtype=np.int64)


def _day(time: int) -> np.datetime64:
    return np.datetime64(time // DAY, "D")


def _add_weekdays(start: int, count: IntArray) -> IntArray:
    """`start` moved by that many days, Saturdays and Sundays not counted."""
    return _at_days(np.busday_offset(_day(start), count, roll="forward").astype(np.int64), start % DAY)


def _at_days(days: IntArray, time_of_day: int) -> IntArray:
    if np.abs(days).max(initial=0) > (2**63 - 1) // DAY - 1:
        raise InvalidInput("step", "the times would leave the range of nanosecond timestamps (years 1678 to 2262)")
    return days * DAY + time_of_day


def _add_months(start: int, months: IntArray, month_end: bool) -> IntArray:
    """`start` moved by whole months; a day that a month does not have becomes its last."""
    day0 = np.datetime64(start, "ns").astype("M8[D]")
    time_of_day = start - int(day0.astype("M8[ns]").astype(np.int64))
    target = day0.astype("M8[M]") + months
    length = ((target + 1).astype("M8[D]") - target.astype("M8[D]")).astype(np.int64)
    day = int((day0 - day0.astype("M8[M]").astype("M8[D]")).astype(np.int64))
    offset = length - 1 if month_end else np.minimum(day, length - 1)
    return _at_days(target.astype("M8[D]").astype(np.int64) + offset, time_of_day)


def detect_step(times: IntArray) -> Step | None:
    """The step of ascending times [T]: the calendar step that they follow, else their most frequent difference.

    None with fewer than two times. A few missing timestamps do not hide the step.
    """
    if len(times) < 2:
        return None
    calendar = _calendar_step(times)
    if calendar is not None:
        return calendar
    differences, counts = np.unique(np.diff(times), return_counts=True)
    best = int(differences[counts == counts.max()][0])
    if best == DAY and _are_weekdays(times):
        return Step(ns=DAY, weekdays=True)
    return Step(ns=best) if best > 0 else None


def _are_weekdays(times: IntArray) -> bool:
    """Two weeks and more of one time of day, none of them on a Saturday or Sunday."""
    days, time_of_day = np.divmod(times, DAY)
    if days[-1] - days[0] < 14 or np.any(time_of_day != time_of_day[0]):
        return False
    return bool(np.is_busday(days.astype("M8[D]")).all())


def _calendar_step(times: IntArray) -> Step | None:
    """A step of whole months if every time is the same day of its month (or its last, where it is shorter)."""
    days = times // DAY
    if np.any(times - days * DAY != times[0] - days[0] * DAY):
        return None
    date = days.astype("M8[D]")
    month = date.astype("M8[M]")
    day = (date - month.astype("M8[D]")).astype(np.int64)
    is_last = (date + 1).astype("M8[M]") != month
    month_end = bool(is_last.all())
    if not month_end and not bool(((day == day.max()) | (is_last & (day < day.max()))).all()):
        return None
    gaps = np.diff(month.astype(np.int64))
    if len(gaps) == 0 or gaps.min() < 1:
        return None
    return Step(months=int(np.gcd.reduce(gaps)), month_end=month_end)


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """One series, oldest value first.

    `values` [T], NaN = missing; `start` is the time of values[0], or None where there are no times; `step` goes
    with it. `past_covariates` [C, T] are known up to now, `future_covariates` [C, T + H] to the end of the horizon.
    """

    values: FloatArray
    start: int | None = None
    step: Step | None = None
    id: str = ""
    past_covariates: FloatArray | None = None
    future_covariates: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.values)

    def future_times(self, horizon: int) -> IntArray | None:
        """Times [H] of the points that follow, or None where the series has none."""
        if self.start is None or self.step is None:
            return None
        return self.step.times(self.start, horizon, first=len(self.values))


def as_values(data: ArrayLike, field_name: str = "values") -> FloatArray:
    """`data` as float64 [T]; None and NaN are missing. Text, booleans turned objects and 2-D input are refused."""
    try:
        values = np.asarray(data)
        if values.dtype.kind not in "iufbO":
            raise InvalidInput(field_name, f"must be numbers, got {values.dtype}")
        values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(field_name, f"must be numbers ({error})") from None
    if values.ndim != 1:
        raise InvalidInput(field_name, f"must have one axis (time), got shape {values.shape}")
    return values


MAX_GAP_FACTOR = 20
"""A grid may have this many times more places than there are points; beyond, the times are no grid."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where ascending times lie on a regular grid: `position` [T] is None where they fill it without a hole."""

    start: int
    step: Step | None
    length: int
    position: IntArray | None = None

    def place(self, values: FloatArray) -> FloatArray:
        """`values` [..., T] on the grid [..., length], NaN where a timestamp is missing."""
        if self.position is None:
            return values
        grid = np.full((*values.shape[:-1], self.length), np.nan)
        grid[..., self.position] = values
        return grid


def find_grid(times: IntArray, step: Step | None = None) -> Grid:
    """The grid of ascending, distinct `times` [T >= 1], of the given or the detected step.

    Times that lie on no grid (jitter, or holes much longer than the data) keep their order; their step is the
    difference that most of them have, else the mean, as in TDengine (section 1.3). The last time stays where it is.
    """
    step = step or detect_step(times)
    if step is None:
        return Grid(int(times[0]), None, len(times))
    position = _grid_positions(times, step)
    if position is None:
        usual = _usual_difference(times)
        return Grid(int(times[-1]) - usual * (len(times) - 1), Step(ns=usual), len(times))
    length = int(position[-1]) + 1
    return Grid(int(times[0]), step, length, None if length == len(times) else position)


def _usual_difference(times: IntArray) -> int:
    """The difference that at least half of the neighbours have, else the mean one."""
    differences, counts = np.unique(np.diff(times), return_counts=True)
    if 2 * counts.max() >= len(times) - 1:
        return int(differences[counts.argmax()])
    return max(1, int(times[-1] - times[0]) // (len(times) - 1))


def regular_series(times: IntArray, values: FloatArray, id: str = "", step: Step | None = None) -> Series:
    """A Series on the grid of ascending, distinct `times` [T]; missing timestamps become NaN."""
    if not len(times):
        return Series(values, id=id)
    grid = find_grid(times, step)
    return Series(grid.place(values), grid.start, grid.step, id)


def _grid_positions(times: IntArray, step: Step) -> IntArray | None:
    """Index of each time on the grid, or None where the times do not lie on one or it would be mostly holes."""
    position = step.places(int(times[0]), times)
    on_grid = step.months or not np.any((times - times[0]) % step.ns)
    return position if on_grid and position[-1] < MAX_GAP_FACTOR * len(times) else None


@dataclass(frozen=True, eq=False)
class Batch:
    """Series of unequal length side by side: `values` [B, T], left-padded with NaN.

    `lengths` [B] counts each row's own points (missing ones included), so padding and a missing value can be
    told apart; `starts` and `steps` may hold None. Covariates are [B, C, T] and [B, C, T + H].
    """

    values: FloatArray
    lengths: IntArray
    starts: tuple[int | None, ...]
    steps: tuple[Step | None, ...]
    ids: tuple[str, ...]
    past_covariates: FloatArray | None = None
    future_covariates: FloatArray | None = None

    @cached_property
    def observed(self) -> BoolArray:
        """[B, T]: there is a value, neither padding nor missing."""
        return ~np.isnan(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def row(self, index: int) -> FloatArray:
        """Values [T_i] of one series without the padding (a view)."""
        return self.values[index, self.values.shape[1] - self.lengths[index] :]

    def rows(self) -> list[FloatArray]:
        return [self.row(i) for i in range(len(self))]


def batch_of(series: Sequence[Series]) -> Batch:
    """Series padded on the left to the longest; all must have the same number of covariates.

    A lone series is not copied: nobody changes a batch.
    """
    lengths = [len(s) for s in series]
    width = max(lengths, default=0)
    return Batch(
        values=_pad([s.values for s in series], width),
        lengths=np.array(lengths, dtype=np.int64),
        starts=tuple(s.start for s in series),
        steps=tuple(s.step for s in series),
        ids=tuple(s.id for s in series),
        past_covariates=_pad_covariates([s.past_covariates for s in series], width),
        future_covariates=_pad_covariates(
            [s.future_covariates for s in series],
            width + (_horizon_of(series[0]) if len(series) else 0),
        ),
    )


def _horizon_of(series: Series) -> int:
    return 0 if series.future_covariates is None else series.future_covariates.shape[1] - len(series)


def _pad(rows: Sequence[FloatArray], width: int) -> FloatArray:
    if len(rows) == 1 and width:
        return np.asarray(rows[0], dtype=np.float64)[None]
    padded = np.full((len(rows), width), np.nan)
    for target, row in zip(padded, rows, strict=True):
        if len(row):
            target[-len(row) :] = row
    return padded


def _pad_covariates(rows: Sequence[FloatArray | None], width: int) -> FloatArray | None:
    present = [r for r in rows if r is not None]
    if not present:
        return None
    if len(present) != len(rows) or len({r.shape[0] for r in present}) != 1:
        raise InvalidInput("covariates", "every series of a call needs the same covariates")
    padded = np.full((len(present), present[0].shape[0], width), np.nan)
    for target, row in zip(padded, present, strict=True):
        target[:, width - row.shape[1] :] = row
    return padded


OK = "ok"
CONSTANT = "constant"
NO_INTERVAL = "no_interval"
TOO_SHORT = "too_short"
ALL_MISSING = "all_missing"
NON_FINITE = "non_finite"


def repaired(count: int) -> str:
    return f"repaired({count})"


def failed(reason: str) -> str:
    return f"failed: {' '.join(reason.split()) or 'no reason given'}"


def has_forecast(status: str) -> bool:
    """Whether a series with this status got numbers."""
    return status in (OK, CONSTANT, NO_INTERVAL) or status.startswith("repaired(")


@dataclass(frozen=True, eq=False)
class Forecast:
    """What every forecaster returns: `point` [B, H] and, where known, `quantiles` [B, H, Q] ascending in Q.

    `levels` [Q] names the quantiles; `quantiles is None` means that no bounds are known. `status` [B] is one of the
    words above; rows without a forecast are NaN. `details` [B] holds what a model says about a series: `period`,
    `mse` (mean squared in-sample error), `hint`. `model` names the model that answered.
    """

    point: FloatArray
    quantiles: FloatArray | None
    levels: tuple[float, ...]
    status: tuple[str, ...]
    model: str = ""
    details: tuple[Mapping[str, Any], ...] = field(default=())

    def __len__(self) -> int:
        return len(self.point)

    @property
    def horizon(self) -> int:
        return int(self.point.shape[1])

    def quantile(self, level: float) -> FloatArray:
        """[B, H] for one of the levels."""
        if self.quantiles is None or level not in self.levels:
            raise InvalidInput("level", f"{level} is not among the levels of this forecast: {self.levels}")
        return self.quantiles[:, :, self.levels.index(level)]

    def take(self, rows: Sequence[int] | slice) -> Forecast:
        """The forecasts of some of the series."""
        index = np.arange(len(self))[rows]
        return Forecast(
            self.point[index],
            None if self.quantiles is None else self.quantiles[index],
            self.levels,
            tuple(self.status[i] for i in index),
            self.model,
            tuple(self.details[i] for i in index) if self.details else (),
        )


def parse_time(value: str | dt.datetime | np.datetime64, name: str = "time") -> int:
    """ns since the epoch of an ISO 8601 time; one without a zone is UTC. `name` is the field that an error names."""
    if isinstance(value, np.datetime64):
        return int(value.astype("M8[ns]").astype(np.int64))
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise InvalidInput(name, f"{value!r} is not an ISO 8601 time") from None
    moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
