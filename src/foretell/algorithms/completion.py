"""Complete series from what an imputer fills in, one series after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from foretell.algorithms.one_by_one import in_its_row, silence
from foretell.results import Imputation
from foretell.series import OK, Batch, FloatArray, repaired

Fill = Callable[[FloatArray, int], tuple[FloatArray, Mapping[str, Any]]]


def imputation(name: str, batch: Batch, fill: Fill) -> Imputation:
    """`fill(values [n], row)` for every row with gaps: the values complete, and details. What was seen stays.

    Values are brought near 1 by a power of two before, so that nothing overflows and no digit changes.
    """
    values = batch.values.copy()
    imputed = np.zeros(values.shape, dtype=np.bool_)
    status = [OK] * len(batch)
    details: list[Mapping[str, Any]] = [{}] * len(batch)
    with silence():
        for row in range(len(batch)):
            own = values[row, values.shape[1] - int(batch.lengths[row]) :]
            gaps = np.isnan(own)
            if not gaps.any():
                continue
            exponent = int(np.frexp(np.nanmax(np.abs(own)))[1])
            with in_its_row(name, status, row):
                made, details[row] = fill(np.ldexp(own, -exponent), row)
                own[gaps] = np.ldexp(made[gaps], exponent)
                imputed[row, len(values[row]) - len(own) :] = gaps
                status[row] = repaired(int(gaps.sum()))
    return Imputation(values, imputed, batch.lengths, tuple(status), name, tuple(details))
