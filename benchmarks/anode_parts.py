"""Where the CPU time of one request goes, part by part, and what HTTP costs around it.

python -m benchmarks.anode_parts serve | bare      the node with a device that costs nothing; an application that only
                                                   reads and answers
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import uvloop

from benchmarks.anode_model import Burn
from foretell.engine import Engine
from foretell.engine.pools import Pools
from foretell.engine.serving import Serving
from foretell.engine.whitenoise import is_white_noise
from foretell.engine.worker import Executor
from foretell.registry import Registry
from foretell.series import OK, Forecast
from foretell.server import in_background, listen, web_server
from foretell.settings import read_settings
from foretell.tdgpt.node import Node
from foretell.wire.tdgpt import read_body, read_forecast
from foretell.wire.tdgpt_answers import encode, forecast_answer

ROUNDS, REQUESTS = 600, 2000


class Free(Executor):
    """A device that costs nothing."""

    slots = 1

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:  # noqa: ARG002
        batch, horizon, levels, _ = arguments
        return Forecast(np.zeros((len(batch), horizon)), None, levels, (OK,) * len(batch), "free")

    def close(self) -> None:
        """Nothing to close."""


def free_node() -> Node:
    models = Registry()
    models.register(Burn)
    pools = Pools(1, new=lambda *_: Free())
    return Node(read_settings(log_level="WARNING"), Serving(Engine(pools, models), pools))


def parts(text: bytes, request: bytes) -> list[str]:
    """Lines of a table: CPU time of each part for the body `text`, which the HTTP `request` brings."""
    found = uvloop.run(_parts(text))
    json = found[JSON]
    bare, whole = (_http(kind, request) for kind in ("bare", "serve"))
    found["uvicorn: a connection, a request, an answer, nothing in between"] = bare
    found["gate, routes, body, hang-up, metrics"] = max(0.0, whole - bare - found[ALL])
    found["the whole request"] = whole
    lines = ["| part | CPU, us | times msgspec |", "|---|---|---|"]
    return lines + [f"| {name} | {1e6 * seconds:.0f} | {seconds / json:.2f} |" for name, seconds in found.items()]


JSON = "msgspec decodes and encodes the same JSON, without types"
ALL = "the node's own work, all of it in turn"


async def _parts(text: bytes) -> dict[str, float]:
    node = free_node()
    await node.reload()
    question = read_forecast(text)
    offer, series = node.catalogue.find("forecast", "burn"), question.series()
    forecast = await node.serving.forecast([series], question.rows, "burn")

    async def at_once(work: Callable[[], object]) -> None:
        work()

    async def all_of_it() -> None:
        encode(await node.ask("forecast", read_forecast, text))

    async def answer() -> None:
        await offer.answer(question, time.monotonic() + 60)

    async def serve() -> None:
        await node.serving.forecast([series], question.rows, "burn", (), {}, time.monotonic() + 60)

    work: dict[str, Callable[[], Awaitable[None]]] = {
        JSON: lambda: at_once(lambda: msgspec.json.encode(msgspec.json.decode(text))),
        ALL: all_of_it,
        "- reading: JSON into typed fields": lambda: at_once(lambda: read_body(text)),
        "- reading: checks, columns, times, options": lambda: at_once(lambda: read_forecast(text)),
        "- white-noise test": lambda: at_once(lambda: is_white_noise(question.values)),
        "- queue and engine, without the model": serve,
        "- question to series, options": answer,
        "- the answer as JSON": lambda: at_once(lambda: encode(forecast_answer(question, forecast))),
    }
    found = {name: await _median(one) for name, one in work.items()}
    names = list(work)
    found[names[3]] -= found[names[2]]
    found[names[6]] = max(0.0, found[names[6]] - found[names[5]] - found[names[7]])
    return found


async def _median(work: Callable[[], Awaitable[None]]) -> float:
    """Seconds of CPU, warm."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        await work()
        seconds.append(time.thread_time() - started)
    return statistics.median(seconds)


def _http(kind: str, request: bytes) -> float:
    """Seconds of CPU that a server process takes for a request on a connection of its own."""
    command = [sys.executable, "-m", "benchmarks.anode_parts", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            host, _, port = line.strip().removeprefix("http://").partition(":")
            for _ in range(100):
                _exchange((host, int(port)), request)
            before = _cpu(process.pid)
            for _ in range(REQUESTS):
                _exchange((host, int(port)), request)
            return (_cpu(process.pid) - before) / REQUESTS
        finally:
            process.kill()


def _exchange(at: tuple[str, int], request: bytes) -> None:
    with socket.create_connection(at) as connection:
        connection.sendall(request)
        while b"\r\n\r\n" not in connection.recv(1 << 16):
            pass


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _bare(scope: Any, receive: Any, send: Any) -> None:
    """Reads and answers, nothing else."""
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


def _serve(kind: str) -> None:
    if kind == "serve":
        with in_background(free_node()) as url:
            print(url, flush=True)
            time.sleep(3600)
    (listener,) = listen("127.0.0.1", (0,))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    web_server(_bare, read_settings()).run(sockets=[listener])


if __name__ == "__main__":
    _serve(sys.argv[1])
