"""The doors as one application over one node, behind the gate; and what errors outside of an endpoint look like."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi import OpenAPIConfig

from foretell.admin import state_folder
from foretell.engine import Engine
from foretell.engine.cache import Cache
from foretell.engine.drift import Drift
from foretell.engine.pools import Policy, Pools
from foretell.engine.remote import RemoteExecutor
from foretell.engine.scaling import Scale
from foretell.engine.serving import Serving
from foretell.engine.worker import Executor
from foretell.errors import BodyTooLarge, ForetellError, InvalidInput, UnknownName
from foretell.http_api.access import Gate, Refusal, Rules
from foretell.http_api.door import Door
from foretell.http_api.endpoints import handlers
from foretell.http_api.jobs import Jobs
from foretell.http_api.journal import Journal
from foretell.http_api.metrics import Metrics
from foretell.http_api.openapi import operation_id
from foretell.http_api.problems import problem, problem_of
from foretell.registry import Registry, registry
from foretell.settings import Settings
from foretell.tdgpt.endpoints import JSON, error_page
from foretell.tdgpt.inside import HERE, Inside
from foretell.tdgpt.node import Node, named
from foretell.tdgpt.routes import Routes
from foretell.wire.asgi import App, with_punctual_bodies
from foretell.wire.taos_rows import error_answer as taos_error
from foretell.wire.tdgpt_answers import encode, error_answer

if TYPE_CHECKING:
    from foretell.sql.taos import TaosDoor

log = logging.getLogger("foretell.server")
OURS = ("/v1", "/healthz", "/readyz", "/metrics", "/schema", "/console")
"""Paths of our own door; the others are TDgpt's."""
TAOS = ("/rest/", "/ws")
"""Where TDengine's clients are answered, if there is a database for them."""
CONSOLE = ("/console", "/v1/sql", "/v1/upload")
"""Paths of the console, which ask for a login of the database themselves, or need none."""


def new_node(settings: Settings, models: Registry | None = None) -> Node:
    """A node that has read nothing yet: its application does that when it starts."""
    servers, inside = RemoteExecutor(), Inside()
    models = models or registry()
    _check_weights(settings, models)
    pools = _pools(settings, models, {"http://": servers, "https://": servers, HERE: inside})
    engine = Engine(pools, models)
    cache = Cache(settings.cache_mb << 20, settings.cache_age)
    return Node(settings, Serving(engine, pools, settings.queue_limit, cache), inside=inside)


def _check_weights(settings: Settings, models: Registry) -> None:
    """InvalidInput where the settings say where the weights of a model lie that has none, or is not known."""
    having = [entry.name for entry in models.all_entries() if entry.pull is not None]
    for name in settings.weights:
        if name not in having:
            raise InvalidInput("weights", str(UnknownName("model with weights", name, having)))


def _pools(settings: Settings, models: Registry, remotes: Mapping[str, Executor]) -> Pools:
    """Processes of this machine, or actors of the Ray cluster that the settings name."""
    workers = settings.workers or os.cpu_count() or 1
    if not settings.ray:
        return Pools(workers, remotes, policy=_policy(settings, models))
    from foretell.engine.cluster import RayExecutor

    most = settings.ray_most or workers
    scale = Scale(min(settings.ray_least, most), most, settings.ray_idle)
    return Pools(most, remotes, lambda *_: RayExecutor(settings.ray, scale), Policy(usual=most))


def _policy(settings: Settings, models: Registry) -> Policy:
    """What the settings say of models by name, by entry point. A name that nobody knows is an error."""

    def target(field: str, name: str) -> str:
        try:
            return models.lookup(name).target
        except UnknownName as error:
            raise InvalidInput(field, str(error)) from None

    return Policy(
        replicas={target("replicas", name): count for name, count in settings.replicas.items()},
        devices={target("devices", name): devices for name, devices in settings.devices.items()},
        idle=settings.unload_after,
        memory=None if settings.memory_budget_mb is None else settings.memory_budget_mb << 20,
    )


