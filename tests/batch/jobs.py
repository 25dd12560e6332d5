"""`foretell batch` as a process that can be watched and killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SOON = 120.0
FORETELL = "from foretell.cli import main; main()"


def slow_model(folder: Path) -> Path:
    """A folder for PYTHONPATH with a model that came with somebody's package: it waits a moment for each batch."""
    (folder / "tardy.py").write_text(TARDY)
    notes = folder / "tardy-1.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Metadata-Version: 2.1\nName: tardy\nVersion: 1\n")
    (notes / "entry_points.txt").write_text("[foretell.models]\ntardy = tardy:Tardy\n")
    return folder


TARDY = """
import os
import time
from foretell.algorithms.forecast.naive import Naive

class Tardy(Naive):
    name, aliases = "tardy", ()

    def forecast(self, *arguments):
        time.sleep(float(os.environ.get("TARDY", 0.15)))
        return super().forecast(*arguments)
"""


def command(source: Path | str, target: Path | str, *more: str) -> list[str]:
    """A shard takes long enough to be killed halfway."""
    asked = ["--horizon", "3", "--model", "tardy", "--levels", "0.1,0.9", "--shard-rows", "1500", *more]
    return [sys.executable, "-c", FORETELL, "batch", str(source), str(target), *asked]


def finish(source: Path | str, target: Path | str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(source, target, *more), capture_output=True, text=True, timeout=SOON, check=False)


@contextmanager
def running(source: Path, target: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A job of which two shards are done."""
    process = subprocess.Popen(
        command(source, target, *more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until(lambda: len(list(target.glob("part-*.parquet"))) >= 2 or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0]
        yield process
    finally:
        process.kill()
        process.communicate()


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def descendants(pid: int) -> dict[int, str]:
    """Process ids below `pid`, with their command lines."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    found: dict[int, str] = {}
    for candidate in parents:
        above = candidate
        while above in parents and above != pid:
            above = parents[above]
        if above == pid and candidate != pid:
            found[candidate] = _command_line(candidate)
    return found


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Whether a process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_one(pid: int, sign: str) -> int:
    """kill -9 of a process below `pid` whose command line has the pattern `sign`."""
    victim = next(child for child, line in descendants(pid).items() if re.search(sign, line))
    os.kill(victim, signal.SIGKILL)
    return victim
