"""DTW(column, column [, 'radius=1']): how far apart two columns are when time may stretch (protocol section 3.4)."""

from __future__ import annotations

import pyarrow as pa

from foretell.sql.answer import Answer, Context
from foretell.sql.blocks import Block
from foretell.sql.comparison import compared


def answer(block: Block, context: Context) -> Answer:
    """The distance of each group, one row."""
    return compared(block, context, "dtw", pa.float64(), lambda found: [found.distance])
