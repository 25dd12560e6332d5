"""Points that come without a table: InfluxDB's line protocol, OpenTSDB's telnet lines and its JSON.

`Point` is what all three say. Source: InfluxData's and OpenTSDB's public descriptions, with TDengine's suffixes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from foretell.errors import InvalidInput
from foretell.wire.taos_types import (
    BIGINT,
    BOOL,
    DOUBLE,
    FLOAT,
    INT,
    NCHAR,
    SMALLINT,
    TINYINT,
    UBIGINT,
    UINT,
    USMALLINT,
    UTINYINT,
    VARCHAR,
    Type,
    holds,
)

LINE, TELNET, JSON = 1, 2, 3
VALUE = "_value"
"""The one column of OpenTSDB's points."""
UNITS = {
    "": 1,
    "n": 1,
    "ns": 1,
    "u": 1_000,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
"""Nanoseconds of each unit that a client may name."""
SUFFIXES: dict[str, Type] = {
    "i8": TINYINT,
    "u8": UTINYINT,
    "i16": SMALLINT,
    "u16": USMALLINT,
    "i32": INT,
    "u32": UINT,
    "i64": BIGINT,
    "u64": UBIGINT,
    "i": BIGINT,
    "u": UBIGINT,
    "f32": FLOAT,
    "f64": DOUBLE,
    "": DOUBLE,
}
WORDS = {word: truth for truth, words in ((True, "t T true True TRUE"), (False, "f F false False FALSE")) for word in words.split()}  # fmt: skip  # noqa: E501
_NUMBER = re.compile(r"([+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?)([a-z]\d{0,2})?")
_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_CUT = {
    mark: re.compile(rf'([^\\{mark}"]*+(?:(?:\\.|{_QUOTED})[^\\{mark}"]*+)*+)({mark}|$)', re.DOTALL) for mark in ",= "
}
_ESCAPE = re.compile(r"\\([,= \"\\])")
JSON_TYPES = {
    "bool": BOOL,
    "tinyint": TINYINT,
    "smallint": SMALLINT,
    "int": INT,
    "bigint": BIGINT,
    "float": FLOAT,
    "double": DOUBLE,
    "binary": VARCHAR,
    "varchar": VARCHAR,
    "nchar": NCHAR,
}


@dataclass(frozen=True, slots=True)
class Cell:
    type: Type
    value: Any


@dataclass(frozen=True, slots=True)
class Point:
    """One row of the super-table `table`, dots in whose name become `_`; `time` in ns since the epoch."""

    table: str
    time: int
    tags: dict[str, str]
    cells: dict[str, Cell]


def read_points(protocol: int, unit: str, text: str) -> list[Point]:
    """The points of a message; InvalidInput says in which line something is wrong."""
    if unit not in UNITS:
        raise InvalidInput("precision", f"unknown {unit!r}; known: {', '.join(u for u in UNITS if u)}")
    if protocol not in READERS:
        raise InvalidInput("protocol", f"must be 1 (line), 2 (telnet) or 3 (json), got {protocol}")
    found = list(READERS[protocol](text, UNITS[unit]))
    if not found:
        raise InvalidInput("data", "holds no point")
    return found


def _lines(text: str, unit: int) -> Iterator[Point]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            with_place = _Place(number)
            yield _line(line.strip(), unit, with_place)


@dataclass(frozen=True, slots=True)
class _Place:
    line: int

    def error(self, message: str) -> InvalidInput:
        return InvalidInput("data", f"line {self.line}: {message}")


def _line(line: str, unit: int, place: _Place) -> Point:
    """`table,tag=value,... column=value,... time`."""
    parts = _split(line, " ")
    if len(parts) not in (2, 3):
        raise place.error("must be a table with its tags, columns, and a time")
    table, *tags = _split(parts[0], ",")
    cells = {name: _cell(value, place) for name, value in (_pair(one, place) for one in _split(parts[1], ","))}
    stamp = _time(parts[2], unit, place) if len(parts) == 3 else time.time_ns()
    return _point(table, stamp, dict(_pair(tag, place) for tag in tags), cells, place)


def _point(table: str, stamp: int, tags: dict[str, str], cells: dict[str, Cell], place: _Place) -> Point:
    if not table:
        raise place.error("names no table")
    return Point(
        _plain(table).replace(".", "_"), stamp, {_plain(key): _plain(value) for key, value in tags.items()}, cells
    )


def _split(text: str, mark: str) -> list[str]:
    """Cut at a mark that stands neither behind a backslash nor in quotation marks; several blanks are one."""
    if "\\" not in text and '"' not in text:
        return [part for part in text.split(mark) if part or mark != " "]
    found: list[str] = []
    at = 0
    while at <= len(text):
        match = _CUT[mark].match(text, at)
        if match is None:
            return [*found, text[at:]]
        found.append(match[1])
        if not match[2]:
            break
        at = match.end()
    return [part for part in found if part or mark != " "]


def _pair(text: str, place: _Place) -> tuple[str, str]:
    parts = _split(text, "=")
    if len(parts) != 2 or not parts[0] or not parts[1]:
        raise place.error(f"{text[:64]!r} is no name=value")
    return _plain(parts[0]), parts[1]


def _plain(text: str) -> str:
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _cell(text: str, place: _Place) -> Cell:
    """A value with its type: quoted text, a truth value, or a number with a suffix; DOUBLE without."""
    if text in WORDS:
        return Cell(BOOL, WORDS[text])
    if text.endswith('"') and text[:1] in ('"', "L"):
        kind = NCHAR if text[0] == "L" else VARCHAR
        return Cell(kind, _plain(text[text.index('"') + 1 : -1]))
    match = _NUMBER.fullmatch(text)
    kind_of = SUFFIXES.get(match[2] or "") if match else None
    if match is None or kind_of is None:
        raise place.error(f"{text[:64]!r} is no value")
    return Cell(kind_of, _number(match[1], kind_of, place))


def _number(text: str, kind: Type, place: _Place) -> float | int:
    try:
        value = float(text) if kind in (FLOAT, DOUBLE) else int(text)
    except ValueError:
        raise place.error(f"{text[:64]!r} is no {kind.name}") from None
    if isinstance(value, float) and not holds(kind, value):
        raise place.error(f"{text[:64]!r} is no {kind.name}")
    return value


def _time(text: str, unit: int, place: _Place) -> int:
    if not re.fullmatch(r"-?\d{1,19}", text):
        raise place.error(f"{text[:64]!r} is no time")
    return _bounded(int(text) * unit, place)


def _bounded(stamp: int, place: _Place) -> int:
    if not -(2**63) <= stamp < 2**63:
        raise place.error("the time is out of range")
    return stamp


def _by_digits(stamp: int, place: _Place) -> int:
    """OpenTSDB's times: seconds, or milliseconds where there are more than ten digits; 0 is now."""
    if stamp == 0:
        return time.time_ns()
    return _bounded(stamp * (1_000_000_000 if abs(stamp) < 10**10 else 1_000_000), place)


def _telnet(text: str, _: int) -> Iterator[Point]:
    """`table time value tag=value ...`."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = _Place(number)
        parts = _split(line.strip(), " ")
        if len(parts) < 3:
            raise place.error("must be a table, a time, a value, and tags")
        table, stamp, value, *tags = parts
        moment = _by_digits(_time(stamp, 1, place), place)
        yield _point(table, moment, dict(_pair(tag, place) for tag in tags), {VALUE: _cell(value, place)}, place)


class _Json(msgspec.Struct):
    metric: str
    timestamp: int | dict[str, Any]
    value: Any
    tags: dict[str, Any] = msgspec.field(default_factory=dict)


def _json(text: str, _: int) -> Iterator[Point]:
    try:
        found = msgspec.json.decode(text, type=_Json | list[_Json])
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput("data", str(error)) from None
    for number, one in enumerate(found if isinstance(found, list) else [found], 1):
        place = _Place(number)
        tags = {key: _tag(value) for key, value in one.tags.items()}
        yield _point(one.metric, _json_time(one.timestamp, place), tags, {VALUE: _json_cell(one.value, place)}, place)


def _tag(value: Any) -> str:
    inner = value.get("value") if isinstance(value, dict) else value
    return inner if isinstance(inner, str) else msgspec.json.encode(inner).decode()


def _json_time(stamp: int | dict[str, Any], place: _Place) -> int:
    if isinstance(stamp, int):
        return _by_digits(stamp, place)
    value, unit = stamp.get("value"), stamp.get("type", "")
    if not isinstance(value, int) or not isinstance(unit, str) or unit not in UNITS:
        raise place.error("the timestamp must be a whole number, or one with its unit")
    return _bounded(value * UNITS[unit], place)


def _json_cell(value: Any, place: _Place) -> Cell:
    if isinstance(value, dict):
        kind = JSON_TYPES.get(str(value.get("type", "")).lower())
        if kind is None or not isinstance(value.get("value"), bool | int | float | str):
            raise place.error(f"a value must have a type, one of {', '.join(JSON_TYPES)}")
        return Cell(kind, value["value"])
    kinds: dict[type, Type] = {bool: BOOL, int: DOUBLE, float: DOUBLE, str: VARCHAR}
    if type(value) not in kinds:
        raise place.error(f"a value must be a number, a text or a truth value, got {type(value).__name__}")
    try:
        return Cell(kinds[type(value)], float(value) if kinds[type(value)] is DOUBLE else value)
    except OverflowError:
        raise place.error("a value is too large for a DOUBLE") from None


READERS: dict[int, Callable[[str, int], Iterator[Point]]] = {LINE: _lines, TELNET: _telnet, JSON: _json}
