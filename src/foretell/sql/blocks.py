"""The SELECT blocks of a statement that have words of ours, and their clauses. No expression is understood here."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import cached_property

from foretell.sql.statement import Span, Statement
from foretell.sql.text import Text, filled
from foretell.sql.tokens import NAME, NUMBER, SIGN, STRING, WORD

QUERY = ("SELECT", "FROM", "WITH")
ARMS = ("UNION", "INTERSECT", "EXCEPT")
CLAUSES = {
    "SELECT": "",
    "FROM": "",
    "WHERE": "",
    "PARTITION": "BY",
    "GROUP": "BY",
    "HAVING": "",
    "WINDOW": "",
    "QUALIFY": "",
    "ORDER": "BY",
    "LIMIT": "",
    "OFFSET": "",
    "FETCH": "",
    "USING": "SAMPLE",
}
"""The words that begin a clause, with the word that must follow."""
TDENGINE_CLAUSES = {
    "INTERVAL": "(",
    "SLIDING": "(",
    "FILL": "(",
    "SESSION": "(",
    "STATE_WINDOW": "(",
    "EVENT_WINDOW": "START",
    "COUNT_WINDOW": "(",
    "ANOMALY_WINDOW": "(",
    "TRUE_FOR": "(",
    "SLIMIT": "",
    "SOFFSET": "",
    "RANGE": "(",
    "EVERY": "(",
}
"""TDengine's own clauses, with what must follow. They stand after an operand, where DuckDB has no word with a bracket:
`FROM t INTERVAL(1h)` has one, `now() - INTERVAL (1) HOUR` and `FROM range(9)` have none."""
BEFORE_OPERAND = (
    *CLAUSES,
    *("AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "DISTINCT", "ALL", "AS"),
    *("BY", "ON", "JOIN", "LATERAL", "SAMPLE", "WITH", "CAST", "ILIKE", "ESCAPE", "COLLATE"),
)
"""Words that no operand ends with."""
OF_THE_WHOLE = ("ORDER", "LIMIT", "OFFSET", "FETCH")
"""Clauses that belong to a whole UNION, not to its last arm."""

CUTS = frozenset(ARMS)
KEYWORDS = frozenset((*QUERY, *ARMS, *CLAUSES, *TDENGINE_CLAUSES, "RETURNING", "ON"))
"""The words by which a SELECT is taken apart."""
BEFORE_TABLE = ("INTO", "TABLE", "EXISTS", "AS", "FROM", "JOIN", "REFERENCES", "ON")
"""Words after which a name with brackets is a table."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function: its name in upper case, its tokens, and its arguments; a last string is the options."""

    name: str
    span: Span
    arguments: tuple[Span, ...]
    options: int | None

    @property
    def every(self) -> tuple[Span, ...]:
        """All arguments, also a last string."""
        return self.arguments if self.options is None else (*self.arguments, (self.options, self.options + 1))


@dataclass(frozen=True)
class Block:
    """One SELECT with its clauses, the calls of our functions in it, and the tokens of its other words of ours.

    `clauses` maps the first word of a clause to the tokens after it; `whole` maps it to the whole clause.
    """

    statement: Statement
    span: Span
    clauses: dict[str, Span]
    whole: dict[str, Span]
    calls: tuple[Call, ...]
    marks: tuple[int, ...] = ()

    @cached_property
    def items(self) -> list[Span]:
        """The expressions of the SELECT list, aliases included."""
        first, last = self.clauses["SELECT"]
        if self.statement.is_word(first, "DISTINCT", "ALL"):
            first += 1
        return self.statement.split((first, last))

    @cached_property
    def before(self) -> tuple[Span, ...]:
        """The spans of the WITH lists that the block can see, outermost first."""
        return _with_lists(self.statement, self.span)

    @property
    def distinct(self) -> bool:
        return self.statement.is_word(self.clauses["SELECT"][0], "DISTINCT")

    def listed(self, clause: str) -> list[Span]:
        """The expressions of a clause that is a list, none where it is absent."""
        return self.statement.split(self.clauses[clause]) if clause in self.clauses else []

    def within(self, query: Text) -> Text:
        """A query where it can see the WITH lists around the block."""
        for span in reversed(self.before):
            query = filled("{} SELECT * FROM ({})", self.statement.place(span)[0], self.statement.cut(span), query)
        return query

    def mentions(self, *words: str) -> bool:
        """Whether one of these words stands anywhere in the SELECT list or in ORDER BY."""
        spans = [self.clauses[name] for name in ("SELECT", "ORDER") if name in self.clauses]
        return any(self.statement.is_word(i, *words) for span in spans for i in range(*span))


Mark = Callable[[Statement, int], bool]
"""Whether the word at an index is one of ours, there."""


def blocks(statement: Statement, functions: Container[str], marks: Mapping[str, Mark] = {}) -> list[Block]:
    """The SELECT blocks that call one of the `functions` or have one of the `marks`; inner and earlier ones first.

    `marks` has words in upper case, and kinds of token.
    """
    found: dict[Span, list[int]] = {}
    arm: Span | None = None
    for i, (kind, text, _, _) in enumerate(statement.tokens):
        if kind == SIGN:
            continue
        if kind == WORD and text in functions and is_call(statement, i):
            found.setdefault(_required(statement, i), []).append(i)
            continue
        mark = marks.get(text if kind == WORD else kind)
        if mark is None or not mark(statement, i):
            continue
        if arm is None or not arm[0] <= i < arm[1] or statement.parent[arm[0]] != statement.parent[i]:
            arm = select_around(statement, i)
        if arm is not None:
            found.setdefault(arm, []).append(i)
    return [_block(statement, span, found[span], functions) for span in sorted(found, key=lambda span: span[1])]


