"""The way from a request to the table of TDgpt's endpoints and back. What is on no line of the table goes on to `rest`.

No web framework stands in between: taosd opens a connection for each request and wants an answer of one kind.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from foretell.errors import ForetellError
from foretell.tdgpt.endpoints import ENDPOINTS, HTML, JSON, Endpoint, error_page
from foretell.tdgpt.node import Node
from foretell.wire.asgi import App, Receive, Scope, Send, Turnstile, answer, header, read_body, unless_gone
from foretell.wire.tdgpt_answers import Answer, encode

log = logging.getLogger("foretell.tdgpt")
Seen = Callable[[str, Exception | None, float], None]
"""Told of each question: path, what went wrong, seconds."""
Table = Mapping[str, Endpoint]


def table(endpoints: Iterable[Endpoint]) -> Table:
    """Endpoints by their paths; stray slashes at the ends do not matter."""
    return {endpoint.path.strip("/"): endpoint for endpoint in endpoints}


BY_PATH = table(ENDPOINTS)


@dataclass(frozen=True, slots=True)
class Routes:
    """Answers of one batch are ready in the same moment, and leave one by one."""

    node: Node
    seen: Seen
    rest: App
    table: Table = field(default_factory=lambda: BY_PATH)
    leave: Turnstile = field(default_factory=Turnstile)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = None if scope["type"] != "http" else self.table.get(scope["path"].strip("/"))
        if endpoint is None:
            await self.rest(scope, receive, send)
        elif scope["method"] not in endpoint.methods:
            allow = b"allow", ", ".join(endpoint.methods).encode()
            await answer(send, 405, HTML, error_page(405), allow)
        elif endpoint.ask is None:
            await self._show(endpoint, scope, send)
        else:
            await self._ask(endpoint, scope, receive, send)

    async def _show(self, endpoint: Endpoint, scope: Scope, send: Send) -> None:
        browser = endpoint.page is not None and b"text/html" in header(scope, b"accept")
        show = endpoint.page if browser else endpoint.show
        if show is not None:
            await answer(send, 200, endpoint.media_type, show(self.node))

    async def _ask(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        content, error = await self._answer(endpoint, scope, receive)
        await self.leave.turn()
        self.seen(endpoint.path, error, time.monotonic() - started)
        status = 200 if error is None else endpoint.status(error)
        await answer(send, status, JSON, encode(content))

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> tuple[Answer, Exception | None]:
        """The answer to a request, which for an error says so, and that error."""
        settings = self.node.settings
        try:
            if endpoint.ask is None:
                raise TypeError(f"{endpoint.path} does not ask")
            body = await read_body(scope, receive, settings.body_limit, settings.body_timeout)
            return await unless_gone(receive, endpoint.ask(self.node, body)), None
        except ForetellError as error:
            log.info("%s: %s", endpoint.path, error)
            return endpoint.error(error), error
        except Exception as error:
            log.exception("%s", endpoint.path)
            return endpoint.error("internal error; the log of the node says more"), error