def application(node: Node, ready: Callable[[], None] = lambda: None, taos: TaosDoor | None = None) -> App:
    """The doors over one node, and that of TDengine's clients if there is one, behind the gate.

    The node's processes start and end with the application; `ready` is called in between.
    """
    settings, serving = node.settings, node.serving
    metrics = Metrics(
        serving.depths,
        lambda: {**serving.pools.replaced, **node.loaded.replaced},
        lambda: {name: pool.memory for name, pool in serving.pools.loaded.items()},
        serving.cache,
    )
    serving.seen, serving.drift = metrics.ran, Drift(metrics.scored)
    jobs = Jobs(state_folder(settings) / f"jobs-{settings.port}", settings, serving)
    app = Litestar(
        route_handlers=handlers(Door(settings, serving, metrics, node.reload, jobs, taos)),
        exception_handlers={Exception: partial(_error_page, settings.body_limit)},
        request_max_body_size=settings.body_limit,
        on_startup=[serving.pools.start, node.reload, partial(_preload, settings, serving), jobs.start, ready],
        on_shutdown=[jobs.stop, node.close],
        logging_config=None,
        openapi_config=OpenAPIConfig(
            "foretell",
            metadata.version("foretell"),
            path="/schema",
            operation_id_creator=operation_id,
        ),
    )
    ours = with_punctual_bodies(cast(App, app), settings.body_timeout)
    doors: App = Routes(node, metrics.request, ours)
    if taos is not None:
        taos.threads.seen = partial(metrics.request, "sql")
        doors = _beside(doors, taos)
    return behind_gate(doors, settings, _refuse, (*CONSOLE, *(TAOS if taos else ())))


async def _preload(settings: Settings, serving: Serving) -> None:
    """Have the models that the settings name ready before anybody asks."""
    for name in settings.preload:
        await serving.pools.load(named(serving.engine.models, "preload", name).target)


def behind_gate(
    app: App, settings: Settings, refuse: Callable[[Any, Refusal], Any], logins: tuple[str, ...] = ()
) -> App:
    """An application that lets in whom the settings let in; `refuse` says no to the others. `logins` are beginnings of
    paths that ask for a login themselves."""
    return Gate(app, Rules.of(settings, logins), refuse, Journal(settings.audit_log))


def _beside(app: App, taos: TaosDoor) -> App:
    """The door of TDengine's clients at its paths, the others elsewhere."""

    async def route(scope: Any, receive: Any, send: Any) -> None:
        kind = scope["type"]
        if kind == "websocket" or (kind == "http" and scope["path"].startswith(TAOS)):
            await taos(scope, receive, send)
            return
        await app(scope, receive, send)
        if kind == "lifespan":
            taos.close()

    return route


def _refuse(scope: Any, refusal: Refusal) -> Any:
    """In the shape of the door, as any other error."""
    if scope["path"].startswith(OURS):
        response = problem_of(refusal.status, refusal.reason)
    elif scope["path"].startswith(TAOS):
        response = Response(taos_error(0x118, refusal.reason), status_code=refusal.status, media_type=JSON)
    else:
        response = Response(encode(error_answer(refusal.reason)), status_code=refusal.status, media_type=JSON)
    return as_refusal(response, scope, refusal)


def as_refusal(response: Response[bytes], scope: Any, refusal: Refusal) -> Any:
    """A response outside of the framework; a 401 says how to bring a secret, a 429 when to come again."""
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(refusal.retry_after))
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="foretell"'
    return response.to_asgi_response(app=None, request=Request(scope))


def _error_page(limit: int, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Errors outside of an endpoint, in the shape of the door: never a page of the framework."""
    ours = request.url.path.startswith(OURS)
    if isinstance(error, RequestEntityTooLarge):
        error = BodyTooLarge(limit)
    if isinstance(error, ForetellError):
        return problem(error) if ours else _tdgpt_error(error)
    status, detail = what_happened(request, error)
    if ours:
        return problem_of(status, _where_to_look(request, status) or detail, _allowed(error), **_fields(error))
    if status in (404, 405):
        return html_page(status)
    return _tdgpt_error(detail)


def _where_to_look(request: Request[Any, Any, Any], status: int) -> str:
    """What helps whoever took a wrong path or method; "" for any other status."""
    method, path = request.method, request.url.path
    said = {404: f"there is nothing at {path}", 405: f"{path} does not take {method}"}.get(status)
    return f"{said}; /schema/swagger lists what there is" if said else ""


def what_happened(request: Request[Any, Any, Any], error: Exception) -> tuple[int, str]:
    """HTTP status and reason of an error of the framework, or of one that nobody expected, which the log then shows."""
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    log.error("%s", request.url.path, exc_info=error)
    return 500, "internal error; the log of the node says more"


def html_page(status: int) -> Response[bytes]:
    """The page of a path or a method that there is not."""
    return Response(error_page(status), status_code=status, media_type="text/html")


def _allowed(error: Exception) -> dict[str, str] | None:
    """Which methods a path takes, where one was taken that it does not."""
    return error.headers if isinstance(error, MethodNotAllowedException) else None


def _fields(error: Exception) -> dict[str, Any]:
    """Which fields a validation found wrong."""
    extra = getattr(error, "extra", None)
    return {"errors": extra} if isinstance(extra, list) else {}


def _tdgpt_error(error: Exception | str) -> Response[bytes]:
    return Response(encode(error_answer(error)), status_code=200, media_type=JSON)
