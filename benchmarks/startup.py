"""How long it takes until foretell answers: imports and whole commands, as ratios in one run.

    python -m benchmarks.startup        writes docs/benchmarks/startup.md

Each figure is the fastest of RUNS starts of a fresh Python, alternating, since start-up times have a long tail.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "startup.md"
RUNS = 7
AIR = ROOT / "examples" / "air_passengers.csv"
FORETELL = "from foretell.cli import main; import sys; sys.argv[0] = 'foretell'; main()"


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured beside what; allowed: ratio x other + extra seconds."""

    name: str
    code: str
    beside: str
    beside_code: str
    ratio: float
    extra: float = 0.0
    arguments: tuple[str, ...] = ()


def sql(model: str, library: str, ratio: float = 1.3, extra: float = 0.5) -> Row:
    statement = f"SELECT _frowts, FORECAST(passengers, 'algo={model},rows=12') FROM '{AIR}'"
    return Row(
        f"`foretell sql`, {model}, 144 points",
        FORETELL,
        f"`import {library}`",
        f"import {library}",
        ratio,
        extra,
        ("sql", statement),
    )


ROWS = (
    Row(
        "`import foretell`", "import foretell", "`import duckdb, pyarrow, numpy`", "import duckdb, pyarrow, numpy", 2.0
    ),
    Row(
        "`foretell.forecast` ready",
        "import foretell; foretell.forecast",
        "`import duckdb, pyarrow, numpy`",
        "import duckdb, pyarrow, numpy",
        2.0,
    ),
    sql("holtwinters", "statsmodels.tsa.holtwinters"),
    sql("ets", "statsforecast.models"),
    sql("foretell-small", "duckdb, pyarrow, numpy", ratio=0, extra=1.0),
)


def seconds(code: str, arguments: tuple[str, ...]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, cwd=folder)
        return time.perf_counter() - start


def measure(row: Row) -> tuple[float, float]:
    """Fastest start of both, taking turns."""
    pairs = [(seconds(row.code, row.arguments), seconds(row.beside_code, ())) for _ in range(RUNS)]
    return min(a for a, _ in pairs), min(b for _, b in pairs)


def main() -> None:
    lines = [
        "# Start-up",
        "",
        "Whole processes, Python's own start included; the fastest of "
        f"{RUNS} alternating runs on two cores. Command: `python -m benchmarks.startup`.",
        "",
        "| what | seconds | beside | seconds | ratio | allowed | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        ours, theirs = measure(row)
        bounds = [f"{row.ratio:g} x"] * bool(row.ratio) + [f"{row.extra:g} s"] * bool(row.extra)
        verdict = "met" if ours <= row.ratio * theirs + row.extra else "missed"
        lines.append(
            f"| {row.name} | {ours:.2f} | {row.beside} | {theirs:.2f} | {ours / theirs:.2f} "
            f"| {' + '.join(bounds)} | {verdict} |"
        )
        print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
