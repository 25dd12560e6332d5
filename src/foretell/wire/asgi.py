"""What every door needs of ASGI, beneath any framework."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

from foretell.errors import BodyTooLarge, BodyTooLate, Cancelled

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
USER = "foretell_user"
"""Where the scope of a request has the name of the database's user who came with it."""

Note = Callable[[str, str, int, float], None]
"""Notes a message of a WebSocket: its action, the user of the database, the status of its answer, seconds."""
NOTE = "foretell_note"
"""Where the scope of a WebSocket has its Note, if a journal is kept."""


def nowhere(action: str, user: str, status: int, seconds: float) -> None:
    """The Note of a WebSocket of which nobody keeps a journal."""


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


def header(scope: Scope, name: bytes) -> bytes:
    """The first header of this name (in lower case), or nothing."""
    return next((value for key, value in scope["headers"] if key == name), b"")


async def read_body(scope: Scope, receive: Receive, limit: int, seconds: float) -> bytes:
    """The body of a request: BodyTooLarge where it is longer than `limit` bytes; for the rest see `punctual`.

    What says its length beforehand is refused before it is read; so a client that waits for `100 Continue` never
    sends it.
    """
    length = header(scope, b"content-length")
    if length and int(length) > limit:
        raise BodyTooLarge(limit)
    receive = punctual(receive, seconds)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLarge(limit)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def punctual(receive: Receive, seconds: float) -> Receive:
    """`receive` of a request whose body is there within `seconds`: otherwise it raises BodyTooLate, or Cancelled where
    the caller hangs up before the end."""
    whole, end = False, asyncio.get_running_loop().time() + seconds

    async def in_time() -> Any:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(end):
                message = await receive()
        except TimeoutError:
            raise BodyTooLate(seconds) from None
        if message["type"] == "http.disconnect":
            raise Cancelled("the caller hung up")
        whole = not message.get("more_body")
        return message

    return in_time


def with_punctual_bodies(app: App, seconds: float) -> App:
    """An application whose requests have `seconds` for their bodies."""

    async def timed(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, punctual(receive, seconds) if scope["type"] == "http" else receive, send)

    return timed


async def answer(send: Send, status: int, media_type: str, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """One whole answer."""
    own = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T] | asyncio.Future[T]) -> T:
    """The result of `work`, which is stopped when the caller hangs up (taosd does at its timeout).

    The body must have been received before: `receive` tells then only of the end of the connection.
    """
    watch = _Watch(receive)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.saw_the_end():
            raise Cancelled("the caller hung up") from None
        raise
    finally:
        watch.stop()


class _Watch:
    """Cancels the task that made it when the connection ends."""

    def __init__(self, receive: Receive) -> None:
        self._task = asyncio.current_task()
        self._over = self._gone = False
        self._watch = asyncio.ensure_future(_gone(receive))
        self._watch.add_done_callback(self._end)

    def _end(self, watch: asyncio.Future[None]) -> None:
        if not self._over and not watch.cancelled() and self._task is not None:
            self._gone = True
            self._task.cancel()

    def saw_the_end(self) -> bool:
        """Whether the cancellation was ours; it is taken back."""
        if self._gone and self._task is not None:
            self._task.uncancel()
        return self._gone

    def stop(self) -> None:
        self._over = True
        self._watch.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def client_of(scope: Scope) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address at the other end of the connection; an IPv4 address in IPv6 clothes as IPv4."""
    try:
        address = ipaddress.ip_address((scope.get("client") or ("",))[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
