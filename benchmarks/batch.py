"""`foretell batch` on two cores: local against Ray, two workers against one, a worker killed halfway, each series once.

    python -m benchmarks.batch [SERIES]        writes docs/benchmarks/batch.md

Files lie in order of time, the layout that has to be sorted first. The model is seasonal naive: so cheap that what is
measured is the job itself - reading, sorting, grouping, writing. A slower model scales better, not worse, so
foretell-small is measured beside it on a tenth of the series. Workers are warm: each has done a small job before.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import active_children
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foretell.batch import Outcome, Request, Workers, forecast_files
from foretell.engine.worker import DIED

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "batch.md"
SERIES, POINTS, HORIZON, FILES = 200_000, 256, 24, 64
LEVELS = (0.1, 0.5, 0.9)
HOUR = 3_600_000_000
MODELS = {"seasonal_naive": 1.0, "foretell-small": 0.1}
"""Models, and the share of the series that each gets."""
CREWS = {"one": Workers("local", 1), "two": Workers("local", 2), "ray": Workers("ray", 2)}


def write_input(folder: Path, series: int) -> Path:
    """`FILES` files in order of time, each with all series: days of noise over a daily season."""
    folder.mkdir()
    random = np.random.default_rng(0)
    names = pa.array([f"series-{i:07}" for i in range(series)])
    edges = np.linspace(0, POINTS, FILES + 1).astype(int)
    for number, (begin, end) in enumerate(pairwise(edges)):
        steps = np.repeat(np.arange(begin, end), series)
        ids = pa.DictionaryArray.from_arrays(pa.array(np.tile(np.arange(series), end - begin)), names)
        values = np.round(10 + np.sin(2 * np.pi * steps / 24) + random.normal(0, 0.5, len(steps)), 3)
        times = pa.array(steps * HOUR).cast(pa.timestamp("us"))
        table = pa.table({"unique_id": ids.cast(pa.string()), "ds": times, "y": values})
        pq.write_table(table, folder / f"hours-{number:04}.parquet")
    return folder


@dataclass(slots=True)
class Killer:
    """kill -9 of one worker process when half of the shards are done."""

    killed_at: float = 0.0
    _once: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, phase: str, done: int, total: int) -> None:
        if phase == "forecast" and 2 * done >= total and self._once.acquire(blocking=False):
            self.killed_at = done / total
            pid = active_children()[0].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Run:
    """One job from warm workers: how it ended, and how many workers died."""

    outcome: Outcome
    deaths: int
    start: float


def run(source: Path, small: Path, crew: Workers, model: str, folder: Path, killer: Killer | None = None) -> Run:
    request = Request.of(model, HORIZON, LEVELS, {"period": 24} if model == "seasonal_naive" else {})
    began = time.perf_counter()
    executor = crew.start()
    try:
        forecast_files(str(small), str(folder / "warm"), request, executor, shard_rows=POINTS * 10)
        start = time.perf_counter() - began
        progress = {"progress": killer} if killer else {}
        outcome = forecast_files(str(source), str(folder / "out"), request, executor, **progress)  # type: ignore[arg-type]
        return Run(outcome, executor.replaced[DIED], start)  # type: ignore[attr-defined]
    finally:
        executor.close()


def each_once(folder: Path, series: int) -> bool:
    """Every series has its steps, each once."""
    ((found, wrong),) = (
        duckdb.connect()
        .execute(
            f"SELECT count(*), count(*) FILTER (n <> {HORIZON} OR d <> {HORIZON}) FROM (SELECT count(*) AS n, "
            f"count(DISTINCT ds) AS d FROM '{folder}/out/*.parquet' GROUP BY unique_id)"
        )
        .fetchall()
    )
    return bool(found == series and wrong == 0)


def measure(model: str, series: int, folder: Path) -> list[str]:
    source, small = write_input(folder / "in", series), write_input(folder / "small", 50)
    runs = {}
    once = True
    for name, crew in CREWS.items():
        (folder / name).mkdir()
        runs[name] = run(source, small, crew, model, folder / name)
        once &= each_once(folder / name, series)
        print(
            f"{model}, {name}: {runs[name].outcome.seconds:.1f} s after a start of {runs[name].start:.1f} s", flush=True
        )
    (folder / "killed").mkdir()
    killer = Killer()
    killed = run(source, small, CREWS["two"], model, folder / "killed", killer)
    once &= each_once(folder / "killed", series)
    print(f"{model}, killed at {killer.killed_at:.0%}: {killed.outcome.seconds:.1f} s", flush=True)
    one, two, ray = (runs[name].outcome.seconds for name in CREWS)
    again = killed.deaths
    shards = killed.outcome.shards
    return [
        f"| {model}, {series:,} series | local 2 against 1 worker | {one:.1f} s / {two:.1f} s | {one / two:.2f} x "
        f"| at least 1.6 x | {verdict(one / two >= 1.6)} |",
        f"| | Ray against local, 2 workers | {ray:.1f} s / {two:.1f} s | {ray / two:.2f} x "
        f"| 1 / 1.5 to 1.5 x | {verdict(1 / 1.5 <= ray / two <= 1.5)} |",
        f"| | a worker killed at {killer.killed_at:.0%} | {killed.outcome.seconds:.1f} s / {two:.1f} s "
        f"| {again} of {shards} shards done again | at most 1 | {verdict(again <= 1)} |",
        f"| | every series once, in all four runs | | {'yes' if once else 'no'} | yes | {verdict(once)} |",
    ]


def verdict(met: bool) -> str:
    return "met" if met else "missed"


def main() -> None:
    total = int(sys.argv[1]) if len(sys.argv) > 1 else SERIES
    lines = [
        "# Batch jobs",
        "",
        f"{total:,} series x {POINTS} points in {FILES} Parquet files in order of time, {HORIZON} steps ahead with "
        f"{len(LEVELS)} levels on {os.cpu_count()} cores. Command: `python -m benchmarks.batch`. Seconds are those "
        "of the whole job - footers, sorting, forecasting, writing - with workers that have started.",
        "",
        "| model | what | seconds | result | demanded | |",
        "|---|---|---|---|---|---|",
    ]
    for model, share in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            lines += measure(model, max(1, int(total * share)), Path(folder))
    print("\n".join(lines))
    if total == SERIES:
        PAGE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
