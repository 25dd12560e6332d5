"""Work on an event loop: a few jobs at a time, beside it, and for callers that have no loop of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent import futures
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
MANY = 256
"""Series from which on what has to be done with each of them is done beside the loop."""
_beside = futures.ThreadPoolExecutor(4, "foretell-beside")
"""Not the loop's own threads: those may wait for the loop (evaluations do), and work there could wait for them."""


async def beside(much: bool, work: Callable[..., T], *arguments: Any) -> T:
    """What `work` gives; where it is much work, in a thread, so that others are answered meanwhile."""
    if not much:
        return work(*arguments)
    run = partial(copy_context().run, work, *arguments)
    return await asyncio.get_running_loop().run_in_executor(_beside, run)


async def at_most(count: int, jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run all jobs, `count` at a time, in order; the first error stops the rest."""
    if len(jobs) == 1:
        await jobs[0]()
        return
    waiting = iter(jobs)

    async def lane() -> None:
        for job in waiting:
            await job()

    lanes = [asyncio.ensure_future(lane()) for _ in range(min(count, len(jobs)))]
    try:
        await asyncio.gather(*lanes)
    except BaseException:
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        raise


LOOK = 0.2
"""Seconds between two looks for Ctrl-C: while another thread is in statsforecast, it does not wake who waits."""

_loop_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, computed on a loop of our own in a background thread."""
    global _loop
    with _loop_lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="foretell-loop", daemon=True).start()
    future = asyncio.run_coroutine_threadsafe(work, _loop)
    try:
        while not futures.wait((future,), LOOK).done:
            pass
        return future.result()
    except BaseException:
        future.cancel()
        raise
