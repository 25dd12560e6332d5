"""`foretell serve-model`: one forecaster at one address, as TDgpt's model servers are (protocol section 6).

A model of several sizes is named by its family (`timemoe`) and the size. The model runs in a process of its own; it is
loaded before the first request is taken.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException

from foretell.application import as_refusal, behind_gate, html_page, what_happened
from foretell.engine import Engine
from foretell.engine.pools import Pools
from foretell.engine.serving import Serving
from foretell.errors import ForetellError, InvalidInput, NotAvailable, UnknownName
from foretell.http_api.access import Refusal
from foretell.log import start_log
from foretell.registry import Entry, Registry, pull, registry
from foretell.series import Series
from foretell.server import address, listen, run, warn_if_open
from foretell.settings import PREFIX, Settings, read_settings, settings
from foretell.tdgpt.ds_predict import predict
from foretell.tdgpt.endpoints import JSON, MODEL_SERVER
from foretell.tdgpt.node import Node
from foretell.tdgpt.routes import Routes, table
from foretell.wire.asgi import App
from foretell.wire.tdgpt_answers import encode

log = logging.getLogger("foretell.model_server")
SIZES = {"timemoe": "200m"}
"""The size of a family where none is asked for: that of TDgpt's server. Never one that happens to be there."""
ALSO_CALLED = {"timemoe-fc": "timemoe"}
TRY = Series(np.array([1.0, 2.0, 4.0, 3.0]))
"""What the model forecasts once when it is loaded."""
Say = Callable[[str], None]
Progress = Callable[[int, int], None]
Bar = Callable[[str], AbstractContextManager[Progress | None]]
"""Shows how far something of this name is; None where there is no terminal to show it on."""


def no_bar(_: str) -> AbstractContextManager[Progress | None]:
    return contextlib.nullcontext()


def serve_model(
    name: str,
    size: str | None = None,
    weights: Path | None = None,
    path: str = MODEL_SERVER.path,
    offline: bool = False,
    bounds: bool = True,
    say: Say = print,
    bar: Bar = no_bar,
    **flags: Any,
) -> None:
    """Serve one model until SIGTERM or SIGINT. Its weights are downloaded first where they are not there.

    `weights` is a folder that holds them, or shall; `offline` downloads nothing; without `bounds` only points are
    given, whatever is asked for; `flags` are settings.
    """
    if not path.startswith("/"):
        raise InvalidInput("--path", f"must begin with /, got {path!r}")
    chosen = read_settings(**flags)
    start_log(chosen)
    found = registry()
    entry = choose(found, name, size)
    if weights is not None:
        place(entry, weights)
    make_ready(found, entry, offline, say, bar)
    (listener,) = listen(chosen.host, (chosen.port,))
    warn_if_open(chosen)
    node = node_of(entry, chosen)
    try:
        loaded = node.serving.engine.forecast_sync([TRY], 1, entry.name).model
        say(f"{loaded} answers POST {path}")
        ready = [lambda: say(f"Running on {chosen.scheme}://{address(listener)}")]
        run(application(node, path, bounds, ready), chosen, [listener])
    finally:
        node.serving.close()
        listener.close()


def choose(models: Registry, name: str, size: str | None = None) -> Entry:
    """The entry of a forecaster, or of a family and a size of it, whether it can run yet or not."""
    name = ALSO_CALLED.get(name.lower(), name.lower())
    sizes = {size: entry for size, entry in models.sizes(name).items() if entry.name not in ALSO_CALLED}
    size = size.lower() if size else SIZES.get(name)
    if size is None:
        return models.lookup(name)
    if size not in sizes:
        raise UnknownName(f"size of {name}", size, sizes)
    return sizes[size]


def place(entry: Entry, folder: Path) -> None:
    """Let this process and its workers look for the weights of `entry` in `folder`."""
    if entry.pull is None:
        raise InvalidInput("--weights", f"{entry.name} has none to choose")
    elsewhere = {name: str(path) for name, path in settings().weights.items()} | {entry.name: str(folder.resolve())}
    os.environ[f"{PREFIX}WEIGHTS"] = json.dumps(elsewhere)
    settings.cache_clear()


def make_ready(models: Registry, entry: Entry, offline: bool, say: Say, bar: Bar) -> None:
    """See that the model can run; NotAvailable says why it cannot."""
    try:
        models.find(entry.name)
    except NotAvailable:
        if offline or entry.pull is None:
            raise
        with bar(entry.name) as progress:
            pull(entry.name, progress or Lines(entry.name, say))
        models.find(entry.name)


def node_of(entry: Entry, chosen: Settings) -> Node:
    """A node that knows one model only."""
    models = Registry()
    models.add(entry)
    pools = Pools(1)
    serving = Serving(Engine(pools, models), pools, chosen.queue_limit)
    return Node(chosen.model_copy(update={"default_model": entry.name}), serving)


def application(node: Node, path: str, bounds: bool, ready: list[Callable[[], None]]) -> App:
    """The one endpoint behind the gate; everything else is an error."""
    endpoint = replace(MODEL_SERVER, path=path, ask=partial(predict, bounds=bounds))
    app = Litestar(
        exception_handlers={Exception: _error_page},
        request_max_body_size=node.settings.body_limit,
        on_startup=[*ready],
        on_shutdown=[node.close],
        logging_config=None,
        openapi_config=None,
    )
    return behind_gate(Routes(node, _note, cast(App, app), table([endpoint])), node.settings, _refuse)


class Lines:
    """Progress of a download as a line for each tenth, where there is no terminal for a bar."""

    def __init__(self, name: str, say: Say) -> None:
        self._name, self._say, self._tenth = name, say, -1

    def __call__(self, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            self._say(f"downloading {self._name}: {10 * tenth} % of {total / 1e6:,.0f} MB")


def _note(path: str, error: Exception | None, seconds: float) -> None:
    log.debug("%s: %s in %.3f s", path, "ok" if error is None else error, seconds)


def _error(status: int, reason: Exception | str) -> Response[bytes]:
    return Response(encode(MODEL_SERVER.error(reason)), status_code=status, media_type=JSON)


def _refuse(scope: Any, refusal: Refusal) -> Any:
    return as_refusal(_error(refusal.status, refusal.reason), scope, refusal)


def _error_page(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Errors outside of the endpoint."""
    if isinstance(error, ForetellError):
        return _error(error.http_status, error)
    status, reason = what_happened(request, error)
    is_page = isinstance(error, HTTPException) and status in (404, 405)
    return html_page(status) if is_page else _error(status, reason)
