"""A verb as a POST: body to question, question to answer, answer in the form that the caller likes."""

from __future__ import annotations

import time
from typing import Any

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from foretell.engine.loop import beside
from foretell.http_api.bodies import LARGE, read, wanted, written
from foretell.http_api.door import Door
from foretell.http_api.openapi import operation
from foretell.http_api.verb import Asking, Verb
from foretell.wire.asgi import unless_gone

Web = Request[Any, Any, Any]


def handler(door: Door, verb: Verb) -> HTTPRouteHandler:
    """The endpoint of a verb."""

    @post(f"/v1/{verb.name}", status_code=200, summary=verb.summary, operation_class=operation(verb))
    async def handle(request: Web) -> Response[bytes]:
        with door.metrics.counting(f"/v1/{verb.name}"):
            return await _answer(door, verb, request)

    return handle


async def _answer(door: Door, verb: Verb, request: Web) -> Response[bytes]:
    body, content_type = await request.body(), request.headers.get("content-type", "")
    question = await read(verb, body, content_type, request.query_params, door.settings.body_limit)
    given = question.parameters
    patience = min(given.timeout or door.settings.request_timeout, door.settings.request_timeout)
    asking = Asking(door.serving, door.settings, time.monotonic() + patience, given.priority == "batch")
    made = await unless_gone(request.receive, verb.ask(asking, given, question.inputs))
    media_type = wanted(request.headers.get("accept", ""), content_type)
    begun = time.monotonic()
    data = await beside(len(body) >= LARGE, written, verb, [(question.inputs, made)], media_type)
    door.metrics.encoded(f"/v1/{verb.name}", time.monotonic() - begun)
    return Response(data, media_type=media_type)
