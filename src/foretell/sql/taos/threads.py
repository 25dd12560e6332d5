"""Where statements run: threads, so that the event loop never waits for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from foretell.errors import Cancelled
from foretell.sql.database.connection import Connection

T = TypeVar("T")
MOST = 64
"""Statements that run at the same time; more wait for a thread."""
AGAIN = 0.05
"""Seconds after which a statement that still runs is interrupted again: the first time it may not have begun."""


class Threads:
    """Threads of one door."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MOST, "foretell-sql")

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of `work`, computed elsewhere. Cancelling waits no longer, but stops nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    async def statement(self, connection: Connection, work: Callable[[], T]) -> T:
        """The result of `work`, which uses `connection` alone; cancelling interrupts what runs there, and waits."""
        gone = False

        def unless_gone() -> T:
            if gone:
                raise Cancelled
            return work()

        running = asyncio.get_running_loop().run_in_executor(self._pool, unless_gone)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            gone = True
            while not running.done():
                connection.interrupt()
                await asyncio.wait((running,), timeout=AGAIN)
            if not running.cancelled():
                running.exception()
            raise

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
