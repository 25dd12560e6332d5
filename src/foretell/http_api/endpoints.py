"""The endpoints of our own door, as a table: each makes its handler from the door."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from foretell.errors import ForetellError
from foretell.http_api import job_endpoints, kserve, model_endpoints, pages, sql_door, upload
from foretell.http_api.call import handler
from foretell.http_api.door import Door
from foretell.http_api.openapi import Refusing
from foretell.http_api.problems import problem_of
from foretell.http_api.verbs import VERBS

PROMETHEUS = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
"""Without what Litestar adds to every text."""

log = logging.getLogger("foretell.http")


def healthz(_: Door) -> HTTPRouteHandler:
    @get("/healthz", summary="Whether the process answers", media_type="text/plain")
    async def handle() -> str:
        """Always ok."""
        return "ok\n"

    return handle


def readyz(_: Door) -> HTTPRouteHandler:
    @get("/readyz", summary="Whether requests can be answered", media_type="text/plain")
    async def handle() -> str:
        """The port opens when everything is loaded: ok as soon as there is an answer."""
        return "ok\n"

    return handle


def metrics(door: Door) -> HTTPRouteHandler:
    @get("/metrics", summary="Figures for Prometheus")
    async def handle() -> Response[bytes]:
        """Requests, times, batch sizes, queues, worker deaths."""
        return Response(door.metrics.text(), media_type=PROMETHEUS)

    return handle


def reload(door: Door) -> HTTPRouteHandler:
    @post("/v1/reload", status_code=200, summary="Read plugins and model servers anew", operation_class=Refusing)
    async def handle() -> Response[Any]:
        """What `foretell reload` calls: with a key that has the scope admin, or on this machine the admin token."""
        try:
            await door.reload()
        except ForetellError as error:
            return problem_of(409, f"nothing was changed: {error}")
        return Response({"status": "reloaded"})

    return handle


ENDPOINTS: tuple[Callable[[Door], HTTPRouteHandler], ...] = (
    *(partial(handler, verb=verb) for verb in VERBS.values()),
    job_endpoints.hand_in,
    job_endpoints.all_jobs,
    job_endpoints.one_job,
    job_endpoints.result,
    job_endpoints.stop,
    kserve.forecast,
    kserve.models,
    model_endpoints.models,
    model_endpoints.model,
    model_endpoints.load,
    model_endpoints.unload,
    model_endpoints.pull_weights,
    sql_door.sql,
    upload.upload,
    pages.console,
    pages.part,
    healthz,
    readyz,
    metrics,
    reload,
)


def handlers(door: Door) -> list[HTTPRouteHandler]:
    return [endpoint(door) for endpoint in ENDPOINTS]
