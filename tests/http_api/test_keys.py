"""API keys: scopes, rates, quotas, the journal of requests."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.routes import HTTPRoute
from websockets.sync.client import ClientConnection, connect

from foretell.application import application, new_node
from foretell.errors import InvalidInput
from foretell.http_api.journal import Journal
from foretell.http_api.keys import DAY, Key, Meter, digest, lines_of, needed, new_secret
from foretell.server import in_background
from foretell.settings import read_settings
from foretell.sql.database import Database
from foretell.sql.taos import TaosDoor
from foretell.tdgpt.routes import BY_PATH
from tests.http_api.conftest import ADMIN, serving

SECRETS = {name: f"secret-of-{name}-0123456789" for name in ("reader", "user", "chief", "slow")}
KEYS: dict[str, dict[str, Any]] = {
    "reader": {"scopes": ["read"]},
    "user": {"scopes": ["read", "infer"]},
    "chief": {"scopes": ["read", "infer", "admin"]},
    "slow": {"scopes": ["read"], "quota": 2},
}
BODY = {"series": [{"values": [1, 2, 3, 4, 5, 6]}], "horizon": 1, "model": "naive"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def locked(folder: Path) -> Iterator[str]:
    keys = {name: {"hash": digest(SECRETS[name]), **key} for name, key in KEYS.items()}
    with serving(folder, keys=keys, audit_log=folder / "audit.log") as url:
        yield url


def call(url: str, method: str, path: str, key: str | None, **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {SECRETS.get(key, key)}"} if key else {}
    return requests.request(method, f"{url}{path}", headers=headers | more.pop("headers", {}), timeout=60, **more)


@pytest.mark.parametrize(
    ("key", "look", "ask", "change"),
    [
        (None, 401, 401, 401),
        ("of nobody", 401, 401, 401),
        ("reader", 200, 403, 403),
        ("user", 200, 200, 403),
        ("chief", 200, 200, 200),
        (ADMIN, 200, 200, 200),
    ],
)
def test_a_key_opens_what_its_scopes_say(locked: str, key: str | None, look: int, ask: int, change: int) -> None:
    assert call(locked, "GET", "/v1/models", key).status_code == look
    assert call(locked, "POST", "/v1/forecast", key, json=BODY).status_code == ask
    assert call(locked, "POST", "/v1/reload", key).status_code == change


def test_a_quota_ends_and_says_until_when(locked: str) -> None:
    assert [call(locked, "GET", "/status", "slow").status_code for _ in "123"] == [200, 200, 429]
    refused = call(locked, "GET", "/v1/models", "slow")
    assert (refused.status_code, "quota of 2" in refused.text) == (429, True)
    assert 0 < int(refused.headers["retry-after"]) <= DAY


def test_jobs_are_seen_by_their_own_key_only(locked: str) -> None:
    job = call(locked, "POST", "/v1/jobs?verb=forecast", "user", json=BODY).json()
    assert call(locked, "GET", f"/v1/jobs/{job['id']}", "user").status_code == 200
    assert call(locked, "GET", f"/v1/jobs/{job['id']}", "chief").status_code == 404
    assert call(locked, "GET", "/v1/jobs", "chief").json() == []


def test_the_audit_log_says_who_asked_for_what_and_keeps_no_secret(locked: str, folder: Path) -> None:
    named = {"X-Request-Id": "mine-42"}
    answer = call(locked, "POST", "/v1/forecast?token=geheim", "user", json=BODY, headers=named)
    assert answer.headers["x-request-id"] == "mine-42"
    odd = call(locked, "GET", "/v1/models", None, headers={"X-Request-Id": "no good"})
    assert odd.headers["x-request-id"] != "no good"
    text = (folder / "audit.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    mine = next(line for line in lines if line["request"] == "mine-42")
    assert [mine[k] for k in ("key", "client", "method", "path", "status")] == [
        "user",
        "127.0.0.1",
        "POST",
        "/v1/forecast",
        400,
    ]
    assert lines[-1]["status"] == 401
    assert not any(line["method"] == "GET" and line["status"] == 200 for line in lines)
    assert "geheim" not in text
    assert not any(secret in text for secret in SECRETS.values())


def test_the_audit_log_is_for_its_owner_and_must_be_writable(folder: Path, locked: str) -> None:
    assert (folder / "audit.log").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidInput, match="audit_log: cannot write /nowhere/x"):
        Journal(Path("/nowhere/x"))


def test_the_audit_log_names_the_user_of_the_database(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    node = new_node(read_settings(workers=1, state_dir=tmp_path, audit_log=path))
    with Database(engine=node.serving.engine) as database, in_background(node, TaosDoor(database)) as url:
        for place, body in (("/rest/sql", "SELECT 1"), ("/v1/sql", '{"sql": "SELECT 1"}')):
            login = ("root", "taosdata")
            assert requests.post(f"{url}{place}", data=body, auth=login, timeout=60).status_code == 200
            assert requests.post(f"{url}{place}", data=body, auth=("joe", "x"), timeout=60).status_code == 401
    assert [json.loads(line)["user"] for line in path.read_text().splitlines()] == ["root", "", "root", ""]


def test_the_audit_log_has_the_messages_of_a_web_socket(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    node = new_node(read_settings(workers=1, state_dir=tmp_path, audit_log=path))

    def say(socket: ClientConnection, action: str, **args: Any) -> int:
        socket.send(json.dumps({"action": action, "args": args}))
        return int(json.loads(socket.recv(timeout=30))["code"])

    with Database(engine=node.serving.engine) as database, in_background(node, TaosDoor(database)) as url:
        with connect(f"{url.replace('http', 'ws')}/ws?token=geheim", compression=None) as socket:
            assert say(socket, "version") == 0
            assert say(socket, "query", sql="SELECT 1") != 0
            assert say(socket, "conn", user="joe", password="geheim") != 0
        with connect(f"{url.replace('http', 'ws')}/ws", compression=None) as socket:
            assert say(socket, "conn", user="root", password="taosdata") == 0
            assert say(socket, "query", sql="SELECT 1") == 0
            assert say(socket, "query", sql="SELECT nothing") != 0
    assert "geheim" not in path.read_text()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["user"], line["method"], line["path"], line["status"]) for line in lines] == [
        ("", "query", "/ws", 401), ("", "conn", "/ws", 401),
        ("root", "query", "/ws", 200), ("root", "query", "/ws", 400),
    ]  # fmt: skip


def test_an_open_server_still_guards_what_changes_it(url: str) -> None:
    assert requests.post(f"{url}/v1/reload", timeout=60).status_code == 401
    assert requests.post(f"{url}/v1/forecast", json=BODY, timeout=60).status_code == 200


SPELLINGS = ("{}", "{}/", "{}//", "/{}", "//{}/")
CHANGING = ("/v1/models/{name:str}/load", "/v1/models/{name:str}/pull", "/v1/models/{name:str}/unload", "/v1/reload")


def spelled(path: str) -> list[str]:
    """A path as it is written, and others that lead to the same endpoint."""
    return [spelling.format(one) for spelling in SPELLINGS for one in (path, path.replace("/", "//"))]


def test_no_spelling_of_a_path_needs_less_than_another(monkeypatch: pytest.MonkeyPatch) -> None:
    routes: dict[str, set[str]] = {f"/{path}": set(endpoint.methods) for path, endpoint in BY_PATH.items()}

    class Seen(Litestar):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            routes.update({route.path: {*route.methods} for route in self.routes if isinstance(route, HTTPRoute)})

    monkeypatch.setattr("foretell.application.Litestar", Seen)
    application(new_node(read_settings(workers=1)))
    assert len(routes) > 40
    needs = {path: {needed(method, path) for method in methods} for path, methods in routes.items()}
    assert tuple(sorted(path for path, scopes in needs.items() if "admin" in scopes)) == CHANGING
    for path, methods in routes.items():
        for other in spelled(path):
            assert {needed(method, other) for method in methods} == needs[path], other


def test_an_open_server_guards_what_changes_it_however_it_is_spelled() -> None:
    gate: Any = application(new_node(read_settings(workers=1, admin_token=ADMIN)))

    async def knock() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gate)) as client:
            for path in CHANGING:
                for other in spelled(path.replace("{name:str}", "theta")):
                    assert (await client.post(f"http://127.0.0.1{other}")).status_code == 401, other

    asyncio.run(knock())


def test_a_new_key_is_lines_that_the_settings_take() -> None:
    secret = new_secret()
    found = tomllib.loads(lines_of("grafana", secret, ["read"], 2.5, 100))
    (key,) = read_settings(keys=found["keys"]).keys.values()
    assert (key.hash, key.scopes, key.rate, key.quota) == (digest(secret), ("read",), 2.5, 100)
    for name, scopes, rate in (("a b", ["read"], None), ("a", ["write"], None), ("a", [], None), ("a", ["read"], -1.0)):
        with pytest.raises(InvalidInput):
            lines_of(name, secret, scopes, rate, None)


def test_keys_in_the_settings_are_checked() -> None:
    with pytest.raises(InvalidInput, match="keys"):
        read_settings(keys={"a": {"hash": "short"}})
    with pytest.raises(InvalidInput, match="keys"):
        read_settings(keys={"a": {"hash": digest("x"), "scope": ["read"]}})


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/list", "read"),
        ("POST", "/forecast", "infer"),
        ("DELETE", "/v1/jobs/x", "infer"),
        ("POST", "/v1/models/x/unload", "admin"),
        ("POST", "/v1/reload", "admin"),
    ],
)
def test_what_a_request_needs(method: str, path: str, scope: str) -> None:
    assert needed(method, path) == scope


@given(st.lists(st.floats(0, 3), max_size=100), st.floats(0.1, 20))
def test_a_rate_is_kept_over_any_time(gaps: list[float], rate: float) -> None:
    clock = [1e9]
    meter, key = Meter(lambda: clock[0]), Key("k", frozenset({"read"}), rate=rate)
    taken = []
    for gap in gaps:
        clock[0] += gap
        if meter.take(key) is None:
            taken.append(clock[0])
    window = max(1.0, 1 / rate) - 1e-3
    assert all(sum(begin <= one < begin + window for one in taken) <= max(1, rate) for begin in taken)


def test_a_quota_begins_anew_each_day_and_waiting_helps() -> None:
    clock = [0.0]
    meter, key = Meter(lambda: clock[0]), Key("k", frozenset({"read"}), rate=1, quota=3)
    assert [meter.take(key) is None for _ in "1234"] == [True, False, False, False]
    for _ in "12":
        refused = meter.take(key)
        assert refused is not None
        clock[0] += refused[1]
        assert meter.take(key) is None
    clock[0] += 5
    assert "quota" in str(meter.take(key))
    clock[0] = DAY
    assert meter.take(key) is None


def test_a_clock_that_is_set_back_gives_nothing_away_and_locks_nobody_out() -> None:
    clock = [10.0 * DAY]
    meter, key = Meter(lambda: clock[0]), Key("k", frozenset({"read"}), rate=1)
    assert [meter.take(key) is None for _ in "123"] == [True, False, False]
    clock[0] -= 3600
    assert meter.take(key) is not None
    clock[0] += 1
    assert meter.take(key) is None
