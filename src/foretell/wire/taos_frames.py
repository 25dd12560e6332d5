"""Binary messages of TDengine's WebSocket clients, and those that answer them. Little endian.

Every question begins with its number, the id of what it is about, what it wants, and a version.
Source: the public connectors of TDengine.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from foretell.errors import InvalidInput

QUERY, FETCH, BIND = 6, 7, 9
QUESTION = struct.Struct("<QQQH")
SAYS_RESULT = (1 << 64) - 1
"""First number of an answer to FETCH; older answers begin with the time taken there."""


@dataclass(frozen=True, slots=True)
class Question:
    """`about` is the id of a result or a statement; `body` what follows: SQL, or what is bound."""

    req_id: int
    about: int
    action: int
    body: memoryview

    @property
    def sql(self) -> str:
        return read_sql(self.body)


def read_question(message: bytes) -> Question:
    """A binary message; InvalidInput where it is none."""
    if len(message) < QUESTION.size - 2:
        raise InvalidInput("message", f"has {len(message)} bytes, fewer than its header")
    req_id, about, action = struct.unpack_from("<QQQ", message)
    return Question(req_id, about, action, memoryview(message)[QUESTION.size :])


def read_sql(body: memoryview) -> str:
    """SQL after its length."""
    if len(body) < 4:
        raise InvalidInput("message", "ends before the length of its SQL")
    (length,) = struct.unpack_from("<I", body)
    if length != len(body) - 4:
        raise InvalidInput("message", f"tells of {length:,} bytes of SQL and has {len(body) - 4:,}")
    try:
        return str(body[4:], "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("sql", f"is not UTF-8: {error.reason} at byte {error.start}") from None


def query_message(req_id: int, sql: str) -> bytes:
    """The question for `sql`, as newer clients send it."""
    text = sql.encode()
    return QUESTION.pack(req_id, 0, QUERY, 1) + struct.pack("<I", len(text)) + text


def fetch_message(req_id: int, result: int) -> bytes:
    return QUESTION.pack(req_id, result, FETCH, 1)


def fetched(req_id: int, result: int, timing: int, block: bytes | None) -> bytes:
    """The answer to FETCH: a block, or none where all have been fetched; `timing` in ns."""
    head = _head(req_id, timing, 0, b"") + struct.pack("<QB", result, block is None)
    return head if block is None else b"".join([head, struct.pack("<I", len(block)), block])


def fetch_failed(req_id: int, result: int, code: int, text: str) -> bytes:
    return _head(req_id, 0, code & 0xFFFF, text.encode()) + struct.pack("<QB", result, 1)


def _head(req_id: int, timing: int, code: int, text: bytes) -> bytes:
    return struct.pack("<QQHQQII", SAYS_RESULT, FETCH, 1, timing, req_id, code, len(text)) + text


def old_block(result: int, timing: int, block: bytes) -> bytes:
    """The answer to the older `fetch_block`."""
    return struct.pack("<QQ", timing, result) + block
