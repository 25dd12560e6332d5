"""Results as the JSON that TDengine's REST clients read: strict, NaN is null, times are RFC 3339 text.

Source: TDengine's public description of its REST interface.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np
import pyarrow as pa

from foretell.errors import InvalidInput
from foretell.wire.taos_types import BOOL, DECIMAL, DECIMAL64, FLOAT, INT, JSON, TIMESTAMP, Column, Precision
from foretell.wire.taos_values import NS, nulls_of, numbers, one_chunk, times

ROWS_AT_ONCE = 20_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
QUARTER = 900
"""Seconds: clocks are changed at quarters of an hour only."""
AFFECTED = Column("affected_rows", INT, 4)
_encode = msgspec.json.Encoder().encode


def zone_of(name: str | None) -> dt.tzinfo | None:
    """The time zone of this name; None is UTC."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput("tz", f"unknown time zone {name[:64]!r}") from None


def affected_answer(rows: int, warnings: Sequence[str] = ()) -> bytes:
    """The answer to a statement that wrote."""
    table = pa.table({"affected_rows": pa.array([rows], pa.int32())})
    return b"".join(answer(table, [AFFECTED], "ms", warnings=warnings))


def error_answer(code: int, text: str) -> bytes:
    """The shape of every error of this door."""
    return _encode({"code": code & 0xFFFF, "desc": text})


def answer(
    table: pa.Table,
    columns: Sequence[Column],
    unit: Precision,
    zone: dt.tzinfo | None = None,
    named: bool = False,
    warnings: Sequence[str] = (),
) -> Iterator[bytes]:
    """The answer to a query in pieces, made as they are asked for; times with the offset of `zone` (None: Z).

    `named` rows are objects rather than lists. `warnings` stand at the end, where there are any.
    """
    meta = [[column.name, column.type_name, column.bytes] for column in columns]
    yield b'{"code":0,"column_meta":' + _encode(meta) + b',"data":['
    for start in range(0, table.num_rows, ROWS_AT_ONCE):
        part = table.slice(start, ROWS_AT_ONCE)
        rows: list[Any] = list(_lists(part, columns, unit, zone))
        if named:
            rows = [dict(zip((c.name for c in columns), row, strict=True)) for row in rows]
        yield (b"," if start else b"") + _encode(rows)[1:-1]
    said = b',"warnings":' + _encode(list(warnings)) if warnings else b""
    yield b'],"rows":' + str(table.num_rows).encode() + said + b"}"


def _lists(
    table: pa.Table, columns: Sequence[Column], unit: Precision, zone: dt.tzinfo | None
) -> Iterator[tuple[Any, ...]]:
    found = (values(one_chunk(table.column(i)), column, unit, zone) for i, column in enumerate(columns))
    return zip(*found, strict=True)


def values(array: pa.Array, column: Column, unit: Precision, zone: dt.tzinfo | None) -> list[Any]:
    """The values of a column as JSON has them."""
    if column.type is TIMESTAMP:
        return _with_nulls(time_texts(times(array, unit), unit, zone), nulls_of(array))
    if column.type in (DECIMAL, DECIMAL64):
        return list(array.cast(pa.decimal128(38, column.scale)).cast(pa.string()).to_pylist())
    if column.type.is_binary:
        return [None if value is None else value.hex() for value in array.to_pylist()]
    if column.type is JSON:
        return [_json(text) for text in array.to_pylist()]
    if column.type.is_text:
        return list(array.to_numpy(zero_copy_only=False).tolist())
    found = numbers(array, column, unit)
    made = found.values.astype(bool) if column.type is BOOL else found.values
    if made.dtype.kind == "f":
        infinite = np.isinf(made)
        return _with_nulls(_shortest(made) if column.type is FLOAT else made, found.nulls | infinite)
    return _with_nulls(made, found.nulls)


def _with_nulls(made: np.ndarray[Any, Any], nulls: np.ndarray[Any, Any]) -> list[Any]:
    if nulls.any():
        made = made.astype(object)
        made[nulls] = None
    return list(made.tolist())


def _shortest(made: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """float32 [n] as float64 that print as short: 1.1, not 1.10000002384."""
    texts = pa.array(made).cast(pa.string())
    return np.asarray(texts.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _json(text: str | None) -> Any:
    """JSON as it is where it is JSON, else as text."""
    if text is None:
        return None
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return msgspec.Raw(text.encode())


def time_texts(stamps: np.ndarray[Any, Any], unit: Precision, zone: dt.tzinfo | None) -> np.ndarray[Any, Any]:
    """RFC 3339 with all digits of `unit`: int64 [n] since the epoch -> str [n]."""
    moments = stamps.view(f"M8[{unit}]")
    if zone is None:
        return np.char.add(np.datetime_as_string(moments, unit), "Z")
    per_quarter = QUARTER * 1_000_000_000 // NS[unit]
    known, which = np.unique(stamps // per_quarter, return_inverse=True)
    offsets = [_offset(quarter, zone) for quarter in known.tolist()]
    shifts = np.array(offsets) * (60 * 1_000_000_000 // NS[unit])
    texts = np.array([f"{'-' if m < 0 else '+'}{abs(m) // 60:02}:{abs(m) % 60:02}" for m in offsets], "U6")
    local = (stamps + shifts[which]).view(f"M8[{unit}]")
    return np.char.add(np.datetime_as_string(local, unit), texts[which])


def _offset(quarter: int, zone: dt.tzinfo) -> int:
    """Minutes that clocks of `zone` are ahead of UTC in a quarter of an hour since the epoch."""
    try:
        moment = EPOCH + dt.timedelta(seconds=quarter * QUARTER)
        return int((moment.astimezone(zone).utcoffset() or dt.timedelta()).total_seconds() // 60)
    except OverflowError:
        return 0
