"""What SQL costs, against what DuckDB itself takes for the same data in the same run. Writes docs/benchmarks/sql.md.

python -m benchmarks.sql
"""

from __future__ import annotations

import contextlib
import multiprocessing
import platform
import tempfile
import time
from pathlib import Path
from typing import cast

import duckdb

from benchmarks.figure import Figure, Instant, both, quiet
from benchmarks.sql_database import figures as database
from foretell.engine.engine import Engine
from foretell.registry import Model, Registry
from foretell.sql import Session
from foretell.sql.blocks import blocks
from foretell.sql.functions import FUNCTIONS
from foretell.sql.history import Place, read_history
from foretell.sql.statement import statements

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks" / "sql.md"
SERIES, POINTS, ROUNDS = 10_000, 512, 7
SHORT = "SELECT _frowts, _flow, _fhigh, FORECAST(v, 'algo=holtwinters,rows=12,period=12,trend=mul') FROM 'x.csv'"


def make_data(folder: Path) -> None:
    """Long tables: sorted by series and by time, and one series of 1,000 points as CSV."""
    with quiet() as con:
        con.execute(
            f"""CREATE TABLE long AS SELECT 'device_' || lpad(d::VARCHAR, 5, '0') AS device,
            TIMESTAMP '2024-01-01' + to_minutes(15 * i::INT) AS ts, d % 7 + sin(i * pi() / 12) + random() AS v
            FROM range({SERIES}) a(d), range({POINTS}) b(i) ORDER BY d, i"""
        )
        con.execute(f"COPY long TO '{folder}/by_series.parquet'")
        con.execute(f"COPY (FROM long ORDER BY ts, device) TO '{folder}/by_time.parquet'")
        con.execute(f"COPY (SELECT ts, v FROM long WHERE device = 'device_00000') TO '{folder}/one.csv'")


def front(folder: Path) -> list[Figure]:
    """Parse, plan and result around an instant model, on one series."""
    models = Registry()
    models.register(cast(type[Model], Instant))
    figures = []
    with Session(engine=Engine(models=models)) as session, quiet() as con:
        for kind, source, where in (
            ("CSV, 1 series", f"'{folder}/one.csv'", ""),
            ("Parquet, 1 of 10,000 series", f"'{folder}/by_series.parquet'", "WHERE device = 'device_05000'"),
        ):
            ours, theirs = both(
                lambda source=source, where=where: session.sql(  # type: ignore[misc]
                    f"SELECT _frowts, FORECAST(v, 'algo=instant,rows=12') FROM {source} {where}"
                ),
                lambda source=source, where=where: con.sql(f"SELECT ts, v FROM {source} {where}").to_arrow_table(),  # type: ignore[misc]
                rounds=60,
            )
            figures.append(Figure(f"front, {kind} / the same scan", ours, theirs, 1.2, slack=0.005))
    return figures


def extraction(folder: Path) -> list[Figure]:
    """Parquet to engine input, against DuckDB's own grouping into ordered lists."""
    figures = []
    with Session() as session, quiet() as con:
        for order in ("by_series", "by_time"):
            file = f"'{folder}/{order}.parquet'"
            text = f"SELECT FORECAST(v, 'algo=seasonal_naive') FROM {file} PARTITION BY device"
            ours, theirs = both(
                lambda text=text: extract(session, text),  # type: ignore[misc]
                lambda file=file: con.sql(  # type: ignore[misc]
                    f"SELECT device, list(v ORDER BY ts) FROM {file} GROUP BY device"
                ).to_arrow_table(),
            )
            figures.append(Figure(f"extraction, rows {order.replace('_', ' ')} / GROUP BY + list", ours, theirs, 2))
    return figures


def extract(session: Session, text: str) -> object:
    """A block's history, as FORECAST itself reads it."""
    [statement] = statements(text)
    [block] = blocks(statement, FUNCTIONS)
    return read_history(block, Place(session.duck, lambda _: None), block.calls[0].arguments, None)


