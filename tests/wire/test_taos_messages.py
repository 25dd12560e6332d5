"""Binary messages of WebSocket clients: what is bound comes back as it was sent, and what is damaged is refused."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.errors import InvalidInput
from foretell.wire import taos_frames as frames
from foretell.wire import taos_types as types
from foretell.wire.taos_stmt2 import read_bound
from tests.wire.test_taos_block import KINDS, cells

FORMS = {"u1": "B", "i1": "b", "<i2": "<h", "<i4": "<i", "<i8": "<q", "<u2": "<H", "<u4": "<I", "<u8": "<Q"}
FORMS |= {"<f4": "<f", "<f8": "<d"}
Values = tuple[types.Type, list[Any]]


def write_values(kind: types.Type, values: list[Any]) -> bytes:
    """The plain twin of the reader: a column as clients write it, value by value."""
    nulls = bytes(value is None for value in values)
    lengths, data = b"", b""
    for value in values:
        if kind.width:
            data += struct.pack(FORMS[kind.dtype], 0 if value is None else value)
        else:
            raw = b"" if value is None else value if isinstance(value, bytes) else value.encode()
            lengths += struct.pack("<i", len(raw))
            data += raw
    if all(nulls):
        data = b""
    body = nulls + struct.pack("<B", not kind.width) + lengths + struct.pack("<I", len(data)) + data
    return struct.pack("<Iii", 12 + len(body), kind.number, len(values)) + body


def write_bound(tables: list[tuple[str | None, list[Values], list[Values]]]) -> bytes:
    names = [(name or "").encode() + b"\0" for name, _, _ in tables]
    has_names = tables[0][0] is not None
    parts = [
        b"".join(struct.pack("<H", len(name)) for name in names) + b"".join(names) if has_names else b"",
        lengths_and([b"".join(write_values(*values) for values in tags) for _, tags, _ in tables]),
        lengths_and([b"".join(write_values(*values) for values in columns) for _, _, columns in tables]),
    ]
    counts = (len(tables[0][1]), len(tables[0][2]))
    if not counts[0]:
        parts[1] = b""
    starts, at = [], 28
    for part in parts:
        starts.append(at if part else 0)
        at += len(part)
    return struct.pack("<i", -1) + struct.pack("<IiiiIII", at, len(tables), *counts, *starts) + b"".join(parts)


def lengths_and(parts: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(part)) for part in parts) + b"".join(parts)


@st.composite
def bound(draw: st.DrawFn) -> list[tuple[str | None, list[Values], list[Values]]]:
    kinds = sorted(set(KINDS), key=lambda k: k.number)
    tags = draw(st.lists(st.sampled_from(kinds), max_size=3))
    columns = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
    named = draw(st.booleans())
    tables = []
    for i in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(0, 5))
        mine = [(k, draw(st.lists(st.none() | finite(k), min_size=1, max_size=1))) for k in tags]
        cols = [(k, draw(st.lists(st.none() | finite(k), min_size=rows, max_size=rows))) for k in columns]
        tables.append((f"t{i}" if named else None, mine, cols))
    return tables


def finite(kind: types.Type) -> st.SearchStrategy[Any]:
    return cells(KINDS[kind]).filter(lambda value: value == value)


@settings(max_examples=50, deadline=None)
@given(bound())
def test_what_is_bound_comes_back(tables: list[tuple[str | None, list[Values], list[Values]]]) -> None:
    read = read_bound(memoryview(write_bound(tables)))
    assert [one.table for one in read] == [name for name, _, _ in tables]
    for one, (_, tags, columns) in zip(read, tables, strict=True):
        assert [tag.to_pylist() for tag in one.tags] == [values for _, values in tags]
        assert [column.to_pylist() for column in one.columns] == [values for _, values in columns]


def test_times_stay_integers_in_the_unit_of_the_database() -> None:
    (one,) = read_bound(
        memoryview(write_bound([(None, [], [(types.TIMESTAMP, [5, None]), (types.TIMESTAMP, [None] * 2)])]))
    )
    assert [column.type for column in one.columns] == [pa.int64(), pa.int64()]


@settings(max_examples=100, deadline=None)
@given(bound(), st.data())
def test_damaged_binds_are_refused_or_read(
    tables: list[tuple[str | None, list[Values], list[Values]]], data: st.DataObject
) -> None:
    """Never a crash, a hang or another error, whatever bytes come."""
    message = bytearray(write_bound(tables))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(message)))
    for damaged in (message, message[:cut], message + bytes(5)):
        try:
            read_bound(memoryview(bytes(damaged)))
        except InvalidInput as error:
            assert str(error)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=64))
def test_noise_is_refused(noise: bytes) -> None:
    for read in (lambda: frames.read_question(noise).sql, lambda: read_bound(memoryview(noise))):
        try:
            read()
        except InvalidInput as error:
            assert str(error)


def test_more_values_than_bytes_are_refused_at_once() -> None:
    message = bytearray(write_bound([(None, [], [(types.INT, [1])])]))
    struct.pack_into("<i", message, 4 + 28 + 4 + 8, 2**31 - 1)
    with pytest.raises(InvalidInput, match="ends at byte"):
        read_bound(memoryview(bytes(message)))


def test_questions() -> None:
    asked = frames.read_question(frames.query_message(7, "select 1"))
    assert (asked.req_id, asked.about, asked.action, asked.sql) == (7, 0, frames.QUERY, "select 1")
    asked = frames.read_question(frames.fetch_message(8, 3))
    assert (asked.req_id, asked.about, asked.action) == (8, 3, frames.FETCH)
    with pytest.raises(InvalidInput, match="tells of 8 bytes of SQL and has 7"):
        _ = frames.read_question(frames.query_message(7, "select 1")[:-1]).sql
    with pytest.raises(InvalidInput, match="not UTF-8"):
        frames.read_sql(memoryview(b"\x01\0\0\0\xff"))


def test_answers() -> None:
    block = frames.fetched(5, 3, 99, b"abc")
    assert struct.unpack("<QQHQQIIQBI3s", block) == (2**64 - 1, 7, 1, 99, 5, 0, 0, 3, 0, 3, b"abc")
    end = frames.fetched(5, 3, 99, None)
    assert struct.unpack("<QQHQQIIQB", end) == (2**64 - 1, 7, 1, 99, 5, 0, 0, 3, 1)
    failed = frames.fetch_failed(5, 3, 0x80000445, "oh")
    assert struct.unpack("<QQHQQII2sQB", failed) == (2**64 - 1, 7, 1, 0, 5, 0x445, 2, b"oh", 3, 1)
    assert frames.old_block(3, 99, b"abc") == struct.pack("<QQ3s", 99, 3, b"abc")
