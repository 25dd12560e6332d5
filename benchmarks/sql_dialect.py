"""What TDengine's dialect costs: reading a statement, and windows against the same SQL written by hand.

A part of `python -m benchmarks.sql`.
"""

from __future__ import annotations

from pathlib import Path

import sqlglot
from tests.sql.pairs import pairs

from benchmarks.figure import Figure, both, quiet
from foretell.sql import Session
from foretell.sql.blocks import blocks
from foretell.sql.functions import FUNCTIONS
from foretell.sql.marks import MARKS
from foretell.sql.statement import statements

TESTS = Path(__file__).parent.parent / "tests" / "sql"
NO_PAIRS = ("plant.sql", "errors.sql", "dialect_errors.sql")
ROWS = 5_000_000
TABLE = f"""CREATE TABLE t AS SELECT TIMESTAMP '2024-01-01' + to_seconds(i) AS ts, i % 100 AS site, i % 977 AS v
FROM range({ROWS}) r(i)"""
PAIRS = (
    ("count, avg, max", "SELECT count(*), avg(v), max(v) FROM t", "SELECT count(*), avg(v), max(v) FROM t"),
    (
        "INTERVAL(1h) by site",
        "SELECT site, _wstart, avg(v) FROM t PARTITION BY site INTERVAL(1h)",
        "SELECT site, time_bucket(INTERVAL 1 HOUR, ts) AS w, avg(v) FROM t GROUP BY site, w ORDER BY site, w",
    ),
    (
        "FIRST and LAST by site",
        "SELECT site, first(v), last(v) FROM t PARTITION BY site",
        "SELECT site, arg_min(v, ts), arg_max(v, ts) FROM t GROUP BY site ORDER BY site",
    ),
)


def corpus() -> list[str]:
    """Every statement of the dialect that the tests run."""
    found = [s.written((0, len(s.tokens))) for s in statements((TESTS / "plant.sql").read_text())]
    for file in sorted(TESTS.glob("*.sql")):
        if file.name not in NO_PAIRS:
            found += [pair.ours for pair in pairs(file.name)]
    return found


def read(text: str) -> None:
    """What the front does before anything is rewritten: tokens, brackets, and the clauses of each SELECT."""
    for statement in statements(text):
        blocks(statement, FUNCTIONS, MARKS)


def reading() -> list[Figure]:
    """Text to clauses, against the tokens alone of a library, for every statement of the corpus."""
    taken = []
    for text in corpus():
        ours, theirs = both(lambda text=text: read(text), lambda text=text: sqlglot.tokenize(text), rounds=60)  # type: ignore[misc]
        taken.append((ours / theirs, ours, theirs))
    taken.sort()
    name = f"dialect front / sqlglot.tokenize, {{}} of {len(taken)} statements"
    chosen = {"the middle": taken[len(taken) // 2], "the worst": taken[-1]}
    return [
        Figure(name.format(word), ours * 1e6, theirs * 1e6, 2, unit="us") for word, (_, ours, theirs) in chosen.items()
    ]


def windows() -> list[Figure]:
    """Aggregates and windows over five million rows, against the same written by hand for DuckDB."""
    figures = []
    with Session() as session, quiet() as con:
        session.sql(TABLE)
        con.execute(TABLE)
        for name, text, by_hand in PAIRS:
            ours, theirs = both(
                lambda text=text: session.sql(text),  # type: ignore[misc]
                lambda text=by_hand: con.sql(text).to_arrow_table(),  # type: ignore[misc]
                rounds=30,
            )
            figures.append(Figure(f"{name}, {ROWS:,} rows / by hand", ours, theirs, 1.2))
    return figures
