"""TDengine's block: the columns of a result as its WebSocket clients read them.

Little endian. 28 bytes of header, for each column its type and size, for each column the length of its data, then the
data, then one byte more. A fixed width brings a bitmap of nulls (most significant bit first) and the values; a varying
one an offset for each row (-1: null) and the values, each after its length.
Source: the public connectors of TDengine.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.errors import InvalidInput
from foretell.wire.taos_types import BLOB, DECIMAL, DECIMAL64, NCHAR, Column, Precision
from foretell.wire.taos_values import Words, numbers, one_chunk, words

VERSION = 1
HAS_COLUMNS = 1 << 31
"""The flag of a block that says of which types its columns are."""
HEADER = struct.Struct("<iiiiIQ")
SCHEMA = struct.Struct("<BI")
LONGEST = 0xFFFF
"""Bytes of the longest value of all types but BLOB."""


def encode_block(table: pa.Table, columns: Sequence[Column], unit: Precision) -> bytes:
    """`table` as one block, its times in `unit`. InvalidInput names a column whose values do not fit its type."""
    data = [_data(one_chunk(table.column(i)), column, unit) for i, column in enumerate(columns)]
    schemas = b"".join(SCHEMA.pack(column.type.number, _size(column)) for column in columns)
    lengths = np.array([length for length, _ in data], "<i4").tobytes()
    body = [schemas, lengths, *(part for _, parts in data for part in parts), b"\0"]
    total = HEADER.size + sum(map(len, body))
    return b"".join([HEADER.pack(VERSION, total, table.num_rows, len(columns), HAS_COLUMNS, 0), *body])


def _size(column: Column) -> int:
    """The four bytes of a column's size; for a DECIMAL scale, digits, 0 and width."""
    if column.type in (DECIMAL, DECIMAL64):
        return int.from_bytes(bytes([column.scale, column.precision, 0, column.type.width]), "little")
    return stored_size(column)


def stored_size(column: Column) -> int:
    """Bytes of the largest value as it is stored: with its length, and four for each character of an NCHAR."""
    if column.type.width:
        return column.type.width
    return column.bytes * (4 if column.type is NCHAR else 1) + 2


def _data(array: pa.Array, column: Column, unit: Precision) -> tuple[int, list[bytes]]:
    """The length that the header tells of a column's data, and its parts."""
    if column.type.width:
        found = numbers(array, column, unit)
        values = found.values.tobytes()
        return len(values), [np.packbits(found.nulls).tobytes(), values]
    offsets, values = _varying(words(array, column), column)
    return len(values), [offsets, values]


def _varying(found: Words, column: Column) -> tuple[bytes, bytes]:
    """Offsets, and the values each after its length; the room for lengths is left free by a mask, then filled."""
    head = 4 if column.type is BLOB else 2
    if head == 2 and found.lengths.max(initial=0) > LONGEST:
        raise InvalidInput(column.name, f"has a value of more than {LONGEST:,} bytes, which {column.type.name} cannot")
    taken = np.where(found.nulls, 0, found.lengths + head)
    starts = np.cumsum(taken) - taken
    out = np.empty(int(taken.sum()), np.uint8)
    mine = starts[~found.nulls]
    is_value = np.ones(len(out), bool)
    lengths: np.ndarray[Any, Any] = found.lengths[~found.nulls]
    for i in range(head):
        is_value[mine + i] = False
        out[mine + i] = (lengths >> (8 * i)) & 0xFF
    out[is_value] = found.data
    return np.where(found.nulls, -1, starts).astype("<i4").tobytes(), out.tobytes()
