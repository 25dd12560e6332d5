"""Our functions over super-tables and sub-tables, in each precision, by TDengine's rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from foretell.engine.engine import Engine
from foretell.errors import ForetellError
from foretell.registry import registry
from foretell.sql.database import Connection, Database

SECONDS = 1_700_000_000
UNITS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@pytest.fixture(scope="module", params=UNITS)
def plant(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """Two sub-tables of 40 rows, a second apart; rows 7 and 8 stick out."""
    unit = UNITS[request.param]
    with Database(engine=Engine(models=registry())) as database, database.connect() as root:
        root.run(f"CREATE DATABASE plant PRECISION '{request.param}'")
        root.run("USE plant")
        root.run("CREATE STABLE meters (ts TIMESTAMP, v INT, w DOUBLE) TAGS (site NCHAR(10))")
        for table, site in (("a", "north"), ("b", "south")):
            rows = [(f"{(SECONDS + i) * unit}", 100 if i in (7, 8) else i % 5, i % 7) for i in range(40)]
            values = " ".join(f"({time}, {v}, {w})" for time, v, w in rows)
            root.run(f"INSERT INTO {table} USING meters TAGS ('{site}') VALUES {values}")
        yield root


def rows(plant: Connection, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in plant.run(statement).table.to_pylist()]


def at(seconds: float) -> dt.datetime:
    return dt.datetime(2023, 11, 14, 22, 13, 20) + dt.timedelta(seconds=seconds)


def test_forecast(plant: Connection) -> None:
    call = "FORECAST(v, 'algo=naive,rows=1,wncheck=0')"
    made = rows(plant, f"SELECT tbname, _frowts, {call} FROM meters PARTITION BY tbname ORDER BY tbname")
    assert made == [("a", at(40), 4.0), ("b", at(40), 4.0)]
    assert rows(plant, f"SELECT site, {call} FROM meters PARTITION BY site ORDER BY site DESC")[0] == ("south", 4.0)


def test_start_and_every_count_in_the_precision_of_the_table(plant: Connection) -> None:
    unit = UNITS[plant.precision]
    option = f"algo=naive,rows=2,wncheck=0,start={SECONDS * unit},every={unit // 500}"
    made = rows(plant, f"SELECT _frowts, FORECAST(v, '{option}') FROM a")
    assert made == [(at(0), 4.0), (at(0.002), 4.0)]


def test_anomaly_window(plant: Connection) -> None:
    made = rows(
        plant,
        "SELECT site, _wstart, _wend, _wduration, _anomalymark, count(*), avg(v) FROM meters "
        "PARTITION BY site ANOMALY_WINDOW(v, 'algo=iqr,wncheck=0')",
    )
    assert made == [(site, at(7), at(8), UNITS[plant.precision], -1, 2, 100.0) for site in ("north", "south")]
    (row,) = rows(plant, "SELECT _wend, _wduration FROM a WHERE ts <> NOW - 1a AND v <> 100 OR w = 0 "
                         "ANOMALY_WINDOW(v, 'algo=iqr,wncheck=0')")  # fmt: skip
    assert row[1] == 1, "one row ends a tick later"


def test_imputation(plant: Connection) -> None:
    made = rows(plant, "SELECT tbname, _improwts, _impmark, IMPUTATION(v, 'algo=moment,wncheck=0') FROM meters "
                       "WHERE v <> 100 PARTITION BY tbname ORDER BY tbname, _improwts")  # fmt: skip
    assert len(made) == 80 and [row[1] for row in made if row[2]] == [at(7), at(8)] * 2


def test_comparisons(plant: Connection) -> None:
    assert rows(plant, "SELECT DTW(v, w, 'wncheck=0') FROM a") == [(216.0,)]
    assert rows(plant, "SELECT DTW_PATH(v, w, 'wncheck=0') FROM a")[0] == ("(0, 0)",)
    (lag,) = rows(plant, "SELECT TLCC(v, w, 'lag_start=0,lag_end=0,wncheck=0') FROM a")
    (corr,) = rows(plant, "SELECT CORR(v, w) FROM a")
    assert lag == (f"(0, {corr[0]:.4f})",)
    assert rows(plant, "SELECT tbname, CORR(v, w) FROM meters PARTITION BY tbname") == [("a", *corr), ("b", *corr)]


def test_a_tag_may_tell_series_apart_in_ai_forecast(plant: Connection) -> None:
    call = "AI.FORECAST(TABLE meters, data_col => 'v', timestamp_col => 'ts', id_cols => ['site'], horizon => 1, "
    made = rows(
        plant, f"SELECT site, forecast_value FROM {call} model => 'naive', options => 'wncheck=0') ORDER BY site"
    )
    assert made == [("north", 4.0), ("south", 4.0)]


def test_over_the_windows_of_another_query(plant: Connection) -> None:
    hours = "(SELECT _wstart, AVG(w) AS x FROM a INTERVAL(2s))"
    made = rows(plant, f"SELECT _frowts, FORECAST(x, 'algo=naive,rows=1,wncheck=0') FROM {hours}")
    assert made == [(at(40), 3.5)]


def test_results_are_written_back(plant: Connection) -> None:
    plant.run("CREATE TABLE forecasts (ts TIMESTAMP, v DOUBLE, low DOUBLE, high DOUBLE)")
    ahead = "SELECT _frowts, FORECAST(v, 'algo=holtwinters,rows=5,wncheck=0'), _flow, _fhigh FROM a"
    assert plant.run(f"INSERT INTO forecasts {ahead}").affected == 5
    assert plant.run(f"INSERT INTO forecasts (ts, v) {ahead.replace(', _flow, _fhigh', '')}").affected == 5
    assert rows(plant, "SELECT count(*), min(ts), max(ts) FROM forecasts") == [(5, at(40), at(44))]
    plant.run("DROP TABLE forecasts")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT FORECAST(v, 'rows=1') FROM a", 0x80000442),
        ("SELECT FORECAST(v, 'algo=nosuch') FROM a", 0x80000443),
        ("SELECT FORECAST(v, 'algo=naive,rows=9999') FROM a", 0x80000446),
        ("SELECT FORECAST(v, 'algo=naive') FROM nosuch", 0x80002603),
        ("SELECT * FROM AI.FORECAST(TABLE '/etc/passwd', data_col => 'v', timestamp_col => 'ts')", 0x80002600),
        ("SELECT max(v), FORECAST(v, 'algo=naive') FROM a", 0x80002685),
        ("SELECT count(*) FROM meters PARTITION BY tbname ANOMALY_WINDOW(site)", 0x80002682),
        ("SELECT count(*) FROM a ANOMALY_WINDOW(v, 'algo=ksigma,k=0')", 0x80002684),
    ],
)
def test_codes(plant: Connection, statement: str, code: int) -> None:
    with pytest.raises(ForetellError) as caught:
        plant.run(statement)
    assert f"{caught.value.tdengine_code:x}" == f"{code:x}", caught.value


def test_a_text_is_a_file_and_no_table(plant: Connection) -> None:
    with pytest.raises(ForetellError, match="no table and no file has the name"):
        plant.run("SELECT * FROM AI.FORECAST(TABLE 'meters', data_col => 'v', timestamp_col => 'ts')")


def test_what_tdengine_has_no_type_for_is_text_as_everywhere(plant: Connection) -> None:
    (made,) = rows(
        plant, "SELECT list(v ORDER BY ts), INTERVAL 90 MINUTE, {'a': 1.50}, NULL::INT[] FROM a WHERE v > 99"
    )
    assert made == ("[100, 100]", "PT1H30M", '{"a": 1.50}', None)
