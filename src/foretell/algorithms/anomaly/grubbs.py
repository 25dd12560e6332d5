"""Grubbs' test, repeated: the value furthest from the mean is taken out as long as it is too far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.labels import VALID_CODE, Finding, detection
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Detection
from foretell.series import Batch, FloatArray


class Grubbs:
    """The two-sided Smirnov-Grubbs test as the package outlier-utils has it: with the population standard deviation.

    Grubbs 1950, doi:10.1214/aoms/1177729885. As TDgpt has it, `alpha` is the confidence, 0.95 for a significance of
    0.05, and a value is anomalous if no copy of it was kept. Score: standard deviations of what was kept.
    """

    name: ClassVar[str] = "grubbs"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "anomaly"
    description: ClassVar[str] = "Grubbs' test, repeated; for normally distributed values"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(max_context=100_000, missing=True, cost=2, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {
        "alpha": Option(0.95, "confidence of the test, between 0 and 1", float, low=1e-6, high=1 - 1e-6),
        "valid_code": VALID_CODE,
    }

    def detect(self, batch: Batch, options: Options) -> Detection:
        significance = 1 - options["alpha"]

        def find(values: FloatArray, row: int) -> Finding:  # noqa: ARG001
            kept = without_outliers(values, significance)
            score = np.abs(values - np.mean(kept)) / np.std(kept)
            return ~np.isin(values, kept), score, {}

        return detection(self.name, batch, options, find)


def without_outliers(values: FloatArray, significance: float) -> FloatArray:
    """`values` [n] without those that the test rejects, one after the other."""
    kept = values
    while len(kept) > 2:
        distance = np.abs(kept - kept.mean())
        furthest = int(distance.argmax())
        if not distance[furthest] / kept.std() > critical(len(kept), significance):
            break
        kept = np.delete(kept, furthest)
    return kept


def critical(count: int, significance: float) -> float:
    """The largest distance, in standard deviations, that is to be expected among `count` values."""
    from scipy.stats import t

    square = float(t.isf(significance / (2 * count), count - 2)) ** 2
    return float((count - 1) / np.sqrt(count) * np.sqrt(square / (count - 2 + square)))
