"""The tables that a statement names behind FROM and JOIN, and the `*` of the lists in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from foretell.sql.blocks import ARMS, CLAUSES, QUERY, begins_clause
from foretell.sql.statement import Span, Statement
from foretell.sql.tokens import NAME, STRING, WORD, unquote

NO_ALIAS = frozenset(
    [
        "ON",
        "USING",
        "JOIN",
        "LEFT",
        "RIGHT",
        "INNER",
        "OUTER",
        "FULL",
        "CROSS",
        "NATURAL",
        "ASOF",
        "SEMI",
        "ANTI",
        "POSITIONAL",
        "LATERAL",
        "WITH",
        "VALUES",
        "TABLESAMPLE",
        "PIVOT",
        "UNPIVOT",
        "AT",
        "RETURNING",
        "SELECT",
        "FOR",
    ]
)
"""Words behind a table that are no alias, beside those that begin a clause or an arm."""

PIVOTS = ("PIVOT", "UNPIVOT")
OTHER_QUERIES = ("VALUES", "TABLE", *PIVOTS, "DESCRIBE", "SUMMARIZE", "SHOW")
"""Words that begin a query in brackets, beside QUERY; DuckDB knows no table of these names."""


class Reference(NamedTuple):
    """A table as a statement names it: the tokens and parts of its name, its alias ("" for none), and whether it is
    called like a function, is a file, or is what PIVOT turns. A file has one part, its path."""

    span: Span
    parts: tuple[str, ...]
    alias: str
    is_call: bool
    is_file: bool
    is_pivoted: bool


class Origin(NamedTuple):
    """FROM, TABLE or PIVOT with its tables: its token, the references, and the span of the SELECT list, None where
    there is none. `is_argument`: it is the table of a function of ours."""

    token: int
    references: tuple[Reference, ...]
    items: Span | None
    is_argument: bool = False


def origins(statement: Statement) -> Iterator[Origin]:
    """Every FROM of a statement, every `TABLE t` and every `PIVOT t ON ...`.

    What they name becomes what DuckDB keeps for it. What may be read is no matter of theirs: see `allowed`.
    """
    lists = _select_lists(statement)
    for i in range(len(statement.tokens)):
        if i in lists:
            yield Origin(i, tuple(_tables(statement, i + 1, _end_of_query(statement, i))), lists[i])
        elif statement.is_word(i, "TABLE") and not statement.is_word(i - 1, "AS") and _is_name(statement, i + 1):
            is_argument = statement.is_sign(i - 1, "(") and statement.is_sign(i - 3, ".")  # AI.FORECAST(TABLE t, ...)
            yield Origin(i, (_reference(statement, i + 1),), (i, i) if is_argument else None, is_argument)
        elif _begins_pivot(statement, i):
            yield Origin(i, (_reference(statement, i + 1),), (i, i))


def _begins_pivot(statement: Statement, i: int) -> bool:
    """Whether PIVOT stands where a query begins, and not behind a table."""
    if not statement.is_word(i, *PIVOTS) or not _is_name(statement, i + 1):
        return False
    is_first = i == 0 or statement.is_sign(i - 1, "(") or statement.is_word(i - 1, "EXPLAIN", "ANALYZE")
    return is_first or (statement.is_sign(i - 1, ")") and not statement.is_word(i + 1, "INCLUDE", "EXCLUDE"))


def _is_name(statement: Statement, i: int) -> bool:
    return i < len(statement.tokens) and statement.tokens[i].kind in (WORD, NAME, STRING)


def _select_lists(statement: Statement) -> dict[int, Span | None]:
    """The FROMs that begin a clause, each with its SELECT list, which is before it, or behind it in a query that begins
    with FROM. All at once: a look around each would take the square of their number."""
    heads: dict[int, list[int]] = {}
    for i, token in enumerate(statement.tokens):
        if token.kind == WORD and (begins_clause(statement, i) or statement.is_word(i, "DELETE", *ARMS)):
            heads.setdefault(statement.parent[i], []).append(i)
    found: dict[int, Span | None] = {}
    for places in heads.values():
        found.update(_lists_of_query(statement, places))
    return found


def _lists_of_query(statement: Statement, places: list[int]) -> dict[int, Span | None]:
    """The FROMs of one bracket, which has arms and clauses at some places."""
    bracket = statement.parent[places[0]]
    is_query = bracket < 0 or statement.is_word(bracket + 1, *QUERY)  # and not extract(hour FROM ts)
    found: dict[int, Span | None] = {}
    select: int | None = None
    first: int | None = None  # the FROM of this arm: a further one is a fault, and has no list
    for place, end in zip(places, [*places[1:], _end_of_query(statement, places[0])], strict=True):
        word = statement.tokens[place].text
        if word in ARMS:
            select, first, is_query = None, None, True
        elif word in ("SELECT", "DELETE"):
            select = place
            if first is not None and found[first] is None:
                found[first] = place + 1, end
        elif word == "FROM" and is_query:
            found[place] = (place, place) if first is not None else None if select is None else (select + 1, place)
            first = place if first is None else first
    return found


def _end_of_query(statement: Statement, i: int) -> int:
    parent = statement.parent[i]
    return len(statement.tokens) if parent < 0 else statement.partner[parent]


def _tables(statement: Statement, i: int, end: int) -> Iterator[Reference]:
    """The references from token `i` to the end of the clause."""
    is_due = True
    while i < end:
        if is_due:
            is_due = statement.is_word(i, "LATERAL")
            if statement.is_sign(i, "(") and not statement.is_word(i + 1, *QUERY, *OTHER_QUERIES):
                yield from _tables(statement, i + 1, statement.partner[i])
            elif statement.tokens[i].kind in (WORD, NAME, STRING) and not is_due:
                reference = _reference(statement, i)
                yield reference
                i = reference.span[1]
                continue
        elif statement.is_sign(i, ",") or statement.is_word(i, "JOIN"):
            is_due = True
        elif begins_clause(statement, i) or statement.is_word(i, *ARMS):
            return
        i = statement.partner[i] + 1 if statement.partner[i] > i else i + 1


def _reference(statement: Statement, i: int) -> Reference:
    last = i + 1
    while statement.is_sign(last, ".") and last + 1 < len(statement.tokens):
        last += 2
    parts = tuple(named(statement, j) for j in range(i, last, 2))
    is_call = statement.is_sign(last, "(")
    after = statement.partner[last] + 1 if is_call else last
    alias = _alias(statement, after)
    after += statement.is_word(after, "AS") + bool(alias)
    is_pivoted = statement.is_word(i - 1, *PIVOTS) or statement.is_word(after, *PIVOTS)
    return Reference((i, last), parts, alias, is_call, statement.tokens[i].kind == STRING, is_pivoted)


def named(statement: Statement, i: int) -> str:
    """The name at a token: words in lower case, others as they stand between their quotes."""
    token = statement.tokens[i]
    found = unquote(token, statement.source.text)
    return found.lower() if token.kind == WORD else found


def _alias(statement: Statement, i: int) -> str:
    if statement.is_word(i, "AS"):
        i += 1
    elif _begins_clause(statement, i) or statement.is_word(i, *NO_ALIAS, *ARMS, *CLAUSES):
        return ""
    if i >= len(statement.tokens) or statement.tokens[i].kind not in (WORD, NAME):
        return ""
    return named(statement, i)


def _begins_clause(statement: Statement, i: int) -> bool:
    """As `begins_clause`, also behind the end."""
    return i < len(statement.tokens) and begins_clause(statement, i)


def stars(statement: Statement, items: Span) -> Iterator[tuple[int, str]]:
    """Each `*` of a list that stands for columns: its token, and the alias before it ("" for none)."""
    for i in statement.level(items):
        if not statement.is_sign(i, "*"):
            continue
        if i == items[0] or statement.is_sign(i - 1, ",") or statement.is_word(i - 1, "DISTINCT", "ALL"):
            yield i, ""
        elif statement.is_sign(i - 1, ".") and i - 2 >= items[0]:
            yield i, named(statement, i - 2)


def defined(statement: Statement) -> set[str]:
    """The names that WITH gives to queries."""
    found = set()
    for i, token in enumerate(statement.tokens):
        if token.kind not in (WORD, NAME) or not (
            statement.is_word(i - 1, "WITH", "RECURSIVE") or statement.is_sign(i - 1, ",")
        ):
            continue
        after = statement.partner[i + 1] + 1 if statement.is_sign(i + 1, "(") else i + 1
        if statement.is_word(after, "USING") and statement.is_sign(after + 2, "("):  # WITH RECURSIVE ... USING KEY (n)
            after = statement.partner[after + 2] + 1
        if statement.is_word(after, "AS") and (
            statement.is_sign(after + 1, "(") or statement.is_word(after + 1, "MATERIALIZED", "NOT")
        ):
            found.add(named(statement, i).lower())
    return found
