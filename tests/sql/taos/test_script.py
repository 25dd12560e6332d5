"""`foretell sql --url` against a running server."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from foretell.errors import AuthenticationFailed, NotAvailable, SqlError
from foretell.sql.script import RemoteDatabase


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


def test_errors_come_back(host: str) -> None:
    with RemoteDatabase(f"http://root:taosdata@{host}") as runner, pytest.raises(SqlError) as caught:
        list(runner.run("SELECT * FROM nodb.t"))
    assert caught.value.tdengine_code == 0x80000388
    with RemoteDatabase(f"http://root:wrong@{host}") as runner, pytest.raises(AuthenticationFailed):
        list(runner.run("SELECT 1"))
    with RemoteDatabase("http://127.0.0.1:9") as runner, pytest.raises(NotAvailable, match=r"127\.0\.0\.1:9"):
        list(runner.run("SELECT 1"))
