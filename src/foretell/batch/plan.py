"""Which shard forecasts what. A shard is a range of ids where files are sorted by id, else a bucket of hashed ids.

Files in order of time hold a part of every series each. Then rows are first sorted into buckets by the hash of their
id, one file of runs for each part of the input, and a shard reads its run from each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from foretell.batch.survey import Piece

SHARD_ROWS = 2_000_000
"""Most rows of a shard, roughly: what a worker holds in memory at once."""
LEAST_ROWS = 50_000
LEAST_SHARDS = 16
READ_TWICE = 1.3
"""Ranges may make workers read this many times the input, since a row group may belong to two."""

Place = tuple[str, int]
"""A row group: path and number."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The series whose `column` lies in [low, high), which lie in `places`; or, without a column, a bucket."""

    number: int
    rows: int
    column: str | None = None
    low: Any = None
    high: Any = None
    places: tuple[Place, ...] = ()

    @property
    def name(self) -> str:
        return f"part-{self.number:05}.parquet"


@dataclass(frozen=True, slots=True)
class Sorting:
    """Row groups whose rows one worker sorts into buckets."""

    number: int
    rows: int
    places: tuple[Place, ...]

    @property
    def name(self) -> str:
        return f"sorted-{self.number:05}.arrow"


@dataclass(frozen=True, slots=True)
class Plan:
    sortings: tuple[Sorting, ...]
    shards: tuple[Shard, ...]


def plan(pieces: Sequence[Piece], ids: Sequence[str], shard_rows: int = SHARD_ROWS) -> Plan:
    """Shards of about `shard_rows` rows; of fewer where there would be few shards."""
    total = sum(piece.rows for piece in pieces)
    size = min(shard_rows, max(LEAST_ROWS, total // LEAST_SHARDS))
    ranges = [_ranges(pieces, column, name, size) for column, name in enumerate(ids)]
    good = [shards for shards in ranges if shards is not None]
    if good:
        return Plan((), min(good, key=lambda shards: sum(shard.rows for shard in shards)))
    count = max(1, -(-total // size))
    return Plan(_sortings(pieces, size), tuple(Shard(i, total // count) for i in range(count)))


def _ranges(pieces: Sequence[Piece], column: int, name: str, size: int) -> tuple[Shard, ...] | None:
    """Ranges of one id column; None where they would be too large, or read too much twice."""
    known = [(span[0], span[1], piece) for piece in pieces if (span := piece.spans[column]) is not None]
    if len(known) != len(pieces) or len({type(low) for low, _, _ in known}) > 1:
        return None
    known.sort(key=lambda item: item[0])
    cuts: list[Any] = [None]
    rows = 0
    for low, _, piece in known:
        if rows and rows + piece.rows > size and low != cuts[-1]:
            cuts.append(low)
            rows = 0
        rows += piece.rows
    shards = []
    for number, (low, high) in enumerate(pairwise([*cuts, None])):
        inside = [p for least, most, p in known if (low is None or most >= low) and (high is None or least < high)]
        places = tuple((p.path, p.group) for p in inside)
        shards.append(Shard(number, sum(p.rows for p in inside), name, low, high, places))
    total = sum(piece.rows for piece in pieces)
    largest = max(shard.rows for shard in shards)
    good = sum(shard.rows for shard in shards) <= READ_TWICE * total and largest <= 2 * size
    return tuple(shards) if good else None


def _sortings(pieces: Sequence[Piece], size: int) -> tuple[Sorting, ...]:
    parts: list[list[Piece]] = []
    rows = 0
    for piece in pieces:
        if not parts or (rows and rows + piece.rows > size):
            parts.append([])
            rows = 0
        parts[-1].append(piece)
        rows += piece.rows
    return tuple(
        Sorting(number, sum(p.rows for p in part), tuple((p.path, p.group) for p in part))
        for number, part in enumerate(parts)
    )
