"""The last value that was seen, until another is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.completion import imputation
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Imputation
from foretell.series import Batch, FloatArray


class Previous:
    """The value before the gap; before the first value, that value."""

    name: ClassVar[str] = "previous"
    aliases: ClassVar[tuple[str, ...]] = ("ffill", "locf")
    kind: ClassVar[Kind] = "imputation"
    description: ClassVar[str] = "The value before the gap; right for states and counters that report changes"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(missing=True, cost=0.1, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {}

    def impute(self, batch: Batch, options: Options) -> Imputation:  # noqa: ARG002
        return imputation(self.name, batch, carried)


def carried(values: FloatArray, row: int) -> tuple[FloatArray, Mapping[str, Any]]:  # noqa: ARG001
    seen = ~np.isnan(values)
    source = np.maximum.accumulate(np.where(seen, np.arange(len(values)), int(seen.argmax())))
    return values[source], {}
