"""What a body takes when it is unpacked is known before it is."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from foretell.errors import BodyTooLarge, InvalidInput
from foretell.wire.ipc import write_arrow
from foretell.wire.unpacked import check_arrow

ROWS = 100_000
TABLES = {
    "zeros": pa.table({"y": np.zeros(ROWS)}),
    "words": pa.table({"id": ["pump " * 20] * ROWS}),
    "dictionary": pa.table({"id": pa.array(["pump " * 200_000]).dictionary_encode()}),
    "nulls": pa.table({"y": pa.nulls(ROWS)}),
    "one run": pa.table({"y": pa.RunEndEncodedArray.from_arrays(pa.array([ROWS], pa.int32()), pa.array([1.0]))}),
}


def packed(table: pa.Table, compression: str | None) -> bytes:
    sink, options = pa.BufferOutputStream(), pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=30_000)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_stream_that_says_too_much_is_refused_before_it_is_unpacked(name: str, compression: str) -> None:
    body = packed(TABLES[name], compression)
    size = max(TABLES[name].nbytes, 8 * TABLES[name].num_rows)
    assert len(body) < size / 5
    before = pa.total_allocated_bytes()
    with pytest.raises(BodyTooLarge, match=f"body: is larger than {size - 1} bytes when it is unpacked"):
        check_arrow(body, size - 1)
    assert pa.total_allocated_bytes() == before
    check_arrow(body, size + size // 10)


@pytest.mark.parametrize(
    "tail", [b"", b"\xff\xff\xff\xff\x10\x00\x00\x00" + b"garbage!" * 3, b"\xff\xff\xff\xff\xff\0\0\0"]
)
def test_a_damaged_tail_hides_nothing(tail: bytes) -> None:
    body = packed(TABLES["zeros"], "zstd")[:-8] + tail
    with pytest.raises(BodyTooLarge):
        check_arrow(body, 8 * ROWS - 1)
    check_arrow(body, 9 * ROWS)


def test_a_message_that_does_not_tell_its_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretell.wire.unpacked._followed", lambda *_: 1 << 40)
    with pytest.raises(InvalidInput, match="does not tell its size"):
        check_arrow(packed(TABLES["zeros"], "zstd"), 9 * ROWS)


def test_what_is_not_compressed_is_as_large_as_it_is() -> None:
    check_arrow(write_arrow(TABLES["words"]), 8 * ROWS)
    check_arrow(b"no stream", 0)


def test_damaged_streams_are_left_to_whoever_reads_them() -> None:
    dice = random.Random(1)
    good = packed(pa.table({"id": pa.array(["a", "b"]).dictionary_encode(), "y": [0.0, 1.0]}), "zstd")
    for _ in range(2000):
        body: Any = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        with contextlib.suppress(InvalidInput):
            check_arrow(bytes(body[: dice.randint(1, len(body))] if dice.random() < 0.2 else body), 1 << 20)
