"""TDengine's block against a reader that goes value by value, and the JSON of REST against one that writes so."""

from __future__ import annotations

import datetime as dt
import json
import struct
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.errors import InvalidInput
from foretell.wire import taos_types as types
from foretell.wire.taos_block import encode_block, stored_size
from foretell.wire.taos_rows import affected_answer, answer, error_answer, zone_of
from foretell.wire.taos_types import Column, Precision, type_of

SIGNS = {"u1": "B", "i1": "b", "<i2": "<h", "<i4": "<i", "<i8": "<q", "<u2": "<H", "<u4": "<I", "<u8": "<Q"}
FLOATS = {"<f4": "<f", "<f8": "<d"}


def read_block(block: bytes) -> list[list[Any]]:
    """The plain twin: columns of a block, value by value."""
    version, total, rows, columns, _, _ = struct.unpack_from("<iiiiIQ", block)
    assert (version, total) == (1, len(block))
    schemas = [struct.unpack_from("<BI", block, 28 + 5 * i) for i in range(columns)]
    lengths = struct.unpack_from(f"<{columns}i", block, 28 + 5 * columns)
    at = 28 + 9 * columns
    found = []
    for (number, _), length in zip(schemas, lengths, strict=True):
        kind = type_of(number)
        column: list[Any] = []
        head = (rows + 7) // 8 if kind.width else 4 * rows
        for i in range(rows):
            if kind.width:
                is_null = bool(block[at + i // 8] & (0x80 >> i % 8))
                raw = block[at + head + i * kind.width : at + head + (i + 1) * kind.width]
                column.append(None if is_null else read_number(kind, raw))
            else:
                (offset,) = struct.unpack_from("<i", block, at + 4 * i)
                column.append(None if offset < 0 else read_words(kind, block, at + head + offset))
        found.append(column)
        at += head + length
    assert at == len(block) - 1
    return found


def read_number(kind: types.Type, raw: bytes) -> Any:
    if kind.name == "DECIMAL":
        return int.from_bytes(raw, "little", signed=True)
    value = struct.unpack({**SIGNS, **FLOATS}[kind.dtype], raw)[0]
    return bool(value) if kind is types.BOOL else value


def read_words(kind: types.Type, block: bytes, at: int) -> Any:
    size, form = (4, "<I") if kind is types.BLOB else (2, "<H")
    (length,) = struct.unpack_from(form, block, at)
    raw = block[at + size : at + size + length]
    if kind.is_binary:
        return raw
    return raw.decode("utf-32-le" if kind is types.NCHAR else "utf-8")


def cells(arrow: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_boolean(arrow):
        return st.booleans()
    if pa.types.is_integer(arrow):
        low, high = (0, 2**arrow.bit_width - 1) if "uint" in str(arrow) else (-(2 ** (arrow.bit_width - 1)), None)
        return st.integers(low, high if high is not None else -low - 1)
    if pa.types.is_floating(arrow):
        return st.floats(width=arrow.bit_width)
    if pa.types.is_binary(arrow):
        return st.binary(max_size=8)
    return st.text(max_size=8)


def columns_of(table: pa.Table) -> list[Column]:
    """Each column in the first type that has its Arrow type."""
    found = {kind.arrow: kind for kind in reversed(types.TYPES.values())}
    kinds = [types.TIMESTAMP if pa.types.is_timestamp(one.type) else found[one.type] for one in table.schema]
    return [Column(name, kind, kind.width or 8) for name, kind in zip(table.column_names, kinds, strict=True)]


KINDS = {kind: kind.arrow for kind in types.TYPES.values() if kind.arrow is not None and kind is not types.JSON}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, list[Column]]:
    rows = draw(st.integers(0, 20))
    chosen = draw(st.lists(st.sampled_from(sorted(KINDS, key=lambda k: k.number)), min_size=1, max_size=6))
    arrays = []
    for kind in chosen:
        cell = st.none() | cells(KINDS[kind])
        values = draw(st.lists(cell, min_size=rows + 3, max_size=rows + 3))
        arrays.append(pa.array(values, KINDS[kind]))
    names = [f"c{i}" for i in range(len(chosen))]
    start = draw(st.integers(0, 3))  # a slice, whose buffers begin elsewhere
    table = pa.table(dict(zip(names, arrays, strict=True))).slice(start, rows)
    return table, [Column(name, kind, kind.width or 8) for name, kind in zip(names, chosen, strict=True)]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and one != one:
        return other is None
    return bool(one == other) and type(one) is type(other)


@settings(max_examples=50, deadline=None)
@given(tables())
def test_blocks_hold_what_the_table_held(made: tuple[pa.Table, list[Column]]) -> None:
    table, columns = made
    read = read_block(encode_block(table, columns, "ms"))
    for column, values in zip(table.columns, read, strict=True):
        assert all(same(one, other) for one, other in zip(column.to_pylist(), values, strict=True))


def as_json(value: Any, kind: types.Type) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return float(str(np.float32(value))) if kind is types.FLOAT and value is not None else value


@settings(max_examples=50, deadline=None)
@given(tables())
def test_json_holds_what_the_table_held(made: tuple[pa.Table, list[Column]]) -> None:
    table, columns = made
    read = json.loads(b"".join(answer(table, columns, "ms")), parse_constant=pytest.fail)
    plain = [
        [as_json(value, c.type) for value, c in zip(row, columns, strict=True)]
        for row in zip(*(c.to_pylist() for c in table.columns), strict=True)
    ]
    assert read == {
        "code": 0,
        "column_meta": [[c.name, c.type.name, c.bytes] for c in columns],
        "data": plain,
        "rows": len(plain),
    }
    named = json.loads(b"".join(answer(table, columns, "ms", named=True)))
    assert named["data"] == [dict(zip(table.column_names, row, strict=True)) for row in plain]


def moment(stamp: int, unit: Precision, zone: ZoneInfo | None) -> str:
    """The plain twin: a time by Python's datetime, which knows microseconds only."""
    per_second = {"ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}[unit]
    seconds, rest = divmod(stamp, per_second)
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    at = at.astimezone(zone) if zone else at
    text = at.strftime("%z")
    offset = f"{text[:3]}:{text[3:5]}" if zone else "Z"
    return f"{at:%Y-%m-%dT%H:%M:%S}.{rest:0{len(str(per_second)) - 1}}{offset}"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-1_000_000_000_000_000_000, 4_000_000_000_000_000_000), min_size=1, max_size=5),
    st.sampled_from(get_args(Precision)),
    st.sampled_from([None, "Asia/Shanghai", "America/St_Johns", "Europe/Berlin"]),
)
def test_times_are_rfc_3339_in_the_unit_of_the_database(stamps: list[int], unit: Precision, zone: str | None) -> None:
    table = pa.table({"ts": pa.array(stamps).cast(pa.timestamp("ns"))})
    read = json.loads(b"".join(answer(table, columns_of(table), unit, zone_of(zone))))
    cut = [stamp // {"ms": 1_000_000, "us": 1_000, "ns": 1}[unit] for stamp in stamps]
    assert read["data"] == [[moment(stamp, unit, ZoneInfo(zone) if zone else None)] for stamp in cut]
    assert read_block(encode_block(table, columns_of(table), unit)) == [cut]


def test_many_rows_come_in_several_pieces() -> None:
    table = pa.table({"n": np.arange(45_000)})
    pieces = list(answer(table, columns_of(table), "ms"))
    assert len(pieces) == 5
    assert json.loads(b"".join(pieces))["data"] == [[i] for i in range(45_000)]


def test_decimals_and_json() -> None:
    table = pa.table(
        {"d": pa.array([Decimal("-1.50"), None], pa.decimal128(10, 2)), "j": ['{"a":1}', "no json"]},
    )
    for kind in (types.DECIMAL, types.DECIMAL64):
        columns = [Column("d", kind, kind.width, 10, 2), Column("j", types.JSON, 64)]
        assert [column.type_name for column in columns] == ["DECIMAL(10, 2)", "JSON"]
        read = json.loads(b"".join(answer(table, columns, "ms")))
        assert read["data"] == [["-1.50", {"a": 1}], [None, "no json"]]
        assert read_block(encode_block(table, columns, "ms")) == [[-150, None], ['{"a":1}', "no json"]]


def test_values_that_do_not_fit_name_their_column() -> None:
    table = pa.table({"n": [300]})
    with pytest.raises(InvalidInput, match="n: does not fit TINYINT"):
        encode_block(table, [Column("n", types.TINYINT, 1)], "ms")
    long = pa.table({"s": ["x" * 70_000]})
    with pytest.raises(InvalidInput, match="s: has a value of more than 65,535 bytes"):
        encode_block(long, columns_of(long), "ms")
    assert len(read_block(encode_block(long, [Column("s", types.BLOB, 70_000)], "ms"))[0][0]) == 70_000


def test_the_answers_to_writes_and_errors() -> None:
    wrote = {"code": 0, "column_meta": [["affected_rows", "INT", 4]], "data": [[3]], "rows": 1}
    assert json.loads(affected_answer(3)) == wrote
    assert json.loads(error_answer(0x80002603, "no such table")) == {"code": 0x2603, "desc": "no such table"}


def test_a_time_zone_that_nobody_knows_is_an_error() -> None:
    for name in ("Mars/Base", "../etc/passwd", "\0"):
        with pytest.raises(InvalidInput, match="tz"):
            zone_of(name)


def test_sizes() -> None:
    assert stored_size(Column("a", types.NCHAR, 10)) == 42
    assert stored_size(Column("a", types.VARCHAR, 10)) == 12
    assert stored_size(Column("a", types.INT, 4)) == 4
