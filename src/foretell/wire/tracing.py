"""Spans of OpenTelemetry, where that is installed and switched on; nothing otherwise, and at no cost.

door      a request, continued from the caller's `traceparent`
batch     one call of a model for several requests, linked to each of them
worker    that call in its process, with the process and the seconds that it computed
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from foretell.registry import require

Span = Any
_provider: Any = None
_tracer: Any = None


def start(endpoint: str, service: str = "foretell") -> None:
    """Send spans to an OTLP collector over HTTP (such as http://localhost:4318); NotAvailable without the extra."""
    sdk, trace = require("opentelemetry.sdk.trace", "otel"), require("opentelemetry.sdk.trace.export", "otel")
    exporter = require("opentelemetry.exporter.otlp.proto.http.trace_exporter", "otel")
    resources = require("opentelemetry.sdk.resources", "otel")
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": service}))
    sender = exporter.OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(trace.BatchSpanProcessor(sender))
    use(provider)


def use(provider: Any) -> None:
    """Make spans with a provider of the caller's; None makes none any more."""
    global _provider, _tracer
    _provider, _tracer = provider, None if provider is None else provider.get_tracer("foretell")


def is_on() -> bool:
    return _tracer is not None


def stop() -> None:
    """Send what is left."""
    if _provider is not None:
        _provider.shutdown()
    use(None)


def span(
    name: str, links: Sequence[Span] = (), headers: Iterable[tuple[bytes, bytes]] | None = None, **attributes: Any
) -> AbstractContextManager[Span]:
    """A span around a block, child of the one around it or of the caller's in `headers` (as ASGI has them).

    None where tracing is off.
    """
    return _OFF if _tracer is None else _span(name, links, headers, attributes)


_OFF: AbstractContextManager[Span] = contextlib.nullcontext()


@contextlib.contextmanager
def _span(
    name: str, links: Sequence[Span], headers: Iterable[tuple[bytes, bytes]] | None, attributes: Mapping[str, Any]
) -> Iterator[Span]:
    from opentelemetry import propagate, trace

    context = (
        None if headers is None else propagate.extract({k.decode("latin-1"): v.decode("latin-1") for k, v in headers})
    )
    linked = [trace.Link(one.get_span_context()) for one in links if one is not None]
    given = {key: value for key, value in attributes.items() if value is not None}
    with _tracer.start_as_current_span(name, context, attributes=given, links=linked) as made:
        yield made


def current() -> Span:
    """The span around this block, or None."""
    if _tracer is None:
        return None
    from opentelemetry import trace

    return trace.get_current_span()


def note(made: Span, **attributes: Any) -> None:
    """Attributes that are known only later."""
    if made is not None:
        made.set_attributes({key: value for key, value in attributes.items() if value is not None})
