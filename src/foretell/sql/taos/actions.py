"""What a WebSocket client can ask: text messages by the name of their action, binary ones by its number.

Each takes the peer and what came with it, and gives the fields of the answer; None is no answer at all.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from foretell.errors import InvalidInput, UnknownName
from foretell.sql.database.about import VERSION
from foretell.sql.database.outcome import Outcome
from foretell.sql.taos import schemaless
from foretell.sql.taos.answers import Rows
from foretell.sql.taos.peer import Peer
from foretell.sql.taos.results import Open
from foretell.sql.taos.stmt2 import Prepared
from foretell.wire import taos_frames as frames

Fields = dict[str, Any]
ZONE = 1
"""TDengine's number for the option that is a time zone."""
IS_UP = 2
"""TDengine's number for a server that is in order."""
MOST_PREPARED = 1_000


@dataclass(frozen=True, slots=True)
class Args:
    """The arguments of a text message."""

    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """ "" where there is none."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidInput(name, f"must be text, got {type(value).__name__}")
        return value or ""

    def number(self, name: str) -> int:
        """0 where there is none."""
        value = self.fields.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidInput(name, f"must be a whole number, got {type(value).__name__}")
        return value


async def version(_: Peer, __: Args) -> Fields:
    return {"version": VERSION}


async def conn(peer: Peer, args: Args) -> Fields:
    names = ("user", "password", "bearer_token", "db", "tz")
    await peer.login(*(args.text(name) for name in names))
    return {"version": VERSION}


async def query(peer: Peer, args: Args) -> Fields:
    return await _query(peer, args.text("sql"))


async def _query(peer: Peer, sql: str) -> Fields:
    return result_fields(peer, await peer.run(lambda connection: connection.run(sql)))


def result_fields(peer: Peer, outcome: Outcome) -> Fields:
    if outcome.affected is not None:
        return {"id": 0, "is_update": True, "affected_rows": outcome.affected, "fields_count": 0, "precision": 0}
    rows = Rows.of(outcome)
    return {"id": peer.results.add(rows), "is_update": False, "affected_rows": 0, **rows.description()}


async def fetch(peer: Peer, args: Args) -> Fields:
    """The next block is made; `fetch_block` brings it."""
    number = args.number("id")
    found = peer.results.find(number)
    found.block = await _next_block(peer, found) or b""
    if not found.block:
        peer.results.free(number)
        return {"id": number, "completed": True, "lengths": [], "rows": 0}
    lengths = [column.bytes for column in found.rows.columns]
    rows = int.from_bytes(found.block[8:12], "little")
    return {"id": number, "completed": False, "lengths": lengths, "rows": rows}


async def _next_block(peer: Peer, found: Open) -> bytes | None:
    part = found.next()
    if part is None:
        return None
    return found.encode(part) if found.is_small(part) else await peer.threads.call(found.encode, part)


async def fetch_block(peer: Peer, args: Args) -> bytes:
    number = args.number("id")
    found = peer.results.find(number)
    if not found.block:
        raise InvalidInput("id", "fetch comes before fetch_block")
    return frames.old_block(number, 0, found.block)


async def free_result(peer: Peer, args: Args) -> None:
    peer.results.free(args.number("id"))


async def options_connection(peer: Peer, args: Args) -> Fields:
    """The time zone counts; charset, address and name of the application are taken and not used."""
    options = args.fields.get("options")
    if not isinstance(options, list) or not all(isinstance(one, dict) for one in options):
        raise InvalidInput("options", "must be a list of options")
    for one in map(Args, options):
        if one.number("option") == ZONE:
            await peer.move(one.text("value"))
    return {}


async def get_current_db(peer: Peer, _: Args) -> Fields:
    return {"db": peer.connection.database}


async def get_server_info(_: Peer, __: Args) -> Fields:
    return {"info": VERSION}


async def check_server_status(_: Peer, __: Args) -> Fields:
    return {"status": IS_UP, "details": ""}


async def insert(peer: Peer, args: Args) -> Fields:
    """Schemaless."""
    protocol = args.number("protocol")
    texts = [args.text(name) for name in ("precision", "data", "table_name_key")]
    rows = await peer.run(lambda connection: schemaless.Lines.of(protocol, *texts).insert(connection))
    return {"affected_rows": rows, "total_rows": rows}


async def stmt2_init(peer: Peer, __: Args) -> Fields:
    if len(peer.prepared) >= MOST_PREPARED:
        raise InvalidInput("stmt_id", f"{MOST_PREPARED:,} statements are open on this connection; close some")
    number = max(peer.prepared, default=0) + 1
    _ = peer.connection
    peer.prepared[number] = Prepared()
    return {"stmt_id": number}


def _prepared(peer: Peer, number: int) -> Prepared:
    try:
        return peer.prepared[number]
    except KeyError:
        raise InvalidInput("stmt_id", f"there is no statement {number} on this connection") from None


async def stmt2_prepare(peer: Peer, args: Args) -> Fields:
    number, sql = args.number("stmt_id"), args.text("sql")
    found = _prepared(peer, number)
    await peer.run(lambda connection: found.prepare(connection, sql))
    return {"stmt_id": number, **found.description()}


async def stmt2_exec(peer: Peer, args: Args) -> Fields:
    number = args.number("stmt_id")
    return {"stmt_id": number, "affected": await peer.run(_prepared(peer, number).execute)}


async def stmt2_result(peer: Peer, args: Args) -> Fields:
    number = args.number("stmt_id")
    return {"stmt_id": number, **result_fields(peer, _prepared(peer, number).take_outcome())}


async def stmt2_close(peer: Peer, args: Args) -> Fields:
    number = args.number("stmt_id")
    peer.prepared.pop(number, None)
    return {"stmt_id": number}


ACTIONS: dict[str, Callable[[Peer, Args], Awaitable[Fields | bytes | None]]] = {
    action.__name__: action
    for action in (
        version, conn, query, fetch, fetch_block, free_result, options_connection, get_current_db, get_server_info,
        check_server_status, insert, stmt2_init, stmt2_prepare, stmt2_exec, stmt2_result, stmt2_close,
    )
}  # fmt: skip
OPEN = frozenset({"version", "conn", "get_server_info", "check_server_status"})
"""Actions of those who have not logged in."""
WORK = frozenset({"query", "binary_query", "insert", "stmt2_exec"})
"""Actions that compute or change something."""


def find(action: str) -> Callable[[Peer, Args], Awaitable[Fields | bytes | None]]:
    try:
        return ACTIONS[action]
    except KeyError:
        raise UnknownName("action", action, ACTIONS) from None


async def binary_query(peer: Peer, asked: frames.Question) -> Fields:
    return await _query(peer, asked.sql)


async def stmt2_bind(peer: Peer, asked: frames.Question) -> Fields:
    found = _prepared(peer, asked.about)
    await peer.run(lambda connection: found.bind(connection, asked.body))
    return {"stmt_id": asked.about}


async def binary_fetch(peer: Peer, asked: frames.Question) -> bytes:
    """The next block, or that there is none, which also frees the result."""
    started = time.perf_counter_ns()
    block = await _next_block(peer, peer.results.find(asked.about))
    if block is None:
        peer.results.free(asked.about)
    return frames.fetched(asked.req_id, asked.about, time.perf_counter_ns() - started, block)


BINARY: dict[int, tuple[str, Callable[[Peer, frames.Question], Awaitable[Fields | bytes]]]] = {
    frames.QUERY: ("binary_query", binary_query),
    frames.FETCH: ("fetch_raw_block", binary_fetch),
    frames.BIND: ("stmt2_bind", stmt2_bind),
}
