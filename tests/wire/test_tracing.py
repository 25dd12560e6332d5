"""Spans from the door to the worker, with the real SDK; nothing where it is off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from foretell.wire import tracing
from tests.http_api.conftest import serving

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
BODY = {"series": [{"values": [1, 2, 3, 4, 5, 6]}], "horizon": 1, "model": "naive"}


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.stop()


def test_a_request_is_seen_from_the_door_to_the_worker(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        requests.post(f"{url}/v1/forecast", json=BODY, headers=headers, timeout=60)
    found: dict[str, ReadableSpan] = {span.name: span for span in spans.get_finished_spans()}
    door, batch, worker = (found[name] for name in ("door", "batch", "worker"))
    assert door.parent is not None
    assert door.context is not None
    assert (f"{door.context.trace_id:032x}", f"{door.parent.span_id:016x}") == (TRACE, PARENT)
    assert [link.context.span_id for link in batch.links] == [door.context.span_id]
    assert batch.attributes is not None
    assert (batch.attributes["model"], batch.attributes["callers"]) == ("naive", 1)
    assert worker.attributes is not None
    assert isinstance(worker.attributes["process.pid"], int)
    assert float(str(worker.attributes["seconds"])) >= 0
    assert worker.context is not None
    assert f"{worker.context.trace_id:032x}" == TRACE


def test_nothing_happens_where_it_is_off() -> None:
    with tracing.span("x", a=1) as made:
        assert made is None
        assert tracing.current() is None
        tracing.note(made, b=2)
    assert not tracing.is_on()


class Collector(BaseHTTPRequestHandler):
    """Notes what it is sent."""

    got: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        self.got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_it_sends_to_a_collector() -> None:
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        tracing.start(f"http://127.0.0.1:{server.server_port}")
        with tracing.span("forecasting"):
            pass
        tracing.stop()
        server.shutdown()
        thread.join()
    assert Collector.got
    assert all(path == "/v1/traces" for path, _ in Collector.got)
