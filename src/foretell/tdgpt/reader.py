"""Large bodies are read in a process of their own: decoding one of 30 MB holds the interpreter's lock for longer than
taosd waits for /list."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from foretell.engine.queue import BatchQueue
from foretell.engine.worker import ProcessExecutor

T = TypeVar("T")
Read = Callable[[bytes], T]
LARGE = 1 << 20
"""Bytes: about 20,000 rows of taosd's, which take 3 ms."""
PATIENCE = 60.0
"""Seconds for one body."""
WAITING = 32
"""Large bodies that may wait; more are refused."""


class Decoder:
    """What answers in that process: each call brings the function that reads."""

    def call(self, name: str, verb: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ARG002
        read, body = arguments
        return read(body)


class Reader:
    """Reads bodies. The process starts with the first large one."""

    def __init__(self) -> None:
        self._executor = ProcessExecutor(1, Decoder)
        self._queue: BatchQueue[tuple[Read[Any], bytes], Any] = BatchQueue(self._run, limit=WAITING)

    async def read(self, read: Read[T], body: bytes) -> T:
        """What `read`, a function of a module, makes of a body; or its error."""
        if len(body) < LARGE:
            return read(body)
        result: T = await self._queue.submit(lambda: None, (read, body), 1.0, time.monotonic() + PATIENCE)
        return result

    async def _run(self, requests: Sequence[tuple[Read[Any], bytes]], deadline: float | None) -> list[Any]:
        return [await self._executor.call("body", "read", request, deadline) for request in requests]

    def close(self) -> None:
        self._executor.close()
