"""Times and durations as TDengine's SQL writes them in values: numbers, text, NOW, and sums of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pyarrow as pa
import pyarrow.compute as pc

from foretell.sql.database.types import PRECISIONS, Precision

UNITS: dict[str, int] = {
    "B": 1,
    "U": 1_000,
    "A": 1_000_000,
    "S": 1_000_000_000,
    "M": 60 * 1_000_000_000,
    "H": 3600 * 1_000_000_000,
    "D": 86_400 * 1_000_000_000,
    "W": 7 * 86_400 * 1_000_000_000,
}
"""Nanoseconds of each unit of a duration."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANGES: dict[Precision, tuple[int, int]] = {
    "ms": (-62_135_596_800_000, 253_402_300_799_999),
    "us": (-62_135_596_800_000_000, 253_402_300_799_999_999),
    "ns": (-(2**63) + 1, 2**63 - 1),
}
"""The first and the last time that each precision takes: the years 1 to 9999, or as many ns as 64 bits hold."""
_TEXT = re.compile(
    r"\s*+(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]++(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9})\d*+)?)?)?\s*+"
    r"(Z|[+-]\d{2}(?::?\d{2})?)?\s*+",
    re.IGNORECASE,
)


def read_time(text: str, precision: Precision, zone: tzinfo = UTC) -> int:
    """A time as text, in `zone` where it names none; ValueError if it is none. What is finer than the precision is cut
    off."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time")
    year, month, day, hour, minute, second, fraction, offset = match.groups(default="")
    moment = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=_zone(offset, zone)
    )
    span = moment - EPOCH
    nanoseconds = (span.days * 86_400 + span.seconds) * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)
    return nanoseconds // PRECISIONS[precision][1]


def in_precision(values: pa.ChunkedArray, precision: Precision) -> pa.ChunkedArray:
    """Times in another precision: what is finer is cut off, what does not fit is an ArrowInvalid."""
    return values.cast(options=pc.CastOptions(pa.timestamp(precision), allow_time_truncate=True))


def check_range(first: int, last: int, precision: Precision) -> None:
    """ValueError if times from `first` to `last` leave the range of a precision."""
    least, most = RANGES[precision]
    if first < least or last > most:
        raise ValueError(f"times must lie between {least} and {most}")


def _zone(offset: str, zone: tzinfo) -> tzinfo:
    if not offset:
        return zone
    if offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(length if offset[0] == "+" else -length)
