"""The doors as one application, and the process that serves it."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import scipy.special  # noqa: F401  the white-noise test needs it: now, not in the first request
import uvicorn
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException

from foretell.engine import Engine
from foretell.engine.pools import Pools
from foretell.engine.remote import RemoteExecutor
from foretell.engine.serving import Serving
from foretell.errors import ForetellError, InvalidInput
from foretell.http_api.problems import problem, problem_of, title
from foretell.registry import Registry, registry
from foretell.settings import Settings
from foretell.tdgpt.node import Node
from foretell.tdgpt.routes import routes as tdgpt_routes
from foretell.wire.masking import Masking
from foretell.wire.tdgpt_answers import encode, error_answer

log = logging.getLogger("foretell.server")
BACKLOG = 2048
OURS = ("/v1", "/healthz", "/readyz", "/metrics", "/schema")
"""Paths of our own door; the others are TDgpt's."""


def new_node(settings: Settings, models: Registry | None = None) -> Node:
    servers = RemoteExecutor()
    pools = Pools(settings.workers or os.cpu_count() or 1, {"http://": servers, "https://": servers})
    engine = Engine(pools, models or registry())
    return Node(settings, Serving(engine, pools, settings.queue_limit))


def application(node: Node, ready: Callable[[], None] = lambda: None) -> Litestar:
    """The doors over one node. Its processes start and end with the application; `ready` is called in between."""
    return Litestar(
        route_handlers=tdgpt_routes(node, lambda *_: None),
        exception_handlers={Exception: _error_page},
        request_max_body_size=node.settings.body_limit,
        on_startup=[node.serving.pools.start, node.reload, ready],
        on_shutdown=[node.close],
        logging_config=None,
        openapi_config=None,
    )


def _error_page(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Errors outside of an endpoint, in the shape of the door: never a page of the framework."""
    ours = request.url.path.startswith(OURS)
    if isinstance(error, ForetellError):
        return problem(error) if ours else _tdgpt_error(error)
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "internal error; the log of the node says more"
    if status == 500:
        log.error("%s", request.url.path, exc_info=error)
    if ours:
        return problem_of(status, detail)
    if status in (404, 405):
        page = f"<!doctype html><title>{status} {title(status)}</title><h1>{title(status)}</h1>\n".encode()
        return Response(page, status_code=status, media_type="text/html")
    return _tdgpt_error(detail)


def _tdgpt_error(error: Exception | str) -> Response[bytes]:
    return Response(encode(error_answer(error)), status_code=200, media_type="application/json")


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


def web_server(app: Any) -> uvicorn.Server:
    """uvicorn over uvloop and httptools; it says nothing by itself and ends when requests in flight have."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
        )
    )


def serve(settings: Settings, say: Callable[[str], None] = print, models: Registry | None = None) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished."""
    start_log(settings)
    node = new_node(settings, models)
    sockets = listen(settings.host, (settings.port, *settings.also))
    for listener in sockets:
        say(f"listening on http://{_address(listener)}")
    server = web_server(application(node))
    server.run(sockets=sockets)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def start_log(settings: Settings) -> None:
    """One log, masked, to the file of the settings or to stderr."""
    handler = logging.FileHandler(settings.app_log) if settings.app_log else logging.StreamHandler(sys.stderr)
    handler.addFilter(Masking())
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        level=settings.log_level,
        handlers=[handler],
        force=True,
    )


@contextlib.contextmanager
def in_background(node: Node) -> Iterator[str]:
    """Serve `node` from a thread of this process, on a free port: gives its URL. For tests, benchmarks, notebooks."""
    (listener,) = listen("127.0.0.1", (0,))
    ready = threading.Event()
    server = web_server(application(node, ready.set))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while thread.is_alive() and not ready.wait(0.1):
        pass
    try:
        yield f"http://{_address(listener)}"
    finally:
        server.should_exit = True
        thread.join()
