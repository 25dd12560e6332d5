"""The way from the other doors of a server to its plugins: its own node, asked in the language that plugins speak, as a
node elsewhere would be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from foretell.engine.anode import AnodeExecutor, entry_of
from foretell.errors import Cancelled, DeadlineExceeded, ForetellError, Overloaded
from foretell.registry import Entry, Kind
from foretell.wire.anode import PATHS
from foretell.wire.tdgpt import READ, Read
from foretell.wire.tdgpt_answers import Answer, encode, error_answer

HERE = "plugin:"
"""What the targets of plugins begin with."""
KINDS = {path: kind for kind, path in PATHS.items()}


def plugin_entry(kind: Kind, name: str, description: str) -> Entry:
    """What the other doors know of a plugin."""
    return replace(entry_of(f"{HERE}//", kind, name), description=description, license="see the plugin")


class Inside(AnodeExecutor):
    """Asks the node of this process, which `serve` tells, on its loop: whoever calls may run on another."""

    def serve(self, ask: Callable[[Kind, Read, bytes], Awaitable[Answer]]) -> None:
        """`ask` answers from now on, on the loop that runs now."""
        self._answers, self._loop = ask, asyncio.get_running_loop()

    def named(self, url: str, algo: str) -> str:  # noqa: ARG002
        return algo

    async def post(self, url: str, body: bytes, seconds: float) -> bytes:
        work = asyncio.run_coroutine_threadsafe(self._answer(KINDS[url.rpartition("/")[2]], body), self._loop)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(work)
        except TimeoutError:
            raise DeadlineExceeded from None

    async def _answer(self, kind: Kind, body: bytes) -> bytes:
        """What the node's own door would say; what is wrong with one series is an answer."""
        try:
            return encode(await self._answers(kind, READ[kind], body))
        except (Cancelled, DeadlineExceeded, Overloaded):
            raise
        except ForetellError as error:
            return encode(error_answer(error))
