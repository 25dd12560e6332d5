"""What every door needs of ASGI, beneath any framework."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from foretell.errors import Cancelled

T = TypeVar("T")
Receive = Callable[[], Awaitable[Any]]


class Turnstile:
    """Lets one through in each round of the event loop, in order.

    A crowd of requests that arrive, or of answers that are ready, in the same round would hold the loop until the last
    of them is done; here what is urgent and short (taosd gives /list 100 ms) goes in between.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        async with self._lock:
            await asyncio.sleep(0)


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is stopped when the caller hangs up (taosd does at its timeout).

    The body must have been received before: `receive` tells then only of the end of the connection.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Cancelled("the caller hung up")
    finally:
        task.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
