"""The process that serves the application: where it listens, how it starts, reads its settings anew, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from foretell.admin import with_admin_token
from foretell.application import application, new_node
from foretell.errors import ForetellError, InvalidInput
from foretell.http_api.access import has_rule
from foretell.http_protocol import patient_http
from foretell.log import start_log
from foretell.settings import CONFIG, Settings, read_settings
from foretell.tdgpt import taosanode
from foretell.tdgpt.node import Node, named
from foretell.wire import tracing
from foretell.wire.asgi import App
from foretell.wire.hosts import is_loopback

if TYPE_CHECKING:
    from foretell.sql.taos import TaosDoor

log = logging.getLogger("foretell.server")
BACKLOG = 2048
MESSAGE_LIMIT = 64 << 20
"""Bytes of the longest message of a WebSocket: what is bound to a prepared statement comes as one."""


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
    check_certificate(settings)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http=patient_http(settings.body_timeout),
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


def run(app: App, settings: Settings, sockets: list[socket.socket], with_sockets: bool = False) -> None:
    """Serve until a signal. What keeps the application from starting is raised here, not logged as a traceback."""
    failures: list[Exception] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def quiet(message: Any) -> None:
            await send({**message, "message": ""} if message["type"].endswith(".failed") else message)

        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        try:
            await app(scope, receive, quiet)
        except Exception as error:
            failures.append(_cause(error))
            raise

    try:
        web_server(noting, settings, with_sockets).run(sockets=sockets)
    except SystemExit:
        if not failures:
            raise
    if failures:
        raise failures[0]


def _cause(error: Exception) -> Exception:
    """The one error in groups of one."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        (error,) = error.exceptions
    return error


def check_certificate(settings: Settings) -> None:
    """InvalidInput where the server could not speak TLS as the settings say."""
    certificate, context = settings.tls_certificate, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is None:
        for name in ("tls_key", "tls_clients"):
            if getattr(settings, name) is not None:
                raise InvalidInput("tls_certificate", f"is needed with {name}")
        return
    for name, path in (("tls_certificate", certificate), ("tls_key", settings.tls_key)):
        try:
            if path is not None:
                path.open("rb").close()
        except OSError as error:
            raise InvalidInput(name, f"cannot use {path}: {error.strerror}") from None
    try:
        context.load_cert_chain(certificate, settings.tls_key)
    except ssl.SSLError:
        key = f"{settings.tls_key} its key" if settings.tls_key else "tls_key is not set"
        raise InvalidInput("tls_certificate", f"{certificate} is no PEM certificate with its key, or {key}") from None
    try:
        if settings.tls_clients is not None:
            context.load_verify_locations(settings.tls_clients)
    except OSError as error:
        raise InvalidInput("tls_clients", f"cannot use {settings.tls_clients}: {error.strerror or error}") from None


def serve(config: Path | None = None, say: Callable[[str], None] = print, **flags: Any) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished. `flags` are settings of the command line.

    `config` is our TOML, or TDgpt's taosanode.ini or taosanode.config.py; SIGHUP reads it and the plugins anew.
    """
    settings, notes = read_all(config, flags)
    _make_state_folder(settings)
    start_log(settings)
    if settings.traces:
        tracing.start(settings.traces)
    for note in notes:
        log.warning("%s: %s", config, note)
    with contextlib.ExitStack() as stack:
        stack.callback(tracing.stop)
        sockets = [stack.enter_context(one) for one in listen(settings.host, (settings.port, *settings.also))]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # uvicorn raises it again when it has ended
        guarded = stack.enter_context(with_admin_token(settings, sockets[0].getsockname()[1]))
        warn_if_open(guarded)
        node = new_node(guarded)
        node.reread = lambda: read_all(config, flags)[0]
        _serve(node, sockets, say)


def _serve(node: Node, sockets: list[socket.socket], say: Callable[[str], None]) -> None:
    addresses = [f"{node.settings.scheme}://{address(listener)}" for listener in sockets]

    def ready() -> None:
        named(node.serving.engine.models, "default_model", node.settings.default_model)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload_soon, node)
        gc.freeze()  # what is here now stays: to look through it again for garbage takes 40 ms, and /list would wait
        for where in addresses:
            say(f"listening on {where}")

    try:
        with _database(node, addresses[0]) as taos:
            run(application(node, ready, taos), node.settings, sockets, taos is not None)
    finally:
        gc.unfreeze()  # or DuckDB's objects, which are not taken down with the rest, are listed as leaks at the exit


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
        yield TaosDoor(database, owners, settings.body_limit, settings.body_timeout)


def read_all(config: Path | None, flags: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """What `read_given` reads, where the folders are there that it names; a file of TDgpt may name one that is not."""
    given = read_given(config, flags)
    for name, folder in read_settings(**flags).missing_folders():
        raise InvalidInput(name, f"{folder} is no folder")
    return given


def read_given(config: Path | None, flags: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """The settings from everywhere, and what there is to say about a configuration file of TDgpt."""
    if config is None or config.suffix == ".toml":
        if config is not None:
            os.environ[CONFIG] = str(config)  # for the worker processes
        return read_settings(named=CONFIG if config is None else "--config", **flags), []
    found = taosanode.read(config, may_open=has_rule(read_settings(**flags)))
    return read_settings(beneath=found.values, **flags), found.notes


def _make_state_folder(settings: Settings) -> None:
    """The folder for jobs, which need not be there yet."""
    folder = settings.state_dir
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput("state_dir", f"cannot make {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise InvalidInput("state_dir", f"{folder} cannot be written")


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


def warn_if_open(settings: Settings) -> None:
    if not is_loopback(settings.host) and not has_rule(settings):
        log.warning(
            "ANYBODY WHO REACHES %s:%s CAN USE THIS SERVER: set tokens, keys or clients (see docs/tdengine.md)",
            settings.host,
            settings.port,
        )


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
    if not ready.is_set():
        listener.close()
        raise ForetellError("the server did not start; its log says why")
    try:
        yield f"{node.settings.scheme}://{address(listener)}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
