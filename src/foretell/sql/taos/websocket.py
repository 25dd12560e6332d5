"""TDengine's WebSocket: messages in, answers out, many at a time on many connections.

The server never sends a close frame of its own accord: the clients take it for an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import msgspec

from foretell.errors import ForetellError, InvalidInput, Overloaded
from foretell.sql.database.database import Database
from foretell.sql.taos.actions import BINARY, OPEN, WORK, Args, find
from foretell.sql.taos.answers import fault
from foretell.sql.taos.logins import Logins
from foretell.sql.taos.peer import Peer
from foretell.sql.taos.rest import other_end, query_fields
from foretell.sql.taos.threads import Threads
from foretell.wire import taos_frames as frames
from foretell.wire.asgi import NOTE, Receive, Scope, Send, nowhere

AT_ONCE = 1_000
BYTES_AT_ONCE = 128 << 20
"""Messages of one connection, and their bytes, that may wait for an answer; further ones are refused. All are read, so
that it is noticed when the client goes."""
MOST_WAITING = 2 * AT_ONCE
"""Answers, refusals among them, that may wait until the client takes them; who lets more wait is gone."""
LONGEST_OF_STRANGERS = 16 << 10
"""Characters of a text message of whom nobody knows yet: names, a password or a token, a time zone."""
LONGEST_ACTION = 64
TURNED_AWAY = (401, 403)
_encode = msgspec.json.Encoder().encode


class Message(msgspec.Struct):
    """A text message."""

    action: str
    args: dict[str, Any] = msgspec.field(default_factory=dict)


class WebSockets:
    """The interface over one database."""

    def __init__(self, database: Database, logins: Logins, threads: Threads) -> None:
        self._database = database
        self._logins = logins
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # that somebody wants to connect
        await send({"type": "websocket.accept"})
        token = query_fields(scope["query_string"]).get("token", "")
        peer = Peer(self._database, self._logins, self._threads, other_end(scope), scope.get(NOTE, nowhere), token)
        try:
            await _converse(peer, receive, send)
        finally:
            peer.close()


async def _converse(peer: Peer, receive: Receive, send: Send) -> None:
    """Read messages until the client goes; then what still runs for it is stopped.

    Of what is refused, and of whom nobody knows yet, only the answer waits.
    """
    tasks: dict[asyncio.Task[None], int] = {}
    try:
        while (message := await receive())["type"] != "websocket.disconnect" and len(tasks) < MOST_WAITING:
            size = len(message.get("text") or message.get("bytes") or "")
            full = len(tasks) >= AT_ONCE or (bool(tasks) and sum(tasks.values()) + size > BYTES_AT_ONCE)
            if full or not peer.user:
                made = await _made(peer, message, full)
                work, size = _say(send, made), len(made or "")
            else:
                work = _handle(peer, message, send)
            task = asyncio.create_task(work)
            tasks[task] = size
            task.add_done_callback(tasks.pop)
    finally:
        waiting = [*tasks]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _handle(peer: Peer, message: Any, send: Send) -> None:
    await _say(send, await _made(peer, message, full=False))


async def _made(peer: Peer, message: Any, full: bool) -> str | bytes | None:
    """The answer to a message."""
    text = message.get("text")
    return await (_text(peer, text, full) if text is not None else _binary(peer, message["bytes"], full))


async def _say(send: Send, made: str | bytes | None) -> None:
    if made is not None:
        with contextlib.suppress(OSError):  # the client has gone meanwhile
            kind = "bytes" if isinstance(made, bytes) else "text"
            await send({"type": "websocket.send", kind: made})


async def _text(peer: Peer, text: str, full: bool) -> str | bytes | None:
    started = time.perf_counter_ns()
    action, req_id = "", 0
    try:
        message = _read(peer, text)
        action, args = message.action[:LONGEST_ACTION], Args(message.args)
        req_id = args.number("req_id") if message.args.get("req_id") is not None else 0
        _check(peer, full, action in OPEN)
        made = await find(action)(peer, args)
    except Exception as error:
        _note(peer, action, started, error)
        return _failed(action, req_id, started, error)
    _note(peer, action, started)
    return _answer(action, req_id, started, made) if isinstance(made, dict) else made


def _read(peer: Peer, text: str) -> Message:
    if not peer.user and len(text) > LONGEST_OF_STRANGERS:
        raise InvalidInput("message", f"has more than {LONGEST_OF_STRANGERS:,} characters before the login")
    try:
        return msgspec.json.decode(text, type=Message)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput("message", str(error)) from None


def _check(peer: Peer, full: bool, is_open: bool) -> None:
    """AuthenticationFailed before the login, Overloaded where too much waits already."""
    if not is_open:
        _ = peer.connection
    if full:
        raise Overloaded("too many messages of this connection wait for an answer")


async def _binary(peer: Peer, message: bytes, full: bool) -> str | bytes:
    started = time.perf_counter_ns()
    action, asked = "", frames.Question(0, 0, 0, memoryview(b""))
    try:
        asked = frames.read_question(message)
        if asked.action not in BINARY:
            raise InvalidInput("action", f"{asked.action} is none; known: {', '.join(map(str, BINARY))}")
        action, work = BINARY[asked.action]
        _check(peer, full, is_open=False)
        made = await work(peer, asked)
    except Exception as error:
        _note(peer, action, started, error)
        if asked.action == frames.FETCH:
            return frames.fetch_failed(asked.req_id, asked.about, *fault(error))
        return _failed(action, asked.req_id, started, error)
    _note(peer, action, started)
    return _answer(action, asked.req_id, started, made) if isinstance(made, dict) else made


def _note(peer: Peer, action: str, started: int, error: Exception | None = None) -> None:
    """Note what computes or changes something, and who was turned away, with the status that HTTP would give."""
    status = 200 if error is None else error.http_status if isinstance(error, ForetellError) else 500
    if action in WORK or status in TURNED_AWAY:
        peer.note(action, peer.user, status, (time.perf_counter_ns() - started) / 1e9)


def _answer(action: str, req_id: int, started: int, fields: dict[str, Any]) -> str:
    timing = time.perf_counter_ns() - started
    head = {"code": 0, "message": "", "action": action, "req_id": req_id, "timing": timing}
    return _encode({**head, **fields}).decode()


def _failed(action: str, req_id: int, started: int, error: Exception) -> str:
    code, text = fault(error)
    timing = time.perf_counter_ns() - started
    made = {"code": code, "message": text, "action": action, "req_id": req_id, "timing": timing}
    return _encode(made).decode()
