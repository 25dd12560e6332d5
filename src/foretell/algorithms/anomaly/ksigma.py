"""The k-sigma rule: what lies more than k standard deviations from the mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from foretell.algorithms.labels import VALID_CODE, Finding, detection
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Detection
from foretell.series import Batch, FloatArray


class KSigma:
    """Anomalous: further than k population standard deviations from the mean. Score: that distance."""

    name: ClassVar[str] = "ksigma"
    aliases: ClassVar[tuple[str, ...]] = ("k_sigma",)
    kind: ClassVar[Kind] = "anomaly"
    description: ClassVar[str] = "More than k standard deviations from the mean"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(missing=True, cost=0.1, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {
        "k": Option(3.0, "standard deviations; TDgpt takes 1, 2 or 3", float, low=1, high=10),
        "valid_code": VALID_CODE,
    }

    def detect(self, batch: Batch, options: Options) -> Detection:
        k = options["k"]

        def find(values: FloatArray, row: int) -> Finding:  # noqa: ARG001
            mean, spread = np.mean(values), np.std(values)
            anomalous = (values < mean - k * spread) | (values > mean + k * spread)
            return anomalous, np.abs(values - mean) / spread, {}

        return detection(self.name, batch, options, find)
