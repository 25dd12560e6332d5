"""Rows sorted into buckets by the hash of their id, in one Arrow file of runs; each bucket can be read alone.

A file holds the batches bucket 0, 1, ..., n-1 of its first rows, then those of its next rows, and so on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

ROWS_IN_MEMORY = 2_000_000
MISSING = b"\0"


def write_buckets(
    tables: Iterable[pa.Table], schema: pa.Schema, ids: Sequence[str], count: int, out: IO[bytes]
) -> None:
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(out, schema, options=options) as writer:
        for table in _gathered(tables):
            for batch in _split(table, ids, count):
                writer.write_batch(batch)


def read_bucket(source: Any, bucket: int, count: int) -> list[pa.RecordBatch]:
    file = pa.ipc.open_file(source)
    return [file.get_batch(i) for i in range(bucket, file.num_record_batches, count)]


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables as large as memory allows."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= ROWS_IN_MEMORY:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _split(table: pa.Table, ids: Sequence[str], count: int) -> Iterator[pa.RecordBatch]:
    """`count` batches; rows of a bucket keep their order."""
    bucket = bucket_of(table, ids, count)
    order = np.argsort(bucket, kind="stable")
    ends = np.cumsum(np.bincount(bucket, minlength=count))
    (whole,) = table.take(pa.array(order)).combine_chunks().to_batches() or [_empty(table.schema)]
    for begin, end in zip([0, *ends], ends, strict=False):
        yield whole.slice(begin, end - begin)


def bucket_of(table: pa.Table, ids: Sequence[str], count: int) -> NDArray[np.int64]:
    """The bucket [N] of each row: the same for the same ids in any file and on any machine."""
    mixed = np.zeros(len(table), np.uint64)
    for name in ids:
        coded = pc.dictionary_encode(table[name].combine_chunks(), null_encoding="encode")
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        words = coded.dictionary.cast(pa.string()).to_pylist()
        hashes = [zlib.crc32(MISSING if word is None else word.encode()) for word in words]
        codes = coded.indices.to_numpy(zero_copy_only=False)
        mixed = mixed * np.uint64(1_000_003) + np.array(hashes, np.uint64)[codes]
    result: NDArray[np.int64] = (mixed % np.uint64(count)).astype(np.int64)
    return result


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([pa.array([], f.type) for f in schema], schema=schema)
