"""TDgpt's endpoints (protocol section 1), as a table: method, path, what answers.

Errors are answers, `rows: -1` with HTTP 200; the framework's own pages never leave.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from importlib import metadata
from typing import Any

from foretell.errors import ForetellError, NotAvailable
from foretell.registry import Kind
from foretell.tdgpt import analysis, ds_predict
from foretell.tdgpt.node import Node
from foretell.tdgpt.page import page
from foretell.wire.tdgpt import READ
from foretell.wire.tdgpt_answers import STATUS, Answer, encode, error_answer

JSON = "application/json"
HTML = "text/html; charset=utf-8"
Ask = Callable[[Node, bytes], Coroutine[Any, Any, Answer]]
Show = Callable[[Node], bytes]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A GET shows what is known at once, a POST asks and may wait.

    `page` is what a browser sees instead. `error` is the shape of an error here, `status` its HTTP status.
    """

    path: str
    show: Show | None = None
    page: Show | None = None
    ask: Ask | None = None
    media_type: str = JSON
    error: Callable[[Exception | str], Answer] = error_answer
    status: Callable[[Exception], int] = lambda _: 200

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.show else ("POST",)


def error_page(status: int) -> bytes:
    """What TDgpt's web framework answers to a wrong path or method: a page, which taosd reads as an error."""
    title = HTTPStatus(status).phrase
    return f"<!doctype html><title>{status} {title}</title><h1>{title}</h1>\n".encode()


def _root(_: Node) -> bytes:
    return f"foretell analytics node (ver {metadata.version('foretell')})\n".encode()


_STATUS = encode(STATUS)


def _models(node: Node) -> bytes:
    """The winner of each name and what it hides, then what could not be loaded."""
    rows = [
        {
            "name": offer.name,
            "algo": offer.name,
            "type": offer.kind,
            "source": offer.source,
            "place": offer.place,
            "desc": offer.description,
            "hides": [{"source": o.source, "place": o.place} for o in node.catalogue.hidden(offer)],
        }
        for offer in node.catalogue.winners()
    ]
    return encode(rows + [{"name": place, "error": reason} for place, reason in node.catalogue.broken.items()])


def _question(kind: Kind) -> Ask:
    async def ask(node: Node, body: bytes) -> Answer:
        return await node.ask(kind, READ[kind], body)

    return ask


def _status_of_error(error: Exception) -> int:
    return error.http_status if isinstance(error, ForetellError) else 500


async def _deploy(_: Node, body: bytes) -> Answer:  # noqa: ARG001
    """TDgpt 3.4's models from JSON are not had here; its 404 page would not say what is."""
    raise NotAvailable(
        "models are not deployed over HTTP here: put a plugin file into the folder of --plugins, or the URL of a model "
        "server into [tsfm-service], then call foretell reload and UPDATE ALL ANODES"
    )


MODEL_SERVER = Endpoint("/ds_predict", ask=ds_predict.predict, error=ds_predict.error_reply, status=_status_of_error)
ENDPOINTS = (
    Endpoint("/", show=_root, page=page, media_type=HTML),
    Endpoint("/status", show=lambda _: _STATUS),
    Endpoint("/list", show=lambda node: node.listing),
    Endpoint("/models", show=_models),
    Endpoint("/forecast", ask=_question("forecast")),
    Endpoint("/anomaly-detect", ask=_question("anomaly")),
    Endpoint("/imputation", ask=_question("imputation")),
    Endpoint("/correlation", ask=_question("correlation")),
    Endpoint("/tool/batch", ask=analysis.golden_batch),
    Endpoint("/api/v1/analysis/batch", ask=analysis.golden_batch),
    Endpoint("/api/v1/analysis/pearsonr", ask=analysis.pearson),
    Endpoint("/api/v1/analysis/profile-search", ask=analysis.profile_search),
    Endpoint("/deploy", ask=_deploy),
    Endpoint("/undeploy", ask=_deploy),
    MODEL_SERVER,
)
