"""Tukey's fences: what lies far outside the middle half of the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.labels import VALID_CODE, Finding, detection
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Detection
from foretell.series import Batch, FloatArray

FENCE = 1.5


class Iqr:
    """Anomalous: more than 1.5 interquartile ranges beyond a quartile (Tukey 1977). Score: that distance."""

    name: ClassVar[str] = "iqr"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "anomaly"
    description: ClassVar[str] = "Tukey's fences: 1.5 interquartile ranges beyond the quartiles"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(missing=True, cost=0.3, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {"valid_code": VALID_CODE}

    def detect(self, batch: Batch, options: Options) -> Detection:
        return detection(self.name, batch, options, outside_fences)


def outside_fences(values: FloatArray, row: int) -> Finding:  # noqa: ARG001
    low, high = np.quantile(values, [0.25, 0.75])
    width = high - low
    anomalous = (values < low - FENCE * width) | (values > high + FENCE * width)
    beyond = np.maximum(np.maximum(low - values, values - high), 0.0)
    return anomalous, beyond / width, {}
