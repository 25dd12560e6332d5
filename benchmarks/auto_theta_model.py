"""statsforecast's AutoTheta for the tables: `theta` that takes a season out only where AutoTheta's test sees one."""

from __future__ import annotations

from typing import ClassVar

from foretell.algorithms.forecast.theta import Theta, passes_test
from foretell.series import FloatArray


class AutoTheta(Theta):
    name: ClassVar[str] = "autotheta"
    aliases: ClassVar[tuple[str, ...]] = ()
    description: ClassVar[str] = "The theta method as in statsforecast"

    @staticmethod
    def is_seasonal(values: FloatArray, period: int) -> bool:
        return passes_test(values, period)
