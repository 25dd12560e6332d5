"""/v1/jobs: hand in, look, fetch, stop."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foretell.errors import InvalidInput
from foretell.http_api.bodies import wanted
from foretell.http_api.door import Door
from foretell.http_api.jobs import Job
from foretell.http_api.keys import key_name
from foretell.http_api.openapi import Refusing

PATH = "/v1/jobs"
Web = Request[Any, Any, Any]


class JobOut(msgspec.Struct):
    """`done` of `total` series are answered; times are seconds since the epoch."""

    id: str
    verb: str
    state: str
    done: int
    total: int
    created: float
    finished: float | None
    error: str | None


def hand_in(door: Door) -> HTTPRouteHandler:
    summary = "Hand in long work: ?verb=forecast and that verb's body"

    @post(PATH, status_code=202, summary=summary, operation_class=Refusing)
    async def handle(request: Web) -> Response[JobOut]:
        """The body, and beside an Arrow body the query, are those of POST /v1/VERB."""
        with door.metrics.counting(PATH):
            query, body = dict(request.query_params), await request.body()
            verb = str(query.pop("verb", ""))
            if not verb:
                raise InvalidInput("verb", "must be named: ?verb=forecast")
            content_type = request.headers.get("content-type", "")
            job = await door.jobs.submit(verb, body, content_type, query, key_name(request.scope))
        return Response(_out(job), status_code=202, headers={"Location": f"/v1/jobs/{job.id}"})

    return handle


def all_jobs(door: Door) -> HTTPRouteHandler:
    @get(PATH, summary="The caller's jobs, newest first", operation_class=Refusing)
    async def handle(request: Web) -> list[JobOut]:
        """Those that are over are kept for the setting `job_age`."""
        return [_out(job) for job in door.jobs.list(key_name(request.scope))]

    return handle


def one_job(door: Door) -> HTTPRouteHandler:
    @get("/v1/jobs/{id:str}", summary="How far a job is", operation_class=Refusing)
    async def handle(request: Web, id: FromPath[str]) -> JobOut:
        """State and progress."""
        return _out(door.jobs.find(id, key_name(request.scope)))

    return handle


def result(door: Door) -> HTTPRouteHandler:
    @get("/v1/jobs/{id:str}/result", summary="The result of a job that is done", operation_class=Refusing)
    async def handle(request: Web, id: FromPath[str]) -> Response[bytes]:
        """What POST /v1/VERB would have answered, as JSON or, with that Accept, Arrow."""
        job = door.jobs.find(id, key_name(request.scope))
        media_type = wanted(request.headers.get("accept", ""), job.content_type)
        return Response(await door.jobs.result(job, media_type), media_type=media_type)

    return handle


def stop(door: Door) -> HTTPRouteHandler:
    @delete(
        "/v1/jobs/{id:str}",
        status_code=200,
        summary="Stop a job, or take away one that is over",
        operation_class=Refusing,
    )
    async def handle(request: Web, id: FromPath[str]) -> JobOut:
        """A job that is stopped stays, as cancelled, until it is taken away."""
        return _out(await door.jobs.drop(door.jobs.find(id, key_name(request.scope))))

    return handle


def _out(job: Job) -> JobOut:
    return JobOut(job.id, job.verb, job.state, job.done, job.total, job.created, job.finished, job.error)
