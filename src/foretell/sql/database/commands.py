"""The statements that are ours, as a table: the words that begin each, and what runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from foretell.sql.database import alterations, anodes, databases, grants, show, tables
from foretell.sql.database.outcome import Outcome
from foretell.sql.database.reader import Reader

if TYPE_CHECKING:
    from foretell.sql.database.connection import Connection

Command = Callable[[Reader, "Connection"], Outcome]
"""Runs a statement whose first words have been read."""

COMMANDS: dict[tuple[str, ...], Command] = {
    ("CREATE", "DATABASE"): databases.create_database,
    ("ALTER", "DATABASE"): databases.alter_database,
    ("DROP", "DATABASE"): databases.drop_database,
    ("USE",): databases.use,
    ("CREATE", "TABLE"): tables.create_table,
    ("CREATE", "STABLE"): tables.create_stable,
    ("DROP", "TABLE"): tables.drop_table,
    ("DROP", "STABLE"): tables.drop_stable,
    ("ALTER", "TABLE"): alterations.alter_table,
    ("ALTER", "STABLE"): alterations.alter_table,
    ("DELETE", "FROM"): tables.delete,
    ("SHOW", "CREATE"): show.show_create,
    ("SHOW", "TAGS"): show.show_tags,
    ("SHOW",): show.show,
    ("DESCRIBE",): show.describe,
    ("DESC",): show.describe,
    ("CREATE", "ANODE"): anodes.manage,
    ("UPDATE", "ANODE"): anodes.manage,
    ("UPDATE", "ALL"): anodes.manage,
    ("DROP", "ANODE"): anodes.manage,
    ("SHOW", "ANODES"): anodes.manage,
    ("CREATE", "USER"): grants.create_user,
    ("ALTER", "USER"): grants.alter_user,
    ("DROP", "USER"): grants.drop_user,
    ("GRANT",): grants.grant,
    ("REVOKE",): grants.revoke,
}
"""The longest match counts."""

QUERIES = ("SELECT", "WITH", "FROM", "VALUES", "TABLE", "PIVOT", "UNPIVOT", "EXPLAIN")
"""The words that begin a query."""


def command_of(reader: Reader) -> Command | None:
    """The command whose words come next; they are passed over."""
    for count in (2, 1):
        words = tuple(token.text for token in reader.statement.tokens[:count])
        if words in COMMANDS and reader.take(*words):
            return COMMANDS[words]
    return None
