"""ANOMALY_WINDOW against a slow twin that walks over the rows, and its company."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.engine.engine import Engine
from foretell.registry import registry
from foretell.series import Series
from foretell.sql import Session
from foretell.sql.answer import TDENGINE
from foretell.steps import Step
from tests.sql.explained import calls

START = dt.datetime(2024, 1, 1)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(warn=lambda line: None, engine=Engine(models=registry())) as opened:
        yield opened


Row = tuple[int, dt.datetime, float]


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows of up to three groups in any order, with spikes, gaps in time and NULLs."""
    rows: list[Row] = []
    for group in range(draw(st.integers(1, 3))):
        count = draw(st.integers(1, 25))
        steps = draw(st.lists(st.sampled_from([1, 1, 1, 2, 7]), min_size=count, max_size=count))
        values = draw(st.lists(st.sampled_from([1.0, 2.0, 3.0, 500.0, np.nan]), min_size=count, max_size=count))
        times = [START + dt.timedelta(seconds=int(s)) for s in np.cumsum(steps)]
        rows += [(group, time, value) for time, value in zip(times, values, strict=True)]
    return draw(st.permutations(rows))


def slow(rows: list[Row], engine: Engine) -> list[tuple[Any, ...]]:
    """Group by group, row by row: (group, start, end, mark, rows, sum)."""
    found = []
    for group in sorted({row[0] for row in rows}):
        own = sorted((time, value) for g, time, value in rows if g == group)
        if all(np.isnan(value) for _, value in own):
            continue
        series = Series(np.array([value for _, value in own]), 0, Step(ns=1))
        labels = engine.detect_sync([series], "ksigma", {"k": 1}).row(0).tolist()
        window: list[tuple[dt.datetime, float]] = []
        before = 1
        for (time, value), label in zip([*own, (START, 0.0)], [*labels, 1], strict=True):
            if window and label != before:
                values = [v for _, v in window if not np.isnan(v)]
                found.append((group, window[0][0], window[-1][0], before, len(window), sum(values)))
                window = []
            if label != 1:
                window.append((time, value))
            before = label
    return found


@settings(max_examples=40, deadline=None)
@given(tables())
def test_it_is_as_its_slow_twin(rows: list[Row]) -> None:
    if all(np.isnan(value) for _, _, value in rows):
        return
    readings = pa.table(
        {
            "g": [row[0] for row in rows],
            "ts": pa.array([row[1] for row in rows], pa.timestamp("us")),
            "v": [None if np.isnan(row[2]) else row[2] for row in rows],
        }
    )
    engine = Engine(models=registry())
    with Session(engine=engine, warn=lambda line: None) as session:
        session.duck.register("readings", readings)
        made = session.sql(
            """SELECT g, _wstart, _wend, _anomalymark, count(*) AS n, sum(v) AS total FROM readings
               PARTITION BY g ANOMALY_WINDOW(v, 'algo=ksigma,k=1') ORDER BY g, _wstart"""
        )
        assert made.fetchall() == slow(rows, engine)
    engine.close()


SPIKE = """(SELECT (TIMESTAMP '2024-01-01' + to_seconds(i))::TIMESTAMP_MS AS ts,
            CASE WHEN i IN (5, 6, 20) THEN 100 + i ELSE i % 5 END AS v FROM range(40) r(i))"""


def test_a_point_ends_a_tick_later_where_tdengines_rules_hold() -> None:
    with Session(profile=TDENGINE, engine=Engine(models=registry())) as session:
        made = session.sql(f"SELECT _wend, _wduration FROM {SPIKE} ANOMALY_WINDOW(v, 'algo=iqr,wncheck=0')")
        assert made.fetchall() == [
            (dt.datetime(2024, 1, 1, 0, 0, 6), 1000),
            (dt.datetime(2024, 1, 1, 0, 0, 20, 1000), 1),
        ]


def test_explain(session: Session) -> None:
    made = session.sql(f"EXPLAIN SELECT count(*) FROM {SPIKE} ANOMALY_WINDOW(v)")
    assert calls(made) == [
        {"call": "ANOMALY_WINDOW(v)", "model": "iqr", "series": 1, "points": 40, "rows": None, "batches": 1}
    ]


def test_a_bad_group_is_a_warning() -> None:
    lines: list[str] = []
    with Session(warn=lines.append, engine=Engine(models=registry())) as session:
        made = session.sql(
            f"""SELECT k, count(*) AS n FROM (SELECT 'good' AS k, * FROM {SPIKE} UNION ALL
                SELECT 'bad', TIMESTAMP_MS '2024-01-01' + to_seconds(i), 'inf'::DOUBLE FROM range(9) r(i))
                PARTITION BY k ANOMALY_WINDOW(v) ORDER BY n"""
        )
        assert made.fetchall() == [("good", 1), ("good", 2)]
        assert lines == ["no answer for bad: non_finite"]


def test_a_join_and_a_cte(session: Session) -> None:
    made = session.sql(
        f"""WITH spikes AS (SELECT * FROM {SPIKE})
            SELECT name, min(s.v) AS low FROM spikes s JOIN (VALUES ('x', 0), ('y', 1)) t(name, odd) ON s.v % 2 = t.odd
            PARTITION BY name ANOMALY_WINDOW(s.v) ORDER BY ALL"""
    )
    assert made.fetchall() == [("x", 106), ("x", 120), ("y", 105)]


def test_windows_are_written_to_a_table(session: Session) -> None:
    session.sql(f"CREATE OR REPLACE TABLE found AS SELECT _wstart AS ts, count(*) AS n FROM {SPIKE} ANOMALY_WINDOW(v)")
    assert session.sql("SELECT n FROM found ORDER BY ts").fetchall() == [(2,), (1,)]
