"""The routes of the console, without a browser."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from foretell.errors import BodyTooLarge
from foretell.http_api.pages import KINDS
from foretell.http_api.plots import MOST_POINTS, outline
from foretell.http_api.upload import _check_names, _in_types, read_file
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


def test_a_picture_stands_where_the_rows_do(url: str) -> None:
    upload(url, b"ts,v\n" + b"".join(b"2024-01-%02d,%d\n" % (i + 1, i % 7) for i in range(28)), "days")
    text = "SELECT _frowts, FORECAST(v, 'algo=naive,rows=3,wncheck=0{}') FROM days"
    first = {}
    for option in ("", ",start=2030-01-01", ",every=1h"):
        made = sql(url, text.format(option)).json()
        (plot,) = made["plots"]
        row = pd.Timestamp(made["result"]["data"][0][0]).timestamp()
        assert plot["ahead"]["times"][0] == row
        first[option] = plot["ahead"]["joined"]
    assert first == {"": True, ",start=2030-01-01": False, ",every=1h": True}


def test_all_of_a_long_history_is_drawn_with_its_windows(url: str) -> None:
    text = "CREATE TABLE long_one (ts TIMESTAMP, v DOUBLE); INSERT INTO long_one SELECT "
    text += "TIMESTAMP '2024-01-01' + to_minutes(i::INT), if(i IN (70, 4000), 99, sin(i)) FROM range(6000) r(i)"
    assert sql(url, text).json()["affected"] == 6000
    made = sql(url, "SELECT _wstart FROM long_one ANOMALY_WINDOW(v, 'algo=iqr') LIMIT 1").json()
    (plot,) = made["plots"]
    assert (plot["points"], made["total"], len(plot["windows"])) == (6000, 1, 2)
    assert len(plot["values"]) <= MOST_POINTS + 2
    assert plot["times"][-1] - plot["times"][0] == 5999 * 60
    assert {first for first, _ in plot["windows"]} <= set(plot["times"])


def test_an_outline_is_what_a_loop_finds() -> None:
    values = np.random.default_rng(1).normal(size=997)
    values[300:420] = np.nan
    made, stretches = outline(values, 100), np.arange(997) * 50 // 997
    for stretch in range(50):
        here, kept = (one[stretches[one] == stretch] for one in (np.arange(997), made))
        if np.isnan(values[here]).all():
            assert len(kept) == 1
        else:
            assert np.nanmin(values[kept]) == np.nanmin(values[here])
            assert np.nanmax(values[kept]) == np.nanmax(values[here])
    assert len(made) <= 102
    assert outline(values[:100], 100).tolist() == list(range(100))


def test_several_statements_run_in_order_up_to_the_first_error(url: str) -> None:
    made = sql(url, "SELECT 'a;b' AS one; USE plant; -- the end;", database="").json()
    assert (made["result"]["data"], made["statements"], made["database"]) == ([["a;b"]], 2, "plant")
    wrote = "CREATE TABLE w (ts TIMESTAMP, v INT); INSERT INTO w VALUES (0, 1); INSERT INTO w VALUES (1, 1) (2, 1);"
    assert sql(url, wrote).json()["affected"] == 3
    text = "USE plant;\n  INSERT INTO w VALUES (9, 1);\n\nSELECT v FROM nowhere; INSERT INTO w VALUES (10, 1)"
    problem = sql(url, text, database="").json()
    assert (problem["statements"], problem["database"]) == (2, "plant")
    assert text[problem["position"] :].startswith("nowhere")
    assert "line 4: SELECT v FROM nowhere" in problem["detail"]
    assert sql(url, "SELECT COUNT(*) FROM w").json()["result"]["data"] == [[4]]
    for nothing in ("", ";;", "-- words\n", "/* words; */ ;"):
        assert sql(url, nothing).json()["detail"].startswith("there is no statement here")


def test_warnings_are_part_of_the_answer(url: str) -> None:
    text = "CREATE STABLE two (ts TIMESTAMP, v DOUBLE) TAGS (n INT); INSERT INTO long2 USING two TAGS (1) VALUES "
    text += " ".join(f"({i * 60000}, {i})" for i in range(30))
    assert sql(url, text + " short2 USING two TAGS (2) VALUES (0, 1)").status_code == 200
    said = "number of rows should between 10 and 40000, actual 1 rows"
    asked = "SELECT _frowts AS ts, FORECAST(v, 'algo=naive,rows=2') AS v FROM two PARTITION BY tbname"
    made = sql(url, f"{asked}; SELECT 1").json()
    assert (len(made["warnings"]), said in made["warnings"][0], made["result"]["data"]) == (1, True, [[1]])
    assert sql(url, "SELECT 1").json()["warnings"] == []
    keep = f"CREATE TABLE kept (ts TIMESTAMP, v DOUBLE); INSERT INTO kept SELECT * FROM ({asked}) WHERE ts IS NOT NULL"
    wrote = sql(url, keep).json()
    assert (wrote["affected"], len(wrote["warnings"])) == (2, 1)


def test_errors_have_place_and_code(url: str) -> None:
    answer = sql(url, "SELECT * FROM nowhere")
    problem = answer.json()
    assert (answer.headers["content-type"], problem["position"]) == ("application/problem+json", 14)
    assert problem["code"] & 0xFFFF == 0x2603
    assert requests.post(f"{url}/v1/sql", json={"sql": "SELECT 1"}, timeout=10).status_code == 401
    wrong = requests.post(f"{url}/v1/sql", json={"sql": "SELECT 1"}, auth=("root", "no"), timeout=10)
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "X-Basic")
    assert requests.post(f"{url}/v1/sql", json={"sq": 1}, auth=USER, timeout=10).json()["field"] == "sq"


@pytest.mark.parametrize("columns", [{"y": [1.0] * 200_000}, {"y": ["pump " * 20] * 20_000}, {"y": pa.nulls(200_000)}])
def test_a_small_file_that_holds_much_is_refused(columns: dict[str, Any]) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    assert len(file.getvalue()) < 10_000
    with pytest.raises(BodyTooLarge, match="when it is unpacked"):
        read_file(file.getvalue(), "parquet", 1_500_000)
    assert read_file(file.getvalue(), "parquet", 3_000_000).num_rows == len(columns["y"])


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


def test_columns_of_days_of_times_of_day_and_of_nothing(url: str) -> None:
    made = upload(url, b"day,due,clock,v\n2024-01-01,2024-02-01,10:00:00,\n", "kinds").json()
    assert (made["rows"], made["columns"]) == (1, ["day", "due", "clock", "v"])
    found = sql(url, "SELECT due, clock, v FROM kinds").json()["result"]
    assert [kind for _, kind, _ in found["column_meta"]] == ["TIMESTAMP", "VARCHAR", "DOUBLE"]
    assert found["data"] == [["2024-02-01T00:00:00.000Z", "10:00:00", None]]


def test_columns_of_parquet_that_the_database_has_no_type_for(url: str) -> None:
    columns = {
        "words": pa.array(["a", "b"]).dictionary_encode(),
        "listed": pa.array([[1], [2, 3]]),
        "raw": pa.array([b"ab", b"cd"], pa.binary(2)),
        "half": pa.array([0.5, 1.5]).cast(pa.float16()),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table({"ts": pa.array([1, 2], pa.timestamp("ms")), **columns}), sink)
    assert upload(url, sink.getvalue(), "odd", "parquet").json()["rows"] == 2
    found = sql(url, "SELECT words, listed, raw, half FROM odd ORDER BY ts").json()["result"]["data"]
    assert found == [["a", "[1]", "6162", 0.5], ["b", "[2, 3]", "6364", 1.5]]


def test_a_table_of_many_columns(url: str) -> None:
    names = ['"a, b\n"', "ts", *(f"v{i}" for i in range(998))]
    data = f"{','.join(names)}\n1,2024-01-01{',2' * 998}\n".encode()
    assert len(upload(url, data, "wide").json()["columns"]) == 1_000


@pytest.mark.parametrize("read", [_check_names, partial(_in_types, precision="ms")])
def test_many_columns_take_no_more_than_their_number(read: Callable[[pa.Table], object]) -> None:
    table = pa.table({f"v{i}": [1] for i in range(20_000)})
    begun = time.thread_time()
    read(table)
    assert time.thread_time() - begun < 1.5  # it is below 0.5; where each column costs all others, 2.4 and 60


def test_a_file_is_not_read_for_who_may_not_write(url: str) -> None:
    sql(url, "CREATE USER reader PASS 'Reader-1234'; GRANT READ ON plant.* TO reader")
    query = {"table": "t", "format": "csv", "database": "plant"}
    answer = requests.post(
        f"{url}/v1/upload", params=query, data=b"no\nfile", auth=("reader", "Reader-1234"), timeout=60
    )
    assert (answer.status_code, "may not write plant" in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("data", "more", "words"),
    [
        (b"a,b\n1,2\n", {}, "no column of times"),
        (b"ts,v\n2024-01-01,1\n2024-01-01,2\n", {}, "equal ts"),
        (b"ts,v\n2024-01-01T00:00:00.0001,1\n2024-01-01T00:00:00.0002,2\n", {}, "equal ts in ms"),
        (as_parquet(pd.DataFrame({"id": ["a", None], "ts": pd.Timestamp(0)})), {"kind": "parquet"}, "without id"),
        (b"ts,v\n2024-01-01,1\n,2\n2024-01-03,3\n", {}, "no ts in 1 of 3 rows, first in row 2"),
        (b"ts,v,V\n2024-01-01,1,2\n", {}, "two columns called V"),
        (b",ts,v\n0,2024-01-01,1\n", {}, "no name for its column 1"),
        (b"ts,tbname\n2024-01-01,x\n", {}, "the name of a table"),
        (b"ts" + b",v" * 4_096 + b"\n", {}, "4,097 columns; a table has 4,096 at most"),
        (b"," * 900_000 + b"\n", {}, "900,001 columns"),
        (as_parquet(pd.DataFrame({f"v{i}": [1] for i in range(4_097)})), {"kind": "parquet"}, "4,097 columns"),
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
