"""However a table is written, and wherever: a user reads what was granted to him and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime

import duckdb
import pytest

from foretell.errors import ForetellError
from foretell.sql.database import Connection, Database

SECRET = 424_242_017
OPEN = 171_717_023
NAMES = (
    "{d}.{t}",
    "{D}.{T}",
    '"{d}"."{t}"',
    "`{d}`.`{t}`",
    '{d}."{T}"',
    "memory.{d}.{t}",
    '"memory"."{d}"."{t}"',
    "{d} . {t}",
    "{d}/* /* */ */./**/{t}",
    "{d}.--\n{t}",
    "{d}.-- x\r{t}",
    "{d}\u00a0.\u3000{t}",
    "({d}.{t})",
    "{d}.{t} AS z",
    "{d}.{t} TABLESAMPLE 100%",
    "LATERAL (TABLE {d}.{t})",
)
"""Ways to write a table."""
SOURCES = (
    "SELECT v FROM {}",
    "FROM {} SELECT v",
    "SELECT v FROM (SELECT 1) a, {}",
    "SELECT z.v FROM {} z",
    "FROM {}",
    "SELECT s.v FROM (SELECT 1) o CROSS JOIN {} s",
    "SELECT v FROM ({} CROSS JOIN (SELECT 2))",
    "TABLE {}",
    "SELECT v FROM (SELECT 3) o JOIN {} s ON TRUE",
    "SELECT v FROM (SELECT 1) a POSITIONAL JOIN {}",
    "\tTABLE\n{}",
    "SELECT v FROM {} ASOF JOIN {} o USING (ts, v)",
    "(TABLE {})",
    "((SELECT v FROM {}))",
    "SUMMARIZE {}",
    "DESCRIBE {}",
    "PIVOT {} ON ts IN ('2026-01-01') USING max(v)",
    "UNPIVOT {} ON v",
    "SHOW {}",
    "PIVOT {} ON v USING max(v)",
    "SELECT v FROM {} PIVOT (max(v) AS v FOR ts IN ('2026-01-01'))",
    "SELECT max(v) FROM {}",
    "SELECT max(v) v FROM {} HAVING TRUE",
    "SELECT row_to_json(s)::VARCHAR FROM {} s",
    "SELECT s FROM {} s",
    "SELECT COLUMNS(*) FROM {}",
    "SELECT list(v) FROM {}",
    "SELECT v FROM {} INTERVAL(1d)",
    "SELECT FORECAST(v, 'algo=naive,wncheck=0') FROM {}",
    "SELECT * EXCLUDE (v) FROM {}",
)
"""Queries that give what a table has."""
CONTEXTS = (
    "{}",
    "SELECT 1 UNION ALL {}",
    "VALUES (1) UNION ALL {}",
    "SELECT 1 UNION {}",
    "{} UNION ALL SELECT 1",
    "SELECT 1 --\rUNION ALL {}",
    "SELECT 1 UNION ALL BY NAME {}",
    "(SELECT 1) UNION ALL ({})",
    "SELECT * FROM (VALUES (1) UNION ALL {}) x",
    "(SELECT 1 EXCEPT {})",
    "SELECT * FROM ((SELECT 1) UNION ALL {}) x",
    "SELECT * FROM ({})",
    "FROM ({})",
    "SELECT ({})",
    "SELECT ARRAY({})",
    "TABLE a UNION ALL {}",
    "SELECT v FROM p.t WHERE v NOT IN ({})",
    "SELECT v FROM p.t WHERE v < ({})",
    "SELECT 1 WHERE EXISTS ({})",
    "SELECT 1 AS n, ({}) AS v",
    "WITH a AS ({}) SELECT * FROM a",
    "WITH a AS MATERIALIZED ({}) FROM a",
    "WITH a AS (SELECT 1) {}",
    "WITH a(b, c) AS ({}) TABLE a",
    "WITH RECURSIVE a AS (SELECT 1 UNION ALL {}) FROM a",
    "WITH s AS (SELECT 1), t AS ({}) FROM t",
    "WITH a AS (WITH s AS (SELECT 1) {}) FROM a",
    "EXPLAIN {}",
    "EXPLAIN ANALYZE {}",
    "EXPLAIN (ANALYZE, FORMAT json) {}",
    "SELECT * FROM p.t JOIN ({}) x ON TRUE",
    "SELECT 1 /* ' */ UNION ALL {} -- '",
    "SELECT * FROM p.t o, LATERAL ({}) x",
    "SELECT v FROM p.t JOIN (SELECT 1) x ON t.v <> ({})",
    "SELECT v FROM p.t ORDER BY ({})",
    "SELECT v FROM p.t QUALIFY row_number() OVER () <> ({})",
    "SELECT v FROM p.t LIMIT (SELECT 1 FROM ({}))",
    "SELECT 1 UNION ALL\u2003{}",
    "SELECT CASE WHEN TRUE THEN ({}) END",
    "SELECT list_transform([1], x -> ({}))",
    "SELECT max(({})) OVER () FROM p.t",
    "SELECT {{'a': ({})}}",
    "SELECT * FROM p.t PIVOT (max(v) FOR v IN (1)) UNION ALL {}",
    "SELECT * FROM query($${}$$)",
    "COPY ({}) TO '/tmp/foretell-none.csv'",
    "SELECT v FROM p.t WHERE ts > '2020-01-01'' AS TIMESTAMP)) AS TIMESTAMP) UNION ALL {} -- 00:00+01:00'",
    "SELECT v FROM p.t WHERE ts > '2020-01-01'') UNION ALL {} --'",
    "SELECT $$'$$ UNION ALL {} -- $$'$$",
    "SELECT e'\\'' UNION ALL {} --'",
)
"""Where such a query may stand."""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database() as opened:
        with opened.connect() as root:
            for database, value in (("p", OPEN), ("q", SECRET)):
                root.run(f"CREATE DATABASE {database}")
                for table in ("s", "t"):
                    root.run(f"CREATE TABLE {database}.{table} (ts TIMESTAMP, v INT)")
                    root.run(f"INSERT INTO {database}.{table} VALUES ('2026-01-01', {value})")
            root.run("CREATE USER eve PASS 'of-eve-12'")
            root.run("GRANT READ ON p.* TO eve")
        yield opened


@pytest.fixture
def eve(database: Database) -> Iterator[Connection]:
    with database.connect(database.users.known["eve"], "p") as connection:
        yield connection


def seen(connection: Connection, text: str) -> str:
    """What a statement tells: its rows, or nothing where it is refused."""
    try:
        outcome = connection.run(text)
    except ForetellError:
        return ""
    return str([outcome.table.column_names, *map(str, outcome.table.to_pylist())])


def statements(count: int, database: str, table: str) -> Iterator[str]:
    """Every source in its place, every context around one, and contexts in contexts."""
    dice = random.Random(f"{database}.{table}")
    for i in range(count):
        name = NAMES[i % len(NAMES)].format(d=database, t=table, D=database.upper(), T=table.upper())
        text = SOURCES[i % len(SOURCES)].replace("{}", name)
        for context in [CONTEXTS[i // 2 % len(CONTEXTS)], *dice.choices(CONTEXTS, k=i % 3)]:
            text = context.format(text)
        yield text


def test_tables_that_were_not_granted_are_never_read(eve: Connection) -> None:
    for text in statements(1_000, "q", "s"):
        told = seen(eve, text)
        assert str(SECRET) not in told, text


@pytest.mark.parametrize("table", ["users", "anodes", "databases"])
def test_our_own_tables_are_never_read(table: str, database: Database, eve: Connection) -> None:
    kept = database.users.known["eve"].password.partition(":")[0]
    for text in statements(300, "__foretell", table):
        told = seen(eve, text.replace("(v)", "(name)").replace(" v ", " name "))
        assert kept not in told, text
        assert str(SECRET) not in told


def test_those_that_were_granted_are_read(eve: Connection) -> None:
    """The twin of the first test: what it writes is good SQL, which shows a table that may be shown."""
    told = [seen(eve, text) for text in statements(1_000, "p", "s")]
    assert sum(str(OPEN) in one for one in told) > 150


REFUSED = (
    "SELECT ts, v FROM t UNION ALL TABLE q.s",
    "WITH a AS (SELECT 1) TABLE q.s",
    "SELECT * FROM (VALUES (1, 2) UNION ALL SELECT 1, v FROM q.s) x",
    "SELECT name, password, 1, 1, 1, 1, 1 FROM (SELECT 1 name, 2 password) UNION ALL TABLE __foretell.users",
    "WITH a AS (SELECT 1) TABLE __foretell.anodes",
    "WITH a AS (SELECT 1) PIVOT q.s ON v USING sum(v)",
    "EXPLAIN ANALYZE SUMMARIZE q.s",
    "WITH x AS (INSERT INTO p.t VALUES (now(), 1) RETURNING *) FROM x",
    "SELECT * FROM duckdb_tables, (WITH duckdb_tables AS (SELECT 1) SELECT 1)",
    "WITH duckdb_settings AS (FROM duckdb_settings) FROM duckdb_settings",
    "SELECT (SELECT max(sql) FROM sqlite_master)",
)


@pytest.mark.parametrize("text", REFUSED)
def test_it_is_refused(text: str, eve: Connection) -> None:
    with pytest.raises(ForetellError):
        eve.run(text)


def test_a_name_of_with_hides_no_table_of_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("file") / "x.db")
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE TABLE main.plan AS SELECT {SECRET} AS v").fetchall()
    with Database(path) as database, database.connect() as root:
        for text in ("FROM plan, (WITH plan AS (SELECT 1) FROM plan)", "WITH plan AS (FROM plan) FROM plan"):
            assert seen(root, text) == ""


def test_what_one_may_read_is_told_as_ever(eve: Connection) -> None:
    rows = [{"ts": datetime(2026, 1, 1), "v": OPEN}]
    for text in ("SELECT * FROM t", "WITH a AS (TABLE t) TABLE a", "(TABLE p.t)", "(SELECT * FROM t) EXCEPT TABLE t"):
        assert eve.run(text).table.to_pylist() == ([] if "EXCEPT" in text else rows)
    assert eve.run("WITH a AS (SELECT 1), b AS (FROM A) SELECT * FROM b, a").table.num_rows == 1


def test_names_that_were_not_granted_are_no_guesses(database: Database, eve: Connection) -> None:
    with database.connect() as root:
        root.run("CREATE TABLE IF NOT EXISTS q.secretplans (ts TIMESTAMP, v INT)")
    for source in ("'secretplan.'", "'./secretplans'", "'secretplans/'", "secretplan", "q.secretplan", "'secretplan'"):
        with pytest.raises(ForetellError) as caught:
            eve.run(f"SELECT * FROM {source}")
        assert "q.secretplans" not in str(caught.value)


def test_a_quote_in_a_time_ends_no_text(eve: Connection) -> None:
    for time in ("a'' b 00:00+01:00", "a'' b", "a'' bZ"):
        with pytest.raises(ForetellError, match=r"a' b"):
            eve.run(f"SELECT v FROM t WHERE ts > '{time}'")


def test_a_long_sum_is_read_and_one_too_deep_says_so(eve: Connection) -> None:
    assert eve.run(f"SELECT {'+'.join(['1'] * 200)} AS n").table.to_pylist() == [{"n": 200}]
    with pytest.raises(ForetellError, match="nested too deep"):
        eve.run(f"SELECT {'+'.join(['1'] * 900)}")
