"""ALTER, DROP, DELETE: what they leave, in memory and in the file."""

# ruff: noqa: E501  a table of changes, one a line

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from foretell.errors import ForetellError, SqlError
from foretell.sql.database import Connection, Database
from tests.sql.database.conftest import fill, rows

CHANGES = {
    "ALTER STABLE meters ADD COLUMN power DOUBLE": ("SELECT power FROM d1003", [(None,)]),
    "ALTER STABLE meters DROP COLUMN phase": ("SELECT * EXCLUDE (ts) FROM d1003", [(None, 220)]),
    "ALTER STABLE meters ADD TAG floor INT": ("SELECT DISTINCT location, floor FROM d1001", [("California.SanFrancisco", None)]),
    "ALTER STABLE meters DROP TAG location": ("SELECT DISTINCT groupid FROM d1002", [(3,)]),
    "ALTER STABLE meters RENAME TAG groupid team": ("SELECT DISTINCT team FROM meters WHERE team > 2 ORDER BY 1", [(3,), (7,)]),
    "ALTER STABLE meters MODIFY TAG location VARCHAR(80)": ("SELECT tag_type FROM information_schema.ins_tags LIMIT 1", [("VARCHAR(80)",)]),
    "ALTER TABLE d1001 SET TAG groupid = 8": ("SELECT count(*) FROM meters WHERE groupid = 8", [(3,)]),
    "ALTER TABLE d1001 SET TAG location = 'x', groupid = NULL": ("SELECT DISTINCT location, groupid FROM d1001", [("x", None)]),
    "ALTER TABLE log ADD COLUMN more VARCHAR(8)": ("SELECT count(more) FROM log", [(0,)]),
    "ALTER TABLE log MODIFY COLUMN message NCHAR(40)": ("SELECT count(*) FROM log", [(4,)]),
    "ALTER TABLE log RENAME COLUMN ok fine": ("SELECT count(fine) FROM log", [(3,)]),
    "ALTER TABLE log COMMENT 'lines'": ("SELECT table_comment FROM information_schema.ins_tables WHERE table_name = 'log'", [("lines",)]),
    "ALTER TABLE log TTL 9": ("SELECT count(*) FROM log", [(4,)]),
    "ALTER DATABASE power KEEP 10": ("SELECT keep FROM information_schema.ins_databases WHERE name = 'power'", [("10",)]),
    "DROP TABLE d1001, IF EXISTS nothing, d1003": ("SELECT tbname, count(*) FROM meters GROUP BY 1", [("d1002", 2)]),
    "DROP TABLE IF EXISTS nothing": ("SELECT count(*) FROM meters", [(6,)]),
    "DROP STABLE meters": ("SELECT count(*) FROM information_schema.ins_tables WHERE db_name = 'power'", [(1,)]),
    "DROP DATABASE fine": ("SELECT count(*) FROM information_schema.ins_databases", [(3,)]),
    "DELETE FROM d1001 WHERE ts < '2018-10-03 14:38:16'": ("SELECT count(*) FROM d1001", [(1,)]),
    "DELETE FROM meters WHERE voltage = 219 AND tbname = 'd1002'": ("SELECT count(*) FROM meters", [(5,)]),
    "DELETE FROM meters WHERE groupid = 2": ("SELECT tbname FROM meters GROUP BY tbname", [("d1002",)]),
    "DELETE FROM log": ("SELECT count(*) FROM log", [(0,)]),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_holds_also_after_opening_again(change: str, tmp_path: Path) -> None:
    query, expected = CHANGES[change]
    path = str(tmp_path / "plant.db")
    with Database(path) as database, database.connect() as connection:
        fill(connection)
        connection.run(change)
        assert rows(connection, query) == expected
    with Database(path) as database, database.connect(database="power") as connection:
        assert rows(connection, query) == expected


def test_what_was_deleted_can_be_written_again(plant: Connection) -> None:
    with Database() as database, database.connect() as connection:
        fill(connection)
        assert connection.run("DELETE FROM d1001").affected == 3
        connection.run("INSERT INTO d1001 VALUES ('2018-10-03 14:38:05', 1, 2, 3)")
        assert rows(connection, "SELECT * FROM d1001") == [(datetime(2018, 10, 3, 14, 38, 5), 1.0, 2, 3.0)]


def test_a_name_is_free_again_after_drop(empty: Connection) -> None:
    for _ in range(2):
        empty.run("CREATE STABLE s (ts TIMESTAMP, v INT) TAGS (t INT)")
        empty.run("CREATE TABLE a USING s TAGS (1)")
        empty.run("INSERT INTO a VALUES (5, 5)")
        empty.run("DROP STABLE s")
    empty.run("CREATE TABLE a (ts TIMESTAMP, v INT)")
    assert rows(empty, "SELECT * FROM a") == []
    with pytest.raises(SqlError, match="already exists"):
        empty.run("CREATE STABLE a (ts TIMESTAMP, v INT) TAGS (t INT)")


def test_tables_of_one_statement_are_made_together_or_not_at_all(empty: Connection) -> None:
    empty.run("CREATE STABLE s (ts TIMESTAMP, v INT) TAGS (t INT, w TIMESTAMP)")
    with pytest.raises(SqlError, match="already exists: a"):
        empty.run("CREATE TABLE a USING s TAGS (1, 1) b USING s TAGS (1, 1) a USING s TAGS (2, 2)")
    assert rows(empty, "SHOW TABLES") == []
    empty.run("CREATE TABLE IF NOT EXISTS a USING s TAGS (1, '2024-01-01') IF NOT EXISTS a USING s TAGS (2, 2)")
    empty.run("INSERT INTO a VALUES (1, 1)")
    assert rows(empty, "SELECT t, w FROM a") == [(1, datetime(2024, 1, 1))]
    assert rows(empty, "SELECT w FROM s") == [(datetime(2024, 1, 1),)]


def test_newest_times_are_known_after_opening_again(tmp_path: Path) -> None:
    path = str(tmp_path / "plant.db")
    for value in (1, 2):
        with Database(path) as database, database.connect() as connection:
            connection.run("CREATE DATABASE IF NOT EXISTS d PRECISION 'us'")
            connection.run("CREATE STABLE IF NOT EXISTS d.s (ts TIMESTAMP, v INT) TAGS (t INT)")
            connection.run("CREATE TABLE IF NOT EXISTS d.n (ts TIMESTAMP, v INT)")
            connection.run(f"INSERT INTO d.a USING d.s TAGS (1) VALUES (1, {value}) (9, {value})")
            connection.run(f"INSERT INTO d.n VALUES (1, {value}) (9, {value})")
            for table in ("d.a", "d.n", "d.s"):
                assert rows(connection, f"SELECT v, count(*) FROM {table} GROUP BY v") == [(value, 2)]


@pytest.mark.parametrize("path", ["plant.db", ":memory:"])
def test_a_database_may_be_called_as_its_file(path: str, tmp_path: Path) -> None:
    name = "memory" if path == ":memory:" else "plant"
    with Database(path if name == "memory" else str(tmp_path / path)) as database, database.connect() as connection:
        for sql in (
            f"CREATE DATABASE {name}",
            f"USE {name}",
            "CREATE STABLE st (ts TIMESTAMP, v INT) TAGS (g INT)",
            "INSERT INTO a USING st TAGS (1) VALUES (0, 7)",
        ):
            connection.run(sql)
        assert rows(connection, "SELECT tbname, v, g FROM st") == [("a", 7, 1)]
        connection.run(f"DROP DATABASE {name}")
        assert name not in database.catalog.namespaces


def test_a_table_is_made_of_a_query(empty: Connection) -> None:
    empty.run("CREATE TABLE n (ts TIMESTAMP, v INT, w VARCHAR(8))")
    empty.run("INSERT INTO n VALUES (1, 2, 'x') (2, 3, NULL)")
    assert empty.run("CREATE TABLE m AS SELECT ts, v * 1.5::DOUBLE AS v, w FROM n WHERE v > 1").affected == 2
    assert empty.run("CREATE TABLE IF NOT EXISTS m AS SELECT ts FROM n").affected == 0
    assert rows(empty, "SELECT v, w FROM m ORDER BY ts") == [(3.0, "x"), (4.5, None)]
    assert rows(empty, "DESCRIBE m")[2] == ("w", "VARCHAR", 255, "")
    for wrong in ("CREATE TABLE k AS SELECT v, ts FROM n", "CREATE TABLE m AS SELECT ts FROM n"):
        with pytest.raises(SqlError):
            empty.run(wrong)


def test_a_table_of_a_query_is_made_with_its_rows_or_not_at_all(empty: Connection) -> None:
    for wrong in ("CAST(NULL AS TIMESTAMP)", "TIMESTAMP '12000-01-01'"):
        with pytest.raises(SqlError):
            empty.run(f"CREATE TABLE n AS SELECT {wrong} AS ts, 1 AS v")
        assert rows(empty, "SHOW TABLES") == []
    query = "SELECT ts, v FROM (VALUES (TIMESTAMP '2026-01-02', 2), ('2026-01-01', 1), ('2026-01-02', 3)) t(ts, v)"
    assert empty.run(f"CREATE TABLE n AS {query}").affected == 3
    assert rows(empty, "SELECT v FROM n") == [(1,), (3,)]
    empty.run("INSERT INTO n VALUES ('2026-01-02', 4) ('2026-01-01', 5)")
    assert rows(empty, "SELECT v FROM n") == [(5,), (4,)]
    assert empty.run(f"CREATE TABLE none AS {query} WHERE v > 9").affected == 0
    assert rows(empty, "SELECT * FROM none") == []


TIMES = {"ms": ("0001-01-01", "9999-12-31 23:59:59.999"), "us": ("0001-01-01", "3000-01-01"), "ns": ("1700-01-01",)}


@pytest.mark.parametrize(("precision", "time"), [(one, time) for one, times in TIMES.items() for time in times])
def test_what_show_create_says_makes_the_same_sub_table(precision: str, time: str, empty: Connection) -> None:
    empty.run(f"CREATE DATABASE e PRECISION '{precision}'")
    empty.run("USE e")
    empty.run(
        "CREATE STABLE st (ts TIMESTAMP, v INT) TAGS "
        "(path VARCHAR(40), on_ BOOL, since TIMESTAMP, n INT, f DOUBLE, b VARBINARY(9), none NCHAR(5), `we``ird` FLOAT)"
    )
    made = rf"CREATE TABLE `c``1` USING st TAGS ('C:\new ''x', true, '{time}', -5, 1e300, '\x4142', NULL, 0.1)"
    seen = []
    for _ in range(2):
        empty.run(made)
        empty.run("INSERT INTO `c``1` VALUES (1, 1)")
        seen.append(rows(empty, "SELECT path, on_, since, n, f, b, none, `we``ird` FROM `c``1`"))
        made = str(rows(empty, "SHOW CREATE TABLE `c``1`")[0][1])
        empty.run("DROP TABLE `c``1`")
    assert seen[0] == seen[1]
    assert seen[0][0][0] == "C:\\new 'x"


def test_no_two_tables_have_one_number(empty: Connection) -> None:
    for name in ("aaa0000001", "bbb0000001"):
        empty.run(f"CREATE TABLE {name} (ts TIMESTAMP, v INT)")
    assert len({*rows(empty, "SELECT uid FROM information_schema.ins_tables WHERE db_name = 'd' AND uid > 0")}) == 2


def test_a_csv_file_is_read_into_a_table(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("ts,x,y\n2024-01-01 00:00:00,1,2.5\n2024-01-02 00:00:00,2,\n")
    with Database(folders=(str(tmp_path),)) as database, database.connect() as connection:
        connection.run("CREATE DATABASE d")
        connection.run("USE d")
        connection.run("CREATE STABLE s (ts TIMESTAMP, x INT, y FLOAT) TAGS (t INT)")
        assert connection.run(f"INSERT INTO a USING s TAGS (1) FILE '{tmp_path}/x.csv'").affected == 2
        assert rows(connection, "SELECT tbname, t, x, y FROM s ORDER BY ts") == [("a", 1, 1, 2.5), ("a", 1, 2, None)]
        with pytest.raises(SqlError, match="Cannot access file"):
            connection.run("INSERT INTO a FILE '/etc/passwd'")


def test_information_schema_can_be_the_current_database(plant: Connection) -> None:
    with plant._home.connect(database="information_schema") as connection:
        assert rows(connection, "SELECT count(*) FROM ins_databases") == [(4,)]
        connection.run("-- switch\nUSE power")
        assert connection.database == "power"
        connection.run("/* and back */ USE information_schema")
        assert rows(connection, "SELECT count(*) FROM ins_stables") == [(1,)]


def at_once(database: Database, *texts: str) -> list[str]:
    """Run statements that are all read before the first of them is carried out; what each said, "" for nothing."""
    entered, gate = threading.Event(), threading.Event()

    def hold(_: object) -> tuple[int, Callable[[], None]]:
        entered.set()
        gate.wait()
        return 0, lambda: None

    def run(text: str) -> str:
        try:
            with database.connect(database="d") as connection:
                connection.run(text)
        except ForetellError as error:
            return str(error).partition("\n")[0]
        return ""

    with ThreadPoolExecutor(len(texts) + 1) as pool:
        first = pool.submit(database.writer.change, hold)
        entered.wait()
        waiting = []
        for i, text in enumerate(texts, 1):
            waiting.append(pool.submit(run, text))
            while database.writer._jobs.qsize() < i and not waiting[-1].done():
                threading.Event().wait(0.001)
        gate.set()
        first.result()
        return [one.result() for one in waiting]


def test_changes_that_wait_for_each_other_are_all_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    with Database(path) as database, database.connect() as root:
        for text in ("CREATE DATABASE d", "CREATE DATABASE e", "CREATE STABLE d.st (ts TIMESTAMP, v INT) TAGS (a INT, b INT)",
                     "CREATE TABLE d.c USING d.st TAGS (1, 2)", "CREATE USER eve PASS 'of-eve-12'"):  # fmt: skip
            root.run(text)
        said = at_once(
            database,
            "ALTER STABLE st ADD COLUMN x INT",
            "ALTER STABLE st ADD COLUMN y INT",
            "ALTER STABLE st ADD COLUMN x INT",
            "ALTER STABLE st COMMENT 'z'",
            "ALTER TABLE c SET TAG a = 3",
            "ALTER TABLE c SET TAG b = 4",
            "ALTER STABLE st DROP COLUMN y",
            "GRANT READ ON d.* TO eve",
            "GRANT WRITE ON d.* TO eve",
            "ALTER USER eve ENABLE 0",
            "CREATE USER joe PASS 'of-joe-12'",
            "CREATE USER joe PASS 'of-joe-34'",
            "DROP USER joe",
            "GRANT READ ON d.* TO joe",
            "DROP USER joe",
            "DROP DATABASE e",
            "GRANT READ ON e.* TO eve",
        )
        assert {said[i] for i in (0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 12)} == {""}, said
        assert "x" in said[2]
        assert said[11:12] + said[13:15] == ["User already exists: joe", "User not exist: joe", "User not exist: joe"]
        assert said[15:] == ["", "Database not exist: e"]
    with Database(path) as database, database.connect(database="d") as root:
        assert [name for name, *_ in rows(root, "DESCRIBE st")] == ["ts", "v", "x", "a", "b"]
        assert rows(root, "SELECT DISTINCT a, b FROM st") == [(3, 4)]
        eve = database.users.known["eve"]
        assert (eve.grants, eve.is_enabled) == ({"d": frozenset({"read", "write"})}, False)
        assert "joe" not in database.users.known
