"""What the embedded database costs, against plain DuckDB with the same rows in a file of the same layout."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import cast

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.figure import Figure, Instant, both, quiet
from foretell.engine.engine import Engine
from foretell.registry import Model, Registry
from foretell.series import Series
from foretell.sql.database import Connection, Database
from foretell.steps import Step

SERIES, POINTS = 10_000, 512
ROWS, WRITERS, SINGLES = 100, 8, 25
LAYOUT = "tbname VARCHAR, ts TIMESTAMP_MS, v DOUBLE, n INTEGER, w FLOAT"
START = 1_600_000_000_000


def figures(folder: Path) -> list[Figure]:
    """All rows of the table."""
    models = Registry()
    models.register(cast(type[Model], Instant))
    with (
        Database(str(folder / "plant.db"), engine=Engine(models=models), folders=(str(folder),)) as database,
        database.connect() as ours,
        duckdb.connect(str(folder / "plain.db")) as theirs,
    ):
        theirs.execute("SET enable_progress_bar = false")
        ours.run("CREATE DATABASE d")
        ours.run("USE d")
        ours.run("CREATE STABLE s (ts TIMESTAMP, v DOUBLE, n INT, w FLOAT) TAGS (site INT)")
        theirs.execute(f"CREATE TABLE s ({LAYOUT})")
        return [
            statements_of_rows(ours, theirs),
            single_rows(database, theirs),
            *loaded(folder, ours, theirs),
            *asked(ours, theirs, database.engine),
        ]


def batch(i: int) -> pa.Table:
    """ROWS rows as Arrow columns; each call's are later."""
    times = pa.array(np.arange(START + i * ROWS, START + (i + 1) * ROWS)).cast(pa.timestamp("ms"))
    numbers = np.arange(ROWS, dtype=float)
    columns = {"tbname": pa.repeat("d1", ROWS), "ts": times, "v": numbers + 0.25, "n": numbers.astype("i4")}
    return pa.table({**columns, "w": (numbers * 2).astype("f4")})


def text(i: int) -> str:
    """The same rows as a statement."""
    values = ",".join(f"({START + i * ROWS + j},{j}.25,{j},{2 * j}.0)" for j in range(ROWS))
    return f"INSERT INTO d1 USING s TAGS (1) VALUES {values}"


def statements_of_rows(ours: Connection, theirs: duckdb.DuckDBPyConnection) -> Figure:
    """Statements of 100 rows, each safe before the next, against the same rows appended from Arrow, each committed."""
    texts, batches = (text(i) for i in itertools.count()), (batch(i) for i in itertools.count())

    def append(many: Iterable[pa.Table]) -> None:
        for one in many:
            theirs.register("incoming", one)
            theirs.execute("INSERT INTO s FROM incoming").fetchall()
            theirs.unregister("incoming")

    ready = iter(list(itertools.islice(texts, 1200))), iter(list(itertools.islice(batches, 1200)))
    taken = both(
        lambda: [ours.run(each) for each in itertools.islice(ready[0], 20)],
        lambda: append(itertools.islice(ready[1], 20)),
        rounds=60,
    )
    return Figure("20 INSERTs of 100 rows as text / appended from Arrow", *taken, bound=3)


def single_rows(database: Database, theirs: duckdb.DuckDBPyConnection) -> Figure:
    """Rows one by one from 8 connections, against as many single-row statements of one DuckDB connection."""
    clock = itertools.count(2 * START)

    def write(number: int) -> None:
        with database.connect(database="d") as connection:
            for _ in range(SINGLES):
                connection.run(f"INSERT INTO w{number} USING s TAGS ({number}) VALUES ({next(clock)}, 1.5, 2, 3.5)")

    def together() -> None:
        threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def alone() -> None:
        for _ in range(WRITERS * SINGLES):
            row = ["w1", next(clock), 1.5, 2, 3.5]
            theirs.execute("INSERT INTO s VALUES (?, make_timestamp_ms(?), ?, ?, ?)", row).fetchall()

    taken = both(together, alone, rounds=5)
    return Figure(f"{WRITERS * SINGLES} rows one by one, {WRITERS} writers / DuckDB, one writer", *taken, bound=3)


