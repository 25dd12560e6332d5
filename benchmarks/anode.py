"""How fast is the node? Ratios within one run; writes docs/benchmarks/anode.md.

    python -m benchmarks.anode

1. 64 clients, each posting one 512-point series for 24 steps again and again, a connection for each request as taosd
   does: the node, and a threaded Flask server with a lock around the same model, in turns.
2. What the node itself does for a request (read, check, batch, answer), with a model that costs nothing, beside
   decoding and encoding the same JSON with msgspec.
3. /list and /status, each on a connection of its own, while nothing happens and while every worker computes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import uvloop
from tests.tdgpt.taosd import Column, body

from benchmarks.anode_model import Burn
from benchmarks.anode_parts import free_node, parts
from foretell.application import new_node
from foretell.registry import Registry
from foretell.server import in_background
from foretell.settings import read_settings
from foretell.wire.tdgpt import read_forecast
from foretell.wire.tdgpt_answers import encode

PAGE = Path("docs/benchmarks/anode.md")
CLIENTS, POINTS, STEPS = 64, 512, 24
ROUNDS = 3
GETS = 300
Exchange = tuple[str, int]


LOADS = {"series": POINTS, "long": 40_000, "huge": 1_000_000}
"""What a load posts, in points: the usual, the most that a node takes, and a body of 29 MB that it refuses."""


def request_body(points: int, seed: int = 0) -> bytes:
    """What taosd posts for a random walk."""
    values = np.cumsum(np.random.default_rng(seed).normal(size=points))
    times = [1_577_808_000_000 + 1000 * i for i in range(points)]
    keys: list[tuple[str, Any]] = [
        ("option", f"algo=burn,rows={STEPS}"),
        ("algo", "burn"),
        ("prec", "ms"),
        ("wncheck", 1),
        ("return_conf", 0),
        ("forecast_rows", STEPS),
        ("conf", 0.95),
        ("every", 1000),
        ("start", times[-1] + 1000),
        ("rows", points),
    ]
    return body([Column("ts", "TIMESTAMP", times), Column("val", "DOUBLE", values.tolist())], keys)


async def exchange(at: Exchange, text: bytes) -> bytes:
    """One request on a connection of its own; the body of the answer."""
    reader, writer = await asyncio.open_connection(*at)
    writer.write(text)
    head = await reader.readuntil(b"\r\n\r\n")
    (line,) = (x for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:"))
    answer = await reader.readexactly(int(line.split(b":")[1]))
    writer.close()
    return answer


def post(at: Exchange, text: bytes) -> bytes:
    head = f"POST /forecast HTTP/1.1\r\nHost: {at[0]}:{at[1]}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


async def crowd(at: Exchange, text: bytes, seconds: float, clients: int = CLIENTS) -> float:
    """Requests a second of so many clients, each asking again as soon as it is answered."""
    end = time.perf_counter() + seconds
    done = 0

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < end:
            answer = await exchange(at, text)
            if b'"rows":' not in answer.replace(b" ", b""):
                raise RuntimeError(answer[:500])
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return done / (time.perf_counter() - started)


@contextlib.contextmanager
def flask_server() -> Iterator[Exchange]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.anode_model", str(port)])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield "127.0.0.1", port
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def node_server(module: str = "benchmarks.anode") -> Iterator[Exchange]:
    """The node of a benchmark in a process of its own, as `foretell serve` runs it."""
    process = subprocess.Popen([sys.executable, "-m", module, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        host, _, port = line.strip().removeprefix("http://").partition(":")
        yield host, int(port)
    finally:
        process.terminate()
        process.wait()


def serve_burn() -> None:
    models = Registry()
    models.register(Burn)
    with in_background(new_node(read_settings(workers=1, cache_mb=0), models)) as url:
        print(url, flush=True)
        time.sleep(3600)


def throughput() -> list[str]:
    ours, theirs, text = [], [], request_body(POINTS)
    with node_server() as node, flask_server() as flask:
        for at in (node, flask):
            uvloop.run(crowd(at, post(at, text), 1.0))
        for _ in range(ROUNDS):
            ours.append(uvloop.run(crowd(node, post(node, text), 4.0)))
            theirs.append(uvloop.run(crowd(flask, post(flask, text), 4.0)))
    a, b = statistics.median(ours), statistics.median(theirs)
    return [
        "| | requests a second |",
        "|---|---|",
        f"| node | {a:.0f} |",
        f"| Flask, threads, lock | {b:.0f} |",
        f"| ratio | {a / b:.1f} (wanted: at least 8) |",
    ]


def own_work() -> list[str]:
    lines = ["| points | node, ms | msgspec, ms | ratio (wanted: at most 3) |", "|---|---|---|---|"]
    for points in (512, 40_000):
        lines.append(uvloop.run(_own_work(points)))
    return lines


async def _own_work(points: int) -> str:
    node = free_node()
    await node.reload()
    text = request_body(points)
    ours, theirs = [], []
    for _ in range(max(20, 200_000 // points)):
        started = time.perf_counter()
        encode(await node.ask("forecast", read_forecast, text))
        middle = time.perf_counter()
        msgspec.json.encode(msgspec.json.decode(text))
        ours.append(middle - started)
        theirs.append(time.perf_counter() - middle)
    node.reader.close()
    a, b = statistics.median(ours) * 1e3, statistics.median(theirs) * 1e3
    return f"| {points:,} | {a:.2f} | {b:.2f} | {a / b:.2f} |"


def where_it_goes() -> list[str]:
    text = request_body(POINTS)
    return parts(text, post(("127.0.0.1", 0), text))


def listing() -> list[str]:
    lines = ["| | median, ms | p99, ms | slowest, ms |", "|---|---|---|---|"]
    with node_server() as at:
        uvloop.run(crowd(at, post(at, request_body(POINTS)), 1.0))
        lines.append(_row("nothing happens", uvloop.run(_gets(at))))
        lines.append(_row("every worker computes (3 clients)", uvloop.run(_gets_under_load(at, 3))))
        lines.append(_row(f"{CLIENTS} clients as fast as they can", uvloop.run(_gets_under_load(at, CLIENTS))))
        for name, clients in (("long", 3), ("huge", 2)):
            size = len(request_body(LOADS[name])) / 1e6
            text = f"{clients} clients, bodies of {LOADS[name]:,} rows ({size:.0f} MB)"
            lines.append(_row(text, uvloop.run(_gets_under_load(at, clients, name))))
    return lines


async def _gets(at: Exchange) -> list[float]:
    """Seconds of /list and /status by turns."""
    seconds = []
    for i in range(GETS):
        path = ("/list", "/status")[i % 2]
        started = time.perf_counter()
        await exchange(at, f"GET {path} HTTP/1.1\r\nHost: {at[0]}:{at[1]}\r\n\r\n".encode())
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(0.005)
    return seconds


async def _gets_under_load(at: Exchange, clients: int, name: str = "series") -> list[float]:
    """The load comes from a process of its own, so that the client's own work is not measured."""
    command = [sys.executable, "-m", "benchmarks.anode", "load", str(at[1]), str(clients), name]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        await asyncio.to_thread(load.stdout.readline if load.stdout else str)
        await asyncio.sleep(1.0)
        return await _gets(at)
    finally:
        load.kill()
        load.wait()


