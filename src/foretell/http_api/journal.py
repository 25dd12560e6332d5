"""Every request has a name, and who asked for what can be kept.

The name comes from the caller's X-Request-Id or is made here; it stands in the answer, in each line that is logged
meanwhile, and in the audit log: a line of JSON for each request that changes or computes something, and for each that
was turned away (of a WebSocket: each such message). Secrets are not in it: paths have lost theirs, queries are left
out.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from foretell.errors import InvalidInput
from foretell.http_api.keys import key_name
from foretell.wire.asgi import USER
from foretell.wire.masking import mask
from foretell.wire.request_id import request_id

log = logging.getLogger("foretell.audit")
Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
HEADER = b"x-request-id"
GIVEN = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
REFUSED = (401, 403, 429)
LOOKING = ("GET", "HEAD", "OPTIONS")


@dataclass(slots=True)
class Journal:
    """`path` is the audit log; None keeps none."""

    path: Path | None = None
    """Made, if it is not there, for its owner alone."""
    _made: str = field(default_factory=lambda: secrets.token_hex(4))
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        try:
            if self.path is not None:
                append(self.path, b"")
        except OSError as error:
            raise InvalidInput("audit_log", f"cannot write {self.path}: {error.strerror}") from None

    def name(self, scope: Scope) -> bytes:
        """The name of a request, which is from now on that of its task."""
        given = next((value for key, value in scope["headers"] if key == HEADER), b"")
        name = given if GIVEN.fullmatch(given) else f"{self._made}-{next(self._count):x}".encode()
        request_id.set(name.decode())
        return name

    def noting(self, scope: Scope, name: bytes, send: Send) -> Send:
        """`send` that puts the name into the answer and notes how the request ended."""
        started = time.monotonic()

        async def named(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, name)]
                if self.path is not None:
                    note(self.path, scope, name, message["status"], time.monotonic() - started)
            await send(message)

        return named

    def message(self, scope: Scope, name: bytes, action: str, user: str, status: int, seconds: float) -> None:
        """Note a message of a WebSocket that `name` is the name of; its action stands for the method."""
        if self.path is not None:
            note(self.path, {**scope, "method": action, USER: user}, name, status, seconds)


def note(path: Path, scope: Scope, name: bytes, status: int, seconds: float) -> None:
    """A line in the audit log for a request that was answered with `status`."""
    if scope["method"] in LOOKING and status not in REFUSED:
        return
    line = {
        "time": round(time.time(), 3),
        "request": name.decode(),
        "client": (scope.get("client") or ("",))[0],
        "key": key_name(scope),
        "user": scope.get(USER, ""),
        "method": scope["method"],
        "path": mask(scope["path"]),
        "status": status,
        "seconds": round(seconds, 4),
    }
    try:
        append(path, msgspec.json.encode(line) + b"\n")
    except OSError as error:
        log.error("the audit log cannot be written: %s", error.strerror)


def append(path: Path, line: bytes) -> None:
    """Opened each time, so that the file may be moved away; a new one can be read by its owner only."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
        file.write(line)
