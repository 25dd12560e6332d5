"""Results that a client fetches piece by piece, and frees."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from foretell.errors import InvalidInput, Overloaded
from foretell.sql.taos.answers import Rows
from foretell.wire.taos_block import encode_block

CELLS = 1 << 18
"""Values of one block, about: large enough that messages cost nothing, small enough for every client."""
MOST_ROWS = 1 << 16
MOST_BYTES = 8 << 20
"""Of the values of one block, where it has more than one row."""
MOST_OPEN = 1_000
SMALL, SMALL_BYTES = 1 << 12, 1 << 16
"""Values, and their bytes, that are encoded faster than a thread is asked to."""


@dataclass(slots=True)
class Open:
    """A result, and how much of it has been fetched."""

    rows: Rows
    fetched: int = 0
    block: bytes = b""
    """The last block, for clients that ask for it in a second message."""

    def next(self) -> pa.Table | None:
        """The rows of the next block, none at the end."""
        if self.fetched >= self.rows.table.num_rows:
            return None
        count = max(1, min(MOST_ROWS, CELLS // len(self.rows.columns)))
        part = self.rows.table.slice(self.fetched, count)
        while part.num_rows > 1 and part.nbytes > MOST_BYTES:
            part = part.slice(0, part.num_rows // 2)
        self.fetched += part.num_rows
        return part

    def encode(self, part: pa.Table) -> bytes:
        return encode_block(part, self.rows.columns, self.rows.unit)

    def is_small(self, part: pa.Table) -> bool:
        return bool(part.num_rows * len(self.rows.columns) <= SMALL and part.nbytes <= SMALL_BYTES)


@dataclass(slots=True)
class Results:
    """The open results of one connection, by number."""

    _open: dict[int, Open] = field(default_factory=dict)
    _last: int = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, rows: Rows) -> int:
        if len(self._open) >= MOST_OPEN:
            raise Overloaded(f"{MOST_OPEN:,} results are open on this connection; free some")
        self._last += 1
        self._open[self._last] = Open(rows)
        return self._last

    def find(self, number: int) -> Open:
        try:
            return self._open[number]
        except KeyError:
            raise InvalidInput("id", f"there is no result {number} on this connection") from None

    def free(self, number: int) -> None:
        self._open.pop(number, None)
