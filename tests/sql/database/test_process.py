"""A file and its process: what a kill leaves, and what a second process is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from foretell.errors import DatabaseInUse, InvalidInput
from foretell.sql.database import Database
from tests.sql.database.conftest import rows

WRITER = """
import sys, threading
from foretell.sql.database import Database
EARLY, LATE = 1_600_000_000_000, 1_600_000_500_000
database = Database(sys.argv[1])
with database.connect() as connection:
    connection.run("CREATE DATABASE IF NOT EXISTS d")
    connection.run("CREATE STABLE IF NOT EXISTS d.s (ts TIMESTAMP, v INT) TAGS (t INT)")
said = threading.Lock()
def write(i):
    with database.connect(database="d") as connection:
        for j in range(100_000):
            connection.run(f"INSERT INTO t{i} USING s TAGS ({i}) VALUES ({EARLY + j}, {j}) ({LATE + j}, {j})")
            with said:
                print(i, j, flush=True)
for i in range(4):
    threading.Thread(target=write, args=(i,)).start()
"""


LATE = 1_600_000_500_000


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = str(tmp_path / "plant.db")
    for acknowledged_at_least in (40, 20):  # the second time over a file that was killed before
        acknowledged = _written_until_killed(path, acknowledged_at_least)
        with Database(path) as database, database.connect(database="d") as connection:
            found = {(int(str(t)), v) for t, v in rows(connection, f"SELECT t, v FROM s WHERE ts < {LATE}")}
            assert acknowledged <= found
            assert rows(connection, "SELECT count(*) - count(DISTINCT (tbname, ts)) AS n FROM s") == [(0,)]
            [(both, early)] = rows(connection, f"SELECT count(*), count(*) FILTER (ts < {LATE}) FROM s")
            assert both == 2 * int(str(early))  # whole statements or nothing


def _written_until_killed(path: str, count: int) -> set[tuple[int, int]]:
    """What a process of its own said it had written before it was killed."""
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {(int(i), int(j)) for i, j in whole}


def test_a_second_process_is_told_which_the_first_is(tmp_path: Path) -> None:
    path = str(tmp_path / "plant.db")
    with Database(path) as database:
        with pytest.raises(DatabaseInUse, match=f"is open in process {os.getpid()}$"):
            Database(path)
        database.announce("http://127.0.0.1:6041")
        script = "import sys; from foretell.sql.database import Database; Database(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
        assert f"process {os.getpid()}, which serves it at http://127.0.0.1:6041" in done.stderr
        assert "foretell sql --url http://127.0.0.1:6041" in done.stderr
    with Database(path):
        pass
    assert not Path(f"{path}.lock").exists()


def test_a_file_that_has_two_names_is_still_one(tmp_path: Path) -> None:
    file, link, twin = (tmp_path / name for name in ("plant.db", "link.db", "twin.db"))
    with Database(str(file)):
        link.symlink_to(file)
        twin.hardlink_to(file)
        script = "import sys; from foretell.sql.database import Database; Database(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", script, str(twin)], capture_output=True, text=True, check=False)
        assert f"DatabaseInUse: {twin} is open in process {os.getpid()} by another name of the file" in done.stderr
        with pytest.raises(DatabaseInUse, match=rf"link\.db is open in process {os.getpid()}$"):
            Database(str(link))


@pytest.mark.parametrize(
    ("name", "content"), [("x.db", b"not a database at all" * 1000), ("x.csv", b"a,b\n1,2\n"), ("x.csv", b"")]
)
def test_a_file_that_is_no_database(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(InvalidInput, match=rf"db: .*{name} is no database file"):
            Database(str(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE __foretell.databases SET options = '{broken'", "JSONDecodeError"),
        ("UPDATE __foretell.tables SET columns = '[[1]]'", "ValueError"),
        ("UPDATE __foretell.tables SET database = 'e'", "KeyError: 'e'"),
        ("DROP TABLE d.st", "st does not exist"),
        ("DROP TABLE __foretell.users", "users does not exist"),
    ],
)
def test_a_damaged_catalog_is_told_and_the_file_let_go(change: str, said: str, tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    with Database(path) as database, database.connect() as connection:
        connection.run("CREATE DATABASE d")
        connection.run("CREATE STABLE d.st (ts TIMESTAMP, v INT) TAGS (t INT)")
    with duckdb.connect(path) as file:
        file.execute(change).fetchall()
    for _ in range(2):
        with pytest.raises(InvalidInput, match=f"x.db says nothing readable in its schema __foretell: .*{said}"):
            Database(path)
    assert not Path(f"{path}.lock").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"db: there is no folder .*nowhere"):
        Database(str(tmp_path / "nowhere" / "x.db"))
