"""The doors as one application, and the process that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import os
import secrets
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig

from foretell.admin import state_folder, write_admin_token
from foretell.engine import Engine
from foretell.engine.cache import Cache
from foretell.engine.drift import Drift
from foretell.engine.pools import Policy, Pools
from foretell.engine.remote import RemoteExecutor
from foretell.engine.scaling import Scale
from foretell.engine.serving import Serving
from foretell.engine.worker import Executor
from foretell.errors import ForetellError, InvalidInput
from foretell.http_api.access import Gate, Refusal, Rules, has_rule
from foretell.http_api.door import Door
from foretell.http_api.endpoints import handlers
from foretell.http_api.jobs import Jobs
from foretell.http_api.journal import Journal
from foretell.http_api.metrics import Metrics
from foretell.http_api.openapi import operation_id
from foretell.http_api.problems import problem, problem_of
from foretell.log import start_log
from foretell.registry import Registry, registry
from foretell.settings import CONFIG, Settings, read_settings
from foretell.tdgpt import taosanode
from foretell.tdgpt.endpoints import HTML, JSON, error_page
from foretell.tdgpt.node import Node
from foretell.tdgpt.routes import Routes
from foretell.wire import tracing
from foretell.wire.asgi import App
from foretell.wire.hosts import is_loopback
from foretell.wire.taos_rows import error_answer as taos_error
from foretell.wire.tdgpt_answers import encode, error_answer

if TYPE_CHECKING:
    from foretell.sql.taos import TaosDoor

log = logging.getLogger("foretell.server")
BACKLOG = 2048
MESSAGE_LIMIT = 64 << 20
"""Bytes of the longest message of a WebSocket: what is bound to a prepared statement comes as one."""
OURS = ("/v1", "/healthz", "/readyz", "/metrics", "/schema", "/console")
"""Paths of our own door; the others are TDgpt's."""
TAOS = ("/rest/", "/ws")
"""Where TDengine's clients are answered, if there is a database for them."""
CONSOLE = ("/console", "/v1/sql", "/v1/upload")
"""Paths of the console, which ask for a login of the database themselves, or need none."""


