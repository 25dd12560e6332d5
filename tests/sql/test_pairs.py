"""The SQL reference as fixtures: every statement is run for real."""

from __future__ import annotations

import duckdb
import pytest

from foretell.errors import SqlError
from foretell.sql import Session
from tests.sql.pairs import HERE, Fault, Pair, faults, pairs


@pytest.fixture(autouse=True)
def _beside_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "data")


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(warn=lambda line: None)


WINDOWS = ("interval.sql", "session.sql", "state_window.sql", "event_window.sql", "count_window.sql", "fill.sql")
FILES = (
    "forecast.sql",
    "imputation.sql",
    "comparison.sql",
    "anomaly.sql",
    "ai_forecast.sql",
    *WINDOWS,
    "partition.sql",
    "calls.sql",
)


@pytest.mark.parametrize("pair", [pair for file in FILES for pair in pairs(file)], ids=lambda p: p.name)
def test_pair(pair: Pair, session: Session) -> None:
    made = session.sql(pair.ours)
    with duckdb.connect() as plain:
        expected = plain.sql(pair.plain)
        assert made.fetchall() == expected.fetchall()
        if ' AS "' in pair.plain:
            assert made.columns == expected.columns


@pytest.mark.parametrize("fault", list(faults("errors.sql")), ids=lambda f: f.name)
def test_error(fault: Fault, session: Session) -> None:
    with pytest.raises(SqlError) as caught:
        session.sql(fault.statement)
    error = caught.value
    assert fault.message in str(error).partition("\n  line ")[0]
    assert error.statement == fault.statement
    assert error.position is not None
    assert fault.statement[error.position :].startswith(fault.place)
    line = fault.statement[: error.position].rpartition("\n")[2]
    assert str(error).endswith("^") and str(error).rpartition("\n")[2].index("^") == len(f"  line 1: {line}")
