"""Bodies in two forms, JSON and Arrow, read and written; large ones beside the event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from foretell.engine.loop import beside
from foretell.errors import InvalidInput, WrongMediaType
from foretell.http_api.verb import Question, Verb
from foretell.wire.ipc import ARROW, write_arrow

JSON = "application/json"
UNSAID = ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream")
"""What curl, browsers and others call a body by themselves."""
LARGE = 1 << 16
"""Bytes from which on a body is read, and an answer written, in a thread."""


async def read(verb: Verb, body: bytes, content_type: str, query: Mapping[str, str], limit: int) -> Question:
    """The question of a body of at most `limit` bytes; raises InvalidInput."""
    if is_arrow(content_type):
        return await beside(len(body) >= LARGE, verb.read_arrow, body, dict(query), limit)
    if not is_json(content_type):
        raise WrongMediaType("content-type", f"must be {JSON} or {ARROW}, got {content_type!r}")
    if query:
        raise InvalidInput(min(query), "stands in the query, which is for Arrow; put it into the JSON body")
    return await beside(len(body) >= LARGE, verb.read_json, body)


def written(verb: Verb, parts: Any, media_type: str) -> bytes:
    """Parts with their answers as bytes."""
    return write_arrow(verb.table(parts)) if media_type == ARROW else msgspec.json.encode(verb.json(parts))


def is_arrow(content_type: str) -> bool:
    return _kind(content_type) == ARROW


def is_json(content_type: str) -> bool:
    """Whether a body may be JSON: it says so, says nothing, or has what clients say that were told nothing."""
    kind = _kind(content_type)
    return kind in ("", JSON, *UNSAID) or kind.endswith("+json")


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def wanted(accept: str, content_type: str) -> str:
    """Arrow where the caller says so, or sent it and says nothing."""
    if ARROW in accept:
        return ARROW
    return ARROW if is_arrow(content_type) and accept in ("", "*/*") else JSON
