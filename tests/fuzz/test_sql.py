"""Whatever is typed: a result or an error of ours with a place inside the statement, in time, and SQL goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given

from foretell.errors import ForetellError, SqlError
from foretell.sql import Session
from foretell.sql.database import Connection, Database
from foretell.sql.database.outcome import Outcome
from foretell.sql.result import Result
from tests.fuzz.examples import examples
from tests.fuzz.statements import LONG, OVER_FILES, any_statement
from tests.sql.database.conftest import fill, rows
from tests.sql.pairs import HERE

ALLOWED = 2.0
"""Seconds for a statement; then it is interrupted."""
PATIENCE = 20.0
"""Seconds after which a statement counts as hanging, on a machine that is busy."""
LONG_TABLE = "SELECT TIMESTAMP '2024-01-01' + to_seconds(i) AS ts, i % 7 + 0.5 AS v, i % 5 AS w FROM range(60) r(i)"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Over copies of the files: some statements write."""
    folder = tmp_path_factory.mktemp("files")
    shutil.copytree(HERE / "data", folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, Session(warn=lambda _: None) as opened:
        patch.chdir(folder)
        opened.sql("SET memory_limit = '400MB'; SET threads = 1")
        opened.sql(f"CREATE TABLE long AS {LONG_TABLE}; CREATE TABLE kept_rows AS FROM range(3)")
        yield opened


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with Database(memory="400MB") as database, database.connect() as opened:
        fill(opened)
        opened.run("CREATE TABLE long (ts TIMESTAMP, v DOUBLE, w DOUBLE)")
        opened.run(f"INSERT INTO long {LONG_TABLE}")
        opened.run("CREATE DATABASE kept_base")
        opened.run("CREATE TABLE kept_base.kept_rows (ts TIMESTAMP, v INT)")
        opened.run("INSERT INTO kept_base.kept_rows VALUES (1, 1) (2, 2) (3, 3)")
        yield opened


def in_session(session: Session, text: str) -> None:
    _check(lambda: session.sql(text, timeout=ALLOWED), text)
    assert session.sql("SELECT 1").fetchall() == [(1,)]
    assert session.sql("SELECT count(*) FROM memory.main.kept_rows").fetchall() == [(3,)]


def in_database(connection: Connection, text: str) -> None:
    _check(lambda: connection.run(text, ALLOWED), text)
    assert rows(connection, "SELECT 1 AS one") == [(1,)]
    assert rows(connection, "SELECT count(*) FROM kept_base.kept_rows") == [(3,)]


def _check(run: Callable[[], object], text: str) -> None:
    started = time.thread_time()
    try:
        made = run()
    except ForetellError as error:
        assert str(error)
        if isinstance(error, SqlError) and error.position is not None:
            assert 0 <= error.position <= len(error.statement)
    else:
        assert isinstance(made, Result | Outcome)
    assert time.thread_time() - started < PATIENCE


@examples(60)
@given(any_statement(OVER_FILES))
def test_any_statement_over_files(session: Session, text: str) -> None:
    in_session(session, text)


@examples(60)
@given(any_statement())
def test_any_statement_over_a_database(connection: Connection, text: str) -> None:
    in_database(connection, text)


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_long_statements(session: Session, connection: Connection, text: str) -> None:
    in_session(session, text)
    in_database(connection, text)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("WITH a AS (" * 20 + "1" + ") FROM a" * 20, "6 levels of WITH", 7 * 11),
        ("SELECT " + "(" * 20_000 + "1", "500 brackets", 507),
        ("SELECT " + "FORECAST(SELECT " * 20_000 + "1" + ")" * 20_000, "500 brackets", 7 + 500 * 16 + 8),
        ("SELECT " + "a." * 20_000 + "x", "100 dots", 7 + 2 * 100 + 1),
        ("SELECT '\ud800'", "half of a character", 8),
    ],
    ids=("WITH", "brackets", "calls", "dots", "half"),
)
def test_what_would_take_for_ever_is_refused(
    session: Session, connection: Connection, text: str, message: str, place: int
) -> None:
    for run in (session.sql, connection.run):
        with pytest.raises(SqlError, match=message) as caught:
            run(text)
        assert caught.value.position == place
    in_session(session, text)
    in_database(connection, text)


def test_many_columns_take_time_in_proportion(connection: Connection) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        connection.run("SELECT " + ", ".join(f"NOW + {i}s" for i in range(count)))
        return time.process_time() - started

    assert seconds(2_000) < 12 * seconds(500) + 1
