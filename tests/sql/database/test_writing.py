"""What is written is what is read: against a plain model of a table, for each way to write."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.errors import Cancelled, DeadlineExceeded, ForetellError, NoSuchTable, SqlError
from foretell.sql.database import Connection, Database
from foretell.sql.database import insert as reading
from foretell.sql.database import writer as writing
from foretell.sql.database.catalog import Table
from foretell.sql.database.halt import Halt
from foretell.sql.database.rows import names_of, run_of, runs_of
from foretell.sql.database.writer import INCOMING, _Job
from foretell.sql.taos.schemaless import Lines
from tests.sql.database.conftest import rows

ENDLESS = "SELECT count(*) FROM range(1000000000000) t(i) WHERE i % 7 = 8"
TABLES = ("a", "b")
COLUMNS = ("x", "y")
Row = tuple[int, int | None, float | None]

rows_of_a_statement = st.lists(
    st.tuples(
        st.integers(0, 8), st.none() | st.integers(-5, 5), st.none() | st.floats(-9, 9, width=32).map(lambda f: f + 0.0)
    ),
    min_size=1,
    max_size=5,
)
one_write = st.tuples(
    st.sampled_from(TABLES),
    st.sampled_from([COLUMNS, ("x",), ("y",)]),
    rows_of_a_statement,
    st.sampled_from(["text", "arrow", "super"]),
)


def made(connection: Connection) -> None:
    connection.run("CREATE STABLE s (ts TIMESTAMP, x INT, y FLOAT) TAGS (t INT)")
    connection.run("CREATE TABLE a USING s TAGS (1) b USING s TAGS (2)")


def write(connection: Connection, table: str, columns: Sequence[str], given: list[Row], way: str) -> None:
    chosen = [(ts, *(dict(zip(COLUMNS, rest, strict=True))[name] for name in columns)) for ts, *rest in given]
    names = ["ts", *columns]
    if way == "text":
        values = " ".join(f"({', '.join('NULL' if v is None else repr(v) for v in row)})" for row in chosen)
        connection.run(f"INSERT INTO {table} ({', '.join(names)}) VALUES {values}")
        return
    batch = pa.table({name: list(column) for name, column in zip(names, zip(*chosen, strict=True), strict=True)})
    if way == "super":
        connection.append("s", batch.append_column("tbname", pa.array([table] * len(batch))))
    else:
        connection.append(table, batch)


@settings(max_examples=25, deadline=None)
@given(st.lists(one_write, max_size=8))
def test_the_last_write_of_a_time_wins_and_columns_that_are_left_out_stay(writes: list[Any]) -> None:
    model: dict[tuple[str, int], dict[str, Any]] = {}
    with Database() as database, database.connect() as connection:
        connection.run("CREATE DATABASE d")
        connection.run("USE d")
        made(connection)
        for table, columns, given, way in writes:
            write(connection, table, columns, given, way)
            for ts, *rest in given:
                row = model.setdefault((table, ts), {"x": None, "y": None})
                row.update({name: v for name, v in zip(COLUMNS, rest, strict=True) if name in columns})
        expected = sorted((table, ts, row["x"], row["y"]) for (table, ts), row in model.items())
        found = rows(connection, "SELECT tbname, epoch_ms(ts) AS t, x, y FROM s ORDER BY tbname, ts")
        assert found == [(table, ts, x, None if y is None else pytest.approx(y)) for table, ts, x, y in expected]
        for table in TABLES:
            assert rows(connection, f"SELECT count(*) FROM {table}") == [(sum(name == table for name, _ in model),)]


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO n VALUES (1, 2, 0.5, 'x', true)",
        "insert into d.n values(1,2,0.5,'x',true),(2,-3,1e3,'y',FALSE) , (3,NULL,NULL,NULL,null)",
        "INSERT INTO n (w, ts) VALUES ('a, b', 7)",
        "INSERT INTO n VALUES ('2024-01-01 10:00:00.250',1,2,'',true) ('2024-01-01 10:00:00.25', 1, 2, 'ü', null);",
        'INSERT INTO n VALUES (1, 2, 3, "it\'s", TRUE)'.replace("'", " "),
        "INSERT INTO n (ts, i) VALUES (1, 1) n (ts, r) VALUES (2, 1.5)",
        "INSERT INTO n VALUES (1, 2, 3, 'a(b)c', TRUE)",
    ],
)
def test_the_fast_way_reads_what_the_slow_one_reads(text: str, empty: Connection) -> None:
    empty.run("CREATE TABLE n (ts TIMESTAMP, i INT, r DOUBLE, w VARCHAR(20), b BOOL)")
    fast = reading._fast(text, empty.find, UTC)
    slow = reading._slow(text, empty.find, UTC)
    assert [(one.batch, one.runs) for one in fast] == [(one.batch, one.runs) for one in slow]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1704103200250", "2024-01-01 10:00:00.250"),
        ("-1", "1969-12-31 23:59:59.999"),
        ("'1704103200250'", "2024-01-01 10:00:00.250"),
        ("'2024-01-01'", "2024-01-01 00:00:00"),
        ("'2024-01-01 10:00'", "2024-01-01 10:00:00"),
        ("'2024-01-01T10:00:00.25Z'", "2024-01-01 10:00:00.250"),
        ("'2024-01-01T10:00:00.250999+08:00'", "2024-01-01 02:00:00.250"),
        ("'2024-01-01 10:00:00 -0130'", "2024-01-01 11:30:00"),
        ("1704103200250 + 10s", "2024-01-01 10:00:10.250"),
        ("'2024-01-01 10:00:00' - 1d + 2h - 3m", "2023-12-31 11:57:00"),
        ("1704103200250+1w-250a", "2024-01-08 10:00:00"),
    ],
)
def test_times_as_numbers_texts_and_sums(written: str, kept: str, empty: Connection) -> None:
    empty.run("CREATE TABLE n (ts TIMESTAMP, v INT)")
    empty.run(f"INSERT INTO n VALUES ({written}, 1)")
    [(found,)] = rows(empty, "SELECT ts FROM n")
    assert found == datetime.fromisoformat(kept)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("INT UNSIGNED", "-1"),
        ("BIGINT UNSIGNED", "-5"),
        ("BIGINT UNSIGNED", "18446744073709551616"),
        ("BIGINT", "99999999999999999999"),
        ("FLOAT", "1e39"),
        ("FLOAT", "-1e39"),
        ("DOUBLE", "1e309"),
        ("TIMESTAMP", "9223372036854775808"),
        ("TIMESTAMP", "-9223372036854775808"),
        ("TIMESTAMP", "253402300800000"),
        ("TIMESTAMP", "-62135596800001"),
        ("TIMESTAMP", "'99999999999999999999'"),
        ("TIMESTAMP", "now + 99999999999999999999999d"),
        ("TIMESTAMP", "1.5"),
    ],
)
def test_what_a_type_cannot_hold_is_an_error_with_its_place(kind: str, written: str, empty: Connection) -> None:
    empty.run(f"CREATE TABLE n (ts TIMESTAMP, v {kind})")
    with pytest.raises(SqlError) as caught:
        empty.run(f"INSERT INTO n VALUES (1, {written})")
    assert str(caught.value).startswith(f"v: {written} is no value of {kind}")
    assert caught.value.position == len("INSERT INTO n VALUES (1, ")
    with pytest.raises(SqlError, match="is no value of"):
        empty.run(f"INSERT INTO n VALUES (1, {written}) (2, NULL)")
    assert rows(empty, "SELECT * FROM n") == []


def test_times_beyond_the_precision_are_not_wrapped(empty: Connection) -> None:
    empty.run("CREATE DATABASE fine PRECISION 'ns'")
    empty.run("CREATE TABLE fine.n (ts TIMESTAMP, v INT)")
    empty.run("CREATE TABLE n (ts TIMESTAMP, v INT)")
    for insert in (
        "INSERT INTO fine.n VALUES ('2300-01-01', 1)",
        "INSERT INTO fine.n SELECT TIMESTAMP '3000-01-01', 1",
        "INSERT INTO n SELECT TIMESTAMP 'infinity', 1",
    ):
        with pytest.raises(SqlError, match=r"TIMESTAMP|does not fit"):
            empty.run(insert)
    empty.run("INSERT INTO n VALUES ('9999-12-31 23:59:59.999', 1) ('0001-01-01', 2)")
    assert rows(empty, "SELECT v FROM n ORDER BY ts") == [(2,), (1,)]
    with pytest.raises(SqlError, match="must lie between"):
        empty.append("n", pa.table({"ts": [2**63 - 1], "v": [1]}))


@pytest.mark.parametrize(("written", "ahead"), [("NOW", 0), ("now()", 0), ("now-1a", -0.001), ("NOW + 10s", 10)])
def test_now(written: str, ahead: float, empty: Connection) -> None:
    empty.run("CREATE TABLE n (ts TIMESTAMP, v INT)")
    empty.run(f"INSERT INTO n VALUES ({written}, 1)")
    [(found,)] = rows(empty, "SELECT ts FROM n")
    assert isinstance(found, datetime)
    assert abs(found - datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=ahead)) < timedelta(seconds=30)


def test_texts_without_a_zone_are_in_that_of_the_connection() -> None:
    with Database() as database, database.connect(zone="Asia/Shanghai") as connection:
        connection.run("CREATE DATABASE d")
        connection.run("CREATE TABLE d.n (ts TIMESTAMP, v INT)")
        connection.run("INSERT INTO d.n VALUES ('2024-01-01 08:00:00', 1) ('2024-01-02 00:00:00Z', 2)")
        assert rows(connection, "SELECT ts FROM d.n ORDER BY ts") == [(datetime(2024, 1, 1),), (datetime(2024, 1, 2),)]
        with pytest.raises(ForetellError, match="'Moon/Base' is no time zone"):
            database.connect(zone="Moon/Base")
    assert UTC is UTC


def test_several_tables_in_one_statement_are_written_together_or_not_at_all(empty: Connection) -> None:
    made(empty)
    with pytest.raises(SqlError, match="'x' is no value of INT"):
        empty.run("INSERT INTO a VALUES (1, 1, 1) b VALUES (1, 'x', 1)")
    assert rows(empty, "SELECT count(*) FROM s") == [(0,)]
    assert (
        empty.run("INSERT INTO a VALUES (1, 1, 1) c USING s TAGS (3) VALUES (1, 1, 1) b VALUES (2, 2, 2)").affected == 3
    )
    assert rows(empty, "SELECT tbname FROM s ORDER BY 1") == [("a",), ("b",), ("c",)]
    with pytest.raises(SqlError, match="one statement at a time"):
        empty.run("INSERT INTO a VALUES (9, 1, 1); DROP TABLE a")


def test_a_sub_table_is_made_by_the_first_insert_that_uses_it(empty: Connection) -> None:
    made(empty)
    empty.run("INSERT INTO c USING s (t) TAGS (7) VALUES (1, 1, 1)")
    empty.run("INSERT INTO c USING s TAGS (8) VALUES (2, 1, 1)")
    assert rows(empty, "SELECT DISTINCT t FROM c") == [(7,)]
    empty.run("INSERT INTO s (tbname, t, ts, x) VALUES ('e', 5, 1, 1) ('a', 6, 1, 2)")
    assert rows(empty, "SELECT tbname, t, x FROM s WHERE tbname IN ('a', 'e') ORDER BY 1") == [("a", 1, 2), ("e", 5, 1)]
    with pytest.raises(NoSuchTable, match="nobody"):
        empty.run("INSERT INTO s (tbname, ts, x) VALUES ('nobody', 1, 1)")


@pytest.mark.parametrize("large", [1e39, "1e39"])
def test_columns_of_numbers_that_a_float_cannot_hold_are_refused(large: float | str, empty: Connection) -> None:
    empty.run("CREATE TABLE n (ts TIMESTAMP, v FLOAT)")
    with pytest.raises(SqlError, match=r"^v: .* does not fit FLOAT: .* is too large"):
        empty.append("n", pa.table({"ts": [1], "v": [large]}))
    with pytest.raises(SqlError, match="does not fit FLOAT"):
        empty.run(f"INSERT INTO n SELECT now(), {float(large)}")
    empty.append("n", pa.table({"ts": [1, 2], "v": [1.5, None]}))
    assert rows(empty, "SELECT v FROM n ORDER BY ts") == [(1.5,), (None,)]


def test_large_numbers_of_queries_stay_exact(empty: Connection) -> None:
    empty.run("CREATE TABLE n (ts TIMESTAMP, d DECIMAL(38, 0), e DECIMAL(30, 6), u BIGINT UNSIGNED)")
    d, e, u = 2**70 + 1, Decimal("123456789012345678.123456"), 2**64 - 1
    empty.run(f"-- behind a comment\nINSERT INTO n VALUES (1, {d}, {e}, {u})")
    empty.run("INSERT INTO n SELECT ts + 1s, sum(d), max(e), sum(u) FROM n GROUP BY ts")
    empty.run(f"INSERT INTO n SELECT TIMESTAMP '2024-01-01', {d}, '{e}', {u}")
    assert rows(empty, "SELECT DISTINCT d, e, u FROM n") == [(d, e, u)]


def test_rows_of_queries_are_written(empty: Connection) -> None:
    made(empty)
    empty.run("INSERT INTO a VALUES (1, 10, 1.5) (2, 20, 2.5)")
    assert empty.run("INSERT INTO b SELECT ts, x + 1, y FROM a WHERE x > 10").affected == 1
    assert rows(empty, "SELECT x FROM b") == [(21,)]
    assert empty.run("INSERT INTO b (ts, y) SELECT ts, avg(y) FROM s GROUP BY ts").affected == 2
    assert rows(empty, "SELECT x, y FROM b ORDER BY ts") == [(None, 1.5), (21, 2.5)]
    empty.run("INSERT INTO s (tbname, t, ts, x) SELECT tbname || '2', t * 10, ts, x FROM s WHERE x IS NOT NULL")
    assert rows(empty, "SELECT tbname, t, x FROM s WHERE tbname LIKE '%2' ORDER BY ALL") == [
        ("a2", 10, 10), ("a2", 10, 20), ("b2", 20, 21),
    ]  # fmt: skip
    assert empty.run("INSERT INTO b SELECT * FROM a WHERE x > 1000").affected == 0
    empty.run("INSERT INTO made USING s TAGS (9) SELECT * FROM a")
    assert rows(empty, "SELECT t, count(*) FROM made GROUP BY t") == [(9, 2)]


def test_forecasts_are_written_back(empty: Connection) -> None:
    empty.run("CREATE TABLE n (ts TIMESTAMP, v DOUBLE)")
    empty.run("CREATE STABLE ahead (ts TIMESTAMP, v DOUBLE, low FLOAT) TAGS (model VARCHAR(32))")
    empty.run("INSERT INTO n VALUES " + " ".join(f"({i * 1000}, {i % 12})" for i in range(48)))
    empty.run(
        "INSERT INTO f1 USING ahead TAGS ('naive') "
        "SELECT _frowts, FORECAST(v, 'algo=naive,rows=3,wncheck=0'), _flow FROM n"
    )
    found = rows(empty, "SELECT epoch_ms(ts) AS t, v FROM f1 ORDER BY ts")
    assert found == [(48_000, 11.0), (49_000, 11.0), (50_000, 11.0)]


def test_writers_at_the_same_time_share_transactions_and_fail_alone(empty: Connection) -> None:
    made(empty)
    outcomes: list[object] = []

    def one(i: int) -> None:
        with empty._home.connect(database="d") as connection:
            for j in range(20):
                connection.run(f"INSERT INTO {TABLES[i % 2]} VALUES ({i * 1000 + j}, {j}, 1)")
            try:
                connection.append("a", pa.table({"ts": [1], "nothing": [2]}))
            except ForetellError as error:
                outcomes.append(error)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(empty, "SELECT count(*), count(DISTINCT ts) FROM s") == [(160, 160)]
    assert len(outcomes) == 8


def test_rows_for_a_table_that_is_gone_are_refused(empty: Connection) -> None:
    made(empty)
    ready = reading.read_insert("INSERT INTO a VALUES (1, 1, 1)", empty.find, UTC)
    empty.run("DROP TABLE a")
    with pytest.raises(NoSuchTable):
        empty._home.writer.write(ready)  # type: ignore[arg-type]
    empty.run("DROP STABLE s")
    with pytest.raises(NoSuchTable):
        empty._home.writer.write(ready)  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=1, max_size=12))
def test_runs_of_mixed_tables_are_those_of_each_alone(given: list[tuple[str, int]]) -> None:
    names, times = pa.chunked_array([[name for name, _ in given]]), pa.array([ts for _, ts in given]).to_numpy()
    alone = {name: times[[n == name for n, _ in given]] for name in {n for n, _ in given}}
    found = names_of(names)
    assert sorted(runs_of(found, times)) == sorted(run_of(name, values) for name, values in alone.items())
    assert [found.words[code] for code in found.codes] == names.to_pylist()
    firsts = [names.to_pylist().index(word) for word in found.words]
    assert found.first_rows().tolist() == firsts
    seen = [word for i, word in enumerate(names.to_pylist()) if i == 0 or word != names.to_pylist()[i - 1]]
    assert found.are_together == (len(seen) == len(set(seen)))


def test_what_waits_together_is_written_in_one_transaction(empty: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    made(empty)
    writer = empty._home.writer
    running, ready, sizes = threading.Event(), threading.Event(), []
    transact = writer._transact

    def counted(jobs: list[Any]) -> list[int]:
        sizes.append(len(jobs))
        return transact(jobs)

    monkeypatch.setattr(writer, "_transact", counted)

    def held(_: object) -> tuple[int, Any]:
        running.set()
        ready.wait(60)
        return 0, lambda: None

    def one(i: int) -> None:
        with empty._home.connect(database="d") as connection:
            connection.run(f"INSERT INTO a VALUES ({i}, {i}, 1)")

    holding = threading.Thread(target=writer.change, args=(held,))
    holding.start()
    assert running.wait(60)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 60
    while writer._jobs.qsize() < 12 and time.monotonic() < until:
        time.sleep(0.001)
    ready.set()
    for thread in (holding, *threads):
        thread.join()
    assert sizes == [1, 12]
    assert rows(empty, "SELECT count(*) FROM a") == [(12,)]


def test_schemaless_points_of_other_tags_are_of_other_tables(empty: Connection) -> None:
    Lines.of(1, "ms", "m,a=b\\,c\\=d v=1 1\nm,a=b,c=d v=2 1", "").insert(empty)
    assert rows(empty, "SELECT a, c, v FROM m ORDER BY v") == [("b,c=d", None, 1.0), ("b", "d", 2.0)]


@pytest.fixture
def busy(empty: Connection) -> Iterator[threading.Event]:
    """The writer is held by another change until this is set; `empty` has a table `v`."""
    empty.run("CREATE TABLE v (ts TIMESTAMP, x INT)")
    running, ready = threading.Event(), threading.Event()

    def held(_: object) -> tuple[int, Any]:
        running.set()
        ready.wait(60)
        return 0, lambda: None

    holding = threading.Thread(target=empty._home.writer.change, args=(held,))
    holding.start()
    assert running.wait(60)
    yield ready
    ready.set()
    holding.join()


def test_what_is_over_its_time_while_it_waits_is_never_written(empty: Connection, busy: threading.Event) -> None:
    with pytest.raises(DeadlineExceeded):
        empty.run("INSERT INTO v VALUES (1, 1)", timeout=0.01)
    busy.set()
    empty.run("INSERT INTO v VALUES (2, 2)")
    assert rows(empty, "SELECT x FROM v") == [(2,)]


def test_a_query_and_its_insert_have_one_time_together(empty: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.run("CREATE TABLE v (ts TIMESTAMP, x INT)")
    clock = [0.0]
    monkeypatch.setattr("foretell.sql.database.halt.time", SimpleNamespace(monotonic=lambda: clock[0]))
    asked = empty._session.sql

    def slow(text: str, timeout: float) -> Any:
        assert timeout == 60
        clock[0] += 61
        return asked(text, timeout=timeout)

    monkeypatch.setattr(empty._session, "sql", slow)
    with pytest.raises(DeadlineExceeded):
        empty.run("INSERT INTO v SELECT TIMESTAMP '2024-01-01', 1", timeout=60)
    monkeypatch.undo()
    assert rows(empty, "SELECT x FROM v") == []


@pytest.mark.parametrize("when", ["while it writes", "before the commit", "at the commit"])
def test_a_statement_that_is_stopped_is_not_written_or_said_to_be(
    when: str, empty: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(empty)
    empty.run("INSERT INTO a VALUES (5, 5, 5)")
    writer = empty._home.writer
    run, check = writer._run, writer._check

    def stop() -> None:
        """From another thread, as the server does."""
        stopping = threading.Thread(target=empty.interrupt)
        stopping.start()
        stopping.join()

    def running(jobs: list[Any], batch: Any) -> Any:
        if when == "while it writes":
            threading.Timer(0.05, empty.interrupt).start()
            writer._connection.execute(ENDLESS).fetchall()
        done = run(jobs, batch)
        if when == "before the commit":
            stop()
        return done

    def checking(jobs: list[Any], stoppable: Any) -> None:
        check(jobs, stoppable=stoppable)
        if when == "at the commit" and not stoppable:
            stop()

    monkeypatch.setattr(writer, "_run", running)
    monkeypatch.setattr(writer, "_check", checking)
    late = "INSERT INTO a VALUES (1, 1, 1)"
    if when == "at the commit":
        assert empty.run(late).affected == 1
    else:
        with pytest.raises(Cancelled):
            empty.run(late)
    monkeypatch.undo()
    assert rows(empty, "SELECT x FROM a ORDER BY ts") == ([(1,), (5,)] if when == "at the commit" else [(5,)])
    table = empty.catalog.namespace("d").tables["s"]
    kept = empty._home.cursor().execute("SELECT is_sorted FROM __foretell.tables").fetchall()
    assert isinstance(table, Table)
    assert kept == [(table.is_sorted,)] == [(when != "at the commit",)]


def test_rows_that_could_not_be_written_are_let_go(empty: Connection) -> None:
    def fails(duck: writing.Duck) -> tuple[int, writing.Apply]:
        writing.insert(duck, "nowhere", pa.table({"ts": [1]}))
        return 1, writing.nothing

    def looks(duck: writing.Duck) -> tuple[int, writing.Apply]:
        return len(duck.execute(f"FROM {INCOMING}").fetchall()), writing.nothing

    for change, missing in ((fails, "nowhere"), (looks, INCOMING)):
        with pytest.raises(SqlError, match=missing):
            empty._home.writer.change(change)


def test_jobs_are_never_compared_by_what_they_write() -> None:
    works: Any = ([np.zeros(2)], [np.zeros(2)])
    first, second = (_Job(work, Halt()) for work in works)
    assert first != second


def test_one_that_is_stopped_does_not_take_its_neighbours_along(empty: Connection, busy: threading.Event) -> None:
    writer = empty._home.writer
    find = empty.find
    first, second = (
        _Job(reading.read_insert(f"INSERT INTO v VALUES ({i}, {i})", find, UTC), Halt())  # type: ignore[arg-type]
        for i in (1, 2)
    )
    first.halt.stop()
    for job in (first, second):
        writer._jobs.put(job)
    busy.set()
    assert second.done.result(60) == 1
    with pytest.raises(Cancelled):
        first.done.result(60)
    assert rows(empty, "SELECT x FROM v") == [(2,)]
