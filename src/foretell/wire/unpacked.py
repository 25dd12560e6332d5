"""How much memory a body takes when it is unpacked, found before it is: 5 KB of Arrow may hold 150 MB of zeros."""

from __future__ import annotations

import contextlib
import struct

import pyarrow as pa

from foretell.errors import BodyTooLarge, InvalidInput

TIMES = 8
"""How many times `body_limit` a body may take when it is unpacked."""
CELL = 8
"""Bytes of a number. (Some columns take none as long as nobody looks at them: nulls, runs of one value.)"""


def check_cells(rows: int, columns: int, most: int) -> None:
    """BodyTooLarge where a table's numbers would take more than `most` bytes."""
    if rows * columns * CELL > most:
        raise too_large(most)


def check_arrow(body: bytes, most: int) -> None:
    """BodyTooLarge where the batches of an Arrow IPC stream say of themselves that they take more than `most` bytes.

    What is no such stream, or ends as none, is let pass up to there: whoever reads it says what is wrong.
    """
    rows = size = 0
    with contextlib.suppress(pa.ArrowException, OSError):
        columns = len(pa.ipc.open_stream(pa.BufferReader(body)).schema)
        for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(body)):
            more_rows, more = _size(message)
            rows, size = rows + more_rows, size + more
            check_cells(rows, columns, most)
            if size > most:
                raise too_large(most)


def too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(most, " when it is unpacked")


def _size(message: pa.ipc.Message) -> tuple[int, int]:
    """What `_told` says; InvalidInput where a message does not tell it."""
    try:
        return _told(message)
    except (ValueError, IndexError, struct.error):
        raise InvalidInput("body", "is no Arrow IPC stream: a message does not tell its size") from None


def _told(message: pa.ipc.Message) -> tuple[int, int]:
    """The rows of a batch, and the bytes of its compressed buffers.

    Arrow's own readers do not tell before they unpack. The format (Message.fbs) is a table of flatbuffers, and each
    compressed buffer begins with the length that memory is taken for: it cannot be too small.
    """
    if message.type not in ("record batch", "dictionary"):
        return 0, 0
    about, body = memoryview(message.metadata), memoryview(message.body)
    batch = _followed(about, _field(about, _followed(about, 0), 2))
    if message.type == "dictionary":
        batch = _followed(about, _field(about, batch, 1))
    length, buffers, is_compressed = (_field(about, batch, number) for number in (0, 2, 3))
    rows = _number("<q", about, length) if length and message.type == "record batch" else 0
    if not is_compressed:
        return rows, 0
    places = _followed(about, buffers)
    pairs = struct.iter_unpack("<qq", about[places + 4 : places + 4 + 16 * _number("<I", about, places)])
    return rows, sum(max(0, _number("<q", body, place)) for place, size in pairs if size)


def _number(kind: str, data: memoryview, place: int) -> int:
    return int(struct.unpack_from(kind, data, place)[0])


def _followed(data: memoryview, place: int) -> int:
    """Where that lies which is pointed to at `place`."""
    return place + _number("<I", data, place)


def _field(data: memoryview, table: int, number: int) -> int:
    """Where a field of a table lies, 0 where the table has it not."""
    names, at = table - _number("<i", data, table), 4 + 2 * number
    offset = _number("<H", data, names + at) if at < _number("<H", data, names) else 0
    return table + offset if offset else 0
