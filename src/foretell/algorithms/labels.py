"""Labels from what a detector finds in one series after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from foretell.algorithms.one_by_one import in_its_row, silence
from foretell.registry import Option, Options
from foretell.results import ANOMALY, NORMAL, Detection
from foretell.series import OK, Batch, BoolArray, FloatArray

VALID_CODE = Option(NORMAL, "the label of normal points; anomalous ones have -1", int)
"""The option that TDgpt gives to every detector."""

MAD_TO_SIGMA = 1.4826
"""The standard deviation of normal data in units of its median absolute deviation."""

Finding = tuple[BoolArray, FloatArray, Mapping[str, Any]]
Find = Callable[[FloatArray, int], Finding]


def detection(name: str, batch: Batch, options: Options, find: Find) -> Detection:
    """`find(values [n], row)` for the observed values of every row: which are anomalous [n], scores [n], details.

    Values are brought near 1 by a power of two before, so that no square overflows and no digit changes.
    """
    labels = np.full(batch.values.shape, options["valid_code"], dtype=np.int64)
    scores = np.full(batch.values.shape, np.nan)
    status = [OK] * len(batch)
    details: list[Mapping[str, Any]] = [{}] * len(batch)
    with silence():
        for row in range(len(batch)):
            seen = np.flatnonzero(batch.observed[row])
            with in_its_row(name, status, row):
                anomalous, score, details[row] = find(near_one(batch.values[row, seen]), row)
                labels[row, seen[anomalous]] = ANOMALY
                scores[row, seen] = np.where(np.isfinite(score), score, np.nan)
    return Detection(labels, scores, batch.lengths, tuple(status), name, tuple(details), options["valid_code"])


def near_one(values: FloatArray) -> FloatArray:
    """`values` [n] divided by a power of two, so that the largest lies in [0.5, 1); NaN stays."""
    exponent = np.frexp(np.fmax.reduce(np.abs(values), initial=0.0))[1]
    result: FloatArray = np.ldexp(values, -int(exponent))
    return result


def robust_distance(values: FloatArray) -> FloatArray:
    """Signed distances [n] from the median, in standard deviations told by the median absolute deviation.

    Where more than half of the values are equal, by the mean absolute deviation (Iglewicz & Hoaglin 1993).
    """
    offset = values - np.median(values)
    size = np.abs(offset)
    spread = MAD_TO_SIGMA * np.median(size)
    if spread == 0:
        spread = np.sqrt(np.pi / 2) * size.mean()
    result: FloatArray = offset / spread if spread > 0 else offset
    return result