def new_node(settings: Settings, models: Registry | None = None) -> Node:
    """A node that has read nothing yet: its application does that when it starts."""
    servers = RemoteExecutor()
    models = models or registry()
    pools = _pools(settings, models, {"http://": servers, "https://": servers})
    engine = Engine(pools, models)
    cache = Cache(settings.cache_mb << 20, settings.cache_age)
    return Node(settings, Serving(engine, pools, settings.queue_limit, cache))


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

    def target(name: str) -> str:
        return models.lookup(name).target

    return Policy(
        replicas={target(name): count for name, count in settings.replicas.items()},
        devices={target(name): devices for name, devices in settings.devices.items()},
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
        lambda: {**serving.pools.deaths, **node.loaded.deaths},
        lambda: {name: pool.memory for name, pool in serving.pools.loaded.items()},
        serving.cache,
    )
    serving.seen, serving.drift = metrics.ran, Drift(metrics.scored)
    jobs = Jobs((settings.state_dir or state_folder()) / f"jobs-{settings.port}", settings, serving)
    app = Litestar(
        route_handlers=handlers(Door(settings, serving, metrics, node.reload, jobs, taos)),
        exception_handlers={Exception: _error_page},
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
    doors: App = Routes(node, metrics.request, cast(App, app))
    if taos is not None:
        doors = _beside(doors, taos)
    return behind_gate(doors, settings, _refuse, (*CONSOLE, *(TAOS if taos else ())))


async def _preload(settings: Settings, serving: Serving) -> None:
    """Have the models that the settings name ready before anybody asks."""
    for name in settings.preload:
        await serving.pools.load(serving.engine.models.find(name).target)


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


def _error_page(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Errors outside of an endpoint, in the shape of the door: never a page of the framework."""
    ours = request.url.path.startswith(OURS)
    if isinstance(error, ForetellError):
        return problem(error) if ours else _tdgpt_error(error)
    status, detail = what_happened(request, error)
    if ours:
        return problem_of(status, detail, **_fields(error))
    if status in (404, 405):
        return html_page(status)
    return _tdgpt_error(detail)


def what_happened(request: Request[Any, Any, Any], error: Exception) -> tuple[int, str]:
    """HTTP status and reason of an error of the framework, or of one that nobody expected, which the log then shows."""
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    log.error("%s", request.url.path, exc_info=error)
    return 500, "internal error; the log of the node says more"


def html_page(status: int) -> Response[bytes]:
    """The page of a path or a method that there is not."""
    return Response(error_page(status), status_code=status, media_type=HTML)


def _fields(error: Exception) -> dict[str, Any]:
    """Which fields a validation found wrong."""
    extra = getattr(error, "extra", None)
    return {"errors": extra} if isinstance(extra, list) else {}


def _tdgpt_error(error: Exception | str) -> Response[bytes]:
    return Response(encode(error_answer(error)), status_code=200, media_type=JSON)


def listen(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """A listening socket for each port; 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = []
    for port in ports:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise InvalidInput("port", f"cannot listen on {host}:{port}: {error.strerror}") from None
        listener.listen(BACKLOG)
        found.append(listener)
    return found


def _quiet_web_socket() -> type[asyncio.Protocol]:
    """uvicorn's WebSocket, that ends without a close frame: TDengine's clients take one for an error."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    class Quiet(WebSocketsSansIOProtocol):
        def shutdown(self) -> None:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1012})
            self.stop_keepalive()
            self.transport.close()

    return Quiet


def web_server(app: Any, settings: Settings, with_sockets: bool = False) -> uvicorn.Server:
    """uvicorn over uvloop and httptools; it says nothing by itself and ends when requests in flight have."""
    _check_certificate(settings)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws=_quiet_web_socket() if with_sockets else "none",
            ws_max_size=MESSAGE_LIMIT,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            ssl_ca_certs=None if settings.tls_clients is None else str(settings.tls_clients),
            ssl_cert_reqs=ssl.CERT_NONE if settings.tls_clients is None else ssl.CERT_REQUIRED,
        )
    )


def _check_certificate(settings: Settings) -> None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None:
        if key is not None:
            raise InvalidInput("tls_certificate", "is needed with tls_key")
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        raise InvalidInput("tls_certificate", f"cannot use {certificate}: {error.strerror or error}") from None


def serve(config: Path | None = None, say: Callable[[str], None] = print, **flags: Any) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished. `flags` are settings of the command line.

    `config` is our TOML, or TDgpt's taosanode.ini or taosanode.config.py; SIGHUP reads it and the plugins anew.
    """
    settings, notes = read_all(config, flags)
    start_log(settings)
    if settings.traces:
        tracing.start(settings.traces)
    for note in notes:
        log.warning("%s: %s", config, note)
    sockets = listen(settings.host, (settings.port, *settings.also))
    addresses = [address(listener) for listener in sockets]
    settings = _with_admin_token(settings, sockets[0].getsockname()[1])
    warn_if_open(settings)
    node = new_node(settings)
    node.reread = lambda: read_all(config, flags)[0]

    def ready() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload_soon, node)
        gc.freeze()  # what is here now stays: to look through it again for garbage takes 40 ms, and /list would wait
        for where in addresses:
            say(f"listening on {scheme(settings)}://{where}")

    with _database(node, f"{scheme(settings)}://{addresses[0]}") as taos:
        web_server(application(node, ready, taos), settings, taos is not None).run(sockets=sockets)
    tracing.stop()


@contextlib.contextmanager
def _database(node: Node, address: str) -> Iterator[TaosDoor | None]:
    """The door of the database that the settings name, if they name one; DuckDB is loaded only then."""
    settings = node.settings
    if settings.db is None:
        yield None
        return
    from foretell.sql.database import Database
    from foretell.sql.taos import TaosDoor

    with Database(
        str(settings.db),
        engine=node.serving.engine,
        timeout=settings.sql_timeout,
        memory=settings.sql_memory,
        folders=settings.sql_folders,
        writable=settings.sql_writes_files,
    ) as database:
        database.announce(address)
        owners = [key.hash for key in settings.keys.values() if "admin" in key.scopes]
        yield TaosDoor(database, owners, settings.body_limit)


def read_all(config: Path | None, flags: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """The settings from everywhere, and what there is to say about a configuration file of TDgpt."""
    if config is None or config.suffix == ".toml":
        if config is not None:
            os.environ[CONFIG] = str(config)  # for the worker processes
        return read_settings(**flags), []
    rules = read_settings(**flags)
    found = taosanode.read(config, may_open=has_rule(rules))
    return read_settings(beneath=found.values, **flags), found.notes


def _reload_soon(node: Node) -> None:
    task = asyncio.ensure_future(_reload(node))
    _reloads.add(task)
    task.add_done_callback(_reloads.discard)


_reloads: set[asyncio.Task[None]] = set()


async def _reload(node: Node) -> None:
    try:
        await node.reload()
        log.info("reloaded")
    except ForetellError as error:
        log.error("not reloaded, nothing was changed: %s", error)


def _with_admin_token(settings: Settings, port: int) -> Settings:
    """The settings with an admin token: theirs, or a new one in a file that only this user can read."""
    if settings.admin_token:
        return settings
    token = secrets.token_urlsafe(24)
    write_admin_token(port, token)
    return settings.model_copy(update={"admin_token": token})


def warn_if_open(settings: Settings) -> None:
    if not is_loopback(settings.host) and not has_rule(settings):
        log.warning(
            "ANYBODY WHO REACHES %s:%s CAN USE THIS SERVER: set tokens, keys or clients (see docs/tdengine.md)",
            settings.host,
            settings.port,
        )


def scheme(settings: Settings) -> str:
    return "https" if settings.tls_certificate else "http"


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def in_background(node: Node, taos: TaosDoor | None = None) -> Iterator[str]:
    """Serve from a thread of this process, on a free port: gives the URL. For tests, benchmarks, notebooks."""
    (listener,) = listen("127.0.0.1", (0,))
    ready = threading.Event()
    try:
        server = web_server(application(node, ready.set, taos), node.settings, taos is not None)
    except BaseException:
        listener.close()
        raise
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while thread.is_alive() and not ready.wait(0.1):
        pass
    try:
        yield f"{scheme(node.settings)}://{address(listener)}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