def whole(folder: Path) -> Figure:
    """SQL to result with a cheap model, against the extraction alone."""
    text = f"SELECT device, _frowts, FORECAST(v, 'algo=seasonal_naive,period=24') FROM '{folder}/by_series.parquet'"
    text += " PARTITION BY device"
    with Session() as session:
        ours, theirs = both(lambda: session.sql(text), lambda: extract(session, text))
    return Figure("seasonal_naive, SQL to result / extraction alone", ours, theirs, 3)


def parsing() -> Figure:
    """Text to blocks, against a millisecond."""
    rounds = 2_000
    started = time.perf_counter()
    for _ in range(rounds):
        for statement in statements(SHORT):
            blocks(statement, FUNCTIONS)
    return Figure("a short FORECAST is parsed / 1 ms", (time.perf_counter() - started) / rounds * 1e3, 1, 1, unit="ms")


def memory(folder: Path) -> Figure:
    """Growth of the peak memory of a process that runs `whole`, against the size of the three columns in Arrow."""
    with quiet() as con:
        size = con.sql(f"SELECT device, ts, v FROM '{folder}/by_series.parquet'").to_arrow_table().nbytes
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        grown = pool.apply(peak_growth, (str(folder),))
    return Figure("peak memory, SQL to result / the input in Arrow", grown / 1e6, size / 1e6, 3, unit="MB")


def peak_growth(folder: str) -> int:
    """Bytes by which the peak of this process rises; a small statement first loads whatever gets loaded."""
    file = f"'{folder}/by_series.parquet'"
    text = "SELECT device, _frowts, FORECAST(v, 'algo=seasonal_naive,period=24') FROM {} PARTITION BY device"
    with Session() as session:
        session.sql(text.format(f"{file} WHERE device < 'device_00010'"))
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before = resident("VmRSS")
        session.sql(text.format(file))
        return resident("VmHWM") - before


def resident(field: str) -> int:
    """Bytes of memory that this process holds now (VmRSS) or held at most (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}: this measurement needs Linux")


def clients(folder: Path) -> list[Figure]:
    """TDengine's own clients against each other: 200,000 rows over the WebSocket and over REST."""
    from benchmarks.sql_clients import fetches

    with fetches(folder) as fetch:
        query, rest = both(fetch.query, fetch.rest)
        cursor, rest_again = both(fetch.cursor, fetch.rest)
    return [
        Figure("200,000 rows, taosws query / taosrest", query, rest, 0.2),
        Figure("200,000 rows, taosws cursor (datetimes) / taosrest", cursor, rest_again, 0.5),
    ]


def dialect() -> list[Figure]:
    """TDengine's dialect: what it takes to read, and windows against the same by hand."""
    from benchmarks.sql_dialect import reading, windows

    return [*reading(), *windows()]


def main() -> None:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_data(folder)
        figures = [*front(folder), *extraction(folder), whole(folder), parsing(), memory(folder)]
        figures += [*dialect(), *clients(folder), *database(folder)]
    lines = [figure.line() for figure in figures]
    text = "\n".join(lines)
    print(text)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(text))


def page(lines: str) -> str:
    return f"""# SQL: speed and memory

Written by `python -m benchmarks.sql`: {SERIES:,} series x {POINTS} points in one Parquet file. Ours and DuckDB's are
measured in turns in one run, the fastest round of each; so the ratios hold where the times do not
(this run: Python {platform.python_version()}, DuckDB {duckdb.__version__}, {multiprocessing.cpu_count()} cores).
The input's size is that of its three columns as an Arrow table. The ratio is taken after the milliseconds that the
bound grants.

| what / against what | ours | theirs | ratio | bound | holds |
|---|---:|---:|---:|---:|---|
{lines}
"""


if __name__ == "__main__":
    main()
