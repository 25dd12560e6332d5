"""Statements as they should not be: the fixtures taken apart and put together again, and nonsense of our own words."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import strategies as st

from foretell.sql.database.commands import COMMANDS, QUERIES
from foretell.sql.functions import FUNCTIONS, PSEUDO_COLUMNS
from foretell.sql.marks import MARKS_OF_DATABASE, OF_ANODES, OF_WINDOWS
from foretell.sql.statement import statements
from tests.sql.pairs import HERE as FIXTURES
from tests.sql.pairs import faults

HERE = Path(__file__).parent
_PARTS = re.compile(r"\s+|\w+|'(?:[^']|'')*'|\"[^\"]*\"|.", re.DOTALL)


def _written_in(file: Path) -> list[str]:
    if file.name.endswith("errors.sql"):
        return [fault.statement for fault in faults(file.name)]
    text = file.read_text()
    return [text[one.start : one.end] for one in statements(text)]


OF_DATABASE = ("plant.sql", "dialect.sql", "dialect_errors.sql")
OVER_DATABASE = [one for name in OF_DATABASE for one in _written_in(FIXTURES / name)] + 2 * _written_in(
    HERE / "all_kinds.sql"
)
OVER_FILES = [
    one for file in sorted(FIXTURES.glob("*.sql")) if file.name not in OF_DATABASE for one in _written_in(file)
]
PLACES_OF_WORDS = (QUERIES, FUNCTIONS, PSEUDO_COLUMNS, MARKS_OF_DATABASE, OF_ANODES, OF_WINDOWS, *COMMANDS)
WORDS = sorted({word for words in PLACES_OF_WORDS for word in words if word.isupper()})
BY = (
    "BY",
    "USING",
    "TAGS",
    "VALUES",
    "WHERE",
    "GROUP",
    "ORDER",
    "AS",
    "SET",
    "ON",
    "TO",
    "IF EXISTS",
    "*",
    "TABLE",
    "FULL",
)
NUMBERS = (
    "0", "-1", "1e400", "-1e-400", "9" * 40, "-9223372036854775808", "18446744073709551616", "1_", "1__0", "1.2.3", ".",
    "..", "0x", "1n", "0s", "-5d", "99999999999999y", "1a", "2147483648", "1e308", "NULL", "nan", "'NaN'::DOUBLE",
)  # fmt: skip
QUOTES = (
    "'",
    '"',
    "`",
    "''",
    '""',
    "``",
    "$$",
    "$a$",
    "$a$x$a$",
    "e'\\",
    "x'0",
    "--",
    "/*",
    "*/",
    "/*/**/",
    ";",
    "\\",
    "?",
    "$1",
)
SIGNS = ("(", ")", "[", "]", "{", "}", ",", "=", "<>", "::", ".", "|", "*", "()", "(,)", "@", "#", ":=", "->", "!", "%")
LETTERS = (
    "\0",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "é",
    "ß",
    "İ",
    "𝔘",
    "\u202e",
    "\ud800",
    "e\u0301" * 9,
    "\x1b",
    "\r",
    "１２",
)
TEXTS = (
    "''", "'algo='", "'algo=naive,rows=0'", "'rows=99999999999999999999'", "'algo=naive,conf=nan'", "'algo=nothing'",
    "'algo=naive,rows=-1'", "'='", "',,,'", "'algo=naive,every=0'", "'algo=naive,start=99999999999999999999'",
    "'2024-13-45'", "'0000-00-00 00:00:00'", "'99999-01-01'", "'2024-01-01T00:00:00+99:99'", "'\\x0'", "'wncheck=2'",
    "'algo=naive,rows=2,rows=3'", "'timeout=0'", "'expected_bad=1'", "'k=-1'", "'freq=x'", "'lag_start=9,lag_end=-9'",
)  # fmt: skip
ODD = (*WORDS, *BY, *NUMBERS, *QUOTES, *SIGNS, *LETTERS, *TEXTS)
DEPTHS = (3, 60, 700)
NESTS = (
    ("(", ")"), ("SELECT (", ")"), ("SELECT * FROM (", ") t"), ("/*", "*/"), ("[", "]"), ("-", ""), ("NOT ", ""),
    ("SELECT FORECAST(", ", 'algo=naive') FROM long"), ("CASE WHEN ", " THEN 1 END"), ("1+", ""), ("ABS(", ")"),
    ("INTERVAL(", ")"), ("{'a':", "}"), ("EXPLAIN ", ""), ("a.", ""), ("WITH a AS (", ") FROM a"), (",", ""), ("'", ""),
)  # fmt: skip
LONG = (
    "SELECT '" + "x" * 300_000 + "'",
    "SELECT " + ", ".join(map(str, range(20_000))),
    "SELECT 1 AS " + "n" * 100_000,
    "INSERT INTO d1001 VALUES " + " ".join(f"({i}, 1, 1, 1)" for i in range(5_000)),
    "INSERT INTO d1001 VALUES (1, " + "9" * 100_000 + ", 1, 1)",
    "SELECT " + " ".join(["1 AND"] * 10_000) + " 1",
    "/* " + "*" * 200_000,
    "--" * 100_000,
    ";" * 100_000,
    "SELECT " + "CASE WHEN 1 THEN " * 5_000,
    "CREATE TABLE t (ts TIMESTAMP" + "".join(f", c{i} INT" for i in range(5_000)) + ")",
    "SELECT FORECAST(v, '" + "algo=naive," * 20_000 + "') FROM long",
    "SELECT " + "$" * 100_000,
    "SELECT " + "e'" * 50_000,
    "SELECT '" + "''" * 100_000,
    "SELECT " + "1_" * 100_000,
    " " * 500_000 + "x",
    "SELECT " + "(SELECT " * 300 + "1" + ")" * 300,
)


@st.composite
def taken_apart(draw: st.DrawFn, corpus: list[str]) -> str:
    """A statement of the fixtures with up to five changes: parts deleted, doubled, swapped, replaced, from another."""
    parts = _PARTS.findall(draw(st.sampled_from(corpus)))
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3, 5)))):
        place = draw(st.integers(0, max(0, len(parts) - 1)))
        change = draw(st.sampled_from(("delete", "double", "swap", "replace", "insert", "splice", "cut")))
        if change == "delete":
            del parts[place : place + draw(st.integers(1, 4))]
        elif change == "double":
            parts[place:place] = parts[place : place + draw(st.integers(1, 9))]
        elif change == "swap" and parts:
            other = draw(st.integers(0, len(parts) - 1))
            parts[place], parts[other] = parts[other], parts[place]
        elif change == "replace":
            parts[place : place + 1] = [draw(st.sampled_from(ODD))]
        elif change == "insert":
            parts[place:place] = [" ", draw(st.sampled_from(ODD)), " "]
        elif change == "splice":
            other_parts = _PARTS.findall(draw(st.sampled_from(corpus)))
            start = draw(st.integers(0, len(other_parts)))
            parts[place:] = other_parts[start:]
        elif change == "cut":
            del parts[place:]
    return "".join(parts)


@st.composite
def nested(draw: st.DrawFn) -> str:
    """Something inside of many brackets, or of openings that are never closed."""
    opening, closing = draw(st.sampled_from(NESTS))
    depth = draw(st.sampled_from(DEPTHS))
    inside = draw(st.sampled_from(("1", "", "SELECT 1", "x", "v")))
    head = draw(st.sampled_from(("", "SELECT ", "INSERT INTO d1001 VALUES ")))
    return head + opening * depth + inside + closing * draw(st.sampled_from((depth, depth, 0, depth - 1)))


def of_our_words() -> st.SearchStrategy[str]:
    """Words of the dialect in any order."""
    return st.lists(st.sampled_from((*ODD, "long", "v", "meters", "ts", "d1001", "1")), max_size=12).map(" ".join)


def any_statement(corpus: list[str] = OVER_DATABASE) -> st.SearchStrategy[str]:
    return st.one_of(*[taken_apart(corpus)] * 8, of_our_words(), of_our_words(), st.text(max_size=40), nested())
