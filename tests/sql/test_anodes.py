"""Anodes in SQL: managed by statements, and asked for what only they have. Real nodes of ours, and stubs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretell.engine.engine import Engine
from foretell.errors import DeadlineExceeded, ForetellError, NoPrivilege, SqlError, WhiteNoise
from foretell.sql import Session
from foretell.sql.answer import TDENGINE
from foretell.sql.database import Connection, Database
from tests.fakes import Wide
from tests.sql.explained import calls
from tests.sql.fakes import models
from tests.sql.stub_anode import LIST, stub
from tests.tdgpt import plugin_texts
from tests.tdgpt.conftest import running
from tests.tdgpt.taosd import Taosd

SERIES = """(SELECT k, TIMESTAMP '2024-01-01' + to_seconds(i) AS ts, i % 5 + 10 * k AS v, i % 7 AS w
             FROM range(20) r(i), range(3) g(k))"""
ONE = f"(SELECT ts, v, w FROM {SERIES} WHERE k = 0)"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node of ours, with plugins that nobody else has."""
    folder = plugin_texts.write(tmp_path_factory.mktemp("plugins"), plugin_texts.GOOD)
    registry = models()
    registry.register(Wide)
    with running(registry, plugins=folder) as (_, taosd):
        yield taosd.url


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(engine=Engine(models=models()), warn=lambda line: None) as opened:
        yield opened


@pytest.fixture
def with_node(session: Session, url: str) -> Session:
    session.sql(f"CREATE ANODE '{url}'")
    return session


def code(session: Session, statement: str) -> str:
    with pytest.raises(ForetellError) as caught:
        session.sql(statement)
    return f"{caught.value.tdengine_code:x}"


# statements


def test_they_are_created_shown_and_dropped(session: Session, url: str) -> None:
    assert session.sql("SHOW ANODES").columns == ["id", "url", "status", "create_time", "update_time"]
    assert [row[:3] for row in session.sql("show anodes").fetchall()] == [(1, "local", "ready")]
    assert len(session.sql(f"CREATE ANODE '{url}'")) == 0
    rows = session.sql("SHOW ANODES").fetchall()
    assert [row[:3] for row in rows] == [(1, "local", "ready"), (2, url, "ready")]
    assert all(isinstance(time, dt.datetime) for row in rows for time in row[3:])
    session.sql("DROP ANODE 2;")
    assert [row[0] for row in session.sql("SHOW ANODES").fetchall()] == [1]


def test_full_has_a_row_for_each_algorithm_anomaly_first(with_node: Session, url: str) -> None:
    made = with_node.sql("SHOW ANODES FULL")
    assert made.columns == ["id", "type", "algo"]
    ours = [row for row in made.fetchall() if row[0] == 1]
    assert ours == [(1, "forecast", "adder"), (1, "forecast", "last"), (1, "forecast", "sleeper")]
    theirs = [row[1:] for row in made.fetchall() if row[0] == 2]
    server = Taosd(get_limit=5.0)
    server.create_anode(url)
    assert theirs == server.show_anodes_full()


def test_they_are_tables_of_information_schema(with_node: Session, url: str) -> None:
    assert with_node.sql("SELECT url FROM information_schema.ins_anodes WHERE id > 1").fetchall() == [(url,)]
    made = with_node.sql(
        "SELECT type, count(*) FROM INFORMATION_SCHEMA.ins_anodes_full f WHERE f.id = 2 GROUP BY 1 ORDER BY 1"
    )
    assert made.fetchall()[0] == ("anomaly-detection", 1)


def test_update_reads_the_list_again(session: Session) -> None:
    with stub() as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        node.answers["/list"] = LIST | {"details": [{"type": "forecast", "algo": [{"name": "New"}]}]}
        assert "New" not in str(session.sql("SHOW ANODES FULL").fetchall())
        before = session.sql("SHOW ANODES").fetchall()[1]
        session.sql("UPDATE ANODE 2")
        assert [row for row in session.sql("SHOW ANODES FULL").fetchall() if row[0] == 2] == [(2, "forecast", "new")]
        after = session.sql("SHOW ANODES").fetchall()[1]
        assert before[3] == after[3] and before[4] <= after[4]
        session.sql("UPDATE ANODE 1; UPDATE ALL ANODES")


