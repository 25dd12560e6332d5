"""What is more than one SELECT: several statements, writing, variables of the caller, limits, stopping."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import foretell
from foretell.engine.engine import Engine
from foretell.errors import Cancelled, DeadlineExceeded, SqlError, WhiteNoise
from foretell.sql import Session
from foretell.sql.answer import TDENGINE
from foretell.sql.marks import is_plain
from tests.sql.explained import calls
from tests.sql.fakes import models
from tests.sql.pairs import HERE

NAIVE = "FORECAST(v, 'algo=naive,rows=2')"


@pytest.fixture(autouse=True)
def _beside_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "data")


@pytest.fixture
def session() -> Iterator[Session]:
    with Session() as opened:
        yield opened


@pytest.fixture
def fakes() -> Iterator[Session]:
    with Session(engine=Engine(models=models())) as opened:
        yield opened


def test_several_statements_and_semicolons_inside_words_and_comments(session: Session) -> None:
    script = "SELECT 'a;b' AS x; -- one; more\n/* ; */ CREATE TABLE t AS SELECT 1 AS y;; FROM t;"
    assert [r.fetchall() for r in session.run(script)][::2] == [[("a;b",)], [(1,)]]
    assert session.sql(script.replace("TABLE t", "TABLE u")).fetchall() == [(1,)]
    assert session.sql(" -- nothing").columns == []


def test_the_place_of_an_error_counts_lines_of_the_whole_script(session: Session) -> None:
    with pytest.raises(SqlError, match=r"line 3: SELECT nosuch\n +\^"):
        session.sql("SELECT 1;\n\nSELECT nosuch")


def test_a_forecast_is_written_to_tables_and_files(session: Session, tmp_path: Path) -> None:
    ahead = f"SELECT _frowts AS ts, {NAIVE} AS v FROM 'sites.csv' WHERE site = 'a'"
    session.sql(f"CREATE TABLE ahead AS {ahead}")
    session.sql(f"INSERT INTO ahead (ts, v) {ahead} RETURNING v")
    session.sql(
        f"INSERT INTO ahead WITH x AS (SELECT * FROM 'sites.csv' WHERE site = 'b') SELECT _frowts, {NAIVE} FROM x"
    )
    assert session.sql("SELECT v, count(*) FROM ahead GROUP BY v ORDER BY v").fetchall() == [(5.0, 4), (105.0, 2)]
    session.sql(f"COPY ({ahead}) TO '{tmp_path}/ahead.parquet'")
    assert len(session.read_file(f"{tmp_path}/ahead.parquet")) == 2
    session.sql("INSERT INTO ahead VALUES (now(), 1)")
    assert session.sql("SELECT count(*) FROM ahead").fetchall() == [(7,)]


def test_a_table_may_be_called_forecast(session: Session) -> None:
    session.sql("CREATE TABLE forecast (ts TIMESTAMP, v DOUBLE); CREATE TABLE IF NOT EXISTS forecast (ts INT)")
    session.sql(f"INSERT INTO forecast (ts, v) SELECT _frowts, {NAIVE} FROM 'sites.csv' WHERE site = 'b'")
    made = session.sql("WITH forecast(a, b) AS (FROM main.forecast) SELECT forecast.b FROM forecast")
    assert made.fetchall() == [(105.0,), (105.0,)]
    kept = session.sql(f"SELECT site, typeof(site), {NAIVE} FROM 'sites.csv' PARTITION BY site ORDER BY site DESC")
    assert [row[:2] for row in kept.fetchall()[::2]] == [("b", "VARCHAR"), ("a", "VARCHAR")]
    assert kept.arrow().schema.field("site").type == pa.string()


def test_a_database_file_is_kept_and_read(tmp_path: Path) -> None:
    path = str(tmp_path / "plant.db")
    with foretell.connect(path) as session:
        session.sql("CREATE SCHEMA s; CREATE TABLE s.t AS SELECT * FROM 'sites.csv'")
    with Session(path, read_only=True) as session:
        made = session.sql(f"SELECT site, {NAIVE} AS f FROM s.t PARTITION BY site ORDER BY site LIMIT 1")
        assert made.fetchall() == [("a", 5.0)]
        with pytest.raises(SqlError, match="read-only"):
            session.sql("CREATE TABLE x AS SELECT 1")
    with pytest.raises(SqlError, match="nosuch"):
        Session(str(tmp_path / "nosuch" / "x.db"))


@pytest.mark.parametrize("dear", [0.0, 60.0])
def test_both_ways_to_pull_give_the_same(dear: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretell.sql.history.DEAR_BIND", dear)
    path = str(tmp_path / "x.db")
    with Session(path) as session:
        session.sql("CREATE TABLE t AS SELECT * FROM 'sites.csv'")
    with Session(path, read_only=True) as session:
        for source in ("t", "'sites.csv'"):
            made = session.sql(f"SELECT site, {NAIVE} AS f FROM {source} PARTITION BY site ORDER BY ALL")
            assert made.fetchall() == [("a", 5.0), ("a", 5.0), ("b", 105.0), ("b", 105.0)]
            with pytest.raises(SqlError, match=r"Could not convert string 'b'(.|\n)*\^") as caught:
                session.sql(f"SELECT FORECAST(CAST(site AS INT), 'algo=naive') FROM {source} WHERE site = 'b'")
            assert caught.value.position == len("SELECT FORECAST(")


def test_results_in_every_form(session: Session) -> None:
    made = session.sql(f"SELECT _frowts, {NAIVE} AS f FROM 'sites.csv' WHERE site = 'a'")
    assert made.columns == ["_frowts", "f"] and len(made) == 2
    assert made.fetchall()[0] == (dt.datetime(2024, 1, 1, 6), 5.0)
    assert made.df()["f"].tolist() == made.pl()["f"].to_list() == made.arrow()["f"].to_pylist() == [5.0, 5.0]
    [(groups, forecast, ahead)] = made.pictures
    series = groups.series
    assert series[0].values.tolist() == [0, 1, 2, 3, 4, 5] and forecast.model == "naive"
    assert ahead is not None and ahead[0].future_times(2) is not None


def test_variables_of_the_caller_are_tables() -> None:
    times = pd.date_range("2024-01-01", periods=5, freq="D")
    frame = pd.DataFrame({"ts": times, "v": np.arange(5.0)})
    lazy = pl.DataFrame({"ts": times.to_numpy(), "v": np.arange(5) * 2.0}).lazy()
    arrow = pa.table({"ts": times.to_numpy(), "v": np.arange(5) * 3.0})
    sql = number = 3  # neither table nor used
    with foretell.connect() as session:
        last = [session.sql(f"SELECT {NAIVE} AS f FROM {name}").fetchall()[0] for name in ("frame", "lazy", "arrow")]
        assert last == [(4.0,), (8.0,), (12.0,)]
        assert session.sql("SELECT count(*) FROM frame, arrow").fetchall() == [(25,)]
        session.sql("CREATE TABLE frame AS SELECT 1 AS one")
        assert session.sql("FROM frame").fetchall() == [(1,)]
        with pytest.raises(SqlError, match="Table with name number does not exist"):
            session.sql("FROM number")
    assert len(frame) == len(arrow) == len(lazy.collect()) == 5 and sql == number


def test_a_failed_group_is_a_warning(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "foretell.sql"):
        session.sql(f"SELECT {NAIVE} FROM 'mixed.csv' PARTITION BY kind")
    assert [r.getMessage() for r in caplog.records if "infinite" in r.getMessage()] == [
        "no forecast for infinite: non_finite"
    ]
    lines: list[str] = []
    with Session(warn=lines.append) as quiet:
        quiet.sql("SELECT FORECAST(v, 'algo=naive') FROM (SELECT i AS g, TIMESTAMP '2024-01-01' AS ts, i AS v FROM "
                  "range(9) r(i) UNION ALL SELECT 0, TIMESTAMP '2024-01-02', 1) PARTITION BY g")  # fmt: skip
    assert len(lines) == 6 and lines[-1] == "no forecast for 3 other series; see _fstatus"


def test_groups_together_are_as_each_alone(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE.parents[1])
    call = "SELECT metric, _frowts, _flow, _fhigh, FORECAST(value, 'algo=seasonal_naive,rows=5')"
    source = "FROM 'examples/cloudwatch.parquet' WHERE ts < '2014-04-15'"
    together = session.sql(f"{call} {source} PARTITION BY metric").fetchall()
    alone = []
    for metric in dict.fromkeys(row[0] for row in together):
        alone += session.sql(f"{call} {source} AND metric = '{metric}' PARTITION BY metric").fetchall()
    assert len(together) > 50
    assert [row[:2] for row in together] == [row[:2] for row in alone]
    np.testing.assert_allclose([row[2:] for row in together], [row[2:] for row in alone], rtol=1e-9)


def test_no_bounds_known_are_null(fakes: Session) -> None:
    made = fakes.sql("SELECT _flow, _fhigh, FORECAST(v, 'algo=last,rows=1'), _fstatus FROM 'sites.csv' WHERE v < 5")
    assert made.fetchall() == [(None, None, 4.0, "no_interval")]


def test_covariates(fakes: Session) -> None:
    history = "(SELECT ts, v, v * 0 AS w, 1 AS x FROM 'sites.csv' WHERE site = 'a')"
    future = "dynamic_real_1=[1 2.5],dynamic_real_1_col=w"
    known = f"SELECT FORECAST(v, w, 'algo=adder,rows=2,{future}') AS f FROM {history}"
    assert fakes.sql(known).fetchall() == [(6.0,), (7.5,)]
    mixed = f"SELECT FORECAST(v, x, v, w, x, 'algo=adder,rows=2,{future}') AS f FROM {history}"
    assert fakes.sql(mixed).fetchall() == [(106.0,), (107.5,)]
    past = f"SELECT FORECAST(v, x, w, 'algo=adder,rows=1') AS f FROM {history}"
    assert fakes.sql(past).fetchall() == [(205.0,)]


def test_covariates_for_another_model_name_those_that_take_some(fakes: Session) -> None:
    with pytest.raises(SqlError, match="covariates: last takes none; those that take some: adder"):
        fakes.sql("SELECT FORECAST(v, w, 'algo=last') FROM (SELECT *, 1 AS w FROM 'sites.csv')")


def test_explain_runs_no_model(fakes: Session) -> None:
    made = fakes.sql("EXPLAIN SELECT FORECAST(v, 'algo=sleeper,nap=60,rows=3') FROM 'sites.csv' PARTITION BY site")
    assert calls(made) == [
        {
            "call": "FORECAST(v, 'algo=sleeper,nap=60,rows=3')",
            "model": "sleeper",
            "series": 2,
            "points": 12,
            "rows": 3,
            "batches": 2,
        }
    ]


def test_the_times_of_explain_are_without_models(fakes: Session, caplog: pytest.LogCaptureFixture) -> None:
    fakes.sql("EXPLAIN SELECT FORECAST(v, 'algo=last') FROM 'sites.csv' WHERE site = 'a'")
    assert not caplog.messages
    fakes.sql("EXPLAIN ANALYZE SELECT FORECAST(v, 'algo=last') FROM 'sites.csv' WHERE site = 'a'")
    assert caplog.messages == ["the times are those of DuckDB alone: EXPLAIN runs no model"]


def test_explain_of_a_function_in_from(fakes: Session) -> None:
    call = (
        "AI.FORECAST(TABLE 'sites.csv', data_col => 'v', timestamp_col => 'ts', id_cols => ['site'], model => 'last')"
    )
    (row,) = calls(fakes.sql(f"EXPLAIN SELECT * FROM {call}"))
    assert row == {"call": call, "model": "last", "series": 2, "points": 12, "rows": 10, "batches": 1}
    made = fakes.sql(f"SELECT * FROM {call}")
    assert len(made.pictures[0][0]) == 2 and made.columns[:3] == ["site", "forecast_timestamp", "forecast_value"]


def test_deadlines(fakes: Session) -> None:
    slow = "SELECT FORECAST(v, 'algo=sleeper,nap=3{}') FROM 'sites.csv' PARTITION BY site"
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        fakes.sql(slow.format(""), timeout=0.3)
    with pytest.raises(DeadlineExceeded):
        fakes.sql(slow.format(",timeout=1"))
    with pytest.raises(DeadlineExceeded):
        fakes.sql("SELECT sum(hash(a.i + b.i)) FROM range(1000000) a(i), range(1000000) b(i)", timeout=0.3)
    assert time.monotonic() - started < 10
    assert fakes.sql("SELECT 1").fetchall() == [(1,)]


def test_interrupt(fakes: Session) -> None:
    for work in (
        "SELECT sum(hash(a.i + b.i)) FROM range(1000000) a(i), range(1000000) b(i)",
        "SELECT FORECAST(v, 'algo=sleeper,nap=0.5') FROM 'sites.csv' PARTITION BY site",
    ):
        timer = threading.Timer(0.3, fakes.interrupt)
        timer.start()
        with pytest.raises(Cancelled):
            fakes.sql(work)
        timer.join()
    assert fakes.sql("SELECT 1").fetchall() == [(1,)]


NOISE = "SELECT TIMESTAMP '2024-01-01' + to_days(i::INT) AS ts, hash(i * 7919) % 1000 AS v FROM range(60) r(i)"


def test_white_noise_is_refused_when_asked(session: Session) -> None:
    assert len(session.sql(f"SELECT {NAIVE} FROM ({NOISE})")) == 2
    with pytest.raises(WhiteNoise):
        session.sql(f"SELECT FORECAST(v, 'algo=naive,wncheck=1') FROM ({NOISE})")
    line = "SELECT 'line', ts, v FROM 'sites.csv' WHERE site = 'a'"
    both = f"SELECT 'noise' AS k, * FROM ({NOISE}) UNION ALL {line}"
    made = session.sql(f"SELECT k, _fstatus, FORECAST(v, 'algo=naive,rows=1,wncheck=1') f FROM ({both}) PARTITION BY k")
    assert made.fetchall() == [("noise", "failed: white noise data not processed", None), ("line", "ok", 5.0)]


def test_tdengine_limits() -> None:
    with Session(profile=TDENGINE) as session:
        with pytest.raises(SqlError, match="number of rows should between 10 and 40000, actual 6 rows"):
            session.sql(f"SELECT {NAIVE} FROM 'sites.csv' WHERE site = 'a'")
        with pytest.raises(WhiteNoise):
            session.sql(f"SELECT {NAIVE} FROM ({NOISE})")


def test_progress_counts_series(fakes: Session) -> None:
    seen: list[tuple[int, int]] = []
    fakes.sql(
        "SELECT FORECAST(v, 'algo=last') FROM 'sites.csv' PARTITION BY site", progress=lambda *at: seen.append(at)
    )
    assert seen[-1] == (2, 2)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT known, stop, lastly FROM t WHERE v > 99999999 AND name = 'x+01' LIMIT 5",
        "INSERT INTO t VALUES (1, 2.5, 'abc')",
        "SELECT avg(v) FROM 'a.csv' GROUP BY site ORDER BY ts",
    ],
)
def test_what_has_no_word_of_ours_is_not_read(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "select forecast(v) from t",
        "SELECT 1; SELECT 2",
        "SELECT v FROM t WHERE ts > now - 1d",
        "SELECT v FROM t WHERE ts > 1700000000",
        "SELECT v FROM t WHERE ts > '2024-01-01T00:00:00+08:00'",
        "SELECT v FROM t LIMIT 2, 5",
        "SELECT * FROM (SELECT v FROM t LIMIT 2,5)",
        "SELECT ts + 5m FROM t",
        "SELECT _rowts FROM t PARTITION BY site",
        "SHOW ANODES",
        "SELECT * FROM AI.FORECAST(TABLE t)",
    ],
)
def test_what_may_have_one_is(text: str) -> None:
    assert not is_plain(text)


def test_now_may_be_a_column(session: Session) -> None:
    session.sql("CREATE TABLE t(now INT, ts TIMESTAMP); INSERT INTO t(now, ts) VALUES (5, now), (6, now - 1d)")
    session.sql("UPDATE t SET now = now + 1 WHERE ts < now()")
    assert session.sql("SELECT now FROM t WHERE now > 5 ORDER BY now DESC").fetchall() == [(7,), (6,)]
    assert session.sql("SELECT last(now) FROM t WHERE ts < now() + 1h").fetchall() == [(6,)]


def test_now_is_the_time_where_no_column_has_its_name(session: Session) -> None:
    session.sql("CREATE TABLE t(v INT, ts TIMESTAMP); INSERT INTO t VALUES (1, now), (2, now - 1d), (3, now - 3d)")
    session.sql("UPDATE t SET v = 9 WHERE ts < now - 2d; DELETE FROM t WHERE ts > now - 1h")
    assert session.sql("SELECT v, now > ts AS old FROM t ORDER BY v").fetchall() == [(2, True), (9, True)]
    assert session.sql("SELECT -v AS now FROM t ORDER BY now").fetchall() == [(-9,), (-2,)]
    assert session.sql("SELECT count(*) FROM generate_series(now - 2h, now, 1h) g(x) WHERE x < now").fetchall() == [
        (2,)
    ]
