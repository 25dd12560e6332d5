"""Answers of formulas that treat a whole batch at once, put together as a Forecast."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from foretell.algorithms.intervals import normal_quantiles
from foretell.series import OK, FloatArray, Forecast, IntArray


def normal_forecast(
    name: str,
    point: FloatArray,
    spread: FloatArray,
    levels: tuple[float, ...],
    mse: FloatArray,
    periods: IntArray | None = None,
    status: tuple[str, ...] | None = None,
) -> Forecast:
    """A Forecast with normal errors: `point` and standard errors `spread` [B, H], in-sample `mse` [B].

    `periods` [B] says which seasonal period was used (1: none, told as 0). A spread that is NaN gives no quantiles.
    """
    periods = np.ones(len(point), dtype=np.int64) if periods is None else periods
    return Forecast(
        point,
        normal_quantiles(point, spread, levels) if levels else None,
        levels,
        status or (OK,) * len(point),
        name,
        tuple(describe(int(p), float(e)) for p, e in zip(periods, mse, strict=True)),
    )


def describe(period: int, mse: float, **more: Any) -> Mapping[str, Any]:
    """`details` of one series: `period` (0: none), `mse` where it is known, and what else there is to say."""
    details: dict[str, Any] = {"period": period if period > 1 else 0}
    if math.isfinite(mse):
        details["mse"] = mse
    return details | {key: value for key, value in more.items() if value is not None}
