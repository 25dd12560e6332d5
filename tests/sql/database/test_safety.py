"""What a client must not be able to do, and what stops what runs away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretell.errors import (
    AuthenticationFailed,
    Cancelled,
    DeadlineExceeded,
    ForetellError,
    InvalidInput,
    NoPrivilege,
    SqlError,
)
from foretell.sql.database import Connection, Database
from foretell.sql.database.users import FIRST_PASSWORD, OWNER, fits, hashed
from tests.sql.database.conftest import fill, rows

ENDLESS = "SELECT count(*) FROM range(4000000000000) a(i) WHERE i % 7 = 3 AND hash(i) % 1000003 = 5"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a secret beside one that is open."""
    path = tmp_path_factory.mktemp("plant")
    for name in ("open", "open_not"):
        (path / name).mkdir()
    (path / "open" / "x.csv").write_text("ts,v\n2024-01-01 00:00:00,1\n")
    for name in ("secret.csv", "open_not/y.csv"):
        (path / name).write_text("a\n1\n")
    return path


@pytest.fixture(scope="module")
def database(folder: Path) -> Iterator[Database]:
    with Database(str(folder / "plant.db"), folders=(str(folder / "open"),)) as opened:
        with opened.connect() as connection:
            fill(connection)
        yield opened


REFUSED = [
    "SELECT * FROM '{0}/secret.csv'",
    "SELECT * FROM read_csv('{0}/secret.csv')",
    "SELECT * FROM read_csv('{0}/open/../secret.csv')",
    "SELECT * FROM read_csv('{0}/open_not/y.csv')",
    "SELECT * FROM read_csv(['{0}/open/x.csv', '{0}/secret.csv'])",
    "SELECT * FROM read_text('{0}/open/x.csv')",
    "SELECT * FROM read_csv('http://127.0.0.1/x.csv')",
    "SELECT * FROM glob('{0}/*')",
    "SELECT * FROM \"main\".\"duckdb_settings\"",
    "SELECT * FROM \"duckdb_settings\"()",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_database_size()",
    "SELECT (SELECT max(path) FROM duckdb_databases())",
    "SELECT current_setting('temp_directory')",
    "SELECT \"current_setting\"('temp_directory')",
    "SELECT getenv('HOME')",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM query('FROM __foretell.users')",
    "SELECT * FROM query_table('__foretell.users')",
    "SELECT * FROM plant.__foretell.users",
    "SELECT * FROM power.\"meters.tags\"",
    "FROM __foretell.users",
    "WITH u AS (FROM plant.__foretell.users) FROM u",
    "SELECT * FROM (TABLE plant.__foretell.users)",
    "SELECT * FROM (DESCRIBE d1001)",
    "SELECT * FROM (PIVOT plant.__foretell.users ON name)",
    "PIVOT plant.__foretell.users ON name",
    "WITH x AS (SELECT 1) INSERT INTO plant.power.log (ts) SELECT now()",
    "WITH x AS (SELECT 1) DELETE FROM plant.power.log",
    "EXPLAIN ANALYZE INSERT INTO plant.power.log (ts) SELECT now()",
    "EXPLAIN ANALYZE DELETE FROM plant.power.log",
    "FROM (INSERT INTO plant.power.log (ts) SELECT now())",
    "COPY (SELECT 1) TO '{0}/open/out.csv'",
    "COPY (SELECT 1) TO '{0}/out.csv'",
    "COPY plant.power.log FROM '{0}/open/x.csv'",
    "EXPORT DATABASE '{0}/open'",
    "ATTACH '{0}/other.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1GB'",
    "SET VARIABLE a = 1",
    "RESET memory_limit",
    "PRAGMA memory_limit = '1GB'",
    "CALL pragma_version()",
    "CREATE VIEW v AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "CREATE SECRET s (TYPE http)",
    "CREATE SCHEMA s",
    "DROP SCHEMA power CASCADE",
    "UPDATE plant.power.log SET level = 1",
    "TRUNCATE plant.power.log",
    "BEGIN",
    "CHECKPOINT",
    "VACUUM",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "INSERT INTO log (ts) SELECT now FROM read_csv('{0}/secret.csv')",
    "DELETE FROM log WHERE ts > (SELECT max(created) FROM plant.__foretell.users)",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_it_is_refused_and_says_no_path(text: str, database: Database, folder: Path) -> None:
    with database.connect(database="power") as connection:
        before = rows(connection, "SELECT count(*) FROM log")
        with pytest.raises(ForetellError) as caught:
            connection.run(text.format(folder))
        said = str(caught.value).partition("\n  line ")[0]
        assert str(folder) not in said
        assert rows(connection, "SELECT count(*) FROM log") == before
        assert not (folder / "open" / "out.csv").exists()


def test_files_of_the_allowed_folders_are_read(database: Database, folder: Path) -> None:
    with database.connect() as connection:
        connection.run("CREATE DATABASE d")
        connection.run("CREATE TABLE d.n (ts TIMESTAMP, v INT)")
        assert connection.run(f"INSERT INTO d.n SELECT * FROM '{folder}/open/x.csv'").affected == 1
        assert rows(connection, f"SELECT v FROM read_csv('{folder}/open/*x.csv')") == [(1,)]
        assert rows(connection, "SELECT v FROM d.n") == [(1,)]


def test_files_are_written_where_the_setting_allows(tmp_path: Path) -> None:
    with Database(folders=(str(tmp_path),), writable=True) as database, database.connect() as connection:
        fill(connection)
        connection.run(f"COPY (SELECT tbname, voltage FROM meters) TO '{tmp_path}/out.parquet'")
        assert rows(connection, f"SELECT count(*) FROM '{tmp_path}/out.parquet'") == [(6,)]
        connection.run(f"COPY (FROM log) TO '{tmp_path}/it''s.csv' (HEADER, DELIMITER ';', NULLSTR '-- FROM')")
        for text in (
            f"COPY power.log FROM '{tmp_path}/x.csv'",
            f"COPY power.log TO '{tmp_path}/x.csv'",
            f"COPY (TABLE __foretell.users) TO '{tmp_path}/x.csv'",
            f"COPY (SELECT 1 --\r) TO '{tmp_path}/x.csv'\nUNION ALL SELECT 2) TO '{tmp_path}/x.csv'",
            f"COPY (SELECT 1) TO '{tmp_path}/x.csv' (HEADER (SELECT true FROM power.log))",
            "COPY (SELECT 1) TO '/nowhere/x.csv'",
            "COPY x",
        ):
            with pytest.raises(ForetellError):
                connection.run(text)
        assert not (tmp_path / "x.csv").exists()
    with pytest.raises(InvalidInput, match="sql_folders"):
        Database(folders=(str(tmp_path / "nothing"),))
    with pytest.raises(InvalidInput, match=r"sql_memory: must be an amount such as .*4GB, got 'much'"):
        Database(memory="much")


WRITES = (
    "INSERT INTO d1001 VALUES (now, 1, 1, 1)",
    "CREATE TABLE n (ts TIMESTAMP, v INT)",
    "DROP TABLE log",
    "DELETE FROM log",
    "ALTER TABLE log TTL 1",
    "INSERT INTO log (ts) SELECT now",
)
ADMIN = (
    "CREATE DATABASE x",
    "DROP DATABASE power",
    "CREATE USER x PASS 'abcdefgh'",
    "DROP USER root",
    "GRANT ALL ON *.* TO joe",
    "ALTER USER root PASS 'abcdefgh'",
    "ALTER DATABASE power KEEP 1",
)


def test_users_read_and_write_what_was_granted(plant: Connection) -> None:
    with Database() as database, database.connect() as root:
        fill(root)
        root.run("CREATE USER joe PASS 'of-joe-12' SYSINFO 1")
        with pytest.raises(SqlError, match="already exists: joe"):
            root.run("CREATE USER joe PASS 'of-joe-12'")
        root.run("GRANT READ ON power.* TO joe")
        with database.connect(database.login("joe", "of-joe-12"), "power") as joe:
            root.run("REVOKE READ ON power.* FROM joe")
            queries = ("SELECT * FROM d1001", "SELECT 1 FROM (FROM power.meters)", "WITH x AS (FROM log) FROM x")
            assert refused(joe, *queries, *WRITES, *ADMIN) == 16
            assert rows(joe, "SHOW DATABASES") == [("information_schema",)]
            root.run("GRANT READ ON power.* TO joe")
            assert refused(joe, *queries) == 0
            assert refused(joe, *WRITES, *ADMIN) == 13
            assert refused(joe, "SELECT * FROM fine.t") == 1
            assert rows(joe, "SHOW DATABASES") == [("information_schema",), ("power",)]
            assert rows(joe, "SELECT name FROM information_schema.ins_users") == [("joe",)]
            root.run("GRANT ALL ON *.* TO joe")
            assert refused(joe, "SELECT * FROM fine.t", *WRITES[:1]) == 0
            assert refused(joe, *ADMIN) == 7
            root.run("REVOKE ALL ON *.* FROM joe")
            root.run("REVOKE READ, WRITE ON power.* FROM joe")
            assert refused(joe, *queries) == 3
            joe.run("ALTER USER joe PASS 'of-joe-34'")
            assert database.login("joe", "of-joe-34").name == "joe"
            root.run("ALTER USER joe ENABLE 0")
            with pytest.raises(AuthenticationFailed):
                joe.run("SELECT 1")
            root.run("DROP USER joe")
        for password in ("of-joe-12", "of-joe-34"):
            with pytest.raises(AuthenticationFailed):
                database.login("joe", password)


def test_grants_go_with_their_database(tmp_path: Path) -> None:
    path = str(tmp_path / "plant.db")
    with Database(path) as database, database.connect() as root:
        for text in ("CREATE USER ann PASS 'of-ann-12'", "CREATE DATABASE gone", "CREATE DATABASE stays"):
            root.run(text)
        for text in ("GRANT ALL ON gone.* TO ann", "GRANT READ ON stays.* TO ann", "DROP DATABASE gone"):
            root.run(text)
        root.run("CREATE DATABASE gone")
        assert database.users.known["ann"].grants == {"stays": {"read"}}
    with Database(path) as database:
        assert database.users.known["ann"].grants == {"stays": {"read"}}


LOOKS = (
    "USE power",
    "DESCRIBE power.d1001",
    "SHOW CREATE DATABASE power",
    "SHOW CREATE STABLE power.meters",
    "SHOW power.TABLES",
    "INSERT INTO power.d1001 VALUES ('x')",
    "CREATE TABLE power.d9 USING power.meters (nothing) TAGS (1)",
    "ALTER TABLE power.d1001 SET TAG nothing = 1",
)
TAG_VALUES = ("SHOW CREATE TABLE power.d1001", "SHOW TAGS FROM power.d1001", "SHOW TAGS FROM d1001 FROM power")
TAG_ROWS = "SELECT count(*) AS n FROM information_schema.ins_tags"


def test_what_tables_there_are_is_for_those_who_may_read_or_write_tags_for_those_who_may_read() -> None:
    with Database() as database, database.connect() as root:
        fill(root)
        root.run("CREATE USER joe PASS 'of-joe-12'")
        joe = database.login("joe", "of-joe-12")
        with pytest.raises(NoPrivilege):
            database.connect(joe, "power")
        with database.connect(joe) as connection:
            assert refused(connection, *LOOKS, *TAG_VALUES, "SELECT * FROM power.nothing") == len(LOOKS) + 4
            assert rows(connection, TAG_ROWS) == [(0,)]
            root.run("GRANT WRITE ON power.* TO joe")
            assert refused(connection, *LOOKS[:5]) == 0
            assert refused(connection, *TAG_VALUES) == len(TAG_VALUES)
            assert rows(connection, TAG_ROWS) == [(0,)]
            root.run("GRANT READ ON power.* TO joe")
            assert refused(connection, *TAG_VALUES) == 0
            assert rows(connection, TAG_ROWS) != [(0,)]


def refused(connection: Connection, *texts: str) -> int:
    """How many of the statements the user may not run."""
    count = 0
    for text in texts:
        try:
            connection.run(text)
        except NoPrivilege:
            count += 1
    return count


def test_the_first_account_is_for_this_machine_until_its_password_is_changed(tmp_path: Path) -> None:
    path = str(tmp_path / "plant.db")
    with Database(path) as database:
        assert database.login("root", FIRST_PASSWORD, is_local=True).is_admin
        for user, password, is_local in (
            ("root", FIRST_PASSWORD, False),
            ("root", "wrong", True),
            ("nobody", "x", True),
        ):
            with pytest.raises(AuthenticationFailed) as caught:
                database.login(user, password, is_local)
            assert caught.value.tdengine_code == 0x80000357
        database.connect().run("ALTER USER root PASS 'a-new-one'")
    with Database(path) as database:
        assert database.login("root", "a-new-one", is_local=False).is_admin
        with pytest.raises(AuthenticationFailed):
            database.login("root", FIRST_PASSWORD, is_local=True)


def test_passwords_are_kept_as_hashes_with_salt() -> None:
    kept = hashed("a-new-one")
    assert "a-new-one" not in kept
    assert kept != hashed("a-new-one")
    assert fits("a-new-one", kept)
    assert not fits("a-new-two", kept)
    assert "a-new-one" not in repr(OWNER)


def test_a_password_that_was_right_is_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Database() as database:
        database.login("root", FIRST_PASSWORD, is_local=True)
        monkeypatch.setattr("foretell.sql.database.users.fits", lambda *_: False)
        database.login("root", FIRST_PASSWORD, is_local=True)
        with pytest.raises(AuthenticationFailed):
            database.login("root", "wrong", is_local=True)


def test_a_query_that_runs_away_is_stopped() -> None:
    with Database(timeout=0.2) as database, database.connect() as connection:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            connection.run(ENDLESS)
        assert time.monotonic() - started < 20
        assert rows(connection, "SELECT 1") == [(1,)]
        timer = threading.Timer(0.2, connection.interrupt)
        timer.start()
        with pytest.raises(Cancelled):
            connection.run(ENDLESS, timeout=60)
        timer.join()


def test_memory_has_a_limit() -> None:
    with (
        Database(memory="60MB") as database,
        database.connect() as connection,
        pytest.raises(SqlError, match=r"(?i)memory"),
    ):
        connection.run("SELECT list(i) FROM range(100000000) r(i)")


def test_results_have_a_limit_and_the_connection_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretell.sql.database.connection.MOST_BYTES", 2 << 20)
    with Database() as database, database.connect() as connection:
        with pytest.raises(SqlError, match=r"the result has more than 2 MB"):
            connection.run("SELECT * FROM range(100000000000)")
        with pytest.raises(SqlError, match=r"the result has more than 2 MB"):
            connection.run("SELECT repeat('a', 3000000) AS v")
        with pytest.raises(SqlError, match=r"the result has more than 2 MB"):
            connection.run("SELECT list(i) AS v FROM range(100000) r(i)")
        assert rows(connection, "SELECT count(*) FROM range(200000)") == [(200000,)]
        assert len(connection.run("SELECT * FROM range(200000)").table) == 200000


def test_what_goes_wrong_late_is_an_error_like_others() -> None:
    late = "SELECT CASE WHEN i = 2000000 THEN {} ELSE i END AS v FROM range(100000000000) r(i)"
    with Database() as database, database.connect() as connection:
        with pytest.raises(SqlError, match=r"^Conversion Error: Could not convert string 'x'"):
            connection.run(late.format("('x' || substr(i::VARCHAR, 1, 0))::BIGINT"))
        with pytest.raises(DeadlineExceeded):
            connection.run("SELECT hash(i) FROM range(100000000000) r(i) WHERE i % 7 = 1", timeout=0.2)
        assert rows(connection, "SELECT 1") == [(1,)]


def test_readers_see_whole_statements_while_others_write() -> None:
    with Database() as database, database.connect() as writer, database.connect() as reader:
        fill(writer)
        done = threading.Event()
        seen: list[object] = []

        def look() -> None:
            while not done.is_set():
                seen.extend(rows(reader, "SELECT count(*) % 3 FROM power.d1001"))

        thread = threading.Thread(target=look)
        thread.start()
        for i in range(30):
            writer.run(f"INSERT INTO power.d1001 VALUES ({i}, 1, 1, 1) ({i + 1000}, 1, 1, 1) ({i + 2000}, 1, 1, 1)")
        done.set()
        thread.join()
        assert set(seen) == {(0,)}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 " + "FROM a " * 8000,
        "SELECT f(" + "FROM a " * 8000 + ")",
        "SELECT " + "*, " * 4000 + "1 " + "FROM a " * 4000,
        "WITH " + ", ".join(f"a{i} AS (SELECT 1)" for i in range(4000)) + " SELECT nothing FROM a",
        "SELECT nothing FROM d.t " + "UNION ALL SELECT 1 FROM d.t " * 4000,
    ],
    ids=["from", "brackets", "stars", "with", "union"],
)
def test_the_time_to_read_a_statement_grows_with_its_length_alone(text: str, empty: Connection) -> None:
    empty.run("CREATE TABLE t (ts TIMESTAMP, v INT)")
    started = time.process_time()
    with pytest.raises(ForetellError):
        empty.run(text)
    assert time.process_time() - started < 10
