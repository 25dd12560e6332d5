"""What the model sees of one series: its newest part, what follows it, and what is known beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from foretell.algorithms.seasonality import natural_periods
from foretell.models.hybrid.long_cycles import LongCycle, find_long_cycle
from foretell.models.hybrid.periods import REACH
from foretell.models.hybrid.scaling import is_constant
from foretell.series import ALL_MISSING, CONSTANT, NON_FINITE, OK, TOO_SHORT, FloatArray
from foretell.steps import Step

CONTEXTS = (64, 128, 256, 512, 1024, 2048)
"""Rows are grouped by the smallest of these that holds them; the network sees no more than the newest points."""
MEMORY = 26_304
"""Points in which a cycle too long for the network is looked for: three years of hours, eighteen days of minutes."""
SHORTEST_LONG = int(REACH * CONTEXTS[-1])
"""Cycles from this length on are too long for the network."""
LONGER = {5: 261, 7: 365, 24: 168, 48: 336, 96: 672, 144: 1008}
"""Seasons that come with a shorter one: a year of days with their week, a week of hours with their day."""
LEAST = 3
"""Known values that a forecast needs."""


@dataclass(frozen=True, slots=True)
class Row:
    """The newest part of a series, to its newest known value, and how many missing ones follow; its smallest value.

    `usual` are the periods to look at first.
    """

    values: FloatArray
    after: int
    status: str
    low: float = -math.inf
    cycle: LongCycle | None = None
    usual: tuple[int, ...] = ()

    def without_cycle(self) -> FloatArray:
        """What the network sees."""
        return self.values if self.cycle is None else self.values - self.cycle.before(len(self.values))

    def has_one(self, period: int) -> bool:
        """Whether one whole season of `period` points lies in the values, and no second one."""
        return 1 < period < SHORTEST_LONG and period <= len(self.values) < 2 * period

    def repeated(self, period: int) -> Row:
        """The same with its first season a second time before it."""
        values = np.concatenate([self.values[:period], self.values])
        return replace(self, values=values[-CONTEXTS[-1] :])


def usual_periods(step: Step | None, given: int | None) -> tuple[int, ...]:
    """Those of the step, where a given one takes the place of those up to it; and longer ones that come with them."""
    usual = natural_periods(step)
    if given is not None:
        usual = (given, *(p for p in usual if p > given)) if given > 1 else ()
    longer = {LONGER[p] for p in usual if p in LONGER}
    return tuple(p for p in sorted({*usual, *longer}) if p > 1)


def newest_known(values: FloatArray, usual: tuple[int, ...] = ()) -> Row:
    """Without the missing values at both ends, at most as long as the longest context; its long cycle, if any."""
    places = np.flatnonzero(~np.isnan(values))
    if not len(places):
        return Row(values[:0], len(values), ALL_MISSING)
    last = int(places[-1]) + 1
    places = places[places >= last - CONTEXTS[-1]]
    known = values[places]
    low, high = float(known.min()), float(known.max())
    status = _status(len(known), low, high)
    history = values[max(0, last - MEMORY) : last]
    cycle = find_long_cycle(history, SHORTEST_LONG) if status == OK else None
    within = tuple(p for p in usual if p < SHORTEST_LONG)  # of the network's reach
    return Row(values[places[0] : last], len(values) - last, status, low, cycle, within)


def _status(count: int, low: float, high: float) -> str:
    if not math.isfinite(high - low):
        return NON_FINITE
    if count < LEAST:
        return TOO_SHORT
    return CONSTANT if is_constant(low, high) else OK
