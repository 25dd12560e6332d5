"""Sorting in the background changes no answer, whatever comes in between, and leaves series together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from foretell.errors import SqlError
from foretell.sql.database import Connection, Database, catalog
from foretell.sql.database import clustering as sorting
from foretell.sql.database.catalog import SuperTable, Table
from tests.sql.database.conftest import rows

BETWEEN: dict[str, bool] = {
    "INSERT INTO a VALUES (100, 100) c USING s TAGS (3) VALUES (7, 7)": True,
    "INSERT INTO a VALUES (0, -1)": False,
    "DELETE FROM a WHERE v = 2": False,
    "ALTER STABLE s ADD COLUMN w INT": False,
    "DROP TABLE b": False,
    "DROP STABLE s": False,
}
"""What comes while the copy is made, and whether the copy is still good."""


def mixed(connection: Connection) -> SuperTable:
    connection.run("CREATE STABLE s (ts TIMESTAMP, v INT) TAGS (t INT)")
    connection.run("CREATE TABLE a USING s TAGS (1) b USING s TAGS (2)")
    for i in range(5):
        connection.run(f"INSERT INTO b VALUES ({i}, {i}) a VALUES ({i}, {i})")
    table = connection.catalog.namespace("d").tables["s"]
    assert isinstance(table, SuperTable)
    return table


def lying(connection: Connection) -> list[str]:
    """The names of the rows as they lie in the file."""
    return [str(name) for (name,) in connection._home.cursor().execute("SELECT tbname FROM d.s").fetchall()]


@pytest.mark.parametrize("change", BETWEEN)
def test_what_comes_in_between_is_kept(change: str, empty: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    table = mixed(empty)
    copy: Callable[..., None] = sorting._copy

    def copied(*given: object) -> None:
        copy(*given)
        empty.run(change)

    monkeypatch.setattr(sorting, "_copy", copied)
    assert empty._home.clustering.sort(table) == BETWEEN[change]
    if change == "DROP STABLE s":
        assert rows(empty, "SHOW STABLES") == []
        return
    with Database() as database, database.connect() as connection:
        connection.run("CREATE DATABASE d")
        connection.run("USE d")
        mixed(connection)
        connection.run(change)
        assert rows(empty, "SELECT tbname, * FROM s ORDER BY ALL") == rows(
            connection, "SELECT tbname, * FROM s ORDER BY ALL"
        )
    if BETWEEN[change]:
        assert lying(empty) == ["a"] * 5 + ["b"] * 5 + ["a", "c"]
        assert table.loose == 2


def test_a_table_is_sorted_when_enough_is_loose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "LEAST_LOOSE", 8)
    done = threading.Event()
    sort = sorting.Clustering.sort

    def sorted_and_told(self: sorting.Clustering, table: Table) -> bool:
        found = sort(self, table)
        done.set()
        return found

    monkeypatch.setattr(sorting.Clustering, "sort", sorted_and_told)
    path = str(tmp_path / "plant.db")
    with Database(path) as database, database.connect() as connection:
        connection.run("CREATE DATABASE d")
        connection.run("USE d")
        table = mixed(connection)
        assert done.wait(60)
        assert (table.sorted_rows, table.loose) in ((8, 2), (10, 0))
        each = table.sorted_rows // 2
        assert lying(connection)[: 2 * each] == ["a"] * each + ["b"] * each
    with Database(path) as database:
        again = database.catalog.namespace("d").tables["s"]
        assert isinstance(again, SuperTable)
        assert again.sorted_rows + again.loose == 10


def test_a_series_comes_in_the_order_of_time_also_where_rows_came_late(empty: Connection) -> None:
    table = mixed(empty)
    empty.run("CREATE TABLE n (ts TIMESTAMP, v INT)")
    for name in ("a", "n"):
        empty.run(f"INSERT INTO {name} VALUES (70, 70) (90, 90)")
        empty.run(f"INSERT INTO {name} VALUES (80, 80) (70, 71)")
        assert rows(empty, f"SELECT v FROM {name} WHERE v > 50") == [(71,), (80,), (90,)]
    assert not table.is_sorted
    assert empty._home.clustering.sort(table)
    assert table.is_sorted
    assert rows(empty, "SELECT v FROM a WHERE v > 50") == [(71,), (80,), (90,)]


def test_copies_of_a_killed_process_are_thrown_away(tmp_path: Path) -> None:
    path = str(tmp_path / "plant.db")
    with Database(path) as database, database.connect() as connection:
        connection.run("CREATE DATABASE d")
        database.cursor().execute('CREATE TABLE d."s.sorted" (v INT)').fetchall()
    with Database(path) as database:
        assert database.cursor().execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'd'").fetchall() == [
            (0,)
        ]


def test_a_sort_that_fails_leaves_nothing_and_is_tried_again(
    empty: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise duckdb.OutOfMemoryException("none left")

    table, clustering = mixed(empty), empty._home.clustering
    for module, step in ((sorting, "_begin"), (sorting, "_copy"), (catalog, "keep_order")):
        with monkeypatch.context() as patch:
            patch.setattr(module, step, fails)
            with pytest.raises((duckdb.Error, SqlError)):
                clustering.sort(table)
        assert table.tail is None, step
    monkeypatch.setattr(sorting, "LEAST_LOOSE", 8)
    assert sorting.is_due(table)
    assert clustering.sort(table)
    assert lying(empty) == ["a"] * 5 + ["b"] * 5


def test_a_sort_that_failed_waits_for_twice_as_many_rows(empty: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    table, clustering = mixed(empty), empty._home.clustering
    monkeypatch.setattr(sorting, "LEAST_LOOSE", 8)
    asked: list[Table | None] = []
    monkeypatch.setattr(clustering, "_due", SimpleNamespace(put=asked.append))
    clustering._failed[id(table)] = 8
    clustering.look(table)
    clustering._failed[id(table)] = 5
    clustering.look(table)
    assert asked == [table]
