"""Times and durations as TDengine's SQL writes them in values: numbers, text, NOW, and sums of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

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
_TEXT = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9})\d*)?)?)?\s*"
    r"(Z|[+-]\d{2}(?::?\d{2})?)?\s*",
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


def _zone(offset: str, zone: tzinfo) -> tzinfo:
    if not offset:
        return zone
    if offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(length if offset[0] == "+" else -length)