def _row(name: str, seconds: Sequence[float]) -> str:
    ordered = sorted(s * 1e3 for s in seconds)
    p99 = ordered[math.ceil(0.99 * len(ordered)) - 1]
    return f"| {name} | {statistics.median(ordered):.1f} | {p99:.1f} | {ordered[-1]:.1f} |"


SECTIONS: tuple[tuple[str, Callable[[], list[str]]], ...] = (
    ("64 clients, one 512-point series for 24 steps each; a model of 10 ms + 0.2 ms a series", throughput),
    ("The node's own work for a request", own_work),
    (f"Where the CPU time of a request of {POINTS} points goes, part by part and warm", where_it_goes),
    ("/list and /status (taosd gives up after 100 ms; wanted: p99 under 20 ms)", listing),
)


def main() -> None:
    text = [
        "# How fast the node is",
        "",
        "`python -m benchmarks.anode` on one machine; read the ratios, not the times.",
        "",
    ]
    for title, measure in SECTIONS:
        text += [f"## {title}", "", *measure(), ""]
        print("\n".join(text[-14:]), flush=True)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join(text))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve_burn()
    elif sys.argv[1:2] == ["load"]:
        port, clients, points = int(sys.argv[2]), int(sys.argv[3]), LOADS[sys.argv[4]]
        text = post(("127.0.0.1", port), request_body(points))
        print("ready", flush=True)
        uvloop.run(crowd(("127.0.0.1", port), text, 600.0, clients))
    else:
        main()
