"""A detector, an imputer and correlators that show what the engine gave them, or misbehave in one known way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.engine import Engine
from foretell.engine.worker import Executor, ThreadExecutor
from foretell.registry import Kind, Limits, Named, Option, Options, Registry
from foretell.results import ANOMALY, Correlation, Detection, Imputation
from foretell.series import OK, Batch


class Fake:
    name: ClassVar[str]
    kind: ClassVar[Kind]
    aliases: ClassVar[tuple[str, ...]] = ()
    description: ClassVar[str] = "a fake"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=2, max_context=1000)
    options: ClassVar[Mapping[str, Option]] = {}


class Above(Fake):
    """Anomalous is what lies above `top`; a 13 is more than it can stand."""

    name = "above"
    kind: ClassVar[Kind] = "anomaly"
    options: ClassVar[Mapping[str, Option]] = {
        "top": Option(10.0, "the highest normal value", float),
        "valid_code": Option(1, "the label of normal points", int),
    }

    def detect(self, batch: Batch, options: Options) -> Detection:
        if (batch.values == 13).any():
            raise ZeroDivisionError("13")
        labels = np.where(batch.values > options["top"], ANOMALY, options["valid_code"])
        return Detection(labels, batch.values, batch.lengths, (OK,) * len(batch), self.name)


class Narrow(Fake):
    """Answers with one point too few."""

    name = "narrow"
    kind: ClassVar[Kind] = "anomaly"

    def detect(self, batch: Batch, options: Options) -> Detection:
        return Detection(np.ones_like(batch.values[:, 1:], dtype=np.int64), None, batch.lengths, (OK,) * len(batch))


class Zero(Fake):
    """Fills with 0, or what it is told to, and puts -1 in place of what was seen."""

    name = "zero"
    kind: ClassVar[Kind] = "imputation"
    limits = Limits(missing=True)
    options: ClassVar[Mapping[str, Option]] = {"fill": Option("0", "the value that fills")}

    def impute(self, batch: Batch, options: Options) -> Imputation:
        values = np.where(batch.observed, -1.0, float(options["fill"]))
        return Imputation(values, ~batch.observed, batch.lengths, (OK,) * len(batch), self.name)


class Gap(Fake):
    """The distance between the last values."""

    name = "gap"
    kind: ClassVar[Kind] = "correlation"

    def correlate(self, first: Batch, second: Batch, options: Options) -> tuple[Correlation, ...]:
        return tuple(Correlation(distance=float(d)) for d in np.abs(first.values[:, -1] - second.values[:, -1]))


class Silent(Fake):
    """Answers for no pair."""

    name = "silent"
    kind: ClassVar[Kind] = "correlation"

    def correlate(self, first: Batch, second: Batch, options: Options) -> tuple[Correlation, ...]:
        return ()


FAKES: tuple[type[Named], ...] = (Above, Narrow, Zero, Gap, Silent)


def engine_of_fakes(executor: Executor | None = None) -> Engine:
    models = Registry()
    for fake in FAKES:
        models.register(fake)
    return Engine(executor or ThreadExecutor(), models)
