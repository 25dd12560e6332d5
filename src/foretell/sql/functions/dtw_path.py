"""DTW_PATH(column, column [, 'radius=1']): which points go together when time may stretch (protocol section 3.4)."""

from __future__ import annotations

import pyarrow as pa

from foretell.results import Correlation
from foretell.sql.answer import Answer, Context
from foretell.sql.blocks import Block
from foretell.sql.comparison import compared


def answer(block: Block, context: Context) -> Answer:
    """The path of each group, a row for each pair of points, counted from 0."""
    return compared(block, context, "dtw", pa.string(), _pairs)


def _pairs(found: Correlation) -> list[str]:
    return [] if found.path is None else [f"({i}, {j})" for i, j in found.path.tolist()]
