"""`foretell sql --url` against a running server."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal

import pytest

from foretell.errors import AuthenticationFailed, Cancelled, NotAvailable, SqlError
from foretell.sql.database import Database
from foretell.sql.script import RemoteDatabase, run_script


def test_a_script_runs_there(host: str) -> None:
    with RemoteDatabase(f"http://root:taosdata@{host}") as runner:
        *_, last = runner.run(
            "CREATE DATABASE script; USE script; CREATE TABLE t (ts TIMESTAMP, v INT, w VARCHAR(9), b BOOL, r DOUBLE);"
            "INSERT INTO t VALUES (0, 1, 'a;b', true, 0.5) (1500, NULL, NULL, NULL, NULL); SELECT * FROM t ORDER BY ts"
        )
    assert last.fetchall() == [
        (dt.datetime(1970, 1, 1), 1, "a;b", True, 0.5),
        (dt.datetime(1970, 1, 1, 0, 0, 1, 500_000), None, None, None, None),
    ]
    with RemoteDatabase(f"http://root:taosdata@{host}/script") as runner:
        (counted,) = runner.run("SELECT COUNT(*) FROM t")
        *_, exact = runner.run(
            "CREATE TABLE e (ts TIMESTAMP, d DECIMAL(30, 6)); -- exactly\n"
            "INSERT INTO e VALUES (1, 123456789012345678.123456) (2, NULL); SELECT max(d) FROM e"
        )
    assert counted.fetchall() == [(2,)]
    assert exact.fetchall() == [(Decimal("123456789012345678.123456"),)]


def test_warnings_come_back(host: str, caplog: pytest.LogCaptureFixture) -> None:
    rows = " ".join(f"({i * 60000}, {i})" for i in range(30))
    text = f"""CREATE DATABASE warned; USE warned; CREATE STABLE two (ts TIMESTAMP, v DOUBLE) TAGS (n INT);
        INSERT INTO long USING two TAGS (1) VALUES {rows} short USING two TAGS (2) VALUES (0, 1);
        SELECT FORECAST(v, 'algo=naive,rows=2') FROM two PARTITION BY tbname"""
    with RemoteDatabase(f"http://root:taosdata@{host}") as runner, caplog.at_level(logging.WARNING, "foretell.sql"):
        *_, last = runner.run(text)
    assert len(last) == 3
    assert [r.getMessage() for r in caplog.records if r.module == "script"] == [
        "no forecast for short: failed: number of rows should between 10 and 40000, actual 1 rows"
    ]


def test_a_script_stops_between_its_statements() -> None:
    with Database() as database, database.connect() as connection:
        made = run_script(connection, "CREATE DATABASE d; CREATE DATABASE e")
        next(made)
        connection.interrupt()
        with pytest.raises(Cancelled):
            next(made)
        assert "e" not in database.catalog.namespaces


def test_errors_come_back(host: str) -> None:
    with RemoteDatabase(f"http://root:taosdata@{host}") as runner, pytest.raises(SqlError) as caught:
        list(runner.run("SELECT * FROM nodb.t"))
    assert caught.value.tdengine_code == 0x80000388
    with RemoteDatabase(f"http://root:wrong@{host}") as runner, pytest.raises(AuthenticationFailed):
        list(runner.run("SELECT 1"))
    with RemoteDatabase("http://127.0.0.1:9") as runner, pytest.raises(NotAvailable, match=r"127\.0\.0\.1:9"):
        list(runner.run("SELECT 1"))
