"""Series that repeat themselves closely: what changes from cycle to cycle is forecast in place of the values.

A small network that sees values in units of their spread cannot tell 1.00 from 1.02; where that is all that changes
from one day to the next, the changes are what it should look at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foretell.series import FloatArray

CLOSE = 0.3
"""Root mean square change over a cycle, in standard deviations of the series, up to which changes are forecast."""
SHORTEST = 4
"""Points of the shortest cycle."""
CYCLES = 3
"""So many cycles must have been seen."""
MARKED = 0.5
"""A cycle's changes are at most this share of the largest over a shorter lag: slow series have no cycle."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes over a cycle, scaled, and back: z = (x[t] - x[t - period] - mean) / spread."""

    last: FloatArray
    """[P] the newest cycle."""
    mean: float
    spread: float

    @classmethod
    def of(cls, values: FloatArray, period: int) -> Changes:
        change = values[period:] - values[:-period]
        return cls(values[-period:], float(change.mean()), float(change.std(ddof=1)))

    def apply(self, values: FloatArray) -> FloatArray:
        """[T] -> [T - P]."""
        period = len(self.last)
        return (values[period:] - values[:-period] - self.mean) / (self.spread or 1.0)

    def undo(self, values: FloatArray) -> FloatArray:
        """[H] -> [H]: each step adds its change to the step one cycle before it."""
        period = len(self.last)
        count = -(-len(values) // period)
        change = np.zeros(count * period)
        change[: len(values)] = values * self.spread + self.mean
        steps = self.last + np.cumsum(change.reshape(count, period), axis=0)
        return steps.reshape(-1)[: len(values)]


def close_cycle(values: FloatArray) -> int:
    """The lag [points] over which the series [T] hardly changes; 0 if there is none."""
    spread = float(values.std())
    lags = len(values) // CYCLES
    if spread == 0 or lags < SHORTEST:
        return 0
    change = np.array([np.sqrt(np.mean((values[p:] - values[:-p]) ** 2)) for p in range(1, lags + 1)]) / spread
    best = int(change[SHORTEST - 1 :].argmin()) + SHORTEST - 1
    marked = change[best] <= MARKED * change[:best].max()
    return best + 1 if marked and change[best] <= CLOSE else 0
