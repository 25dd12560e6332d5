"""uvicorn's HTTP protocol with patience of its own: who begins a request and goes silent is hung up on."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

GOODBYE = 0.5
"""Seconds in which a client answers the end of TLS; the loop alone would wait 30, and the server's end with it."""


class PatientHttp(HttpToolsProtocol):
    """Waits `patience` seconds for the head of a request, and twice as long between two pieces of its body.

    uvicorn alone waits for ever, so that connections which send nothing would use up the process's open files. Who
    reads a body with a limit of its own on the time (`body_timeout`) can still answer, as that one ends first.
    """

    patience: ClassVar[float]
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._wait(2)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._wait(2)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._rest()
        super().on_message_complete()

    def shutdown(self) -> None:
        """At the server's end, who has not sent all of its request is hung up on; what has come is answered."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and (self.pipeline or not cycle.more_body):
            super().shutdown()
            return
        self.transport.close()
        if not self.flow.write_paused:
            self.loop.call_later(GOODBYE, self.transport.abort)

    def handle_websocket_upgrade(self) -> None:
        self._rest()
        super().handle_websocket_upgrade()

    def _wait(self, times: int = 1) -> None:
        self._rest()
        self._timer = self.loop.call_later(times * self.patience, self.transport.close)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def patient_http(seconds: float) -> type[asyncio.Protocol]:
    """The protocol with this patience."""
    return type("PatientHttp", (PatientHttp,), {"patience": seconds})
