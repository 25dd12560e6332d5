"""The table of TDgpt's endpoints as handlers of the web framework; nothing else in this folder knows it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from foretell.errors import ForetellError
from foretell.tdgpt.endpoints import ENDPOINTS, JSON, Endpoint, Show
from foretell.tdgpt.node import Node
from foretell.wire.asgi import Turnstile, unless_gone
from foretell.wire.tdgpt_answers import Answer, encode

log = logging.getLogger("foretell.tdgpt")
Web = Request[Any, Any, Any]
Seen = Callable[[str, Exception | None, float], None]
"""Told of each question: path, what went wrong, seconds."""


def routes(node: Node, seen: Seen, endpoints: Iterable[Endpoint] = ENDPOINTS) -> list[HTTPRouteHandler]:
    """The handlers. Answers of one batch are ready in the same moment, and leave one by one."""
    leave = Turnstile()
    return [_handler(node, endpoint, seen, leave) for endpoint in endpoints]


def _handler(node: Node, endpoint: Endpoint, seen: Seen, leave: Turnstile) -> HTTPRouteHandler:
    handle = _show(node, endpoint.show, endpoint.media_type) if endpoint.show else _ask(node, endpoint, seen, leave)
    route = HTTPRouteHandler(
        endpoint.path, http_method=endpoint.method, status_code=200, name=endpoint.path, include_in_schema=False
    )
    return route(handle)


def _show(node: Node, show: Show, media_type: str) -> Callable[[], Any]:
    async def handle() -> Response[bytes]:
        return Response(show(node), media_type=media_type)

    return handle


def _ask(node: Node, endpoint: Endpoint, seen: Seen, leave: Turnstile) -> Callable[[Web], Any]:
    async def handle(request: Web) -> Response[bytes]:
        started = time.monotonic()
        answer, error = await _answer(node, endpoint, request)
        await leave.turn()
        seen(endpoint.path, error, time.monotonic() - started)
        status = 200 if error is None else endpoint.status(error)
        return Response(encode(answer), status_code=status, media_type=JSON)

    return handle


async def _answer(node: Node, endpoint: Endpoint, request: Web) -> tuple[Answer, Exception | None]:
    """The answer to a request, which for an error says so, and that error."""
    body = await request.body()
    try:
        if endpoint.ask is None:
            raise TypeError(f"{endpoint.path} neither shows nor asks")
        return await unless_gone(request.receive, endpoint.ask(node, body)), None
    except ForetellError as error:
        log.info("%s: %s", endpoint.path, error)
        return endpoint.error(error), error
    except Exception as error:
        log.exception("%s", endpoint.path)
        return endpoint.error("internal error; the log of the node says more"), error
