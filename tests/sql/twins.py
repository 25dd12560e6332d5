"""Windows as one would put rows into them by hand: the slow twins of the SQL that we write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1)


class Row(NamedTuple):
    ts: datetime
    site: str
    v: int | None
    state: int | None


class Window(NamedTuple):
    start: datetime
    end: datetime
    rows: list[Row]


def groups(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each site by time, sites in order."""
    for site in sorted({row.site for row in rows}):
        yield site, sorted(row for row in rows if row.site == site)


def _whole(rows: list[Row]) -> Window:
    return Window(rows[0].ts, rows[-1].ts, rows)


def interval(rows: list[Row], length: timedelta, sliding: timedelta, offset: timedelta) -> list[Window]:
    """Every start is tried from long before the first row on."""
    if not rows:
        return []
    start = EPOCH + offset
    start += ((rows[0].ts - length - start) // sliding) * sliding
    found = []
    while start <= rows[-1].ts:
        if inside := [row for row in rows if start <= row.ts < start + length]:
            found.append(Window(start, start + length, inside))
        start += sliding
    return found


def months(rows: list[Row], length: int) -> list[Window]:
    """Windows of whole months, counted from January 1900."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(((row.ts.year - 1900) * 12 + row.ts.month - 1) // length, []).append(row)
    return [Window(_month(i * length), _month((i + 1) * length), inside) for i, inside in found.items()]


def _month(number: int) -> datetime:
    return datetime(1900 + number // 12, number % 12 + 1, 1)


def session(rows: list[Row], gap: timedelta) -> list[Window]:
    found: list[list[Row]] = []
    for row in rows:
        if found and row.ts - found[-1][-1].ts <= gap:
            found[-1].append(row)
        else:
            found.append([row])
    return [_whole(inside) for inside in found]


def state(rows: list[Row]) -> list[Window]:
    """NULLs wait until it is known what comes behind them."""
    found: list[list[Row]] = []
    waiting: list[Row] = []
    current: int | None = None
    for row in rows:
        if row.state is None:
            waiting.append(row)
            continue
        if current is None:
            found.append([*waiting, row])
        elif row.state == current:
            found[-1] += [*waiting, row]
        else:
            found.append([row])
        waiting, current = [], row.state
    if found:
        found[-1] += waiting
    return [_whole(inside) for inside in found]


def event(rows: list[Row], opens: Callable[[Row], bool], closes: Callable[[Row], bool]) -> list[Window]:
    found: list[list[Row]] = []
    current: list[Row] | None = None
    for row in rows:
        if current is None and opens(row):
            current = []
        if current is not None:
            current.append(row)
            if closes(row):
                found.append(current)
                current = None
    return [_whole(inside) for inside in found]


def count(rows: list[Row], size: int, sliding: int) -> list[Window]:
    return [_whole(rows[i : i + size]) for i in range(0, len(rows), sliding)]


def interp(rows: list[Row], at: datetime, mode: str, value: float | None = None) -> float | None:
    """The value at a time, from the rows that have one."""
    known = [(row.ts, row.v) for row in rows if row.v is not None]
    exact = [v for ts, v in known if ts == at]
    before = [(ts, v) for ts, v in known if ts < at]
    after = [(ts, v) for ts, v in known if ts > at]
    if exact:
        return exact[0]
    if mode == "VALUE":
        return value
    if mode == "PREV":
        return before[-1][1] if before else None
    if mode == "NEXT":
        return after[0][1] if after else None
    if mode == "NEAR" and (before or after):
        near = [*before[-1:], *after[:1]]
        return min(near, key=lambda pair: (abs(pair[0] - at), pair[0]))[1]
    if mode == "LINEAR" and before and after:
        (p, low), (n, high) = before[-1], after[0]
        return low + (high - low) * ((at - p) / (n - p))
    return None


def fill(
    known: dict[datetime, float | None], starts: Sequence[datetime], mode: str, value: float | None = None
) -> list[float | None]:
    """A value for every start; `known` has those of the windows with rows."""
    found: list[float | None] = []
    for at in starts:
        now = known.get(at)
        before = [start for start in starts if start < at and known.get(start) is not None]
        after = [start for start in starts if start > at and known.get(start) is not None]
        if now is not None or mode == "NULL":
            found.append(now)
        elif mode == "VALUE":
            found.append(None if at in known else value)
        elif mode == "PREV":
            found.append(known[before[-1]] if before else None)
        elif mode == "NEXT":
            found.append(known[after[0]] if after else None)
        elif before and after:
            p, n = before[-1], after[0]
            low, high = known[p], known[n]
            assert low is not None and high is not None
            found.append(low + (high - low) * ((at - p) / (n - p)))
        else:
            found.append(None)
    return found
