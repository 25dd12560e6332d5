"""The routes of the console, without a browser."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from foretell.http_api.pages import KINDS
from tests.http_api.conftest import serving

USER = ("root", "taosdata")


def sql(url: str, text: str, **more: Any) -> requests.Response:
    body = {"sql": text, "database": "plant", **more}
    return requests.post(f"{url}/v1/sql", json=body, auth=USER, timeout=60)


def upload(url: str, data: bytes, table: str = "t", kind: str = "csv", database: str = "plant") -> requests.Response:
    query = {"table": table, "format": kind, "database": database}
    return requests.post(f"{url}/v1/upload", params=query, data=data, auth=USER, timeout=60)


def test_the_page_and_its_parts_ask_nobody_else(url: str) -> None:
    for path in ("console", *(f"console/{name}" for name in KINDS)):
        answer = requests.get(f"{url}/{path}", timeout=10)
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert requests.get(f"{url}/console/secret.txt", timeout=10).status_code == 404
    assert requests.get(f"{url}/console/..%2Fkeys.py", timeout=10).status_code == 404
    answer = requests.get(f"{url}/console", timeout=10)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = answer.text
    assert "http://" not in page
    assert "https://" not in page


def test_a_statement_and_its_picture(url: str) -> None:
    upload(url, b"ts,v\n" + b"".join(b"2024-01-%02d,%d\n" % (i + 1, i % 7) for i in range(28)), "days")
    made = sql(url, "SELECT _frowts, _flow, FORECAST(v, 'algo=naive,rows=3,wncheck=0') FROM days").json()
    assert (made["total"], made["affected"], made["result"]["rows"]) == (3, None, 3)
    (plot,) = made["plots"]
    assert (len(plot["values"]), len(plot["ahead"]["point"]), len(plot["ahead"]["low"])) == (28, 3, 3)
    assert plot["ahead"]["times"][0] - plot["times"][-1] == 86_400
    few = sql(url, "SELECT * FROM days", limit=5).json()
    assert (few["total"], len(few["result"]["data"])) == (28, 5)
    below = sql(url, "SELECT * FROM days", limit=-1)
    assert (below.status_code, "limit" in below.json()["detail"]) == (400, True)


def test_errors_have_place_and_code(url: str) -> None:
    answer = sql(url, "SELECT * FROM nowhere")
    problem = answer.json()
    assert (answer.headers["content-type"], problem["position"]) == ("application/problem+json", 14)
    assert problem["code"] & 0xFFFF == 0x2603
    assert requests.post(f"{url}/v1/sql", json={"sql": "SELECT 1"}, timeout=10).status_code == 401
    wrong = requests.post(f"{url}/v1/sql", json={"sql": "SELECT 1"}, auth=("root", "no"), timeout=10)
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "X-Basic")
    assert requests.post(f"{url}/v1/sql", json={"sq": 1}, auth=USER, timeout=10).json()["field"] == "sq"


def statements(url: str) -> dict[str, float]:
    """How many statements /metrics has counted, by outcome."""
    lines = requests.get(f"{url}/metrics", timeout=10).text.splitlines()
    found = (re.fullmatch(r'foretell_requests_total\{outcome="(.*)",path="sql"\} (.*)', line) for line in lines)
    return {match[1]: float(match[2]) for match in found if match}


def test_statements_are_counted_by_outcome(url: str) -> None:
    before = statements(url)
    sql(url, "SELECT 1")
    requests.post(f"{url}/rest/sql", "SELEC 1", auth=USER, timeout=10)
    after = statements(url)
    assert after["ok"] == before.get("ok", 0) + 1
    assert after["SqlError"] == before.get("SqlError", 0) + 1


def long_frame() -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=5, freq="h")
    return pd.concat([pd.DataFrame({"ds": times, "unique_id": n, "y": [1.5, 2, 3, 4, 5]}) for n in ("A b", "c")])


def as_csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def as_parquet(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    frame.to_parquet(sink)
    return sink.getvalue()


@pytest.mark.parametrize(("kind", "write"), [("csv", as_csv), ("parquet", as_parquet)])
def test_a_file_of_several_series_becomes_sub_tables(
    url: str, kind: str, write: Callable[[pd.DataFrame], bytes]
) -> None:
    made = upload(url, write(long_frame()), f"many_{kind}", kind).json()
    assert (made["rows"], made["series"]) == (10, 2)
    found = sql(url, f"SELECT unique_id, COUNT(*), SUM(y) FROM many_{kind} GROUP BY unique_id ORDER BY 1").json()
    assert found["result"]["data"] == [["A b", 5, 15.5], ["c", 5, 15.5]]
    again = upload(url, write(long_frame()), f"many_{kind}", kind).json()
    assert again["rows"] == 10
    assert sql(url, f"SELECT COUNT(*) FROM many_{kind}").json()["result"]["data"] == [[10]]


def test_no_two_series_become_one(url: str) -> None:
    names = ["Pump A", "Pump-A", "pump_a", "温度", "湿度", "", f"pump_a_{'0' * 16}", "x" * 300, "x" * 300 + "y"]
    rows = "".join(f"{name},2024-01-0{day},{i}\n" for day in (1, 2) for i, name in enumerate(names))
    data = ("unique_id,ds,y\n" + rows).encode()
    for _ in range(2):
        assert upload(url, data, "apart").json()["series"] == len(names)
        found = sql(url, "SELECT unique_id, COUNT(*), MAX(y), MIN(y) FROM apart GROUP BY unique_id, tbname").json()
        assert sorted(found["result"]["data"]) == sorted([name, 2, i, i] for i, name in enumerate(names))
    assert sql(url, "SELECT y FROM apart_pump_a").json()["result"]["data"] == [[2], [2]]


def test_names_of_columns_may_hold_quotes(url: str) -> None:
    assert upload(url, b'ds,y`,"a""b"\n2024-01-01,1,2\n', "quotes").json()["columns"] == ["ds", "y`", 'a"b']
    assert sql(url, 'SELECT `y```, "a""b" FROM quotes').json()["result"]["data"] == [[1, 2]]


@pytest.mark.parametrize(
    ("data", "more", "words"),
    [
        (b"a,b\n1,2\n", {}, "no column of times"),
        (b"ts,v\n2024-01-01,1\n2024-01-01,2\n", {}, "equal ts"),
        (b"ts,v\n2024-01-01T00:00:00.0001,1\n2024-01-01T00:00:00.0002,2\n", {}, "equal ts in ms"),
        (as_parquet(pd.DataFrame({"id": ["a", None], "ts": pd.Timestamp(0)})), {"kind": "parquet"}, "without id"),
        (b"\x00\x01", {"kind": "parquet"}, "no parquet file"),
        (b"ts,v\n2024-01-01,1\n", {"kind": "xlsx"}, "must be one of csv, parquet"),
        (b"ts,v\n2024-01-01,1\n", {"table": "a b"}, "must be a name"),
        (b"ts,v\n2024-01-01,1\n", {"database": ""}, "must be named"),
        (b"ts,v\n2024-01-01,1\n", {"database": "nowhere"}, "nowhere"),
    ],
)
def test_files_that_cannot_be_kept_say_why(url: str, data: bytes, more: dict[str, str], words: str) -> None:
    answer = upload(url, data, **more)
    assert 400 <= answer.status_code < 500
    assert words in answer.json()["detail"]


def test_a_server_without_a_database_says_how_to_have_one(tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        answer = requests.post(f"{url}/v1/sql", json={"sql": "SELECT 1"}, auth=USER, timeout=10)
        assert (answer.status_code, "--db" in answer.text) == (501, True)
        assert requests.get(f"{url}/console", timeout=10).status_code == 200