def begins_clause(statement: Statement, i: int) -> bool:
    """Whether the word at `i` begins a clause, and is no name, function or literal."""
    word = statement.tokens[i].text
    after = CLAUSES.get(word)
    if after is None:
        return _begins_tdengine_clause(statement, i)
    if not statement.is_word(i, word) or (word == "FROM" and statement.is_word(i - 1, "DISTINCT")):  # IS DISTINCT FROM
        return False
    return not after or statement.is_word(i + 1, after)


def _begins_tdengine_clause(statement: Statement, i: int) -> bool:
    after = TDENGINE_CLAUSES.get(statement.tokens[i].text)
    if after is None or not ends_operand(statement, i - 1):
        return False
    return i + 1 < len(statement.tokens) and (not after or statement.tokens[i + 1].text == after)


def ends_operand(statement: Statement, i: int) -> bool:
    if i < 0:
        return False
    token = statement.tokens[i]
    if token.kind == SIGN:
        return token.text in ")]}*"
    return token.kind in (NAME, STRING, NUMBER) or not statement.is_word(i, *BEFORE_OPERAND)


def is_call(statement: Statement, i: int) -> bool:
    """Whether the name at `i` is called, and is not a table whose columns are listed."""
    if not statement.is_sign(i + 1, "(") or statement.is_sign(i - 1, ".") or statement.is_word(i - 1, *BEFORE_TABLE):
        return False
    last = statement.partner[i + 1]
    return not (statement.is_word(last + 1, "AS") and statement.is_sign(last + 2, "("))  # WITH name(columns) AS (


def read_call(statement: Statement, i: int) -> Call:
    """The call of the function at `i`."""
    last = statement.partner[i + 1]
    arguments = statement.split((i + 2, last)) if last > i + 2 else []
    options = None
    if arguments and arguments[-1][1] - arguments[-1][0] == 1:
        only = arguments[-1][0]
        options = only if statement.tokens[only].kind == STRING else None
    if options is not None:
        arguments.pop()
    return Call(statement.tokens[i].text, (i, last + 1), tuple(arguments), options)


def _query(statement: Statement, i: int) -> Span:
    """The innermost query around token `i`: the tokens of a bracket that begins like one, or the whole statement."""
    parent = statement.parent[i]
    while parent >= 0 and not statement.is_word(parent + 1, *QUERY):
        parent = statement.parent[parent]
    return (0, len(statement.tokens)) if parent < 0 else (parent + 1, statement.partner[parent])


def _required(statement: Statement, i: int) -> Span:
    """The SELECT around a function that has no meaning elsewhere."""
    arm = select_around(statement, i)
    if arm is None:
        raise statement.error(f"{statement.tokens[i].text} belongs in the list of a SELECT", i)
    return arm


def select_around(statement: Statement, i: int) -> Span | None:
    """The SELECT around token `i`, without what belongs to the UNION or the INSERT that it is part of."""
    query = _query(statement, i)
    begin, end = statement.nearest(CUTS, query, i)
    heads = [(j, statement.tokens[j].text) for j in statement.places(KEYWORDS, (begin, end))]
    start = next((j for j, word in heads if word in ("SELECT", "FROM")), None)
    if start is None or start > i:
        return None
    is_last_arm = end == query[1] and statement.is_word(begin, *ARMS)
    for j, word in heads:
        of_insert = word == "RETURNING" or (word == "ON" and statement.is_word(j + 1, "CONFLICT"))
        if start <= j and (of_insert or (is_last_arm and word in OF_THE_WHOLE)):
            return (start, j) if i < j else None
    return start, end


def _block(statement: Statement, span: Span, words: list[int], functions: Container[str]) -> Block:
    heads = [j for j in statement.places(KEYWORDS, span) if begins_clause(statement, j)]
    clauses: dict[str, Span] = {}
    whole: dict[str, Span] = {}
    for head, end in zip(heads, [*heads[1:], span[1]], strict=True):
        word = statement.tokens[head].text
        first = head + (2 if CLAUSES.get(word) or TDENGINE_CLAUSES.get(word) == "START" else 1)
        if word in clauses:
            raise statement.error(f"{word} stands twice in one SELECT", head)
        if first >= end:
            raise statement.error(f"something is missing after {word}", head)
        clauses[word], whole[word] = (first, end), (head, end)
    calls = [read_call(statement, i) for i in words if statement.tokens[i].text in functions]
    marks = [i for i in words if statement.tokens[i].text not in functions]
    return Block(statement, span, clauses, whole, tuple(calls), tuple(marks))


def _with_lists(statement: Statement, span: Span) -> tuple[Span, ...]:
    """The WITH lists around a block, outermost first, each up to where the block itself stands in it."""
    lists: list[Span] = []
    inside = span[0]
    while True:
        query = _query(statement, inside)
        found = _with_list(statement, query, span[0])
        if found:
            lists.insert(0, found)
        if query[0] == 0:
            return tuple(lists)
        inside = query[0] - 1


def _with_list(statement: Statement, query: Span, before: int) -> Span | None:
    """WITH and those of its definitions that end before token `before`."""
    start = next((j for j in statement.level(query) if statement.is_word(j, *QUERY)), None)
    if start is None or not statement.is_word(start, "WITH"):
        return None
    end = start
    for j in statement.level((start + 1, query[1])):
        if j >= before or statement.is_word(j, "SELECT", "FROM", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES"):
            break
        last = statement.partner[j]
        if statement.is_sign(j, "(") and last < before and _ends_definition(statement, last):
            end = last + 1
    return (start, end) if end > start else None


def _ends_definition(statement: Statement, bracket: int) -> bool:
    """Whether a closing bracket ends a definition, and is not that of its list of columns."""
    return not statement.is_word(bracket + 1, "AS", "USING")
