"""An analytics node that answers what a test tells it to, right or wrong, and keeps what it was asked."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Answers = Mapping[str, tuple[int, bytes] | dict[str, Any] | bytes]
LIST = {
    "protocol": 1.0,
    "version": 0.1,
    "details": [
        {"type": "forecast", "algo": [{"name": "mine"}]},
        {"type": "anomaly-detection", "algo": [{"name": "mine"}]},
        {"type": "imputation", "algo": [{"name": "mine"}]},
        {"type": "correlation", "algo": [{"name": "mine"}]},
        {"type": "weather", "algo": [{"name": "sun"}]},
    ],
}
STATUS = {"protocol": 1.0, "status": "ready"}


class Stub(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: Answers, nap: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {"/list": LIST, "/status": STATUS, **answers}
        self.nap = nap
        self.asked: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    """Closes each connection after its answer, so that a node that ended is gone."""

    server: Stub

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        with self.server.lock:
            self.server.busy += 1
            self.server.most_busy = max(self.server.most_busy, self.server.busy)
        time.sleep(self.server.nap)
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.busy -= 1

    def _answer(self, body: bytes) -> None:
        self.server.asked.append((self.path, body))
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        answer = self.server.answers[self.path]
        status, text = answer if isinstance(answer, tuple) else (200, answer)
        text = json.dumps(text).encode() if isinstance(text, dict) else text
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to say."""


@contextmanager
def stub(answers: Answers | None = None, nap: float = 0.0) -> Iterator[Stub]:
    """A node on a free port; each POST takes `nap` seconds."""
    server = Stub(answers or {}, nap)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