def loaded(folder: Path, ours: Connection, theirs: duckdb.DuckDBPyConnection) -> list[Figure]:
    """A Parquet file of all series into an empty table, and the same columns from Arrow."""
    file = f"'{folder}/rows.parquet'"
    with quiet() as con:
        con.execute(
            f"""COPY (SELECT 'd' || lpad(d::VARCHAR, 5, '0') AS tbname, (d % 9)::INTEGER AS site,
            make_timestamp_ms({START} + 900000 * i) AS ts, d % 7 + sin(i * pi() / 12) + random() AS v,
            i::INTEGER AS n, d::FLOAT AS w FROM range({SERIES}) a(d), range({POINTS}) b(i) ORDER BY d, i) TO {file}"""
        )
        table = con.sql(f"SELECT tbname, ts, v, n, w FROM {file}").to_arrow_table()

    def renew() -> None:
        for run in (ours.run, theirs.execute):
            run("DROP TABLE IF EXISTS s")
        ours.run("CREATE STABLE s (ts TIMESTAMP, v DOUBLE, n INT, w FLOAT) TAGS (site INT)")
        theirs.execute(f"CREATE TABLE s ({LAYOUT})").fetchall()

    def appended() -> None:
        theirs.register("incoming", table)
        theirs.execute("INSERT INTO s FROM incoming").fetchall()
        theirs.unregister("incoming")

    with_tags = table.append_column("site", pa.array(np.zeros(len(table), "i4")))
    from_arrow = both(lambda: ours.append("s", with_tags), appended, 3, renew)
    from_file = both(
        lambda: ours.run(f"INSERT INTO s (tbname, site, ts, v, n, w) SELECT tbname, site, ts, v, n, w FROM {file}"),
        lambda: theirs.execute(f"INSERT INTO s SELECT tbname, ts, v, n, w FROM {file}").fetchall(),
        3,
        renew,
    )
    renew()
    ours.append("s", with_tags)
    appended()
    rows = f"{SERIES * POINTS / 1e6:.2g} million rows"
    return [
        Figure(f"{rows} from Arrow into a table / DuckDB's INSERT", *from_arrow, bound=1.5),
        Figure(f"{rows} from Parquet into a table / DuckDB's INSERT", *from_file, bound=1.5),
    ]


def engine_alone(engine: Engine) -> float:
    """Seconds that the engine takes for one series and a model that takes none: the model's time."""
    series = [Series(np.arange(float(POINTS)), START, Step(ns=900 * 10**9))]
    ask = partial(engine.forecast_sync, series, 12, "instant", ())
    return min(both(ask, ask, rounds=30))


def asked(ours: Connection, theirs: duckdb.DuckDBPyConnection, engine: Engine) -> list[Figure]:
    """Queries over these rows, which lie sorted in both."""
    found = []
    one = f"d{SERIES // 2:05}"
    total, each = "SELECT avg(v), max(n) FROM s", "SELECT tbname, avg(v) FROM s GROUP BY tbname"
    questions: tuple[tuple[str, str, str, float], ...] = (
        ("an aggregate over all rows", total, total, 1.2),
        ("an aggregate of each series", each, each, 1.2),
        (
            f"a FORECAST of 1 of {SERIES:,} series, instant model",
            f"SELECT _frowts, FORECAST(v, 'algo=instant,rows=12,wncheck=0') FROM {one}",
            f"SELECT ts, v FROM s WHERE tbname = '{one}'",
            2,
        ),
        (
            f"a FORECAST of all {SERIES:,} series, instant model",
            "SELECT tbname, _frowts, FORECAST(v, 'algo=instant,rows=12,wncheck=0') FROM s PARTITION BY tbname",
            "SELECT tbname, list(v ORDER BY ts) FROM s GROUP BY tbname",
            3,
        ),
    )
    for name, query, plain, bound in questions:
        taken = both(
            lambda query=query: ours.run(query),  # type: ignore[misc]
            lambda plain=plain: theirs.sql(plain).to_arrow_table(),  # type: ignore[misc]
            rounds=30 if "1 of" in name else 5,
        )
        slack = engine_alone(engine) if "1 of" in name else 0.0
        found.append(Figure(f"{name} / the same in DuckDB", *taken, bound=bound, slack=slack))
    return found
