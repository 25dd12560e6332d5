"""What a server does when more comes than it can do, or callers misbehave; writes docs/benchmarks/overload.md.

    python -m benchmarks.overload

One worker computes 10 ms for each request, and nothing is batched: about a hundred a second are all there can be. What
callers get is measured from a process of its own: right answers a second (goodput), refusals, and how long /list takes
meanwhile (TDengine gives up after 100 ms).
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks.anode import Exchange, exchange, node_server, post, request_body
from benchmarks.anode_model import CALL, Burn
from foretell.application import new_node
from foretell.registry import Limits, Registry
from foretell.server import in_background
from foretell.settings import read_settings

PAGE = Path("docs/benchmarks/overload.md")
SECONDS = 10.0
POINTS = 96
OVERLOAD = 5
BAD = 100
"""Connections of each kind of bad manners."""


class Steady(Burn):
    """Burn, one request at a time."""

    limits = Limits(cost=1e6, prefix_consistent=True)


@dataclass(slots=True)
class Seen:
    """What callers got in one scene; `listing` are the seconds of /list."""

    name: str
    good: int
    refused: int
    seconds: float
    listing: list[float]

    @property
    def goodput(self) -> float:
        return self.good / self.seconds

    def row(self, most: float) -> str:
        cuts = statistics.quantiles(self.listing, n=100)
        times = f"{cuts[49] * 1e3:.1f} | {cuts[98] * 1e3:.1f}"
        return f"| {self.name} | {self.goodput:.0f} | {self.goodput / most:.2f} | {self.refused} | {times} |"


def serve() -> None:
    models = Registry()
    models.register(Steady)
    with in_background(new_node(read_settings(workers=1, cache_mb=0, log_level="CRITICAL"), models)) as url:
        print(url, flush=True)
        time.sleep(3600)


async def scene(name: str, at: Exchange, *, clients: int = 0, rate: float = 0.0) -> Seen:
    """So many clients that ask again when they are answered, or so many requests a second whatever happens."""
    text, end = post(at, request_body(POINTS)), time.perf_counter() + SECONDS
    seen = Seen(name, 0, 0, SECONDS, [])

    async def ask() -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            answer = await exchange(at, text)
            if time.perf_counter() < end:
                good = b'"rows":-1' not in answer.replace(b" ", b"")
                seen.good, seen.refused = seen.good + good, seen.refused + (not good)

    async def client() -> None:
        while time.perf_counter() < end:
            await ask()

    async def arrivals() -> None:
        asked = [asyncio.ensure_future(ask())]
        while time.perf_counter() < end:
            await asyncio.sleep(1 / rate)
            asked.append(asyncio.ensure_future(ask()))
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    async def listing() -> None:
        get = f"GET /list HTTP/1.1\r\nHost: {at[0]}:{at[1]}\r\n\r\n".encode()
        while time.perf_counter() < end:
            started = time.perf_counter()
            await exchange(at, get)
            seen.listing.append(time.perf_counter() - started)
            await asyncio.sleep(0.02)

    work = [client() for _ in range(clients)] or [arrivals()]
    await asyncio.gather(*work, listing())
    return seen


@contextlib.asynccontextmanager
async def bad_manners(at: Exchange) -> AsyncIterator[None]:
    """Callers that never read, that close their half, and whose bodies never end."""
    text = post(at, request_body(POINTS))
    writers = []
    for i in range(3 * BAD):
        reader, writer = await asyncio.open_connection(*at, limit=64)
        writers.append((reader, writer))
        writer.write(text if i % 3 else text[: len(text) // 2])
        if i % 3 == 1:
            writer.write_eof()
        elif i % 3 == 2:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for _, writer in writers:
            writer.transport.abort()


async def scenes(at: Exchange) -> list[Seen]:
    found = [await scene("64 clients", at, clients=64)]
    found.append(await scene("512 clients", at, clients=512))
    rate = OVERLOAD * found[0].goodput
    found.append(await scene(f"{OVERLOAD} times as many as it can do ({rate:.0f} a second)", at, rate=rate))
    async with bad_manners(at):
        name = f"64 clients; {BAD} that never read, {BAD} that close their half, {BAD} whose bodies never end"
        found.append(await scene(name, at, clients=64))
    return found


def main() -> None:
    if sys.argv[1:] == ["serve"]:
        serve()
        return
    with node_server("benchmarks.overload") as at:
        found = uvloop.run(scenes(at))
    most = found[0].goodput
    lines = [
        "# More than a server can do",
        "",
        f"`python -m benchmarks.overload`: one worker that computes {CALL * 1e3:.0f} ms for each request, no batches,",
        f"{SECONDS:.0f} seconds a scene. Wanted: at least .80 of the goodput of 64 clients, /list below 100 ms.",
        "",
        "| scene | right answers a second | of the first | refused | /list median, ms | 99 %, ms |",
        "|---|---|---|---|---|---|",
        *(seen.row(most) for seen in found),
    ]
    print("\n".join(lines[5:]))
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
