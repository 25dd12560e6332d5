"""TDgpt's name for its imputer, answered by whichever of ours does best on gaps like those that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.completion import imputation
from foretell.algorithms.imputation.seasonal import fill_season, find_period
from foretell.algorithms.seasonality import PERIOD
from foretell.gaps import fill
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Imputation
from foretell.series import Batch, FloatArray

TRIALS = 4
Method = Callable[[FloatArray], FloatArray]


class Moment:
    """Not the network MOMENT, which TDgpt asks under this name: its weights are no part of this.

    The gaps are moved along the series to places where the truth is known; the method with the smallest mean
    absolute error there fills the real ones. `details["method"]` names it.
    """

    name: ClassVar[str] = "moment"
    aliases: ClassVar[tuple[str, ...]] = ("best", "moment-imputation")
    kind: ClassVar[Kind] = "imputation"
    description: ClassVar[str] = "Not the network MOMENT: the better of seasonal and linear, tried on each series"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(max_context=200_000, missing=True, cost=50, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {"period": PERIOD}

    def impute(self, batch: Batch, options: Options) -> Imputation:
        def best(values: FloatArray, row: int) -> tuple[FloatArray, Mapping[str, Any]]:
            period = find_period(values, batch.steps[row], options["period"])
            if period < 2:
                return fill(values), {"method": "linear", "period": 0}
            methods: dict[str, Method] = {"seasonal": lambda v: fill_season(v, period), "linear": fill}
            errors = _errors(values, methods)
            name = min(errors, key=lambda method: errors[method])
            return methods[name](values), {"method": name, "period": period if name == "seasonal" else 0}

        return imputation(self.name, batch, best)


def _errors(values: FloatArray, methods: Mapping[str, Method]) -> dict[str, float]:
    """Sum of absolute errors of each method on gaps moved to other places; zeros where nothing can be hidden."""
    errors = dict.fromkeys(methods, 0.0)
    missing = np.isnan(values)
    for trial in range(1, TRIALS + 1):
        hidden = np.roll(missing, trial * len(values) // (TRIALS + 1)) & ~missing
        if not hidden.any() or (missing | hidden).all():
            continue
        known = np.where(hidden, np.nan, values)
        for name, method in methods.items():
            errors[name] += float(np.abs(method(known) - values)[hidden].sum())
    return errors
