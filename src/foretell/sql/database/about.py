"""What a statement can ask about its server and connection: `SERVER_VERSION()`, `DATABASE()` and the like.

They become texts before anything else of the statement is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from foretell.sql.statement import Statement
from foretell.sql.text import written
from foretell.sql.tokens import as_text

if TYPE_CHECKING:
    from foretell.sql.database.connection import Connection

VERSION = "3.3.6.0"
"""The version of TDengine whose clients are spoken to; they look at nothing but its number."""

ANSWERS: dict[str, Callable[[Connection], str | None]] = {
    "SERVER_VERSION": lambda _: VERSION,
    "CLIENT_VERSION": lambda _: VERSION,
    "DATABASE": lambda connection: connection.database or None,
    "CURRENT_USER": lambda connection: connection.user.name,
    "USER": lambda connection: connection.user.name,
    "TIMEZONE": lambda connection: str(connection.zone),
}
IS_UP = "SERVER_STATUS"


def tell(statement: Statement, connection: Connection) -> None:
    """Put the answers in the place of the calls."""
    for i, token in enumerate(statement.tokens):
        if not statement.is_sign(i + 1, "(") or statement.partner[i + 1] != i + 2:
            continue
        if statement.is_word(i, IS_UP, *ANSWERS):
            sql = "1" if token.text == IS_UP else _literal(ANSWERS[token.text](connection))
            start, end = statement.place((i, i + 3))
            statement.source.replace(start, end, written(sql, start))


def _literal(value: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else as_text(value)
