"""What the clients of both interfaces are told of outcomes and errors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from foretell.errors import ForetellError
from foretell.sql.database.outcome import Outcome
from foretell.sql.database.types import PRECISIONS
from foretell.wire.masking import mask
from foretell.wire.taos_types import DECIMAL, Column, Precision

log = logging.getLogger("foretell.taos")
INTERNAL = 0x80000445


@dataclass(frozen=True, slots=True)
class Rows:
    """A result as it travels."""

    table: pa.Table
    columns: Sequence[Column]
    unit: Precision

    @classmethod
    def of(cls, outcome: Outcome) -> Rows:
        return cls(outcome.table, outcome.columns, outcome.precision)

    def description(self) -> dict[str, Any]:
        """What the WebSocket says about the columns, as lists side by side."""
        return {
            "fields_count": len(self.columns),
            "fields_names": [column.name for column in self.columns],
            "fields_types": [column.type.number for column in self.columns],
            "fields_lengths": [column.bytes for column in self.columns],
            "precision": PRECISIONS[self.unit][0],
            "fields_precisions": [column.precision for column in self.columns],
            "fields_scales": [column.scale if column.type is DECIMAL else 0 for column in self.columns],
        }


def fault(error: Exception) -> tuple[int, str]:
    """Code and text of an error, as TDengine's clients show them. What nobody expected is logged, and told as such."""
    if isinstance(error, ForetellError):
        return error.tdengine_code & 0xFFFF, mask(str(error))
    log.error("a statement failed", exc_info=error)
    return INTERNAL & 0xFFFF, "internal error; the log of the server says more"
