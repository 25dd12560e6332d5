"""Whatever clients send to TDengine's interfaces: an answer of the protocol or the end of that connection, no more."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from foretell.sql.taos.actions import ACTIONS
from foretell.wire.taos_frames import BIND, QUERY, QUESTION, fetch_message, query_message
from foretell.wire.taos_types import DOUBLE, TIMESTAMP
from tests.fuzz.examples import LONG, examples
from tests.fuzz.statements import any_statement
from tests.fuzz.test_decoders import BOUND, LINES, damaged
from tests.sql.taos.serving import serving
from tests.wire.test_taos_messages import write_bound

PATIENCE = 60.0
"""Seconds in which an answer must be there, on a machine that is busy."""
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"root:taosdata").decode()}
GROWTH = 150 << 20
"""Bytes that the server may grow by after its first messages: caches and what the allocator keeps."""
FEW, THREADS = 3, 80
"""Descriptors of others that come and go, and threads that the door makes as it needs them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sockets")


@pytest.fixture(scope="module")
def host(folder: Path) -> Iterator[str]:
    with serving(folder, sql_timeout="5", sql_memory="400MB") as found:
        for sql in (
            "CREATE DATABASE d",
            MANY,
            "CREATE TABLE d.kept (ts TIMESTAMP, v DOUBLE)",
            "CREATE TABLE d.other (ts TIMESTAMP, v DOUBLE)",
            "INSERT INTO d.kept VALUES (1, 1)",
        ):
            assert _rest(found, sql)["code"] == 0
        yield found


@pytest.fixture(scope="module")
def talk(host: str) -> Iterator[Talk]:
    made = Talk(host)
    yield made
    made.close()


