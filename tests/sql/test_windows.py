"""Windows against their slow twins, over random series with gaps, NULLs and unsorted rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.sql import Session
from tests.sql import twins
from tests.sql.pairs import HERE
from tests.sql.twins import Row, Window

START = datetime(2023, 12, 31, 22, 0)
FEW = settings(max_examples=25, deadline=None)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LIST = "_wstart, _wend, site, count(*), sum(v)::BIGINT, first(v), last(v), last_row(v)"


@st.composite
def series(draw: st.DrawFn, spacing: timedelta = MINUTE, longest: int = 25, shortest: int = 1) -> list[Row]:
    """Rows of two sites; no time stands twice in one, and the first may lie before midnight or a year."""
    rows = []
    for site in ("a", "b"):
        steps = draw(st.lists(st.integers(1, 9), min_size=shortest, max_size=longest))
        at = START
        for step in steps:
            at += step * spacing
            v = draw(st.none() | st.integers(-5, 5))
            rows.append(Row(at, site, v, draw(st.none() | st.integers(0, 2))))
    return draw(st.permutations(rows))


@pytest.fixture(scope="module")
def database() -> Session:
    return Session()


def asked(database: Session, rows: list[Row], sql: str, kind: str = "ms") -> list[tuple[Any, ...]]:
    """What SQL gives over these rows, whose table is `rows`."""
    names = Row._fields
    types = (pa.timestamp(kind), pa.string(), pa.int64(), pa.int64())
    columns = [[row[i] for row in rows] for i in range(len(names))]
    data = pa.table({n: pa.array(c, t) for n, c, t in zip(names, columns, types, strict=True)})
    database.duck.register("rows", data)
    try:
        return database.sql(sql).fetchall()
    finally:
        database.duck.unregister("rows")


def told(site: str, window: Window) -> tuple[Any, ...]:
    """The row that a window gives for LIST."""
    values = [row.v for row in window.rows if row.v is not None]
    total = sum(values) if values else None
    first, last = (values[0], values[-1]) if values else (None, None)
    return (window.start, window.end, site, len(window.rows), total, first, last, window.rows[-1].v)


@FEW
@given(rows=series(), length=st.integers(1, 40), share=st.integers(1, 40), offset=st.integers(0, 39))
def test_interval(database: Session, rows: list[Row], length: int, share: int, offset: int) -> None:
    sliding, offset = max(1, min(length, share)), offset % length
    made = asked(
        database, rows, f"SELECT {LIST} FROM rows PARTITION BY site INTERVAL({length}m, {offset}m) SLIDING({sliding}m)"
    )
    assert made == [
        told(site, window)
        for site, mine in twins.groups(rows)
        for window in twins.interval(mine, length * MINUTE, sliding * MINUTE, offset * MINUTE)
    ]


@FEW
@given(rows=series(spacing=timedelta(days=9)), length=st.integers(1, 14))
def test_interval_of_months(database: Session, rows: list[Row], length: int) -> None:
    made = asked(database, rows, f"SELECT {LIST} FROM rows PARTITION BY site INTERVAL({length}n)")
    assert made == [told(site, window) for site, mine in twins.groups(rows) for window in twins.months(mine, length)]


@FEW
@given(rows=series(), gap=st.integers(1, 9), kind=st.sampled_from(["s", "ms", "us", "ns"]))
def test_session(database: Session, rows: list[Row], gap: int, kind: str) -> None:
    made = asked(database, rows, f"SELECT {LIST} FROM rows PARTITION BY site SESSION(ts, {gap}m)", kind)
    assert made == [
        told(site, window) for site, mine in twins.groups(rows) for window in twins.session(mine, gap * MINUTE)
    ]


@FEW
@given(rows=series())
def test_state_window(database: Session, rows: list[Row]) -> None:
    made = asked(database, rows, f"SELECT {LIST}, state FROM rows PARTITION BY site STATE_WINDOW(state)")
    assert made == [
        (*told(site, window), next(row.state for row in window.rows if row.state is not None))
        for site, mine in twins.groups(rows)
        for window in twins.state(mine)
    ]


@FEW
@given(rows=series())
def test_event_window(database: Session, rows: list[Row]) -> None:
    made = asked(
        database, rows, f"SELECT {LIST} FROM rows PARTITION BY site EVENT_WINDOW START WITH v > 1 END WITH state = 1"
    )
    assert made == [
        told(site, window)
        for site, mine in twins.groups(rows)
        for window in twins.event(mine, lambda row: row.v is not None and row.v > 1, lambda row: row.state == 1)
    ]


@FEW
@given(rows=series(), size=st.integers(2, 7), sliding=st.integers(1, 7))
def test_count_window(database: Session, rows: list[Row], size: int, sliding: int) -> None:
    sliding = min(size, sliding)
    made = asked(database, rows, f"SELECT {LIST} FROM rows PARTITION BY site COUNT_WINDOW({size}, {sliding})")
    assert made == [
        told(site, window) for site, mine in twins.groups(rows) for window in twins.count(mine, size, sliding)
    ]


@FEW
@given(
    rows=series(longest=9),
    mode=st.sampled_from(["NULL", "PREV", "NEXT", "LINEAR", "VALUE"]),
    span=st.tuples(st.integers(0, 40), st.integers(41, 90)),
)
def test_fill_in_the_range_of_where(database: Session, rows: list[Row], mode: str, span: tuple[int, int]) -> None:
    first, last = (START + minutes * MINUTE for minutes in span)
    value = ", 7.5" if mode == "VALUE" else ""
    made = asked(
        database,
        rows,
        f"SELECT site, _wstart, avg(v) FROM rows WHERE ts >= '{first}' AND ts < '{last}' "
        f"PARTITION BY site INTERVAL(5m) FILL({mode}{value})",
    )
    expected = []
    for site, mine in twins.groups([row for row in rows if first <= row.ts < last]):
        known = averages(twins.interval(mine, 5 * MINUTE, 5 * MINUTE, 0 * MINUTE))
        starts = grid(first, last - timedelta(microseconds=1))
        expected += [(site, *pair) for pair in zip(starts, twins.fill(known, starts, mode, 7.5), strict=True)]
    assert [row[:2] for row in made] == [row[:2] for row in expected]
    assert [row[2] for row in made] == [pytest.approx(row[2]) for row in expected]


@FEW
@given(rows=series(longest=9), mode=st.sampled_from(["NULL", "PREV", "NEXT", "LINEAR"]))
def test_fill_in_the_range_of_the_rows(database: Session, rows: list[Row], mode: str) -> None:
    made = asked(database, rows, f"SELECT site, _wstart, avg(v) FROM rows PARTITION BY site INTERVAL(5m) FILL({mode})")
    expected = []
    for site, mine in twins.groups(rows):
        known = averages(twins.interval(mine, 5 * MINUTE, 5 * MINUTE, 0 * MINUTE))
        starts = grid(min(known), max(known))
        expected += [(site, *pair) for pair in zip(starts, twins.fill(known, starts, mode), strict=True)]
    assert [row[:2] for row in made] == [row[:2] for row in expected]
    assert [row[2] for row in made] == [pytest.approx(row[2]) for row in expected]


@FEW
@given(
    rows=series(longest=9),
    mode=st.sampled_from(["NONE", "NULL", "VALUE", "PREV", "NEXT", "NEAR", "LINEAR"]),
    span=st.tuples(st.integers(0, 40), st.integers(41, 80)),
)
def test_interp(database: Session, rows: list[Row], mode: str, span: tuple[int, int]) -> None:
    first, last = (START + minutes * MINUTE for minutes in span)
    value = ", 7.5" if mode == "VALUE" else ""
    made = asked(
        database,
        rows,
        f"SELECT site, _irowts, interp(v::DOUBLE) FROM rows PARTITION BY site "
        f"RANGE('{first}', '{last}') EVERY(3m) FILL({mode}{value})",
    )
    times = [first + i * 3 * MINUTE for i in range((last - first) // (3 * MINUTE) + 1)]
    found = [(site, at, twins.interp(mine, at, mode, 7.5)) for site, mine in twins.groups(rows) for at in times]
    expected = [row for row in found if row[2] is not None or mode == "NULL"]
    assert [row[:2] for row in made] == [row[:2] for row in expected]
    assert [row[2] for row in made] == [pytest.approx(row[2]) for row in expected]


def averages(windows: list[Window]) -> dict[datetime, float | None]:
    found: dict[datetime, float | None] = {}
    for window in windows:
        values = [row.v for row in window.rows if row.v is not None]
        found[window.start] = sum(values) / len(values) if values else None
    return found


def grid(first: datetime, last: datetime) -> list[datetime]:
    """The windows of five minutes from the one that has `first` to the one that has `last`."""
    start = twins.EPOCH + ((first - twins.EPOCH) // (5 * MINUTE)) * (5 * MINUTE)
    return [start + i * 5 * MINUTE for i in range((last - start) // (5 * MINUTE) + 1)]


@pytest.mark.parametrize(
    "clause",
    [
        "INTERVAL(1h)",
        "INTERVAL(1h) FILL(PREV)",
        "INTERVAL(1h) SLIDING(30m)",
        "SESSION(ts, 1m)",
        "STATE_WINDOW(state)",
        "COUNT_WINDOW(3)",
        "EVENT_WINDOW START WITH v > 0 END WITH v < 0",
    ],
)
def test_no_rows_are_no_windows(database: Session, clause: str) -> None:
    assert asked(database, [], f"SELECT _wstart, _wend, _wduration, count(*) FROM rows {clause}") == []


def test_forced_filling_gives_windows_where_there_are_no_rows(database: Session) -> None:
    where = "WHERE ts >= '2024-01-01' AND ts < '2024-01-01 02:00:00'"
    sql = f"SELECT _wstart, count(*), max(v) FROM rows {where} INTERVAL(1h) FILL"
    assert asked(database, [], sql + "(NULL)") == []
    hours = [datetime(2024, 1, 1, hour) for hour in range(2)]
    assert asked(database, [], sql + "(NULL_F)") == [(hour, None, None) for hour in hours]
    assert asked(database, [], sql + "(VALUE_F, 0, 7)") == [(hour, 0, 7) for hour in hours]


@pytest.mark.parametrize(("kind", "tick"), [("s", 1), ("ms", 1000), ("us", 1000), ("ns", 1_000_000_000)])
def test_numbers_count_the_ticks_of_the_time_column(database: Session, kind: str, tick: int) -> None:
    rows = [Row(START + i * MINUTE, "a", i, 0) for i in range(10)]
    at = int((START + 5 * MINUTE - twins.EPOCH).total_seconds()) * tick
    assert asked(database, rows, f"SELECT count(v) AS n FROM rows WHERE ts >= {at}", kind) == [(5,)]
    assert asked(database, rows, f"SELECT count(v) AS n FROM rows WHERE {at} > ts", kind) == [(5,)]
    assert asked(database, rows, f"SELECT count(v) AS n FROM rows r WHERE r.ts BETWEEN {at} AND {at + tick}", kind) == [
        (1,)
    ]
    assert asked(database, rows, f"SELECT count(v) AS n FROM rows WHERE ts NOT IN ({at}, {at + 60 * tick})", kind) == [
        (8,)
    ]
    made = asked(database, rows, "SELECT _wduration, elapsed(ts) FROM rows INTERVAL(1h)", kind)
    assert made == [(3600 * tick, 540 * tick)]
    assert asked(database, rows, f"SELECT count(*) FROM rows INTERVAL({240 * tick})", kind) == [(4,), (4,), (2,)]


def test_nanoseconds_are_not_rounded_into_the_next_window(database: Session) -> None:
    data = pa.table(
        {"ts": pa.array([1_700_000_039_999_999_999, 1_700_000_040_000_000_000], pa.timestamp("ns")), "v": [1, 2]}
    )
    made = database.sql("SELECT cast(_wstart AS VARCHAR), sum(v)::INT FROM data INTERVAL(1m)").fetchall()
    assert len(data) == 2 and made == [("2023-11-14 22:13:00", 1), ("2023-11-14 22:14:00", 2)]
    assert database.sql("SELECT count(*) FROM data SESSION(ts, 1b)").fetchall() == [(2,)]
    lengths = "SELECT elapsed(ts), elapsed(ts, 1u), timediff(max(ts), min(ts)) FROM data"
    assert database.sql(lengths).fetchall() == [(1, 0.001, 1)]


@pytest.mark.parametrize(
    ("length", "start"),
    [
        ("1d", "2023-12-31 16:00:00"),
        ("1w", "2023-12-27 16:00:00"),
        ("1n", "2023-12-31 16:00:00"),
        ("24h", "2024-01-01 00:00:00"),
    ],
)
def test_days_weeks_and_months_are_those_of_the_time_zone(length: str, start: str) -> None:
    data = pa.table({"ts": [datetime(2024, 1, 1, 3)], "v": [1]})
    with Session(zone="Asia/Shanghai") as session:
        made = session.sql(f"SELECT _wstart::VARCHAR, count(*) FROM data INTERVAL({length})").fetchall()
        assert len(data) == 1 and made == [(start, 1)]
        assert session.sql("SELECT v FROM data WHERE ts = '2024-01-01 11:00:00'").fetchall() == [(1,)]
        assert session.sql("SELECT v FROM data WHERE ts >= '2024-01-01 11:00:00+08:00'").fetchall() == [(1,)]
        assert session.sql("SELECT v FROM data WHERE ts >= '2024-01-01 11:00:01+08:00'").fetchall() == []
        assert session.sql("SELECT v FROM data WHERE ts < '2024-01-01T03:00:00.001Z'").fetchall() == [(1,)]
        assert session.sql("SELECT to_iso8601(ts) FROM data").fetchall() == [("2024-01-01T11:00:00.000+0800",)]
        assert session.sql("SELECT timetruncate(ts, 1d)::VARCHAR FROM data").fetchall() == [("2023-12-31 16:00:00",)]
        midnight = "SELECT count(*) FROM data WHERE today() = timetruncate(now(), 1d)"
        assert session.sql(midnight).fetchall() == [(1,)]


def test_texts_with_an_offset_are_in_utc(database: Session) -> None:
    rows = [Row(datetime(2024, 1, 1, 3), "a", 1, 0)]
    for text, count in {"11:00:00+08:00": 1, "11:00:00.001+0800": 0, "22:00:01-05": 0, "03:00:00Z": 1}.items():
        assert asked(database, rows, f"SELECT count(v) FROM rows WHERE ts >= '2024-01-01T{text}'") == [(count,)], text


def test_a_range_that_is_too_long_to_fill(database: Session) -> None:
    rows = [Row(START, "a", 1, 0)]
    with pytest.raises(Exception, match="more than 10000000 windows"):
        asked(database, rows, "SELECT count(*) FROM rows WHERE ts >= '1990-01-01' AND ts < now INTERVAL(1s) FILL(NULL)")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT _wstart, _wend, _wduration, count(*) FROM {} PARTITION BY site INTERVAL(1h)",
        "SELECT _wstart, sum(v)::INT FROM {} WHERE site = 'a' AND ts > '2024-01-01 10:00:00' INTERVAL(7m) FILL(LINEAR)",
        "SELECT _wstart + 1h, _wend - 30m, _wduration FROM {} PARTITION BY site SESSION(ts, 10m)",
        "SELECT _wstart, _wend FROM {} PARTITION BY site STATE_WINDOW(state) TRUE_FOR(4m)",
        "SELECT _wstart, _wend FROM {} PARTITION BY site EVENT_WINDOW START WITH v > 1 END WITH v > 3",
        "SELECT _wend, _wduration FROM {} PARTITION BY site COUNT_WINDOW(2)",
        "SELECT _irowts, interp(v) FROM {} WHERE site = 'a' RANGE('2024-01-01', '2024-01-02') EVERY(9m) FILL(NEAR)",
        "SELECT elapsed(ts, 1h), elapsed(ts), irate(v), first(v), last(ts) FROM {} PARTITION BY site",
        "SELECT ts + 1h, t.ts - 1d, 2h + 1h + t.ts, v FROM {} t WHERE ts + 1h + 1m > '2024-01-01 12:00:00' ORDER BY v",
        "SELECT timetruncate(ts, 1h), timediff(ts, '2023-1-1'), to_iso8601(ts), CAST(ts AS BIGINT) FROM {} ORDER BY v",
        "SELECT derivative(v, 1s, 0), diff(v) FROM {} PARTITION BY site",
    ],
)
def test_times_with_a_zone_and_nanoseconds(sql: str) -> None:
    with Session() as session:
        session.sql(f"CREATE TABLE plain AS FROM '{HERE}/data/meters.csv'")
        session.sql("CREATE TABLE zoned AS SELECT * REPLACE (timezone('UTC', ts)::TIMESTAMPTZ_NS AS ts) FROM plain")
        plain, zoned = (session.sql(sql.format(name)).fetchall() for name in ("plain", "zoned"))
        assert zoned and [[in_utc(cell) for cell in row] for row in zoned] == [list(row) for row in plain]


def in_utc(cell: Any) -> Any:
    return cell.astimezone(UTC).replace(tzinfo=None) if isinstance(cell, datetime) else cell
