"""Straight lines between the neighbours of a gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from foretell.algorithms.completion import imputation
from foretell.gaps import fill
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Imputation
from foretell.series import Batch, FloatArray


class Linear:
    """Linear interpolation; before the first and after the last value, that value."""

    name: ClassVar[str] = "linear"
    aliases: ClassVar[tuple[str, ...]] = ("interpolate",)
    kind: ClassVar[Kind] = "imputation"
    description: ClassVar[str] = "Straight lines between the neighbours of a gap"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(missing=True, cost=0.1, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {}

    def impute(self, batch: Batch, options: Options) -> Imputation:  # noqa: ARG002
        return imputation(self.name, batch, straight)


def straight(values: FloatArray, row: int) -> tuple[FloatArray, Mapping[str, Any]]:  # noqa: ARG001
    return fill(values), {}
