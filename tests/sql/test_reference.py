"""docs/sql-reference.md: made from the code, complete, and every example runs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from tools import sql_reference as reference

from foretell.sql.database import Connection, Database
from foretell.sql.database.commands import COMMANDS
from foretell.sql.functions import FUNCTIONS, TABLE_FUNCTIONS
from foretell.sql.meanings import CALLS, OF_DATABASE

HOUR = 3_600_000
START = 1_704_067_200_000


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """The sample of the page."""
    with Database() as database, database.connect() as found:
        *statements, insert = reference.SAMPLE
        for text in statements:
            found.run(text)
        rows = [(10 + 3 * math.sin(i / 4) + 30 * (i == 50), math.cos(i / 4), i // 7) for i in range(96)]
        values = "".join(f"({START + i * HOUR}, {v}, {w}, {n})" for i, (v, w, n) in enumerate(rows))
        for name, site in (("d1", "north"), ("d2", "south")):
            found.run(insert.replace("d1", name).replace("north", site).replace("FILE", f"VALUES {values}"))
        yield found


def test_the_page_is_what_the_code_says() -> None:
    assert reference.PAGE.read_text("utf-8") == reference.page(), "run `make docs`"


def test_every_statement_and_function_has_an_entry() -> None:
    assert {*COMMANDS} == {*reference.STATEMENTS} - {("INSERT",)}
    assert {*FUNCTIONS, *TABLE_FUNCTIONS} == {*reference.MODELS}
    assert {*reference.ARGUMENTS} <= {*CALLS, *OF_DATABASE}


def test_the_statements_run_in_the_order_of_the_page(connection: Connection) -> None:
    for _, _, example in reference.STATEMENTS.values():
        if example:
            connection.run(example)


@pytest.mark.parametrize("example", [e for _, _, e in (*reference.WINDOWS, *reference.MODELS.values())])
def test_windows_and_models_give_rows(connection: Connection, example: str) -> None:
    assert len(connection.run(example).table) > 0


@pytest.mark.parametrize("name", [*CALLS, *OF_DATABASE])
def test_every_function_can_be_called(connection: Connection, name: str) -> None:
    assert len(connection.run(reference.example_of(name)).table) > 0
