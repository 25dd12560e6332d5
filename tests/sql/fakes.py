"""Models for tests: one that takes covariates, one that never ends, and one that knows no bounds."""

from __future__ import annotations

import time
from typing import ClassVar, cast

import numpy as np

from foretell.registry import Kind, Limits, Model, Option, Options, Registry
from foretell.series import OK, Batch, Forecast


class Fake:
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "for tests"
    license: ClassVar[str] = "Apache-2.0"
    options: ClassVar[dict[str, Option]] = {}


class Adder(Fake):
    """The last value plus the sum of the future covariates; the number of past ones in the hundreds."""

    name: ClassVar[str] = "adder"
    kind: ClassVar[Kind] = "forecast"
    limits: ClassVar[Limits] = Limits(covariates=True)

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        point = np.repeat(batch.values[:, -1:], horizon, axis=1)
        if batch.future_covariates is not None:
            point = point + batch.future_covariates[:, :, -horizon:].sum(axis=1)
        if batch.past_covariates is not None:
            point = point + 100 * batch.past_covariates.shape[1]
        return Forecast(point, None, (), (OK,) * len(batch), self.name)


class Sleeper(Fake):
    """Sleeps for as many seconds as the option says."""

    name: ClassVar[str] = "sleeper"
    kind: ClassVar[Kind] = "forecast"
    limits: ClassVar[Limits] = Limits(cost=1e9)
    options: ClassVar[dict[str, Option]] = {"nap": Option(0.2, "seconds", float)}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        time.sleep(options["nap"])
        return Forecast(np.zeros((len(batch), horizon)), None, (), (OK,) * len(batch), self.name)


class Last(Fake):
    """The last value, without an idea of bounds."""

    name: ClassVar[str] = "last"
    kind: ClassVar[Kind] = "forecast"
    limits: ClassVar[Limits] = Limits(intervals=False)

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        return Forecast(np.repeat(batch.values[:, -1:], horizon, axis=1), None, (), (OK,) * len(batch), self.name)


def models() -> Registry:
    """The fakes, and no other."""
    fakes = Registry()
    for model in (Adder, Sleeper, Last):
        fakes.register(cast(type[Model], model))
    return fakes