def test_update_all_stops_at_the_first_that_fails(session: Session) -> None:
    with stub() as first, stub() as second, stub() as third:
        for node in (first, second, third):
            session.sql(f"CREATE ANODE '{node.url}'")
        fresh = LIST | {"details": [{"type": "forecast", "algo": [{"name": "fresh"}]}]}
        first.answers["/list"], second.answers["/list"], third.answers["/list"] = fresh, b"what?", fresh
        assert code(session, "UPDATE ALL ANODES") == "8000011b"
        full = session.sql("SHOW ANODES FULL").fetchall()
        assert [row[2] for row in full if row[0] == 2] == ["fresh"]
        assert len([row for row in full if row[0] in (3, 4)]) == 8


def test_a_node_that_is_gone_is_offline(session: Session) -> None:
    with stub() as node:
        session.sql(f"CREATE ANODE '{node.url}'")
    assert session.sql("SHOW ANODES").fetchall()[1][2] == "offline"
    with stub({"/status": b"<html>"}) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        assert session.sql("SHOW ANODES").fetchall()[2][2] == "offline"
    with stub({"/status": {"protocol": 1.0, "status": "tired"}}) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        assert session.sql("SHOW ANODES").fetchall()[3][2] == "tired"


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (b"", "80000440"),
        (b"<html>", "80000445"),
        (b"what?", "8000011b"),
        (LIST | {"protocol": 3}, "80000433"),
        (LIST | {"version": 0}, "80000434"),
        (LIST | {"details": [{"type": "forecast", "algo": [{"name": "x" * 64}]}]}, "80000437"),
        ((404, b"<html>not found</html>"), "80000445"),
    ],
)
def test_a_node_that_cannot_be_added(answer: bytes, wanted: str, session: Session) -> None:
    with stub({"/list": answer}) as node:
        assert code(session, f"CREATE ANODE '{node.url}'") == wanted
    assert len(session.sql("SHOW ANODES")) == 1


def test_what_else_goes_wrong_with_statements(with_node: Session, url: str) -> None:
    assert code(with_node, f"CREATE ANODE '{url}'") == "80000430"
    for spelling in (f"http://{url}", f"{url}/", f"HTTP://{url}//", f"user:token@{url}"):
        assert code(with_node, f"CREATE ANODE '{spelling}'") == "80000430", spelling
    assert code(with_node, "CREATE ANODE 'local'") == "80000430"
    assert code(with_node, "CREATE ANODE '[::1:6035'") == "80000441"
    assert code(with_node, f"CREATE ANODE '{'x' * 129}'") == "80000432"
    assert code(with_node, "CREATE ANODE '127.0.0.1:1'") == "80000441"
    assert code(with_node, "CREATE ANODE ''") == "80000441"
    assert code(with_node, "CREATE ANODE 'ftp://x:1'") == "80000441"
    assert code(with_node, "DROP ANODE 9") == code(with_node, "UPDATE ANODE 9") == "80000431"
    assert code(with_node, "DROP ANODE 0") == code(with_node, "UPDATE ANODE -1") == "80000115"
    assert code(with_node, "DROP ANODE 1") == "80000118"
    for wrong in (
        "CREATE ANODE host",
        "CREATE ANODE",
        "DROP ANODE two",
        "UPDATE ANODE",
        "SHOW ANODES ALL",
        "DROP ANODE 2 3",
    ):
        assert code(with_node, wrong) == "80002600", wrong
    with pytest.raises(SqlError, match=r"there is no such anode: 9\n  line 2: DROP ANODE 9\n +\^"):
        with_node.sql("SELECT 1;\nDROP ANODE 9")


def test_only_an_administrator_changes_them(url: str) -> None:
    with Session(engine=Engine(models=models()), is_admin=False) as session:
        for statement in (f"CREATE ANODE '{url}'", "UPDATE ANODE 1", "UPDATE ALL ANODES", "DROP ANODE 2"):
            with pytest.raises(NoPrivilege):
                session.sql(statement)
        assert len(session.sql("SHOW ANODES")) == 1


def test_secrets_in_a_url_are_sent_and_never_shown(session: Session) -> None:
    with stub({"/k/geheim/list": LIST, "/k/geheim/status": {"protocol": 1, "status": "ready"}}) as node:
        session.sql(f"CREATE ANODE 'user:geheim@{node.url}'")
        assert node.headers[0]["authorization"].startswith("Basic ")
        session.sql(f"CREATE ANODE '{node.url}/k/geheim'")
        shown = str(session.sql("SHOW ANODES").fetchall())
        assert f"***@{node.url}" in shown and f"{node.url}/k/***" in shown and "geheim" not in shown
        assert shown.count("ready") == 3
    for statement in (
        "CREATE ANODE 'u:geheim@127.0.0.1:1'",
        "UPDATE ANODE 2",
        "UPDATE ANODE 3",
        f"SELECT FORECAST(v, 'algo=mine') FROM {ONE}",
    ):
        with pytest.raises(ForetellError) as caught:
            session.sql(statement)
        assert "geheim" not in str(caught.value)
        assert caught.value.tdengine_code == 0x80000441


