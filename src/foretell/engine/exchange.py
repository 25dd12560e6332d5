"""Requests to servers elsewhere: connections are kept and reused, answers are bounded, secrets masked in errors."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from foretell.errors import InvalidInput, ModelFailed
from foretell.wire.masking import mask

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT = 5.0
ANSWER_LIMIT = 32 << 20


class Unreachable(Exception):
    """There is no server, or it broke off."""


class Exchange:
    """At most `slots` connections at once for each event loop, to whatever servers. `who` is what errors call one."""

    def __init__(self, who: str, slots: int, answer_limit: int = ANSWER_LIMIT) -> None:
        self._who, self._slots, self.answer_limit = who, slots, answer_limit
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    async def ask(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """The status and the body of an answer. A kept connection that the server has closed meanwhile is tried again.

        Raises Unreachable, InvalidInput for a URL that is none, and ModelFailed for an answer that is too large.
        """
        import httpx  # 0.2 s that only those pay who ask somebody

        for attempt in (1, 2):
            try:
                return await self._once(method, url, body, headers or {})
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                if attempt == 2:
                    raise Unreachable(f"{self._who} {mask(url)} broke off: {error}") from None
            except httpx.HTTPError as error:
                raise Unreachable(f"{self._who} {mask(url)} is not there: {error}") from None
            except httpx.InvalidURL as error:
                raise InvalidInput("url", f"{mask(url)}: {error}") from None
        raise AssertionError("unreachable")

    async def _once(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        async with self._connections().stream(method, url, content=body or None, headers=headers) as response:
            received = bytearray()
            async for part in response.aiter_bytes():
                received += part
                if len(received) > self.answer_limit:
                    raise ModelFailed(f"{self._who} {mask(url)} answers with more than {self.answer_limit} bytes")
        return response.status_code, bytes(received)

    def _connections(self) -> httpx.AsyncClient:
        """Those of the running loop: a server's requests and SQL's run on two."""
        import httpx

        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
                limits=httpx.Limits(max_connections=self._slots, max_keepalive_connections=self._slots),
                verify=_trusted(),
                trust_env=False,
            )
        return self._clients[loop]

    async def aclose(self) -> None:
        """Close the connections, each on the loop that uses it."""
        clients, self._clients = [*self._clients.items()], WeakKeyDictionary()
        for loop, client in clients:
            if loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(client.aclose(), loop))

    def close(self) -> None:
        self._clients.clear()


def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed: the usual authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    import httpx

    try:
        return httpx.create_ssl_context(trust_env=True)
    except OSError as error:
        name = next(name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name))
        raise InvalidInput(name, f"cannot use {os.environ[name]}: {error.strerror or error}") from None
