"""Seasons taken out of a series by STL, and put back into its forecast by repeating the last of each.

Cleveland, Cleveland, McRae & Terpenning (1990), STL; several periods one after the other as in MSTL (Bandara, Hyndman
& Bergmeir 2021, arXiv:2107.13462). The seasonal windows are those of R's forecast::mstl: 11, 15, 19, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foretell.algorithms.one_by_one import Answer
from foretell.algorithms.seasonality import shows
from foretell.series import FloatArray

ROUNDS = 2
FEW_CYCLES = 4
"""A criterion such as AICc may turn down a season of fewer cycles, though it is plain."""


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A series [T] as `rest` [T] (trend and remainder) plus seasonal parts [P, T], one for each period."""

    rest: FloatArray
    seasonal: FloatArray
    periods: tuple[int, ...]

    def ahead(self, horizon: int) -> FloatArray:
        """The sum of the seasonal parts [H] of the next steps: the last season of each, repeated."""
        total = np.zeros(horizon)
        for part, period in zip(self.seasonal, self.periods, strict=True):
            total += part[len(part) - period + np.arange(horizon) % period]
        return total

    def restore(self, answer: Answer) -> Answer:
        """The answer for the series from that for its rest; the seasons are taken as known, but what they took of the
        errors (a mean of c cycles takes one part of c) is given back to the quantiles."""
        ahead, count = self.ahead(len(answer.point)), len(self.rest)
        wider = np.sqrt(count / (count - max(self.periods)))
        point = answer.point[:, None]
        names = ", ".join(map(str, self.periods))
        return Answer(
            answer.point + ahead,
            None if answer.quantiles is None else point + wider * (answer.quantiles - point) + ahead[:, None],
            answer.errors,
            max(self.periods),
            {**answer.notes, "model": f"STL({names}) + {answer.notes['model']}"},
        )


def decompose(values: FloatArray, periods: Sequence[int]) -> Decomposition:
    """Take the given periods (each at least 2 and at most half the series) out of `values` [T], shortest first."""
    from statsmodels.tsa.seasonal import STL

    periods = tuple(sorted(periods))
    seasonal = np.zeros((len(periods), len(values)))
    rest = values
    for _ in range(ROUNDS if len(periods) > 1 else 1):
        for i, period in enumerate(periods):
            rest = rest + seasonal[i]
            seasonal[i] = STL(rest, period=period, seasonal=11 + 4 * i, seasonal_deg=0).fit().seasonal
            rest = rest - seasonal[i]
    return Decomposition(rest, seasonal, periods)


def shows_few(values: FloatArray, period: int) -> bool:
    """Whether a series [T] shows a season, of which it has few cycles."""
    return period > 1 and len(values) < FEW_CYCLES * period and shows(values, period)