def test_a_database_keeps_them(url: str, tmp_path: Path) -> None:
    path = str(tmp_path / "plant.db")
    engine = Engine(models=models())
    with Database(path, engine=engine) as database, database.connect() as root:
        database.announce("http://127.0.0.1:6041")
        made = root.run(f"CREATE ANODE '{url}'")
        assert made.affected == 0
        root.run("CREATE USER eve PASS 'no_secret_1'")
        with pytest.raises(NoPrivilege):
            database.connect(database.login("eve", "no_secret_1")).run("DROP ANODE 2")
        for known in (url, "127.0.0.1:6041", "http://127.0.0.1:6041/"):
            assert code_in(root, f"CREATE ANODE '{known}'") == "80000430"
    with Database(path, engine=engine) as database, database.connect() as root:
        shown = root.run("SHOW ANODES")
        assert [column.type.name for column in shown.columns] == ["INT", "VARCHAR", "VARCHAR", "TIMESTAMP", "TIMESTAMP"]
        assert shown.table.column("url").to_pylist() == ["local", url]
        rows = root.run("SELECT a.id, algo FROM information_schema.ins_anodes a, information_schema.ins_anodes_full f "
                        "WHERE a.id = f.id AND algo = 'late'").table.to_pylist()  # fmt: skip
        assert rows == [{"id": 2, "algo": "late"}]
        root.run("CREATE DATABASE d")
        root.run("CREATE TABLE d.t (ts TIMESTAMP, v INT)")
        root.run("INSERT INTO d.t VALUES " + " ".join(f"({1000 * i}, {i % 5})" for i in range(30)))
        root.run("CREATE TABLE d.ahead (ts TIMESTAMP, v DOUBLE, low DOUBLE)")
        ahead = "SELECT _frowts, FORECAST(v, 'algo=repeat_last,rows=3,wncheck=0'), _flow FROM d.t"
        assert root.run(f"INSERT INTO d.ahead {ahead}").affected == 3
        assert root.run("SELECT v, low FROM d.ahead").table.to_pylist() == [{"v": 4.0, "low": 3.0}] * 3
        call = "AI.FORECAST(TABLE d.t, data_col => 'v', timestamp_col => 'ts', model => 'late', options => 'wncheck=0')"
        assert len(root.run(f"SELECT * FROM {call}").table) == 10
        root.run("UPDATE ALL ANODES")
        root.run("DROP ANODE 2")
        assert len(root.run("SHOW ANODES FULL").table) == 3
    with Database(path, engine=engine) as database, database.connect() as root:
        assert len(root.run("SHOW ANODES").table) == 1


def code_in(connection: Connection, statement: str) -> str:
    with pytest.raises(ForetellError) as caught:
        connection.run(statement)
    return f"{caught.value.tdengine_code:x}"


# questions


def test_a_forecast_that_only_the_node_has(with_node: Session, url: str) -> None:
    made = with_node.sql(
        f"""SELECT k, _frowts, FORECAST(v, 'algo=Repeat_Last,rows=2,shift=0.5') AS f, _flow, _fhigh, _fstatus, _fmodel
            FROM {SERIES} PARTITION BY k ORDER BY k, _frowts"""
    ).fetchall()
    assert [row[2:5] for row in made[::2]] == [(4.5, 3.5, 5.5), (14.5, 13.5, 15.5), (24.5, 23.5, 25.5)]
    assert made[0][1] == dt.datetime(2024, 1, 1, 0, 0, 20)
    assert {row[5:] for row in made} == {("ok", f"repeat_last@{url}")}


def test_bounds_that_a_node_does_not_have_are_conformal(with_node: Session) -> None:
    made = with_node.sql(f"SELECT FORECAST(v, 'algo=late,rows=1') AS f, _flow, _fhigh, _fstatus FROM {ONE}").fetchall()
    (f, low, high, status) = made[0]
    assert f == 0.0 and low <= 0.0 < high and status == "ok"


