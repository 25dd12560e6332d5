"""Functions whose names DuckDB gives another meaning: TDengine's in the database, DuckDB's over files."""

from __future__ import annotations

from typing import Any

import pytest

from foretell.sql import Session
from foretell.sql.answer import TDENGINE
from foretell.sql.meanings import CALLS, OF_DATABASE

TELLING: dict[str, tuple[Any, Any]] = {
    "STDDEV(x)": (0.5, 0.7071067811865476),
    "VARIANCE(x)": (0.25, 0.5),
    "LOG(100.0)": (4.605170185988092, 2.0),
    "LENGTH('äb')": (3, 2),
    "DAYOFWEEK(DATE '2024-01-01')": (2, 1),
    "WEEKDAY(DATE '2024-01-01')": (0, 1),
}
"""A call, with what it gives in the database and over files."""


@pytest.mark.parametrize("call", TELLING)
def test_the_database_means_what_tdengine_means(call: str) -> None:
    for index, session in enumerate((Session(profile=TDENGINE), Session())):
        with session:
            made = session.sql(f"SELECT {call} AS y FROM (VALUES (1), (2)) r(x)")
            assert made.fetchall()[0][0] == pytest.approx(TELLING[call][index])


def test_log_has_its_base_behind() -> None:
    with Session(profile=TDENGINE) as session:
        assert session.sql("SELECT LOG(8.0, 2), TRUNCATE(1.29, 1)::DOUBLE").fetchall() == [(pytest.approx(3), 1.2)]
        assert session.sql("SELECT RAND() BETWEEN 0 AND 1, COUNT(*)").columns == ["rand() between 0 and 1", "count(*)"]


def test_no_name_stands_in_both_tables() -> None:
    assert not set(CALLS) & set(OF_DATABASE)
    assert all(meaning.about and meaning.sql for meaning in (*CALLS.values(), *OF_DATABASE.values()))
