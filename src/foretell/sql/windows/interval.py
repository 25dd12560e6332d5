"""INTERVAL(length [, offset]) [SLIDING(step)]: windows of equal length, from one start up to and without its end.

Windows begin at multiples of the step since 1970-01-01 00:00 UTC, plus the offset; so weeks begin on a Thursday. Days
and weeks count from midnight of the time zone, months and years in its calendar. With SLIDING a row is in each window
that holds its time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from foretell.sql.durations import interval, read_duration
from foretell.sql.statement import Span
from foretell.sql.windows.bounds import bounds
from foretell.sql.windows.frame import Frame, Windowed, at_most, inside
from foretell.sql.words import to_local, to_utc
from foretell.steps import DAY, Step

LOCAL_UNITS = ("d", "w", "n", "y")
ZERO = re.compile(r"'?0[a-z]?'?", re.IGNORECASE)
MONTH = 28 * DAY
"""The shortest month, in ns."""
MOST_WINDOWS = 100
"""In how many windows one row may be."""


@dataclass(frozen=True)
class Grid:
    """Where windows begin: SQL for their length and step, the zone that they are counted in, and their origin there."""

    length: str
    step: str
    windows: int
    zone: str
    origin: str
    step_ns: int

    def start(self, time: str) -> str:
        """The last start up to a time in UTC, in the zone."""
        return f"time_bucket({self.step}, {to_local(time, self.zone)}, {self.origin})"


def interval_window(window: Windowed) -> Frame:
    """Give each row the start of its window, in the zone of the grid; or of each of its windows."""
    grid = read_grid(window)
    ts = window.time.plain(window.time.sql)
    start, end = (window.time.typed(to_utc(sql, grid.zone)) for sql in ("__start", f"__start + {grid.length}"))
    if grid.windows == 1:
        return Frame(window.rows(window.write(f"{grid.start(ts)} AS __start")), ("__start",), start, end)
    local = to_local(ts, grid.zone)
    rows = window.rows(window.write(f"{grid.start(ts)} AS __last"), window.write(f"{local} AS __local"))
    more = window.write(
        f"unnest(list_transform(range({grid.windows}), lambda i: __last - i::INT * {grid.step})) AS __start"
    )
    return Frame(
        window.over(window.over(rows, more), where=f"__start + {grid.length} > __local"), ("__start",), start, end
    )


def read_grid(window: Windowed) -> Grid:
    """The grid that the clause and SLIDING ask for."""
    statement = window.block.statement
    at_most(window, window.arguments, 2)
    length = _read(window, window.arguments[0], "INTERVAL")
    sliding = length
    place = window.arguments[0]
    if "SLIDING" in window.block.clauses:
        [place, *more] = inside(window.block, "SLIDING")
        sliding = _read(window, place, "SLIDING")
        if more:
            raise statement.error("SLIDING takes one duration", more[0])
    count = _windows(window, length, sliding, place)
    local = any(
        statement.written(span).strip("'").lower().endswith(LOCAL_UNITS) for span in (window.arguments[0], place)
    )
    origin = "TIMESTAMP '1900-01-01'" if length.months else "TIMESTAMP '1970-01-01'"
    zone = window.context.zone if local else "UTC"
    return Grid(
        interval(statement, length, window.arguments[0]),
        interval(statement, sliding, place),
        count,
        zone,
        _offset(window, length, origin, zone),
        sliding.ns or sliding.months * MONTH,
    )


def _read(window: Windowed, span: Span, name: str) -> Step:
    return read_duration(window.block.statement, span, name, window.time.step)


def _windows(window: Windowed, length: Step, sliding: Step, place: Span) -> int:
    """In how many windows a row is."""
    error = window.block.statement.error
    if bool(length.months) != bool(sliding.months):
        raise error("SLIDING and INTERVAL are both in months and years, or both in shorter units", place)
    size, step = (length.months, sliding.months) if length.months else (length.ns, sliding.ns)
    if step > size:
        raise error("SLIDING cannot be longer than INTERVAL", place)
    count = -(-size // step)
    if count > MOST_WINDOWS:
        raise error(f"SLIDING cannot be shorter than 1/{MOST_WINDOWS} of INTERVAL", place)
    return count


def _offset(window: Windowed, length: Step, origin: str, zone: str) -> str:
    """The origin of the grid, moved by the second argument; AUTO moves it to where WHERE begins."""
    statement = window.block.statement
    if len(window.arguments) == 1:
        return origin
    place = window.arguments[1]
    if statement.is_word(place[0], "AUTO") and place[1] - place[0] == 1:
        first = bounds(window).first
        return origin if first is None else to_local(first, zone)
    if ZERO.fullmatch(statement.written(place)):
        return origin
    offset = _read(window, place, "the offset of INTERVAL")
    shorter = offset.months < length.months if offset.months else offset.ns < (length.ns or length.months * MONTH)
    if not shorter:
        raise statement.error("the offset must be shorter than INTERVAL", place)
    return f"{origin} + {interval(statement, offset, place)}"
