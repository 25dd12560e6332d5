"""Values of an Arrow column as JSON knows them, for every door that writes text.

A number stays a number, an exact one a Decimal; lists are lists, structs and maps dicts. All else is text: times ISO
8601 in UTC, intervals ISO 8601 durations (`P3MT1.5S`), bytes as they are where that can be printed, else `\\xAA`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

Column: TypeAlias = pa.ChunkedArray | pa.Array
Values = list[Any]
DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
"""Decimals of a second by the unit of a timestamp."""
UNPRINTABLE = re.compile(rb"[^ -~]|[\\'\"]")
SECOND = 1_000_000_000

_json = msgspec.json.Encoder(decimal_format="number")


def plain(column: Column) -> Values:
    """The values of a column; None where there is none."""
    read = next((read for is_kind, read in _READERS if is_kind(column.type)), None)
    if read is not None:
        return read(column)
    values = column.to_pylist()
    return [v if v is None or isinstance(v, bool | int | float | str | Decimal) else str(v) for v in values]


def text_of(value: Any) -> str:
    """A value of `plain` as text; lists and dicts as JSON."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json_of(value) if isinstance(value, list | dict) else str(value)


def json_of(value: Any) -> str:
    """A value of `plain` as one line of JSON, in which numbers that are not finite are null."""
    return msgspec.json.format(_json.encode(value), indent=0).decode()


def iso_times(column: Column) -> list[str | None]:
    """Timestamps as text, 2020-01-31T00:00:00Z, with as many decimals as any of them needs."""
    unit = column.type.unit
    column, endless = _finite(column.cast(pa.timestamp(unit)), pa.int64())
    texts = pc.strftime(column, format="%Y-%m-%dT%H:%M:%S").to_pylist()
    spare = DIGITS[unit] - _needed_decimals([t for t in texts if t], DIGITS[unit])
    end = -spare - (spare == DIGITS[unit]) if spare else None  # with the last decimal goes the point
    return [endless.get(i) if t is None else f"{t[:end]}Z" for i, t in enumerate(texts)]


def _needed_decimals(texts: list[str], digits: int) -> int:
    """0, 3, 6 or 9: the fewest decimals of a second that lose nothing."""
    for cut in range(0, digits, 3):
        if all(set(text[cut - digits :]) <= {"0"} for text in texts):
            return cut
    return digits


def _dates(column: Column) -> Values:
    column, endless = _finite(column, pa.int32())
    return [endless.get(i) if t is None else t for i, t in enumerate(column.cast(pa.string()).to_pylist())]


def _finite(column: Column, whole: pa.DataType) -> tuple[Column, dict[int, str]]:
    """A column of dates or times without the infinite ones, and these by row, as DuckDB writes them."""
    most = 2 ** (whole.bit_width - 1) - 1
    numbers = column.cast(whole)
    infinite = pc.is_in(numbers, pa.array([-most, most], whole))
    if not pc.any(infinite).as_py():
        return column, {}
    found = {i: "infinity" if n > 0 else "-infinity" for i, n in enumerate(numbers.to_pylist()) if n in (-most, most)}
    return pc.if_else(infinite, pa.scalar(None, column.type), column), found


def _times_of_day(column: Column) -> Values:
    texts = column.cast(pa.string()).to_pylist()
    return [t if t is None or "." not in t else t.rstrip("0").rstrip(".") for t in texts]


def _small_floats(column: Column) -> Values:
    """With the digits that they have, not those of the double nearby."""
    return [None if t is None else float(t) for t in column.cast(pa.string()).to_pylist()]


def _intervals(column: Column) -> Values:
    return [None if v is None else _duration(v) for v in column.to_pylist()]


def _duration(interval: Any) -> str:
    """ISO 8601; each part has its own sign, as PostgreSQL writes it."""
    parts = parts_of(interval)
    days = "".join(f"{n}{unit[0].upper()}" for n, unit in parts if unit in ("year", "month", "day"))
    time = "".join(f"{n}{unit[0].upper()}" for n, unit in parts if unit in ("hour", "minute", "second"))
    return f"P{days}{'T' if time else ''}{time}"


def parts_of(interval: Any) -> list[tuple[str, str]]:
    """The numbers of an interval that are not 0, each with its unit; 0 seconds where all are."""
    years, months = _split(interval.months, 12)
    seconds, rest = _split(interval.nanoseconds, SECOND)
    minutes, seconds = _split(seconds, 60)
    hours, minutes = _split(minutes, 60)
    sign = "-" if interval.nanoseconds < 0 else ""
    decimals = f".{abs(rest):09}".rstrip("0") if rest else ""
    whole = {"year": years, "month": months, "day": interval.days, "hour": hours, "minute": minutes}
    parts = [(str(n), unit) for unit, n in whole.items() if n]
    if seconds or rest or not parts:
        parts.append((f"{sign}{abs(seconds)}{decimals}", "second"))
    return parts


def _split(number: int, by: int) -> tuple[int, int]:
    """How often `by` is in it, and the rest, both with its sign."""
    sign = -1 if number < 0 else 1
    return sign * (abs(number) // by), sign * (abs(number) % by)


def _bytes(column: Column) -> Values:
    def shown(found: re.Match[bytes]) -> bytes:
        return b"\\x%02X" % found[0][0]

    return [None if v is None else UNPRINTABLE.sub(shown, v).decode("ascii") for v in column.to_pylist()]


def _words(column: Column) -> Values:
    return plain(column.cast(column.type.value_type))


def _lists(column: Column) -> Values:
    inner = iter(plain(pc.list_flatten(column)))
    return [None if n is None else [next(inner) for _ in range(n)] for n in pc.list_value_length(column).to_pylist()]


def _structs(column: Column) -> Values:
    names = [field.name for field in column.type]
    rows = zip(*(plain(pc.struct_field(column, [i])) for i in range(len(names))), strict=True)
    valid = column.is_valid().to_pylist()
    return [dict(zip(names, row, strict=True)) if there else None for there, row in zip(valid, rows, strict=True)]


def _maps(column: Column) -> Values:
    pair = pa.struct([("key", column.type.key_type), ("value", column.type.item_type)])
    pairs = _lists(column.cast(pa.list_(pair)))
    return [None if own is None else {text_of(one["key"]): one["value"] for one in own} for own in pairs]


_READERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Column], Values]], ...] = (
    (pa.types.is_timestamp, iso_times),
    (pa.types.is_date32, _dates),
    (pa.types.is_time64, _times_of_day),
    (lambda kind: pa.types.is_float16(kind) or pa.types.is_float32(kind), _small_floats),
    (pa.types.is_interval, _intervals),
    (pa.types.is_binary, _bytes),
    (pa.types.is_dictionary, _words),
    (pa.types.is_map, _maps),
    (lambda kind: pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind), _lists),
    (pa.types.is_struct, _structs),
)
