"""Straight lines between the neighbours of a gap, drawn in the series without its season."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.completion import imputation
from foretell.algorithms.seasonality import PERIOD, check_cycles, detect_period
from foretell.gaps import fill
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Imputation
from foretell.series import Batch, FloatArray
from foretell.steps import Step

ROUNDS = 3
"""Each round learns the season from a better filling."""
MEMORY = 6.0
"""Cycles away at which the weight of what was seen in the same place of another cycle falls to 1/e."""
REACH = 14


class Seasonal:
    """Seasonally adjusted interpolation (the idea of `na_seadec`, Moritz & Bartz-Beielstein 2017, R Journal 9(1)).

    The season at a place is the weighted mean of what was seen there in the neighbouring cycles, trend taken out.
    Without a season it is `linear`.
    """

    name: ClassVar[str] = "seasonal"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "imputation"
    description: ClassVar[str] = (
        "Lines between the neighbours, drawn in the series without its season (found by itself)"
    )
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(max_context=200_000, missing=True, cost=10, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {"period": PERIOD}

    def impute(self, batch: Batch, options: Options) -> Imputation:
        def with_season(values: FloatArray, row: int) -> tuple[FloatArray, Mapping[str, Any]]:
            period = find_period(values, batch.steps[row], options["period"])
            return fill_season(values, period), {"period": period if period > 1 else 0}

        return imputation(self.name, batch, with_season)


def find_period(values: FloatArray, step: Step | None, given: int | None) -> int:
    """The given period of `values` [T], or the one that they show in spite of their gaps; 1 where there is none."""
    if given is None:
        return detect_period(values, step)
    check_cycles(len(values), given)
    return max(1, given)


def fill_season(values: FloatArray, period: int) -> FloatArray:
    """`values` [T] with every NaN replaced; a period of 1 means no season."""
    filled = fill(values)
    for _ in range(ROUNDS if period > 1 else 0):
        season = _season(values, filled, period)
        filled = np.where(np.isnan(values), fill(values - season) + season, values)
    return filled


def _season(values: FloatArray, filled: FloatArray, period: int) -> FloatArray:
    """[T], from what was seen in `values` above the trend of `filled`; 0 at places that were never seen."""
    from scipy.ndimage import convolve1d, uniform_filter1d

    cycles = np.full((-(-len(values) // period), period), np.nan)
    cycles.ravel()[: len(values)] = values - uniform_filter1d(filled, period, mode="nearest")
    seen = ~np.isnan(cycles)
    weights = np.exp(-np.abs(np.arange(-REACH, REACH + 1)) / MEMORY)
    total = convolve1d(np.where(seen, cycles, 0.0), weights, axis=0, mode="constant")
    weight = convolve1d(seen.astype(np.float64), weights, axis=0, mode="constant")
    season = np.divide(total, weight, out=np.zeros_like(total), where=weight > weights[0] / 2)
    return season.ravel()[: len(values)]
