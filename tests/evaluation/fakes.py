"""Two models of a few lines, in a registry of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.engine import Engine
from foretell.registry import Kind, Limits, Option, Options, Registry
from foretell.series import Batch, Forecast


class SeasonalNaive:
    name: ClassVar[str] = "seasonal_naive"
    aliases: ClassVar[tuple[str, ...]] = ("snaive",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "the last season again, without bounds"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(intervals=False)
    options: ClassVar[Mapping[str, Option]] = {"period": Option(1, "the season in points", int, low=1)}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        last = [np.resize(row[-options["period"] :], horizon) for row in batch.rows()]
        return Forecast(np.array(last), None, (), ("ok",) * len(batch))


class Flat:
    """The mean of the visible history, with bounds 1 around it; refuses a history that ends in 13."""

    name: ClassVar[str] = "flat"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "a constant"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits()
    options: ClassVar[Mapping[str, Option]] = {
        "plus": Option(0.0, "added to the mean", float),
        "period": Option(0, "added to the mean as well, to show what it was told", int),
    }

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        point = np.repeat(np.nanmean(batch.values, axis=1, keepdims=True), horizon, axis=1)
        point += options["plus"] + options["period"]
        unlucky = batch.values[:, -1] == 13
        width = 2 * np.array(levels) - 1
        return Forecast(
            np.where(unlucky[:, None], np.nan, point),
            point[:, :, None] + width,
            levels,
            tuple("failed: unlucky" if u else "ok" for u in unlucky),
        )


def engine() -> Engine:
    models = Registry()
    models.register(SeasonalNaive)
    models.register(Flat)
    return Engine(models=models)
