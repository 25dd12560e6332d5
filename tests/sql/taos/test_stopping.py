"""Statements that run away are stopped, nobody waits for another's, and what is logged tells no secret."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import weakref
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect as socket_to

from foretell.sql.database import Database
from foretell.sql.taos import TaosDoor
from foretell.sql.taos.websocket import AT_ONCE, MOST_WAITING
from foretell.wire import taos_frames as frames
from tests.sql.taos.serving import serving

ENDLESS = "SELECT count(*) FROM range(1000000000000) t(i) WHERE i % 7 = 8"
PATIENCE = 30.0
TOKEN = "a-secret-of-tests"
AUTH = [(b"authorization", b"Basic " + base64.b64encode(b"root:taosdata"))]


@pytest.fixture
def door() -> Iterator[TaosDoor]:
    with Database() as database:
        found = TaosDoor(database)
        yield found
        found.close()


class Caller:
    """The other end of an ASGI connection: what it sends is in a queue, what it gets in a list."""

    def __init__(self, kind: str, path: str) -> None:
        self.scope = {"type": kind, "path": path, "query_string": b"", "headers": AUTH, "client": ("127.0.0.1", 1)}
        self.scope["method"] = "POST"
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.heard: asyncio.Queue[Any] = asyncio.Queue()

    def say(self, kind: str, **fields: Any) -> None:
        self.said.put_nowait({"type": kind, **fields})

    async def hear(self) -> Any:
        return await asyncio.wait_for(self.heard.get(), PATIENCE)

    def call(self, door: TaosDoor) -> asyncio.Task[None]:
        return asyncio.ensure_future(door(self.scope, self.said.get, self.heard.put))


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(PATIENCE):
            await work()

    asyncio.run(limited())


@pytest.mark.parametrize("begun", [True, False], ids=["running", "waiting"])
def test_a_rest_statement_ends_with_its_caller(door: TaosDoor, begun: bool) -> None:
    async def work() -> None:
        caller = Caller("http", "/rest/sql")
        caller.say("http.request", body=ENDLESS.encode())
        task = caller.call(door)
        if begun:
            await asyncio.sleep(0.2)
        caller.say("http.disconnect")
        await task
        assert "hung up" in json.loads(await body_of(caller))["desc"]

    run(work)


def test_a_body_that_does_not_come_is_given_up_after_the_time_of_the_settings() -> None:
    async def work(door: TaosDoor) -> None:
        caller = Caller("http", "/rest/sql")
        await caller.call(door)
        assert "did not arrive within 0.01 s" in json.loads(await body_of(caller))["desc"]

    with Database() as database:
        door = TaosDoor(database, body_timeout=0.01)
        run(lambda: work(door))
        door.close()


def test_the_first_password_works_from_this_machine_only(door: TaosDoor) -> None:
    async def said(sql: str, address: str, password: str = "taosdata") -> int:
        caller = Caller("http", "/rest/sql")
        basic = base64.b64encode(f"root:{password}".encode())
        caller.scope |= {"client": (address, 1), "headers": [(b"authorization", b"Basic " + basic)]}
        caller.say("http.request", body=sql.encode())
        await caller.call(door)
        return int((await caller.hear())["status"])

    async def work() -> None:
        assert await said("SELECT 1", "10.0.0.9") == 401
        assert await said("SELECT 1", "127.0.0.1") == 200
        assert await said("ALTER USER root PASS 'Another_1'", "::1") == 200
        assert await said("SELECT 1", "127.0.0.1") == 401
        assert await said("SELECT 1", "10.0.0.9", "Another_1") == 200

    run(work)


async def body_of(caller: Caller) -> bytes:
    await caller.hear()
    return bytes((await caller.hear())["body"])


def test_a_websocket_statement_ends_with_its_caller_and_holds_nobody_up(door: TaosDoor) -> None:
    async def work() -> None:
        caller = Caller("websocket", "/ws")
        caller.say("websocket.connect")
        task = caller.call(door)
        assert (await caller.hear())["type"] == "websocket.accept"
        login = {"action": "conn", "args": {"req_id": 1, "user": "root", "password": "taosdata"}}
        caller.say("websocket.receive", text=json.dumps(login))
        await caller.hear()
        caller.say("websocket.receive", bytes=frames.query_message(2, ENDLESS))
        caller.say("websocket.receive", text='{"action": "version"}')
        assert json.loads((await caller.hear())["text"])["action"] == "version"
        other = Caller("http", "/rest/sql")
        other.say("http.request", body=b"SELECT 1 AS a")
        other.call(door)
        assert json.loads(await body_of(other))["data"] == [[1]]
        caller.say("websocket.disconnect", code=1005)
        await task
        assert caller.heard.empty()

    run(work)


def test_a_client_that_asks_too_much_at_once_is_refused_and_its_end_is_noticed(door: TaosDoor) -> None:
    async def work() -> None:
        caller = Caller("websocket", "/ws")
        caller.say("websocket.connect")
        task = caller.call(door)
        await caller.hear()
        login = {"action": "conn", "args": {"req_id": 1, "user": "root", "password": "taosdata"}}
        caller.say("websocket.receive", text=json.dumps(login))
        await caller.hear()
        for i in range(AT_ONCE + 1):
            caller.say("websocket.receive", bytes=frames.query_message(i, ENDLESS))
        refused = json.loads((await caller.hear())["text"])
        assert (refused["code"], refused["req_id"]) == (0x445, AT_ONCE)
        caller.say("websocket.disconnect", code=1005)
        await task
        assert caller.heard.empty()

    run(work)


@pytest.mark.parametrize("known", [True, False], ids=["full", "no login"])
def test_what_is_refused_keeps_no_message_and_who_takes_no_answers_is_gone(door: TaosDoor, known: bool) -> None:
    class Text(str):
        """A message that can be watched."""

    async def work() -> None:
        caller = Caller("websocket", "/ws")
        caller.say("websocket.connect")
        taken = asyncio.Event()
        taken.set()

        async def send(message: Any) -> None:
            await taken.wait()
            caller.heard.put_nowait(message)

        talk = asyncio.ensure_future(door(caller.scope, caller.said.get, send))
        await caller.hear()
        if known:
            login = {"action": "conn", "args": {"req_id": 1, "user": "root", "password": "taosdata"}}
            caller.say("websocket.receive", text=json.dumps(login))
            await caller.hear()
            for _ in range(AT_ONCE):
                caller.say("websocket.receive", text='{"action": "version"}')
        taken.clear()
        kept: weakref.WeakSet[Text] = weakref.WeakSet()
        for _ in range(MOST_WAITING + 1):
            message = Text('{"action": "query", "args": {"sql": "SELECT 1"}}')
            kept.add(message)
            caller.say("websocket.receive", text=message)
        del message
        await talk
        assert len(kept) <= caller.said.qsize() + 1  # those that were never read

    run(work)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that wants a token elsewhere, gives a statement half a second, and logs all it can."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = {name: {"hash": hashlib.sha256(name.encode()).hexdigest(), "scopes": [name]} for name in ("admin", "read")}
    given = {"tokens": json.dumps([TOKEN]), "keys": json.dumps(keys), "sql_timeout": "0.5", "log_level": "DEBUG"}
    with serving(folder, **given) as host:
        yield host, folder / "log.txt"


def post(host: str, sql: str, **fields: Any) -> Any:
    return requests.post(f"http://{host}/rest/sql", data=sql, timeout=PATIENCE, **fields)


def test_a_statement_that_runs_away_is_stopped(guarded: tuple[str, Path]) -> None:
    said = post(guarded[0], ENDLESS, auth=("root", "taosdata")).json()
    assert said == {"code": 0x445, "desc": "the deadline passed before the work was done"}


def test_the_door_asks_for_a_login_of_its_own(guarded: tuple[str, Path]) -> None:
    host, _ = guarded
    assert requests.get(f"http://{host}/v1/models", timeout=PATIENCE).status_code == 401
    assert post(host, "SELECT 1", auth=("root", "taosdata")).status_code == 200
    for secret, status in ((TOKEN, 401), ("read", 401), ("admin", 200)):
        assert post(host, "SELECT 1", headers={"Authorization": f"Bearer {secret}"}).status_code == status
        assert post(host, "SELECT 1", params={"token": secret}).status_code == status


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_on_loopback_only_local_names_are_served(guarded: tuple[str, Path], headers: dict[str, str]) -> None:
    host, _ = guarded
    refused = post(host, "SELECT 1", auth=("root", "taosdata"), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, 0x118)

    async def knock() -> None:
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(f"ws://{host}/ws", additional_headers={"Origin": "http://evil.example"}):
                pass

    asyncio.run(knock())


def test_no_secret_is_logged(guarded: tuple[str, Path]) -> None:
    host, log = guarded
    secrets = [
        "hidden-in-query",
        "hidden-in-path",
        "hidden-in-basic",
        "hidden-in-ws",
        "hidden-in-conn",
        "hidden-in-sql",
    ]
    query, path, basic, in_ws, conn, sql = secrets
    post(host, "SELECT 1", params={"token": query, "app": query})
    requests.get(f"http://{host}/rest/login/root/{path}", timeout=PATIENCE)
    post(host, "SELECT 1", auth=("root", basic))
    post(host, f"CREATE USER x PASS '{sql}' oops", auth=("root", "taosdata"))

    async def talk() -> None:
        async with connect(f"ws://{host}/ws?token={in_ws}&other={in_ws}") as socket:
            await socket.send(json.dumps({"action": "conn", "args": {"user": "root", "password": conn}}))
            assert json.loads(await socket.recv())["code"] == 0x357

    asyncio.run(talk())
    text = log.read_text()
    assert text
    assert [secret for secret in secrets if secret in text] == []


def test_a_server_that_ends_sends_no_close_frame(tmp_path: Path) -> None:
    """The clients would take one for an error of their own."""
    with contextlib.ExitStack() as running:
        host = running.enter_context(serving(tmp_path))
        with socket_to(f"ws://{host}/ws", compression=None) as socket:
            socket.send('{"action": "version"}')
            assert socket.recv(timeout=PATIENCE)
            running.close()
            with pytest.raises(ConnectionClosedError) as error:
                socket.recv(timeout=PATIENCE)
            assert error.value.rcvd is None


def test_many_connections(host: str) -> None:
    async def one(number: int) -> int:
        async with connect(f"ws://{host}/ws", compression=None) as socket:
            login = {"action": "conn", "args": {"req_id": 1, "user": "root", "password": "taosdata"}}
            await socket.send(json.dumps(login))
            assert json.loads(await socket.recv())["code"] == 0
            await socket.send(frames.query_message(2, f"SELECT {number} AS n"))
            return int(json.loads(await socket.recv())["id"])

    async def all_of_them() -> list[int]:
        return list(await asyncio.gather(*(one(i) for i in range(40))))

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        assert loop.run_until_complete(all_of_them()) == [1] * 40
