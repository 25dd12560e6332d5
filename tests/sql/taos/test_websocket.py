"""The WebSocket, message by message."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from foretell.sql.taos.answers import Rows
from foretell.sql.taos.results import MOST_BYTES, Open
from foretell.wire import taos_frames as frames
from foretell.wire.taos_types import VARCHAR, Column
from tests.wire.test_taos_block import read_block


class Talk:
    """A client that sends one message and waits for its answer."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, action: str, **args: Any) -> Any:
        self.socket.send(json.dumps({"action": action, "args": {"req_id": 1, **args}}))
        return self.read()

    def read(self) -> Any:
        answer = self.socket.recv(timeout=30)
        return json.loads(answer) if isinstance(answer, str) else answer

    def query(self, sql: str) -> Any:
        self.socket.send(frames.query_message(5, sql))
        return self.read()

    def fetch(self, result: int) -> tuple[int, str, bytes | None]:
        """Code, text and block of the answer to a binary fetch."""
        self.socket.send(frames.fetch_message(6, result))
        answer = self.read()
        assert struct.unpack_from("<QQH", answer) == (2**64 - 1, 7, 1)
        _, req_id, code, length = struct.unpack_from("<QQII", answer, 18)
        assert req_id == 6
        at = 42 + length
        _, finished = struct.unpack_from("<QB", answer, at)
        text = answer[42:at].decode()
        return (code, text, None) if finished else (code, text, answer[at + 13 :])


@pytest.fixture
def stranger(host: str) -> Iterator[Talk]:
    with connect(f"ws://{host}/ws", compression=None, max_size=None) as socket:
        yield Talk(socket)


@pytest.fixture
def talk(stranger: Talk) -> Talk:
    assert stranger.say("conn", user="root", password="taosdata", db="")["code"] == 0
    return stranger


def test_the_version_comes_first(stranger: Talk) -> None:
    said = stranger.say("version")
    assert said["version"].startswith("3.")
    assert {**said, "version": "", "timing": 0} == {
        "code": 0,
        "message": "",
        "action": "version",
        "req_id": 1,
        "timing": 0,
        "version": "",
    }


def test_nothing_else_before_the_login(stranger: Talk) -> None:
    assert stranger.say("conn", user="root", password="wrong")["code"] == 0x357
    assert stranger.say("query", sql="SELECT 1")["code"] == 0x357
    assert stranger.query("SELECT 1")["code"] == 0x357
    assert stranger.say("insert", protocol=1, data="x")["code"] == 0x357
    assert stranger.fetch(1)[0] == 0x357
    assert stranger.say("check_server_status")["status"] == 2


def test_a_binary_query_and_its_blocks(talk: Talk) -> None:
    said = talk.query("SELECT i::INTEGER AS i, 'n' || i AS n FROM range(300000) t(i)")
    assert (said["code"], said["action"], said["req_id"], said["is_update"]) == (0, "binary_query", 5, False)
    assert (said["fields_names"], said["fields_types"], said["fields_lengths"][0]) == (["i", "n"], [4, 8], 4)
    found: list[int] = []
    blocks = 0
    while (block := talk.fetch(said["id"])[2]) is not None:
        rows = struct.unpack_from("<i", block, 8)[0]
        blocks += 1
        if blocks == 1:
            numbers, names = read_block(block)
            assert names == [f"n{i}" for i in numbers]
        found.append(rows)
    assert sum(found) == 300_000
    assert blocks > 1
    code, text, _ = talk.fetch(said["id"])
    assert code == 0x118
    assert "there is no result" in text


def test_the_messages_of_older_clients(talk: Talk) -> None:
    said = talk.say("query", sql="SELECT 7::BIGINT AS n")
    assert (said["action"], said["fields_count"], said["precision"]) == ("query", 1, 0)
    result = said["id"]
    assert talk.say("fetch_block", id=result)["code"] == 0x118
    assert talk.say("fetch", id=result)["rows"] == 1
    block = talk.say("fetch_block", id=result)
    assert struct.unpack_from("<QQ", block)[1] == result
    assert read_block(block[16:]) == [[7]]
    assert talk.say("fetch", id=result)["completed"] is True


