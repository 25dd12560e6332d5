"""Errors of our own door: RFC 9457 problem JSON, which names the field where one is wrong."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Response

from foretell.errors import ForetellError, Overloaded, UnknownName
from foretell.wire.masking import mask

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "1"


def problem(error: ForetellError) -> Response[bytes]:
    """What a door of ours answers to an error that was raised on purpose."""
    more: dict[str, Any] = {}
    if error.field:
        more["field"] = error.field
    if isinstance(error, UnknownName):
        more["known"] = [mask(name) for name in error.known]
    headers = {"Retry-After": RETRY_AFTER} if isinstance(error, Overloaded) else None
    return problem_of(error.http_status, str(error), headers, **more)


def problem_of(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response[bytes]:
    body = {"type": "about:blank", "title": title(status), "status": status, "detail": mask(detail), **more}
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return {499: "Client Closed Request"}.get(status, "Error")
