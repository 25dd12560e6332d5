"""A million forecasts through a server while its workers are killed; writes docs/benchmarks/soak.md.

    python -m benchmarks.soak [FORECASTS] [KILLS]

The server is `foretell serve` in a process of its own, with two workers and no cache. Clients post /forecast as taosd
does (one series, a connection for each) and /v1/forecast with a hundred series; every series ends in a number of its
own, which the naive forecast must repeat, so that an answer that is lost, doubled or another's is seen. Memory and
open files are those of the server's front at a tenth of the way and at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from tests.tdgpt.taosd import Column, body

from benchmarks.anode import Exchange, exchange

PAGE = Path("docs/benchmarks/soak.md")
FORECASTS, KILLS = 1_000_000, 50
SERIES, POINTS = 100, 24
CLIENTS = 16
SINGLE = 20
"""Of so many requests one is taosd's; the others bring a hundred series each."""

NOTICED = 0.2
"""Seconds in which requests may still be given to a worker that was killed."""


@dataclass(slots=True)
class Soak:
    """What has happened so far; `wrong` holds the first answers that were not what they should be."""

    at: Exchange
    total: int
    wanted: int = 0
    """How many workers shall be killed, each in a part of the way of its own."""
    asked: int = 0
    answered: int = 0
    requests: int = 0
    kills: int = 0
    wrong: list[str] = field(default_factory=list)
    under_way: set[int] = field(default_factory=set)

    async def client(self) -> None:
        while self.asked < self.total:
            if self.asked >= self.part(self.kills + 1.5) and not self.wrong:
                await asyncio.sleep(0.01)
                continue
            first, count = self.asked, SERIES if random.randrange(SINGLE) else 1
            self.asked += count
            self.requests += 1
            self.under_way.add(first)
            made = await (self.single(first) if count == 1 else self.many(first, count))
            self.under_way.discard(first)
            if made == [*range(first, first + count)]:
                self.answered += count
            elif len(self.wrong) < 5:
                self.wrong.append(f"{first}: {str(made)[:200]}")

    async def single(self, number: int) -> object:
        times = [1_577_808_000_000 + 1000 * i for i in range(POINTS)]
        columns = [Column("ts", "TIMESTAMP", times), Column("val", "BIGINT", [*range(POINTS - 1), number])]
        keys = [("option", "algo=naive,wncheck=0"), ("algo", "naive"), ("wncheck", 0), ("return_conf", 0)]
        text = body(columns, [*keys, ("forecast_rows", 1), ("every", 1000), ("start", times[-1] + 1000)])
        answer = await self.post("/forecast", text)
        return answer["res"][1] if isinstance(answer, dict) and answer.get("rows") == 1 else answer

    async def many(self, first: int, count: int) -> object:
        series = [{"values": [*range(POINTS - 1), first + i]} for i in range(count)]
        text = msgspec.json.encode({"series": series, "horizon": 1, "model": "naive", "levels": []})
        answer = await self.post("/v1/forecast", text)
        good = isinstance(answer, dict) and "forecasts" in answer
        return [f["point"][0] for f in answer["forecasts"]] if good else answer

    async def post(self, path: str, text: bytes) -> Any:
        head = f"POST {path} HTTP/1.1\r\nHost: {self.at[0]}:{self.at[1]}\r\nContent-Type: application/json\r\n"
        return msgspec.json.decode(
            await exchange(self.at, f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
        )

    def part(self, number: float) -> int:
        """Where the kill of that number is due; nobody asks much further before it, so that each finds its time."""
        return int(self.total * number / (self.wanted + 1)) if number <= self.wanted + 0.5 else self.total

    async def killer(self, front: int) -> None:
        """Kill a worker whenever another part of the way is done, and what was under way at the last kill is."""
        hit, noticed = set[int](), 0.0
        while self.answered < self.total and not self.wrong and self.kills < self.wanted:
            if time.monotonic() < noticed:
                hit |= self.under_way
            elif self.answered >= self.part(self.kills + 1) and not hit & self.under_way:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(random.choice(children(front)), signal.SIGKILL)
                    self.kills, hit = self.kills + 1, set(self.under_way)
                    noticed = time.monotonic() + NOTICED
            await asyncio.sleep(0.01)

    async def watch(self, front: int, seen: list[tuple[int, int]]) -> None:
        """Memory and open files of the front at a tenth of the way, and at the end."""
        while self.answered < self.total // 10 and not self.wrong:
            await asyncio.sleep(0.01)
        seen.append(footprint(front))


def children(front: int) -> list[int]:
    """The worker processes."""
    found = [
        int(pid) for task in Path(f"/proc/{front}/task").iterdir() for pid in (task / "children").read_text().split()
    ]
    return [pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def footprint(front: int) -> tuple[int, int]:
    """Bytes of memory and open files."""
    pages = int(Path(f"/proc/{front}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(list(Path(f"/proc/{front}/fd").iterdir()))


@contextlib.contextmanager
def server(**settings: str) -> Iterator[tuple[Exchange, int]]:
    """`foretell serve` on a free port: where it listens, and its process."""
    command = [sys.executable, "-c", "from foretell.cli import main; main()", "serve", "--port", "0", "--workers", "2"]
    given = {"FORETELL_CACHE_MB": "0", "FORETELL_LOG_LEVEL": "ERROR", **settings}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **given}) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            host, _, port = line.strip().removeprefix("listening on http://").partition(":")
            yield (host, int(port)), process.pid
        finally:
            process.terminate()


async def soak(
    at: Exchange, front: int, forecasts: int, kills: int, clients: int = CLIENTS
) -> tuple[Soak, list[tuple[int, int]], float]:
    state, seen = Soak(at, forecasts, kills), list[tuple[int, int]]()
    started = time.perf_counter()
    asking = [asyncio.ensure_future(state.client()) for _ in range(clients)]
    others = [asyncio.ensure_future(state.killer(front)), asyncio.ensure_future(state.watch(front, seen))]
    await asyncio.gather(*asking)
    seconds = time.perf_counter() - started
    for task in others:
        task.cancel()
    await asyncio.sleep(1)
    return state, [*seen, footprint(front)], seconds


def main() -> None:
    forecasts = int(sys.argv[1]) if len(sys.argv) > 1 else FORECASTS
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else KILLS
    random.seed(1)
    with server() as (at, front):
        state, seen, seconds = uvloop.run(soak(at, front, forecasts, kills))
    (memory, files), (memory_after, files_after) = seen[0], seen[-1]
    lines = [
        "# Many forecasts, workers killed meanwhile",
        "",
        "`python -m benchmarks.soak`: `foretell serve` with two workers, 16 clients, one request in 20 as taosd makes",
        "it, the others with a hundred series; every answer is checked against what only that question can have.",
        "",
        "| | |",
        "|---|---|",
        f"| forecasts asked for | {state.asked:,} in {state.requests:,} requests |",
        f"| answered once and right | {state.answered:,} |",
        f"| workers killed | {state.kills} |",
        f"| memory of the front, at a tenth of the way and at the end | {memory >> 20} and {memory_after >> 20} MB "
        f"({memory_after / memory - 1:+.1%}) |",
        f"| its open files | {files} and {files_after} |",
        f"| forecasts a second (two cores, clients included) | {state.answered / seconds:,.0f} |",
    ]
    print("\n".join(lines[5:]))
    for wrong in state.wrong:
        print(f"wrong: {wrong}")
    if state.answered != state.asked or memory_after > 1.1 * memory or files_after > files + 2 * CLIENTS:
        sys.exit("the soak failed")
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
