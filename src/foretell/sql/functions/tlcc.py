"""TLCC(column, column [, 'lag_start=-1,lag_end=1']): their correlation at each lag (protocol section 3.4)."""

from __future__ import annotations

import pyarrow as pa

from foretell.results import Correlation
from foretell.sql.answer import Answer, Context
from foretell.sql.blocks import Block
from foretell.sql.comparison import compared


def answer(block: Block, context: Context) -> Answer:
    """The correlations of each group, a row for each lag, with four decimals as TDengine has them."""
    return compared(block, context, "tlcc", pa.string(), _lags)


def _lags(found: Correlation) -> list[str]:
    if found.lags is None or found.values is None:
        return []
    return [f"({lag}, {value:.4f})" for lag, value in zip(found.lags.tolist(), found.values.tolist(), strict=True)]