class Talk:
    """A connection that is logged in, and opened anew when the server has closed it."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._end = contextlib.ExitStack()
        self.socket = self._open()

    def _open(self) -> ClientConnection:
        self.close()
        made = self._end.enter_context(connect(f"ws://{self.host}/ws", compression=None, max_size=None))
        made.send(_text("conn", user="root", password="taosdata", db="d"))
        assert json.loads(made.recv(timeout=PATIENCE))["code"] == 0
        return made

    def close(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            self._end.close()

    def send(self, message: str | bytes) -> None:
        """Send it, and read what comes until the answer to a question that is asked behind it."""
        try:
            self.socket.send(message)
            self.socket.send(_text("check_server_status", req_id=77))
            while True:
                answer = self.socket.recv(timeout=PATIENCE)
                check(answer)
                if isinstance(answer, str) and json.loads(answer)["req_id"] == 77:
                    return
        except ConnectionClosed:
            self.socket = self._open()


MANY = "CREATE STABLE d.many (ts TIMESTAMP, v DOUBLE) TAGS (t BIGINT)"


def _text(action: str, **args: Any) -> str:
    return json.dumps({"action": action, "args": args})


def check(answer: str | bytes) -> None:
    """An answer of the protocol, and none that says the server was surprised."""
    if isinstance(answer, bytes):
        assert len(answer) >= 16
        assert b"internal error" not in answer
        return
    said = json.loads(answer)
    assert {"code", "message", "action", "req_id", "timing"} <= set(said)
    assert "internal error" not in said["message"], said


def _rest(host: str, sql: str | bytes, path: str = "/rest/sql") -> dict[str, Any]:
    body = sql.encode(errors="surrogatepass") if isinstance(sql, str) else sql
    answer = requests.post(f"http://{host}{path}", data=body, headers=LOGIN, timeout=PATIENCE)
    assert answer.status_code < 500
    assert "internal error" not in answer.text, answer.text
    return dict(answer.json())


def in_order(host: str) -> None:
    assert requests.get(f"http://{host}/status", timeout=PATIENCE).status_code == 200
    assert _rest(host, "SELECT count(*) FROM d.kept")["data"] == [[1]]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from((2**64, -(2**63), "1", "", "kept", "d", "\0", "Mars/X"))
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
ARGS = ("req_id", "id", "stmt_id", "sql", "db", "user", "options", "protocol", "precision", "data", "table_name_key")
NUMBERS = st.sampled_from((0, 1, 2, 3, 7, 2**31, 2**32, 2**63, 2**64 - 1)) | st.integers(0, 2**64 - 1)
KEPT = "INSERT INTO ? USING many TAGS (?) VALUES (?, ?)"
ROWS = write_bound([(None, [], [(TIMESTAMP, [1, 2]), (DOUBLE, [1.5, None])])])


def text_messages() -> st.SearchStrategy[str]:
    actions = st.sampled_from([*ACTIONS]) | st.text(max_size=8)
    args = st.dictionaries(st.sampled_from(ARGS), VALUES, max_size=4)
    formed = st.builds(lambda action, args: json.dumps({"action": action, "args": args}), actions, args)
    bare = st.text(max_size=30) | VALUES.map(json.dumps)
    return st.one_of(formed, formed, formed, bare, statements_by_text(), lines())


def statements_by_text() -> st.SearchStrategy[str]:
    prepared = st.builds(lambda n, sql: _text("stmt2_prepare", stmt_id=n, sql=sql), st.integers(0, 3), any_statement())
    return any_statement().map(lambda sql: _text("query", sql=sql)) | prepared


def lines() -> st.SearchStrategy[str]:
    damage = damaged(tuple(LINES.encode().splitlines())).map(lambda raw: raw.decode(errors="replace"))
    protocols = st.integers(0, 4)
    return st.builds(lambda data, n: _text("insert", protocol=n, precision="ns", data=data), damage, protocols)


def binary_messages() -> st.SearchStrategy[bytes]:
    header = st.builds(
        QUESTION.pack, NUMBERS, NUMBERS, st.sampled_from((QUERY, 7, BIND, 10)) | NUMBERS, st.integers(0, 9)
    )
    binds = damaged((BOUND, ROWS)).map(lambda body: QUESTION.pack(1, 1, BIND, 1) + body)
    whole = damaged((query_message(1, "SELECT 1 AS a"), fetch_message(1, 1)))
    return st.one_of(
        st.binary(max_size=60), st.builds(bytes.__add__, header, st.binary(max_size=80)), binds, binds, whole
    )


@examples(80)
@given(st.lists(text_messages() | binary_messages(), min_size=1, max_size=3))
def test_any_message_is_answered_or_ends_the_connection(talk: Talk, messages: list[str | bytes]) -> None:
    for message in messages:
        if isinstance(message, bytes) or message.isascii():
            talk.send(message)
    in_order(talk.host)


@examples(40)
@given(damaged((BOUND, ROWS)) | st.binary(max_size=90))
def test_hostile_binds_of_a_statement_that_waits_for_them(talk: Talk, body: bytes) -> None:
    talk.send(_text("stmt2_init", req_id=1))
    for number in range(1, 3):
        talk.send(
            _text("stmt2_prepare", stmt_id=number, sql="INSERT INTO other VALUES (?, ?)" if number == 1 else KEPT)
        )
        talk.send(QUESTION.pack(1, number, BIND, 1) + body)
        talk.send(_text("stmt2_exec", stmt_id=number))
        talk.send(_text("stmt2_close", stmt_id=number))
    in_order(talk.host)


@examples(40)
@given(any_statement().map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=60))
def test_any_body_of_rest(host: str, body: bytes) -> None:
    assert isinstance(_rest(host, body)["code"], int)
    in_order(host)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_frames_that_are_none_and_connections_that_go(host: str, folder: Path) -> None:
    """Wrong and huge lengths, half a message, half-closed, gone at once; the server forgets them all."""
    server = _server(folder)
    for raw in _rude():
        _send_raw(host, raw)
    before = _held(server)
    for _ in range(3 + LONG // 20):
        for raw in _rude():
            _send_raw(host, raw)
    in_order(host)
    _until(lambda: _held(server)[0] <= before[0] + FEW)
    _, threads, memory = _held(server)
    assert threads <= before[1] + THREADS
    assert memory < before[2] + GROWTH


def _server(folder: Path) -> Path:
    """The folder of /proc that tells of the server over a database in `folder`."""
    commands = (one for one in Path("/proc").glob("[0-9]*/cmdline") if _is_readable(one))
    return next(one.parent for one in commands if str(folder / "plant.db").encode() in one.read_bytes())


def _is_readable(one: Path) -> bool:
    try:
        return bool(one.read_bytes())
    except OSError:
        return False


def _held(server: Path) -> tuple[int, int, int]:
    """Descriptors, threads, and bytes in memory."""
    pages = int((server / "statm").read_text().split()[1])
    return len([*(server / "fd").iterdir()]), len([*(server / "task").iterdir()]), pages * os.sysconf("SC_PAGE_SIZE")


def _until(holds: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def _rude() -> list[bytes]:
    """What may follow the handshake of a WebSocket."""
    mask = b"\0\0\0\0"
    said = _text("conn", user="root", password="taosdata", db="d").encode()
    login = b"\x81" + bytes([0x80 | 126]) + struct.pack(">H", len(said)) + mask + said
    return [
        b"",
        login,
        login[:-5],
        b"\x81\x05hello",
        b"\x82\xff" + struct.pack(">Q", 2**63 - 1) + mask,
        b"\x82\xff" + struct.pack(">Q", 2**31) + mask + b"x" * 1000,
        b"\x81\x82" + mask + b"\xff\xfe",
        b"\xf1\x80" + mask,
        b"\x89\xfe\x01\x00" + mask + b"p" * 256,
        b"\x88\x81" + mask + b"x",
        b"\x80\x80" + mask,
        login + b"\x01\x83" + mask + b"abc",
        login + b"\x82\x9a" + mask + query_message(1, "SELECT 1")[:26],
        os.urandom(64),
    ]


def _send_raw(host: str, raw: bytes) -> None:
    """Shake hands, send it, close our half, and read until the other half is closed too."""
    name, port = host.rsplit(":", 1)
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    with socket.create_connection((name, int(port)), timeout=PATIENCE) as plain, contextlib.suppress(ConnectionError):
        plain.sendall(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode() + raw)
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(1 << 16):
            pass
