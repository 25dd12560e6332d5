"""Covariates whose future is written in the options of a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foretell.errors import InvalidInput
from foretell.series import Series
from foretell.sql.blocks import Block, Call
from foretell.sql.call import option_error
from foretell.sql.options import Options


def with_futures(
    block: Block, call: Call, series: Sequence[Series], covariates: Sequence[str], options: Options
) -> list[Series]:
    """The series, with the covariates whose future is in the options moved to `future_covariates`."""
    for number, name in enumerate(options.future, 1):
        if name not in covariates:
            error = InvalidInput(f"dynamic_real_{number}_col", f"{name!r} is not among the covariates of the call")
            raise option_error(block, call, error.field, error)
    if not options.future:
        return list(series)
    past = [i for i, name in enumerate(covariates) if name not in options.future]
    ahead = np.array(list(options.future.values()))
    known = [covariates.index(name) for name in options.future]

    def moved(one: Series) -> Series:
        behind = one.past_covariates
        if behind is None:
            raise AssertionError("covariates were pulled for every series")
        future = np.concatenate([behind[known], ahead], axis=1)
        return replace(one, past_covariates=behind[past] if past else None, future_covariates=future)

    return [moved(one) for one in series]
