"""Where statements run: threads, so that the event loop never waits for one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from foretell.errors import Cancelled
from foretell.sql.database.connection import Connection

T = TypeVar("T")
MOST = 64
"""Statements that run at the same time; more wait for a thread."""
SHORT = 8
"""Threads for what is short: logins and encodings, which no statement shall hold up."""
AGAIN = 0.05
"""Seconds after which a statement that still runs is interrupted again: the first time it may not have begun."""


Seen = Callable[[BaseException | None, float], None]
"""Is told of every statement that has ended: its error, and how many seconds it took."""


class Threads:
    """Threads of one door."""

    def __init__(self) -> None:
        self.seen: Seen | None = None
        self._statements = ThreadPoolExecutor(MOST, "foretell-sql")
        self._short = ThreadPoolExecutor(SHORT, "foretell-taos")

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of `work`, which is short. Cancelling waits no longer, but stops nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._short, work, *arguments)

    async def statement(self, connection: Connection, work: Callable[[], T]) -> T:
        """The result of `work`, which uses `connection` alone; cancelling interrupts what runs there, and waits."""
        gone = False

        def unless_gone() -> T:
            if gone:
                raise Cancelled
            return work()

        begun = time.monotonic()
        running = asyncio.get_running_loop().run_in_executor(self._statements, unless_gone)
        running.add_done_callback(lambda done: self._ended(done, time.monotonic() - begun))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            gone = True
            while not running.done():
                connection.interrupt()
                await asyncio.wait((running,), timeout=AGAIN)
            raise

    def _ended(self, done: asyncio.Future[T], seconds: float) -> None:
        error = Cancelled() if done.cancelled() else done.exception()
        if self.seen is not None:
            self.seen(error, seconds)

    def close(self) -> None:
        for pool in (self._statements, self._short):
            pool.shutdown(wait=False, cancel_futures=True)
