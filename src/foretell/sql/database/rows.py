"""Rows on their way into a table, as Arrow columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foretell.sql.database.catalog import SubTable, Table
from foretell.wire.taos_types import TBNAME


class Run(NamedTuple):
    """Times of one sub-table (of the table itself, where `name` is ""): the earliest, the latest, and whether each is
    later than the one before."""

    name: str
    earliest: int
    latest: int
    rises: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for one physical table: the given columns of it, `tbname` first if it is a super-table. `made` are the
    sub-tables that must be there, and are made if they are not; `together`: each sub-table's rows stand next to each
    other."""

    table: Table
    batch: pa.Table
    runs: tuple[Run, ...]
    made: tuple[SubTable, ...] = field(default=())
    together: bool = False

    def __len__(self) -> int:
        return int(self.batch.num_rows)


def run_of(name: str, times: npt.NDArray[np.int64]) -> Run:
    """The run of some times [N], N > 0, in the precision of their database."""
    if len(times) == 1:
        return Run(name, int(times[0]), int(times[0]), True)
    return Run(name, int(times.min()), int(times.max()), bool((np.diff(times) > 0).all()))


class Names(NamedTuple):
    """The names of rows [N] as numbers, the words that they stand for, and the rows where another name begins."""

    codes: npt.NDArray[np.int64]
    words: list[str]
    starts: npt.NDArray[np.int64]

    @property
    def are_together(self) -> bool:
        """Whether the rows of each name stand next to each other."""
        return len(self.starts) == len(self.words)

    def first_rows(self) -> npt.NDArray[np.int64]:
        """For each word the first row that has it."""
        first = np.empty(len(self.words), np.int64)
        first[self.codes[self.starts[::-1]]] = self.starts[::-1]
        return first


def names_of(column: pa.ChunkedArray) -> Names:
    """The names in a column, numbered in the order in which they come."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    names = column.combine_chunks()
    if isinstance(names, pa.ChunkedArray):
        names = pa.concat_arrays(names.chunks) if names.num_chunks else pa.array([], column.type)
    changes = pc.not_equal(names[1:], names[:-1]).to_numpy(zero_copy_only=False)
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1]) if len(names) else np.empty(0, np.int64)
    encoded = names.take(pa.array(starts)).dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Names(np.repeat(codes, np.diff(starts, append=len(names))), encoded.dictionary.to_pylist(), starts)


def runs_of(names: Names, times: npt.NDArray[np.int64]) -> tuple[Run, ...]:
    """The runs of rows [N] of many sub-tables, which may be mixed: one for each sub-table."""
    if not len(times):
        return ()
    codes, words, starts = names
    if not names.are_together:
        order = np.argsort(codes, kind="stable")
        codes, times = codes[order], times[order]
        starts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1])
    falls = np.flatnonzero(np.diff(times) <= 0) + 1
    falls = falls[~np.isin(falls, starts)]
    bad = set(np.searchsorted(starts, falls, side="right") - 1)
    least, most = np.minimum.reduceat(times, starts), np.maximum.reduceat(times, starts)
    return tuple(Run(words[codes[start]], int(least[i]), int(most[i]), i not in bad) for i, start in enumerate(starts))


def times_in(batch: pa.Table, column: str) -> npt.NDArray[np.int64]:
    """A time column as integers [N]."""
    times: npt.NDArray[np.int64] = batch.column(column).cast(pa.int64()).to_numpy()
    return times


def latest(batch: pa.Table, table: Table, is_super: bool) -> pa.Table:
    """The batch with only the last of rows that have the same table and time."""
    keys = ([batch.column(TBNAME)] if is_super else []) + [batch.column(table.time)]
    numbers = pa.array(np.arange(len(batch)))
    names = [f"key{i}" for i in range(len(keys))]
    grouped = pa.table([*keys, numbers], [*names, "row"]).group_by(names).aggregate([("row", "max")])
    kept = pc.sort_indices(grouped.column("row_max"))
    return batch.take(grouped.column("row_max").take(kept))


def joined(batches: Sequence[pa.Table]) -> pa.Table:
    """Batches of the same columns under each other."""
    return batches[0] if len(batches) == 1 else pa.concat_tables(batches)
