"""Clients of the REST interface, unmodified: taosrest, pandas over it, npm's @tdengine/rest; Grafana's, replayed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

CLIENTS = Path(__file__).parents[2] / "clients"
taosrest = pytest.importorskip("taosrest", reason="the package taospy is not installed: its registry was out of reach")


@pytest.fixture(scope="module")
def plant(host: str) -> str:
    """A database with two machines, a value every minute."""
    connection = taosrest.connect(url=f"http://{host}")
    connection.execute("CREATE DATABASE IF NOT EXISTS rest_plant PRECISION 'ms'")
    for sql in (
        "CREATE STABLE IF NOT EXISTS heat (ts TIMESTAMP, v DOUBLE, note NCHAR(10)) TAGS (place VARCHAR(20))",
        "INSERT INTO h1 USING heat TAGS ('hall') VALUES "
        + " ".join(f"({1_700_000_000_000 + 60_000 * i}, {i}.5, NULL)" for i in range(60)),
        "INSERT INTO h2 USING heat TAGS ('roof') VALUES (1700000000000, NULL, 'ä')",
    ):
        taosrest.connect(url=f"http://{host}", database="rest_plant").execute(sql)
    return "rest_plant"


def test_connect_and_cursor(host: str, plant: str) -> None:
    connection = taosrest.connect(
        url=f"http://{host}", user="root", password="taosdata", database=plant, timezone="UTC"
    )
    assert connection.server_info.startswith("3.")
    cursor = connection.cursor()
    assert cursor.execute("INSERT INTO h2 VALUES (1700000060000, 2, 'x')", req_id=7) == 1
    cursor.execute("SELECT ts, v, note FROM h2 ORDER BY ts")
    assert cursor.rowcount == 2
    assert [column[0] for column in cursor.description] == ["ts", "v", "note"]
    start = dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)
    assert cursor.fetchall() == [[start, None, "ä"], [start + dt.timedelta(minutes=1), 2.0, "x"]]
    with pytest.raises(taosrest.ConnectError, match="0x2603"):
        cursor.execute("SELECT * FROM nothing_here")
    with pytest.raises(taosrest.HTTPError, match="401"):
        taosrest.connect(url=f"http://{host}", password="wrong").query("SELECT 1")


def test_a_token_instead_of_a_password(host: str) -> None:
    token = requests.get(f"http://{host}/rest/login/root/taosdata", timeout=30).json()["desc"]
    connection = taosrest.connect(url=f"http://{host}", token=token)
    assert connection.query("SELECT 1 AS a", req_id=3).data == [[1]]


@pytest.mark.filterwarnings("ignore:pandas only supports SQLAlchemy")
def test_pandas(host: str, plant: str) -> None:
    connection = taosrest.connect(url=f"http://{host}", database=plant, timezone="UTC")
    frame = pd.read_sql("SELECT ts, v FROM h1 ORDER BY ts", connection)
    assert frame.shape == (60, 2)
    assert frame["v"].tolist() == [i + 0.5 for i in range(60)]
    assert str(frame["ts"].dt.tz) == "UTC"


def node(host: str, sql: str) -> Any:
    if shutil.which("node") is None:
        pytest.skip("node is not on this machine")
    if not (CLIENTS / "node_modules").is_dir():
        missing = CLIENTS / "missing.txt"
        pytest.skip(missing.read_text() if missing.exists() else "`make setup` has not installed the npm clients")
    name, _, port = host.partition(":")
    command = ["node", "--no-deprecation", str(CLIENTS / "rest.js"), name, port, sql]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_npm(host: str, plant: str) -> None:
    made = node(host, f"SELECT ts, v FROM {plant}.h1 ORDER BY ts LIMIT 2")
    assert made["data"] == [["2023-11-14T22:13:20.000Z", 0.5], ["2023-11-14T22:14:20.000Z", 1.5]]
    assert made["meta"][0] == {"columnName": "ts", "typeName": "TIMESTAMP", "size": 8}
    assert node(host, f"INSERT INTO {plant}.h2 VALUES (1700000120000, 3, 'y')")["affected"] == 1
    assert node(host, "SELECT * FROM nothing.here")["code"] != 0


class Grafana:
    """Asks as TDengine's data source for Grafana does, and reads answers as it does."""

    def __init__(self, host: str) -> None:
        self.url = f"http://{host}/rest/sql"

    def post(self, sql: str) -> Any:
        response = requests.post(self.url, data=sql.encode(), auth=("root", "taosdata"), timeout=30)
        assert response.status_code == 200
        said = response.json()
        assert said["code"] == 0, said
        return said

    def time_series(self, sql: str, start: dt.datetime, end: dt.datetime, every: str) -> Any:
        for name, value in (("$from", start), ("$begin", start), ("$to", end), ("$end", end)):
            sql = sql.replace(name, "'" + value.isoformat(timespec="milliseconds").replace("+00:00", "Z") + "'")
        return self.post(sql.replace("$interval", every))


def test_grafana(host: str, plant: str) -> None:
    grafana = Grafana(host)
    [[version]] = grafana.post("select server_version()")["data"]
    assert version.startswith("3.")
    assert [plant] in [row[:1] for row in grafana.post("show databases")["data"]]
    start = dt.datetime(2023, 11, 14, 22, 20, tzinfo=dt.UTC)
    said = grafana.time_series(
        f"select _wstart as ts, avg(v) as v from {plant}.h1 where ts >= $from and ts < $to interval($interval)",
        start,
        start + dt.timedelta(minutes=20),
        "300s",
    )
    assert [column[:2] for column in said["column_meta"]] == [["ts", "TIMESTAMP"], ["v", "DOUBLE"]]
    stamps = [dt.datetime.fromisoformat(row[0]) for row in said["data"]]
    assert stamps == [start + dt.timedelta(minutes=5 * i) for i in range(4)]
    assert [row[1] for row in said["data"]] == [9.5, 14.5, 19.5, 24.5]
    grouped = grafana.time_series(
        f"select _wstart as ts, place, count(v) as n from {plant}.heat where ts > $from and ts < $to "
        "partition by place interval($interval)",
        start,
        start + dt.timedelta(minutes=20),
        "600s",
    )
    assert [row[1:] for row in grouped["data"]] == [["hall", 10], ["hall", 10]]
