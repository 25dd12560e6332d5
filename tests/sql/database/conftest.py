"""Databases for the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foretell.sql.database import Connection, Database
from foretell.sql.statement import statements
from tests.sql.pairs import HERE


def fill(connection: Connection) -> None:
    """Run plant.sql."""
    text = (HERE / "plant.sql").read_text()
    for statement in statements(text):
        connection.run(text[statement.start : statement.end])


@pytest.fixture(scope="module")
def plant() -> Iterator[Connection]:
    """A connection to the database of plant.sql, which nobody changes."""
    with Database() as database, database.connect() as connection:
        fill(connection)
        yield connection


@pytest.fixture
def empty() -> Iterator[Connection]:
    """A connection to a database `d` that has no tables yet."""
    with Database() as database, database.connect() as connection:
        connection.run("CREATE DATABASE d")
        connection.run("USE d")
        yield connection


def rows(connection: Connection, text: str) -> list[tuple[object, ...]]:
    """The rows of a query."""
    return list(zip(*(column.to_pylist() for column in connection.run(text).table.itercolumns()), strict=True))
