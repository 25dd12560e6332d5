"""DTW, DTW_PATH and TLCC hold together, whatever the series."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.engine.engine import Engine
from foretell.registry import registry
from foretell.sql import Session
from tests.sql.explained import calls

VALUES = st.floats(-1000, 1000, width=32)
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(warn=lambda line: None, engine=Engine(models=registry())) as opened:
        yield opened


def ask(session: Session, call: str, pairs: list[tuple[float, float]]) -> list[str]:
    table = pa.table({"a": [a for a, _ in pairs], "b": [b for _, b in pairs]})
    session.duck.register("pairs", table)
    return [cell for (cell,) in session.sql(f"SELECT {call} FROM pairs").fetchall()]


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_a_path_is_one_and_costs_the_distance(pairs: list[tuple[float, float]]) -> None:
    with Session(engine=Engine(models=registry())) as session:
        path = [ast.literal_eval(cell) for cell in ask(session, "DTW_PATH(a, b)", pairs)]
        (distance,) = ask(session, "DTW(a, b)", pairs)
        assert path[0] == (0, 0) and path[-1] == (len(pairs) - 1, len(pairs) - 1)
        assert {(k - i, m - j) for (i, j), (k, m) in pairwise(path)} <= {(0, 1), (1, 0), (1, 1)}
        cost = sum(abs(pairs[i][0] - pairs[j][1]) for i, j in path)
        assert cost == pytest.approx(float(distance), rel=1e-9, abs=1e-9)
        assert float(distance) <= sum(abs(a - b) for a, b in pairs) * (1 + 1e-12) + 1e-9, "the diagonal is a path too"


def test_lag_zero_is_corr(session: Session) -> None:
    random = np.random.default_rng(1)
    pairs = list(zip(random.normal(size=50).tolist(), random.normal(size=50).tolist(), strict=True))
    (cell,) = ask(session, "TLCC(a, b, 'lag_start=0,lag_end=0')", pairs)
    (corr,) = ask(session, "CORR(a, b)", pairs)
    assert cell == f"(0, {float(corr):.4f})"


def test_missing_values_are_filled_and_said(session: Session) -> None:
    made = session.sql("SELECT DTW(a, b) AS d, _fstatus FROM (VALUES (1, 1), (NULL, 2), (3, 3)) t(a, b)").fetchall()
    assert made == [(0.0, "repaired(1)")]


def test_explain(session: Session) -> None:
    made = session.sql("EXPLAIN SELECT TLCC(a, b) FROM (VALUES (1, 1), (2, 2), (3, 3)) t(a, b)")
    assert calls(made) == [
        {"call": "TLCC(a, b)", "model": "tlcc", "series": 1, "points": 6, "rows": None, "batches": 1}
    ]