def test_results_are_freed_without_an_answer(talk: Talk) -> None:
    result = talk.query("SELECT 1 AS a")["id"]
    talk.socket.send(json.dumps({"action": "free_result", "args": {"req_id": 9, "id": result}}))
    assert talk.say("get_server_info")["action"] == "get_server_info"
    assert "there is no result" in talk.fetch(result)[1]


def test_what_else_clients_ask(talk: Talk) -> None:
    assert talk.say("get_current_db")["db"] == ""
    assert talk.say("get_server_info")["info"].startswith("3.")
    options = [{"option": 3, "value": "app"}, {"option": 1, "value": "Asia/Tokyo"}]
    assert talk.say("options_connection", options=options)["code"] == 0
    block = talk.fetch(talk.query("SELECT TIMEZONE()")["id"])[2]
    assert block is not None
    assert read_block(block) == [["Asia/Tokyo"]]
    assert talk.say("options_connection", options=[{"option": 1, "value": "Mars"}])["code"] == 0x118
    assert talk.say("options_connection", options="x")["code"] == 0x118
    assert "known:" in talk.say("fly")["message"]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "{}",
        '{"action": 1}',
        "[" * 100_000,
        '{"action":"query","args":{"req_id":"x"}}',
        '{"action":"query","args":{"sql":7}}',
        '{"action":"fetch","args":{"id":true}}',
        b"",
        b"\0" * 30,
        b"\xff" * 64,
        frames.query_message(1, "SELECT 1")[:-1],
        frames.QUESTION.pack(1, 1, 9, 1),
    ],
)
def test_nonsense_is_answered_with_its_reason(talk: Talk, message: str | bytes) -> None:
    talk.socket.send(message)
    said = talk.read()
    assert said["code"] != 0
    assert said["message"]
    assert talk.query("SELECT 1 AS a")["code"] == 0


def test_errors_have_one_shape(talk: Talk) -> None:
    """Contract: TDengine's code without its upper half and a text, beside what was asked."""
    said = talk.query("SELEC 1")
    assert set(said) == {"code", "message", "action", "req_id", "timing"}
    assert (said["code"], said["action"], said["req_id"]) == (0x2600, "binary_query", 5)


@pytest.mark.parametrize(
    "sql", ["x" * 1_000_000, "SELECT 1 AS " + "x" * 1_000_000 + " FROM nowhere", "SHOW " + "x" * 1_000_000]
)
def test_an_error_does_not_send_a_long_statement_back(talk: Talk, sql: str) -> None:
    for said in (talk.query(sql), talk.say("query", sql=sql), talk.say(sql)):
        assert said["code"] != 0
        assert len(json.dumps(said)) < 10_000


def test_a_stranger_says_little(stranger: Talk) -> None:
    said = stranger.say("conn", **{f"k{i}": i for i in range(5_000)})
    assert (said["code"], "before the login" in said["message"]) == (0x118, True)
    assert stranger.say("conn", user="root", password="taosdata", bearer_token="", tz="UTC")["code"] == 0
    assert stranger.say("get_current_db", **{f"k{i}": i for i in range(5_000)})["code"] == 0


def test_long_values_come_in_small_blocks_that_are_made_in_a_thread() -> None:
    table = pa.table({"x": ["x" * 60_000] * 300})
    found = Open(Rows(table, [Column("x", VARCHAR, 60_000)], "ms"))
    parts = list(iter(found.next, None))
    assert sum(part.num_rows for part in parts) == 300
    assert max(part.nbytes for part in parts) <= MOST_BYTES
    assert not found.is_small(table.slice(0, 2))
    assert found.is_small(table.slice(0, 1))


def test_many_at_a_time_are_answered_in_order(talk: Talk) -> None:
    for i in range(200):
        talk.socket.send(frames.query_message(i, f"SELECT {i} AS n"))
    assert [talk.read()["req_id"] for _ in range(200)] == list(range(200))


def test_other_paths_are_closed(host: str) -> None:
    with pytest.raises(InvalidStatus), connect(f"ws://{host}/wsx"):
        pass


def test_the_server_ends_no_connection_with_a_close_frame(host: str) -> None:
    with connect(f"ws://{host}/ws") as socket:
        talk = Talk(socket)
        assert talk.say("conn", user="root", password="wrong")["code"] == 0x357
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.05)
        assert talk.say("version")["code"] == 0
