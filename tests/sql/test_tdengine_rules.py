"""TDengine's limits and codes for its functions, in the profile that keeps them (protocol sections 1.8 and 3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foretell.engine.engine import Engine
from foretell.errors import ForetellError
from foretell.registry import registry
from foretell.sql import Session
from foretell.sql.answer import TDENGINE


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(profile=TDENGINE, engine=Engine(models=registry()), warn=lambda line: None) as opened:
        yield opened


def rows(count: int, value: str = "sin(i / 9)", step: str = "to_seconds(i)") -> str:
    return f"(SELECT TIMESTAMP '2024-01-01' + {step} AS ts, {value} AS v, i AS w FROM range({count}) r(i))"


WORDS = "(SELECT TIMESTAMP '2024-01-01' + to_seconds(i) AS ts, 'x' AS v FROM range(50) r(i))"
NOISE = "hash(i * 7919) % 1000"
CODES = [
    (0x80000442, f"SELECT FORECAST(v, 'rows=3') FROM {rows(50)}"),
    (0x80000442, f"SELECT IMPUTATION(v, 'freq=s') FROM {rows(50)}"),
    (0x80000443, f"SELECT FORECAST(v, 'algo=nosuch') FROM {rows(50)}"),
    (0x80000443, f"SELECT IMPUTATION(v, 'algo=nosuch') FROM {rows(50)}"),
    (0x80000443, f"SELECT DTW(v, w, 'algo=nosuch') FROM {rows(50)}"),
    (0x80000446, f"SELECT FORECAST(v, 'algo=naive,rows=1025') FROM {rows(50)}"),
    (
        0x80000446,
        f"SELECT * FROM AI.FORECAST(TABLE {rows(50)}, data_col => 'v', timestamp_col => 'ts', horizon => 1025)",
    ),
    (0x80000446, f"SELECT FORECAST(v, 'algo=naive') FROM {rows(40_001)}"),
    (0x80000446, f"SELECT IMPUTATION(v) FROM {rows(8193)}"),
    (0x80000446, f"SELECT IMPUTATION(v) FROM {rows(20, step='to_minutes(5 * i)')}"),
    (0x80000446, f"SELECT DTW(v, w) FROM {rows(10_241)}"),
    (0x80000445, f"SELECT FORECAST(v, 'algo=naive') FROM {rows(9)}"),
    (0x80000445, f"SELECT IMPUTATION(v) FROM {rows(9)}"),
    (0x80000447, f"SELECT FORECAST(v, 'algo=naive') FROM {rows(60, NOISE)}"),
    (0x80000447, f"SELECT IMPUTATION(v) FROM {rows(60, NOISE)}"),
    (0x80000447, f"SELECT TLCC(v, w) FROM {rows(60, NOISE)}"),
    (0x80000118, f"SELECT FORECAST(v, 'algo=naive,rows=0') FROM {rows(50)}"),
    (0x80000118, f"SELECT FORECAST(v, 'algo=naive,every=0') FROM {rows(50)}"),
    (0x80000118, f"SELECT FORECAST(v, 'algo') FROM {rows(50)}"),
    (0x80000118, f"SELECT FORECAST(v, 'algo=naive,speed=9') FROM {rows(50)}"),
    (0x80002602, f"SELECT * FROM AI.FORECAST(TABLE {rows(50)}, data_col => 'x', timestamp_col => 'ts')"),
    (0x80000118, f"SELECT * FROM AI.FORECAST(TABLE {rows(50)}, data_col => 'v', timestamp_col => 'ts', horizon => 0)"),
    (0x80000447, f"SELECT * FROM AI.FORECAST(TABLE {rows(60, NOISE)}, data_col => 'v', timestamp_col => 'ts')"),
    (0x80000118, f"SELECT FORECAST(v, w, 'algo=holtwinters') FROM {rows(50)}"),
    (0x80000118, f"SELECT FORECAST(v, 'algo=naive,dynamic_real_1=[1]') FROM {rows(50)}"),
    (0x80000118, f"SELECT FORECAST(v, 'algo=naive,rows=1,dynamic_real_1=[1],dynamic_real_1_col=x') FROM {rows(50)}"),
    (0x80002684, f"SELECT count(*) FROM {rows(50)} ANOMALY_WINDOW(v, 'wncheck=0')"),
    (0x80000443, f"SELECT count(*) FROM {rows(50)} ANOMALY_WINDOW(v, 'algo=nosuch')"),
    (0x80000445, f"SELECT count(*) FROM {rows(9)} ANOMALY_WINDOW(v)"),
    (0x80000446, f"SELECT count(*) FROM {rows(8193)} ANOMALY_WINDOW(v)"),
    (0x80000447, f"SELECT count(*) FROM {rows(60, NOISE)} ANOMALY_WINDOW(v)"),
    (0x80002682, f"SELECT count(*) FROM {WORDS} ANOMALY_WINDOW(v)"),
    (0x80002683, f"SELECT count(*) FROM {rows(50)} ANOMALY_WINDOW(v, w)"),
    (0x80002684, f"SELECT count(*) FROM {rows(50)} ANOMALY_WINDOW(v, 'algo=ksigma,k=99')"),
    (0x80002684, f"SELECT count(*) FROM {rows(50)} ANOMALY_WINDOW(v, 'algo')"),
    (0x80002685, f"SELECT avg(v), FORECAST(v, 'algo=naive') FROM {rows(50)}"),
    (0x80002685, f"SELECT FORECAST(v, 'algo=naive') FROM {rows(50)} GROUP BY w"),
    (0x80002685, f"SELECT *, FORECAST(v, 'algo=naive') FROM {rows(50)}"),
    (0x80002685, f"SELECT v FROM {rows(50)} WHERE FORECAST(v, 'algo=naive') > 1"),
]


@pytest.mark.parametrize(("code", "statement"), CODES, ids=lambda v: f"{v:x}" if isinstance(v, int) else v[7:40])
def test_codes(code: int, statement: str, session: Session) -> None:
    with pytest.raises(ForetellError) as caught:
        session.sql(statement)
    assert f"{caught.value.tdengine_code:x}" == f"{code:x}", caught.value


def test_what_is_allowed(session: Session) -> None:
    assert session.sql(f"SELECT FORECAST(v) AS f FROM {rows(50)}").table.num_rows == 10
    assert session.sql(f"SELECT FORECAST(v, 'algo=naive,wncheck=0') AS f FROM {rows(60, NOISE)}").table.num_rows == 10
    assert session.sql(f"SELECT DTW(v, w) FROM {rows(1)}").fetchall() == [(0.0,)]
    assert session.sql(f"SELECT TLCC(v, w, 'wncheck=0,lag_end=-1') FROM {rows(60, NOISE)}").table.num_rows == 1
    made = session.sql(f"SELECT _improwts, IMPUTATION(v) AS v FROM {rows(20, step='to_seconds(2 * i)')}")
    assert made.table.num_rows == 39, "every second, as there"


def test_ten_covariates_at_most(session: Session) -> None:
    eleven = ", ".join(f"w + {i}" for i in range(11))
    with pytest.raises(ForetellError, match="FORECAST takes 10 covariates at most"):
        session.sql(f"SELECT FORECAST(v, {eleven}, 'algo=naive') FROM {rows(50)}")
