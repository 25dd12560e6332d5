"""The anodes of a database: kept in its file, managed by its administrators."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb

from foretell.sql.anode_statements import anode_statement
from foretell.sql.database.catalog import SYSTEM, is_prepared, prepare
from foretell.sql.database.outcome import Outcome, read, written
from foretell.sql.database.reader import Reader
from foretell.sql.database.writer import Apply, Writer

if TYPE_CHECKING:
    from foretell.sql.anodes import Anode
    from foretell.sql.database.connection import Connection


class Kept:
    """The anodes that a file has; the writer changes them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, writer: Writer) -> None:
        self._connection, self._writer = connection, writer

    def load(self) -> Sequence[Anode]:
        from foretell.sql.anodes import Anode

        if not is_prepared(self._connection):
            return []
        rows = self._connection.execute(f"FROM {SYSTEM}.anodes ORDER BY id").fetchall()
        return [
            Anode(number, url, created, updated, tuple((kind, name) for kind, name in json.loads(listed)))
            for number, url, created, updated, listed in rows
        ]

    def save(self, anodes: Sequence[Anode]) -> None:
        rows = [(one.id, one.url, one.created, one.updated, json.dumps(one.algorithms)) for one in anodes]

        def change(connection: duckdb.DuckDBPyConnection) -> tuple[int, Apply]:
            prepare(connection)
            connection.execute(f"DELETE FROM {SYSTEM}.anodes").fetchall()
            for row in rows:
                connection.execute(f"INSERT INTO {SYSTEM}.anodes VALUES (?, ?, ?, ?, ?)", row).fetchall()
            return 0, lambda: None

        self._writer.change(change)


def manage(reader: Reader, home: Connection) -> Outcome:
    """CREATE, UPDATE, DROP and SHOW ANODES."""
    run = anode_statement(reader.statement)
    if run is None:
        reader.fail("ANODE or ANODES is expected here")
    table = run(reader.statement, home.anodes, home.user.is_admin)
    return read(table, "ms") if table.num_columns else written(0)
