"""The part of each week or month in which a series has points: six of seven days, opening hours, the 1st and the 15th.

A week has `size` equal slots from Monday's midnight on (7 days, 168 hours). A cell is a slot of one week, numbered from
the first of 1970-01-01 on. Of a month the slots are days.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.int64]

SHUT = 8
"""A week leaves out at least one of so many slots: with less, a series has gaps."""
LEAST = 3
"""So often at least must a slot have been passed without a point."""
DOUBT = 1e-4
"""The highest number of slots that may be left out by gaps alone."""
WEEKEND_DOUBT = 1e-3
"""The same of Saturday and Sunday together, so often left out that less evidence will do: two weeks without a gap."""


@dataclass(frozen=True, slots=True)
class Week:
    """The slots `begin`, ..., `end` - 1 of each of the `runs` are open, ascending, of the `size` slots of a week."""

    size: int
    runs: tuple[tuple[int, int], ...]

    @property
    def open(self) -> Cells:
        """The open slots of a week."""
        return _open(self)

    @property
    def cycles(self) -> tuple[int, ...]:
        """How many slots are open in a day, if that is more than one and the same on all open days, and in a week."""
        days = np.unique(self.open // (self.size // 7), return_counts=True)[1]
        day = (int(days[0]),) if days[0] > 1 and np.all(days == days[0]) else ()
        return (*day, len(self.open))

    @property
    def apart(self) -> int:
        """The slots from one open slot to the next: their mean, rounded up."""
        return -(-self.size // len(self.open))

    def before(self, cells: Cells) -> Cells:
        """How many open cells lie before each of `cells`, counted from the Monday before 1970-01-01."""
        week, slot = np.divmod(cells + _thursday(self.size), self.size)
        count: Cells = week * len(self.open) + np.searchsorted(self.open, slot)
        return count

    def cells(self, before: Cells) -> Cells:
        """The open cells that have so many before them."""
        week, rank = np.divmod(before, len(self.open))
        cells: Cells = week * self.size + self.open[rank] - _thursday(self.size)
        return cells

    def __str__(self) -> str:
        if self.size > 7:
            return f"{len(self.open)} of {self.size} a week"
        return ", ".join(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day] for day in self.open)


@lru_cache(1024)
def _open(week: Week) -> Cells:
    return np.concatenate([np.arange(begin, end) for begin, end in week.runs])


def _thursday(size: int) -> int:
    """The first slot of a Thursday, the day of the week of 1970-01-01."""
    return 3 * size // 7


@dataclass(frozen=True, slots=True)
class Dates:
    """Of each month the `days`, ascending, such as (1, 15); its last day instead of one that it does not have."""

    days: tuple[int, ...]
    size: ClassVar[int] = 7

    @property
    def cycles(self) -> tuple[int, ...]:
        """How many there are in a year."""
        return (12 * len(self.days),)

    @property
    def apart(self) -> int:
        """As of a week."""
        return -(-31 // len(self.days))

    def before(self, cells: Cells) -> Cells:
        """How many of the days lie before each of `cells`, counted from 1970-01-01."""
        month, day, length = _of_month(cells)
        count: Cells = month * len(self.days) + sum(np.minimum(one, length) <= day for one in self.days)
        return count

    def cells(self, before: Cells) -> Cells:
        """The days that have so many before them."""
        month, rank = np.divmod(before, len(self.days))
        first = month.astype("M8[M]").astype("M8[D]").astype(np.int64)
        cells: Cells = first + np.minimum(np.array(self.days)[rank], _of_month(first)[2]) - 1
        return cells

    def __str__(self) -> str:
        return " and ".join(map(str, self.days))


def _of_month(cells: Cells) -> tuple[Cells, Cells, Cells]:
    """Of each day its month since 1970-01, how many days of that lie before it, and how many it has."""
    month = cells.astype("M8[D]").astype("M8[M]")
    first, after = month.astype("M8[D]").astype(np.int64), (month + 1).astype("M8[D]").astype(np.int64)
    return month.astype(np.int64), cells - first, after - first


Calendar = Week | Dates

BUSINESS = Week(7, ((0, 5),))
"""Mondays to Fridays."""


def find_calendar(cells: Cells, size: int) -> Calendar | None:
    """The part of each week, or of each month, in which ascending, distinct `cells` [N] lie; None for no such part."""
    return _find_week(cells, size) or (_find_dates(cells) if size == 7 else None)


def _find_dates(days: Cells) -> Dates | None:
    """Two days of each month, seen six times and at most half of them left out."""
    if len(days) < 6 or not 13 * len(days) < int(days[-1] - days[0]) < 31 * len(days):
        return None
    _, day, length = _of_month(days)
    one, other = int(day.min()) + 1, int(day.max()) + 1
    dates = np.all((day + 1 == one) | (day + 1 == np.minimum(other, length)))
    return Dates((one, other)) if dates else None


def _find_week(cells: Cells, size: int) -> Week | None:
    """The part of each week in which ascending, distinct `cells` [N] lie, where gaps cannot explain what is left out.

    None for whole weeks with gaps, and for less than two weeks or cells without any pattern, which say nothing.
    """
    span = int(cells[-1] - cells[0])
    if SHUT * (span + 1 - len(cells)) < span // size * size:
        return None
    cells = cells + _thursday(size)
    slots = _regular(cells, size)
    if slots is None and size > 7:
        slots = _hours_of_days(cells, size // 7)
    if slots is None or SHUT * (size - len(slots)) < size:
        return None
    breaks = np.flatnonzero(np.diff(slots) > 1) + 1
    parts = pairwise([0, *breaks.tolist(), len(slots)])
    return Week(size, tuple((int(slots[a]), int(slots[b - 1]) + 1) for a, b in parts))


def _hours_of_days(cells: Cells, size: int) -> Cells | None:
    """The slots of a week if some days of it are open at the same of their `size` slots.

    That takes fewer weeks than slots that are told apart day by day. None if one of them was never seen.
    """
    days = cells // size
    is_new = np.diff(days, prepend=days[0] - 1) > 0
    weekdays, hours = _regular(days[is_new], 7), _regular(np.cumsum(is_new) * size + cells % size, size)
    if weekdays is None or hours is None:
        return None
    slots = (weekdays[:, None] * size + hours).ravel()
    return slots if np.isin(slots, cells % (7 * size)).all() else None


def _regular(cells: Cells, size: int) -> Cells | None:
    """The slots of a cycle of `size` that are seen most times; None if others are seen, or left out by chance.

    The chance is that of gaps as frequent as they are among the slots that are seen (with one more, for none seen).
    What passed once says nothing.
    """
    span, slots = int(cells[-1] - cells[0]), np.arange(size)
    passed = span // size + ((slots - cells[0]) % size <= span % size)
    seen = np.bincount(cells % size, minlength=size)
    is_open = seen > 0
    if np.any(passed[is_open] < 2):
        return None
    points = int(passed[is_open].sum())
    gaps = (points - len(cells) + 1) / (points + 1)
    shut = int(passed.min(initial=span + 1, where=~is_open))
    if size == 7 and np.array_equal(slots[is_open], BUSINESS.open):
        return slots[is_open] if points == len(cells) or gaps ** (2 * shut) <= WEEKEND_DOUBT else None
    sure = (shut >= LEAST and size * gaps**shut <= DOUBT) or is_open.all()
    return slots[is_open] if sure and np.all(2 * seen >= passed, where=is_open) else None
