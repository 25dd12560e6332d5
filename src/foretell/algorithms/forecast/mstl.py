"""Several seasons at once: taken out by STL one after the other, the rest forecast by exponential smoothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from foretell.algorithms.decomposition import decompose
from foretell.algorithms.forecast.ets import smooth
from foretell.algorithms.one_by_one import Answer, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, nested_periods
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, FloatArray, Forecast

REST = "ZZN"


class Mstl:
    """MSTL (Bandara, Hyndman & Bergmeir 2021, arXiv:2107.13462), hours of a day and of a week for instance.

    The intervals are those of the rest: the seasons are taken as known.
    """

    name: ClassVar[str] = "mstl"
    aliases: ClassVar[tuple[str, ...]] = ("stl",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Several seasons (day and week) taken out, the rest by exponential smoothing"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=7, max_context=20_000, cost=300, prefix_consistent=True)
    options: ClassVar[Mapping[str, Option]] = {"period": PERIOD}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        given = options["period"]

        def fit(values: FloatArray, row: int) -> Answer:
            periods = nested_periods(values, batch.steps[row]) if given is None else (given,)
            return smooth_rest(values, tuple(p for p in periods if p > 1), horizon, levels)

        return one_by_one(self.name, batch, horizon, levels, fit)


def smooth_rest(values: FloatArray, periods: tuple[int, ...], horizon: int, levels: tuple[float, ...]) -> Answer:
    """Take the periods out of one series [T], forecast the rest and put them back."""
    check_cycles(len(values), max(periods, default=1))
    if periods:
        parts = decompose(values, periods)
        return parts.restore(smooth(parts.rest, 1, horizon, levels, REST, None))
    answer = smooth(values, 1, horizon, levels, REST, None)
    return replace(answer, notes={**answer.notes, "hint": "no season was given or found"})