def test_anomalies_that_only_the_node_sees(with_node: Session) -> None:
    made = with_node.sql(
        f"""SELECT k, _anomalymark, min(v) AS low, count(*) AS n FROM {SERIES}
            PARTITION BY k ANOMALY_WINDOW(v, 'algo=above,limit=12') ORDER BY k, _wstart"""
    ).fetchall()
    assert made[:2] == [(1, -1, 13, 2), (1, -1, 13, 2)]
    assert made[4:7] == [(2, -1, 20, 4), (2, 7, 24, 1), (2, -1, 20, 4)]


def test_an_imputation_that_only_the_node_has(with_node: Session) -> None:
    made = with_node.sql(
        f"SELECT _improwts, IMPUTATION(v, 'algo=zero,freq=s') AS f FROM {ONE} WHERE second(ts) <> 3 LIMIT 5"
    )
    assert [value for _, value in made.fetchall()] == [0.0, 1.0, 2.0, 0.0, 4.0]


def test_correlations_that_only_the_node_has(with_node: Session) -> None:
    wanted = sum(abs(i % 5 - i % 7) for i in range(20))
    assert with_node.sql(f"SELECT DTW(v, w, 'algo=gap') AS d FROM {ONE}").fetchall() == [(wanted,)]
    path = with_node.sql(f"SELECT DTW_PATH(v, w, 'algo=gap') AS p FROM {ONE}").fetchall()
    assert path == [(f"({i}, {i})",) for i in range(20)]


def test_what_the_engine_has_is_answered_here(session: Session) -> None:
    listing = LIST | {"details": [{"type": "forecast", "algo": [{"name": "last"}]}]}
    with stub({"/list": listing}) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        made = session.sql(f"SELECT FORECAST(v, 'algo=last,rows=1') AS f, _fmodel FROM {ONE}")
        assert made.fetchall() == [(4.0, "last")]
        assert [path for path, _ in node.asked] == ["/list"]


def forecast_of(value: float, rows: int = 10) -> dict[str, object]:
    return {"rows": rows, "res": [list(range(rows)), [value] * rows]}


def test_of_two_the_higher_id_wins(session: Session) -> None:
    with stub({"/forecast": forecast_of(1.0)}) as first, stub({"/forecast": forecast_of(2.0)}) as second:
        for node in (first, second):
            session.sql(f"CREATE ANODE '{node.url}'")
        call = f"SELECT DISTINCT FORECAST(v, 'algo=mine') AS f FROM {ONE}"
        assert session.sql(call).fetchall() == [(2.0,)]
        session.sql("DROP ANODE 3")
        assert session.sql(call).fetchall() == [(1.0,)]


def test_the_body_is_what_taosd_sends(session: Session) -> None:
    with stub({"/forecast": forecast_of(1.0, 3)}) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        session.sql(f"SELECT FORECAST(v, 'algo=mine,rows=3,period=5,timeout=20') FROM {ONE}")
        body = json.loads(node.asked[-1][1])
        assert body["option"] == "algo=mine,period=5,timeout=20" and body["every"] == 1000
        assert body["data"][1] == [i % 5 for i in range(20)] and body["rows"] == 20
        assert node.headers[-1]["content-type"] == "application/json;charset=UTF-8"


def test_covariates_are_sent(session: Session) -> None:
    with stub({"/forecast": forecast_of(1.0, 2)}) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        future = "dynamic_real_1=[7 8],dynamic_real_1_col=w"
        session.sql(f"SELECT FORECAST(v, w, -v, 'algo=mine,rows=2,{future}') FROM {ONE}")
        body = json.loads(node.asked[-1][1])
        assert [name for name, *_ in body["schema"]] == ["ts", "val", "dynamic_real_1", "past_dynamic_real_1"]
        assert body["data"][2] == [i % 7 for i in range(20)] + [7, 8] and body["type"] == "covariate"
        assert body["data"][3] == [-(i % 5) for i in range(20)]


def test_a_covariate_with_a_gap_is_not_sent(session: Session) -> None:
    with stub({"/forecast": forecast_of(1.0)}) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        with pytest.raises(SqlError, match="a covariate has a missing value"):
            session.sql(f"SELECT FORECAST(v, nullif(w, 3), 'algo=mine') FROM {ONE}")
        assert [path for path, _ in node.asked] == ["/list"]


def test_several_groups_are_asked_at_once(session: Session) -> None:
    with stub({"/forecast": forecast_of(1.0)}, nap=0.2) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        made = session.sql(f"SELECT k, FORECAST(v, 'algo=mine') AS f FROM {SERIES} PARTITION BY k")
        assert len(made) == 30 and node.most_busy == 3


