"""The statements that manage anodes (protocol section 2.3), and the tables that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from foretell.errors import AnodeError, InvalidInput, NoPrivilege
from foretell.sql.answer import Context
from foretell.sql.statement import Statement
from foretell.sql.text import written
from foretell.sql.tokens import NAME, NUMBER, STRING, WORD, quote, unquote
from foretell.wire.masking import mask

if TYPE_CHECKING:
    from foretell.sql.anodes import Anodes

INVALID_MESSAGE = 0x80000115
NOTHING = pa.table({})
Run = Callable[[Statement, "Anodes", bool], pa.Table]
"""Runs a statement, for an administrator or for somebody else; its rows, without columns where it has none."""
Tail = Callable[[Statement, int, "Anodes"], pa.Table]
"""Runs a statement whose head ends before the token of that index."""


def _create(statement: Statement, at: int, anodes: Anodes) -> pa.Table:
    if not (at < len(statement.tokens) and statement.tokens[at].kind == STRING):
        raise statement.error("CREATE ANODE needs the node's address in quotes, 'HOST:PORT'", _near(statement, at))
    _refuse_more(statement, at + 1)
    url = unquote(statement.tokens[at], statement.source.text).strip()
    is_secret = mask(f"http://{url}") != f"http://{url}"
    return _changed(statement, None if is_secret else at, lambda: anodes.create(url))


def _update(statement: Statement, at: int, anodes: Anodes) -> pa.Table:
    number = _id(statement, at)
    return _changed(statement, at, lambda: anodes.update(number))


def _update_all(statement: Statement, at: int, anodes: Anodes) -> pa.Table:
    _refuse_more(statement, at)
    return _changed(statement, at - 1, anodes.update_all)


def _drop(statement: Statement, at: int, anodes: Anodes) -> pa.Table:
    number = _id(statement, at)
    return _changed(statement, at, lambda: anodes.drop(number))


def _show(statement: Statement, at: int, anodes: Anodes) -> pa.Table:
    full = statement.is_word(at, "FULL")
    _refuse_more(statement, at + full)
    return anodes.full_table() if full else anodes.table()


HEADS: Mapping[tuple[str, ...], Tail] = {
    ("SHOW", "ANODES"): _show,
    ("CREATE", "ANODE"): _create,
    ("UPDATE", "ANODE"): _update,
    ("UPDATE", "ALL", "ANODES"): _update_all,
    ("DROP", "ANODE"): _drop,
}
"""The statements by the words that they begin with."""
TABLES: Mapping[str, Callable[[Anodes], pa.Table]] = {
    "ins_anodes": lambda anodes: anodes.table(),
    "ins_anodes_full": lambda anodes: anodes.full_table(),
}
"""The tables of information_schema."""


def anode_statement(statement: Statement) -> Run | None:
    """What runs a statement about anodes; None for any other statement."""
    heads = (head for head in HEADS if all(statement.is_word(i, word) for i, word in enumerate(head)))
    head = next(heads, None)
    return None if head is None else partial(_run, head)


def _run(head: tuple[str, ...], statement: Statement, anodes: Anodes, is_admin: bool) -> pa.Table:
    if head[0] != "SHOW" and not is_admin:
        raise statement.error(f"only an administrator may {head[0].lower()} anodes", 0, kind=NoPrivilege)
    return HEADS[head](statement, len(head), anodes)


def anode_tables(statement: Statement, context: Context) -> None:
    """Let DuckDB see information_schema.ins_anodes and ins_anodes_full, as they are now."""
    for i, token in enumerate(statement.tokens):
        name = unquote(token, statement.source.text).lower() if token.kind in (WORD, NAME) else ""
        if name not in TABLES or not statement.is_sign(i - 1, ".") or i < 2:
            continue
        if unquote(statement.tokens[i - 2], statement.source.text).lower() == "information_schema":
            context.place.duck.register(name, TABLES[name](context.anodes()))
            context.lent.callback(context.place.duck.unregister, name)
            start, end = statement.place((i - 2, i + 1))
            statement.source.replace(start, end, written(quote(name), start))


def _id(statement: Statement, at: int) -> int:
    signed = statement.is_sign(at, "-")
    last = at + signed
    token = statement.tokens[last] if last < len(statement.tokens) else None
    if token is None or token.kind != NUMBER or not token.text.isdecimal():
        raise statement.error("the id of an anode is needed here; SHOW ANODES lists them", _near(statement, at))
    _refuse_more(statement, last + 1)
    number = -int(token.text) if signed else int(token.text)
    if number <= 0:
        raise statement.error(f"invalid message: the id of an anode is at least 1, got {number}", at, INVALID_MESSAGE)
    return number


def _changed(statement: Statement, at: int | None, change: Callable[[], None]) -> pa.Table:
    """Nothing, once the change is made; its errors show the place, unless (None) that would show a secret."""
    try:
        change()
    except (AnodeError, InvalidInput) as error:
        place = None if at is None else statement.tokens[at].start
        raise statement.source.error(str(error), place, error.tdengine_code) from None
    return NOTHING


def _refuse_more(statement: Statement, at: int) -> None:
    if at < len(statement.tokens):
        raise statement.error("the statement should end here", at)


def _near(statement: Statement, at: int) -> int:
    """The token, or the last one where there is none."""
    return min(at, len(statement.tokens) - 1)
