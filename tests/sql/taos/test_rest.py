"""The REST interface as TDengine's clients use it, and what they are answered when something is wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from foretell.errors import AuthenticationFailed
from foretell.sql.taos.logins import Client, Logins, Throttle

ROOT = ("root", "taosdata")


def post(host: str, sql: str | bytes, path: str = "/rest/sql", auth: Any = ROOT, **fields: Any) -> requests.Response:
    body = sql.encode() if isinstance(sql, str) else sql
    return requests.post(f"http://{host}{path}", data=body, auth=auth, timeout=30, **fields)


def answer(host: str, sql: str, **fields: Any) -> Any:
    response = post(host, sql, **fields)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    return json.loads(response.content, parse_constant=pytest.fail)


def test_a_query(host: str) -> None:
    assert answer(host, "SELECT 1::INTEGER AS a, 'x' AS b, 'nan'::DOUBLE AS c") == {
        "code": 0,
        "column_meta": [["a", "INT", 4], ["b", "VARCHAR", 1], ["c", "DOUBLE", 8]],
        "data": [[1, "x", None]],
        "rows": 1,
    }


def test_options_of_a_request(host: str) -> None:
    sql = "SELECT TIMESTAMP_MS '2024-07-01 12:00:00' AS ts"
    assert answer(host, sql)["data"] == [["2024-07-01T12:00:00.000Z"]]
    berlin = {"tz": "Europe/Berlin", "req_id": "7", "app": "x", "ip": "1.2.3.4", "row_with_meta": "true"}
    assert answer(host, sql, params=berlin)["data"] == [{"ts": "2024-07-01T14:00:00.000+02:00"}]
    tokyo = answer(
        host, "SELECT TIMEZONE(), server_version(), DATABASE(), current_user()", params={"conn_tz": "Asia/Tokyo"}
    )
    names = [column[0] for column in tokyo["column_meta"]]
    assert names == ["timezone()", "server_version()", "database()", "current_user()"]
    assert tokyo["data"] == [["Asia/Tokyo", "3.3.6.0", None, "root"]]
    for wrong in ({"tz": "Mars/Base"}, {"conn_tz": "x"}, {"req_id": "seven"}):
        response = post(host, sql, params=wrong)
        assert (response.status_code, response.json()["code"]) == (400, 0x118)


def test_errors_have_one_shape(host: str) -> None:
    """Contract: status 200, TDengine's code without its upper half, and a text."""
    for sql, code in (("SELEC 1", 0x2600), ("SELECT * FROM nothing_here", 0x2616)):
        response = post(host, sql)
        assert response.status_code == 200
        said = response.json()
        assert set(said) == {"code", "desc"}
        assert said["code"] == code
        assert said["desc"]


@pytest.mark.parametrize("body", [b"", b"  \n", b"\xff\xfe"])
def test_a_body_without_a_statement_is_a_bad_request(host: str, body: bytes) -> None:
    assert post(host, body).status_code == 400


def test_other_paths_and_methods(host: str) -> None:
    assert requests.get(f"http://{host}/rest/sql", auth=ROOT, timeout=30).status_code == 404
    assert requests.get(f"http://{host}/rest/nothing", timeout=30).json()["code"] == 0x118


def test_a_large_body_is_refused(host: str) -> None:
    said = post(host, b"SELECT '" + b"x" * (33 << 20) + b"'").json()
    assert "larger than" in said["desc"]


@pytest.mark.parametrize(
    "header",
    ["", "Basic ???", "Basic " + base64.b64encode(b"root").decode(), "Bearer nothing", "Taosd x", "Digest a"],
)
def test_without_a_login_there_is_nothing(host: str, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    response = post(host, "SELECT 1", auth=None, headers=headers)
    assert response.status_code == 401
    assert response.json()["code"] == 0x357
    assert response.headers["www-authenticate"].startswith("Basic")


def test_the_login_call_gives_what_is_a_login(host: str) -> None:
    said = requests.get(f"http://{host}/rest/login/root/taosdata", timeout=30).json()
    assert said["code"] == 0
    for fields in ({"headers": {"Authorization": f"Taosd {said['desc']}"}}, {"params": {"token": said["desc"]}}):
        assert answer(host, "SELECT 1 AS a", auth=None, **fields)["rows"] == 1
    assert requests.get(f"http://{host}/rest/login/root/wrong", timeout=30).status_code == 401
    assert answer(host, "CREATE USER percy PASS 'a%41/b_B1'")["code"] == 0
    said = requests.get(f"http://{host}/rest/login/percy/a%2541/b_B1", timeout=30).json()
    assert base64.b64decode(said["desc"]) == b"percy:a%41/b_B1"
    assert answer(host, "DROP USER percy")["code"] == 0
    assert requests.get(f"http://{host}/rest/login/root", timeout=30).status_code == 400


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class OneUser:
    """A database that knows one user."""

    def login(self, user: str, password: str, is_local: bool) -> str:
        if (user, password) != ("ann", "right"):
            raise AuthenticationFailed
        return user


def test_guessing_gets_slower_and_slower() -> None:
    clock, client = Clock(), Client("10.0.0.1", False)
    logins = Logins(OneUser(), throttle=Throttle(clock))  # type: ignore[arg-type]

    def tried(password: str, who: Client = client) -> str:
        try:
            logins.by_password("ann", password, who)
        except AuthenticationFailed as error:
            return str(error)
        return "in"

    assert [tried("wrong") for _ in range(5)] == ["Authentication failure"] * 5
    assert tried("right") == "too many failed logins; try again in 1 s"
    clock.now += 1.1
    assert tried("wrong") == "Authentication failure"
    assert tried("right").endswith("in 2 s")
    assert tried("right", Client("10.0.0.2", False)) == "in"
    clock.now += 2.1
    assert tried("right") == "in"
    assert tried("wrong") == "Authentication failure"