def test_a_bad_group_does_not_fail_the_others(session: Session) -> None:
    lines: list[str] = []
    with stub() as node, Session(engine=Engine(models=models()), warn=lines.append) as session:
        session.sql(f"CREATE ANODE '{node.url}'")

        class Sometimes(dict[str, object]):
            """A forecast, unless the series begins with 10."""

        node.answers = {**node.answers, "/forecast": forecast_of(1.0, 1)}
        answer = node.answers.__getitem__

        class Answering(dict[str, object]):
            def __getitem__(self, path: str) -> object:
                bad = path == "/forecast" and json.loads(node.asked[-1][1])["data"][1][0] == 10
                return {"rows": -1, "msg": "no luck"} if bad else answer(path)

        node.answers = Answering()  # type: ignore[assignment]
        made = session.sql(
            f"SELECT k, FORECAST(v, 'algo=mine,rows=1') AS f, _fstatus FROM {SERIES} PARTITION BY k ORDER BY k"
        )
        assert made.fetchall() == [(0, 1.0, "ok"), (1, None, "failed: the anode says: no luck"), (2, 1.0, "ok")]
        assert lines == ["no forecast for 1: failed: the anode says: no luck"]


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ({"rows": -1, "msg": "no luck"}, "80000445"),
        ((500, b"<html>oops</html>"), "80000445"),
        (b"", "80000440"),
        (b"what?", "8000011b"),
        (b'{"rows": 10, "res": [[1], [NaN]]}', "8000011b"),
        ({"rows": 10, "res": [[1], [2]]}, "8000011b"),
        ({"rows": -1, "msg": "white noise data not processed"}, "80000447"),
    ],
)
def test_codes_of_questions(answer: bytes, wanted: str, session: Session) -> None:
    with stub({"/forecast": answer}) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        assert code(session, f"SELECT FORECAST(v, 'algo=mine') FROM {ONE}") == wanted
    assert code(session, f"SELECT FORECAST(v, 'algo=mine') FROM {ONE}") == "80000441"
    assert code(session, f"SELECT FORECAST(v, 'algo=nosuch') FROM {ONE}") == "80000443"


def test_the_known_names_are_those_of_all_anodes(with_node: Session) -> None:
    with pytest.raises(SqlError, match=r"did you mean 'repeat_last'\? \(known: adder, broad, last, late, repeat_last"):
        with_node.sql(f"SELECT FORECAST(v, 'algo=repeat_lost') FROM {ONE}")


def test_the_patience_of_a_question(session: Session) -> None:
    with stub({"/forecast": forecast_of(1.0)}, nap=1.6) as node:
        session.sql(f"CREATE ANODE '{node.url}'")
        assert code(session, f"SELECT FORECAST(v, 'algo=mine,timeout=1') FROM {ONE}") == "80000441"
        call = (
            f"AI.FORECAST(TABLE {ONE}, data_col => 'v', timestamp_col => 'ts', model => 'mine', options => 'timeout=1')"
        )
        assert code(session, f"SELECT * FROM {call}") == "80000441"
        with pytest.raises(DeadlineExceeded):
            session.sql(f"SELECT FORECAST(v, 'algo=mine') FROM {ONE}", timeout=0.5)
        assert len(session.sql(f"SELECT FORECAST(v, 'algo=mine,timeout=1200') FROM {ONE}")) == 10


def test_explain_says_who_would_answer(with_node: Session, url: str) -> None:
    made = with_node.sql(f"EXPLAIN SELECT FORECAST(v, 'algo=late,rows=4') FROM {SERIES} PARTITION BY k")
    (row,) = calls(made)
    assert row["model"] == f"late at the anode {url}" and (row["series"], row["batches"]) == (3, 3)


def test_limits_of_tdengine_hold_for_other_nodes_too(url: str) -> None:
    with Session(engine=Engine(models=models()), profile=TDENGINE) as session:
        session.sql(f"CREATE ANODE '{url}'")
        short = f"{ONE} LIMIT 9"
        assert code(session, f"SELECT FORECAST(v, 'algo=late') FROM (SELECT * FROM {short})") == "80000445"
        noise = (
            "(SELECT TIMESTAMP '2024-01-01' + to_days(i::INT) AS ts, hash(i * 7919) % 1000 AS v FROM range(60) r(i))"
        )
        with pytest.raises(WhiteNoise):
            session.sql(f"SELECT FORECAST(v, 'algo=late') FROM {noise}")
