"""What clients bind to a prepared statement: for each table its name, its tags and its columns, as Arrow arrays.

Little endian. Head: length of all, numbers of tables, tags and columns, and where names, tags and columns begin (0:
there are none). Names and values stand after the lengths of each table's part. A value, or a column of them: length,
type, how many, a byte for each that says whether it is null, whether lengths follow, these, length of the data, data.
Source: the public connectors of TDengine.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from foretell.errors import InvalidInput
from foretell.wire.taos_types import BOOL, DECIMAL, DECIMAL64, TIMESTAMP, Type, type_of

HEAD = struct.Struct("<IiiiIII")
VALUES = struct.Struct("<Iii")
COLUMN_INDEX = 4
"""Bytes before the head: the index of the one column that is bound, -1 for all."""
MOST_TABLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Bound:
    """For one table: `tags` of one value each, `columns` of equal length. Times are integers in the database's unit."""

    table: str | None
    tags: list[pa.Array]
    columns: list[pa.Array]


def read_bound(body: memoryview) -> list[Bound]:
    """What a binary `bind` brings after its header; InvalidInput where it is cut off or does not fit together."""
    (index,) = _unpack("<i", body, 0)
    if index != -1:
        raise InvalidInput("bind", "only all columns together can be bound")
    body = body[COLUMN_INDEX:]
    total, tables, tags, columns, names_at, tags_at, columns_at = _unpack(HEAD.format, body, 0)
    if total != len(body):
        raise InvalidInput("bind", f"tells of {total:,} bytes and has {len(body):,}")
    if not 0 < tables <= MOST_TABLES or tags < 0 or columns < 0:
        raise InvalidInput("bind", f"has {tables} tables, {tags} tags, {columns} columns")
    names: Iterator[str | None] = _names(body, names_at, tables) if names_at else iter([None] * tables)
    all_tags = list(_parts(body, tags_at, tables)) if tags_at else [body[:0]] * tables
    all_columns = list(_parts(body, columns_at, tables)) if columns_at else [body[:0]] * tables
    parts = zip(names, all_tags, all_columns, strict=True)
    return [Bound(name, _arrays(mine, tags), _columns(c, columns)) for name, mine, c in parts]


def _unpack(form: str, body: memoryview, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, body, at)
    except struct.error:
        raise InvalidInput("bind", f"ends at byte {len(body)}, before what it announces") from None


def _ends(body: memoryview, at: int, count: int, size: int) -> list[int]:
    """Where the parts begin and end whose `count` lengths of `size` bytes stand at `at`."""
    raw = _cut(body, at, count * size)
    lengths = np.frombuffer(raw, f"<u{size}").astype(np.int64)
    found: list[int] = (at + count * size + np.concatenate([[0], np.cumsum(lengths)])).tolist()
    if found[-1] > len(body):
        raise InvalidInput("bind", f"ends at byte {len(body)}, before what it announces")
    return found


def _cut(body: memoryview, at: int, length: int) -> memoryview:
    if at < 0 or length < 0 or at + length > len(body):
        raise InvalidInput("bind", f"ends at byte {len(body)}, before what it announces")
    return body[at : at + length]


def _names(body: memoryview, at: int, count: int) -> Iterator[str | None]:
    """Each ends with a zero byte."""
    for start, end in pairwise(_ends(body, at, count, 2)):
        yield _text(body[start:end]).removesuffix("\0") or None


def _text(raw: memoryview) -> str:
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("bind", "has text that is not UTF-8") from None


def _parts(body: memoryview, at: int, count: int) -> Iterator[memoryview]:
    for start, end in pairwise(_ends(body, at, count, 4)):
        yield body[start:end]


def _arrays(part: memoryview, count: int) -> list[pa.Array]:
    found = []
    at = 0
    for _ in range(count):
        (length,) = _unpack("<I", part, at)
        found.append(_array(_cut(part, at, length)))
        at += length
    return found


def _columns(part: memoryview, count: int) -> list[pa.Array]:
    found = _arrays(part, count)
    if len({len(column) for column in found}) > 1:
        raise InvalidInput("bind", f"has columns of {', '.join(str(len(column)) for column in found)} values")
    return found


@dataclass(frozen=True, slots=True)
class _Values:
    """One value or a column of them as it came; `lengths` where the data are words."""

    kind: Type
    nulls: np.ndarray
    lengths: np.ndarray | None
    data: memoryview


def _values(part: memoryview) -> _Values:
    _, number, count = _unpack(VALUES.format, part, 0)
    at = VALUES.size
    nulls = np.frombuffer(_cut(part, at, count), np.uint8) != 0
    (has_lengths,) = _unpack("<B", part, at + count)
    at += count + 1
    lengths = np.frombuffer(_cut(part, at, 4 * count), "<i4") if has_lengths else None
    at += 4 * count if has_lengths else 0
    (size,) = _unpack("<I", part, at)
    return _Values(type_of(number), nulls, lengths, _cut(part, at + 4, size))


def _array(part: memoryview) -> pa.Array:
    found = _values(part)
    if found.kind in (DECIMAL, DECIMAL64):
        raise InvalidInput("bind", "DECIMAL cannot be bound; bind a DOUBLE")
    if found.nulls.all():
        return pa.nulls(len(found.nulls), pa.int64() if found.kind is TIMESTAMP else found.kind.arrow)
    return _numbers(found) if found.kind.width else _words(found)


def _numbers(found: _Values) -> pa.Array:
    count, kind = len(found.nulls), found.kind
    if len(found.data) != count * kind.width:
        raise InvalidInput("bind", f"has {len(found.data):,} bytes for {count:,} values of {kind.name}")
    numbers = np.frombuffer(found.data, kind.dtype)
    return pa.array(numbers != 0 if kind is BOOL else numbers, mask=found.nulls)


def _words(found: _Values) -> pa.Array:
    if found.lengths is None or (found.lengths < 0).any():
        raise InvalidInput("bind", "text comes without its lengths")
    mine = np.where(found.nulls, 0, found.lengths.astype(np.int64))
    if mine.sum() != len(found.data):
        raise InvalidInput("bind", f"has {len(found.data):,} bytes of text and lengths of {mine.sum():,}")
    offsets = np.concatenate([[0], np.cumsum(mine)]).astype("<i4")
    valid = pa.py_buffer(np.packbits(~found.nulls, bitorder="little").tobytes())
    buffers = [valid, pa.py_buffer(offsets.tobytes()), pa.py_buffer(bytes(found.data))]
    array = pa.Array.from_buffers(pa.binary(), len(found.nulls), buffers)
    if found.kind.is_binary:
        return array
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        raise InvalidInput("bind", "has text that is not UTF-8") from None
