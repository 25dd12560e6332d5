"""The words and numbers by which a statement is one of ours, and how to see without reading it that none is there."""

from __future__ import annotations

import re

from foretell.sql.blocks import Mark, begins_clause, is_call
from foretell.sql.calls import is_ours
from foretell.sql.durations import is_duration
from foretell.sql.functions import FUNCTIONS, PSEUDO_COLUMNS
from foretell.sql.meanings import CALLS, OF_DATABASE
from foretell.sql.statement import MOST_BRACKETS, MOST_DOTS, MOST_WITH, OPEN, Statement
from foretell.sql.times import is_cast, is_instant, is_zoned
from foretell.sql.tokens import NUMBER, STRING
from foretell.sql.windows import WINDOWS
from foretell.sql.words import is_now

OF_ANODES = ("ANODE", "ANODES", "INS_ANODES", "INS_ANODES_FULL")
OF_WINDOWS = ("_WSTART", "_WEND", "_WDURATION", "_ANOMALYMARK", "_QSTART", "_QEND")


def _always(statement: Statement, i: int) -> bool:
    return statement.is_word(i, statement.tokens[i].text)


def _is_number(statement: Statement, i: int) -> bool:
    return is_duration(statement, i) or is_instant(statement, i)


def _has_two(statement: Statement, i: int) -> bool:
    """Whether LIMIT has the form that DuckDB does not know: LIMIT 2, 5."""
    return statement.is_sign(i + 2, ",") and begins_clause(statement, i)


MARKS: dict[str, Mark] = {
    **dict.fromkeys(WINDOWS, begins_clause),
    "INTERP": is_call,
    **dict.fromkeys(("RANGE", "EVERY", "FILL", "SLIDING", "TRUE_FOR", "PARTITION", "SLIMIT", "SOFFSET"), begins_clause),
    **dict.fromkeys(CALLS, is_ours),
    **dict.fromkeys(("_ROWTS", "_C0"), _always),
    **dict.fromkeys(("NOW", "TODAY"), is_now),
    "LIMIT": _has_two,
    "CAST": is_cast,
    NUMBER: _is_number,
    STRING: is_zoned,
}
"""What makes a SELECT one of ours, beside the calls of FUNCTIONS: words, and kinds of token."""
MARKS_OF_DATABASE = {**MARKS, **dict.fromkeys(OF_DATABASE, is_ours), "SELECT": _always}
"""The same in the embedded database, where every SELECT is one of ours: its columns get TDengine's names."""
WORDS = tuple(word for word in MARKS if word.isupper() and word != "LIMIT")


OURS = frozenset((*FUNCTIONS, *PSEUDO_COLUMNS, *OF_WINDOWS, *WORDS, *OF_ANODES, "AI"))
WORD_AT = re.compile(r"[A-Z_]\w*")
INSTANTS = re.compile(r"\d(?:[BUASMHDWNY]\b|\d{8})")
"""Durations, and numbers that may be times."""
OTHERS = re.compile(r":\d\d[\d.]*[+-]\d\d|\bLIMIT\s+\w+\s*,")
"""A time of day with an offset from UTC, and LIMIT 2, 5."""

MOST = {"WITH": MOST_WITH, ".": MOST_DOTS, **dict.fromkeys(OPEN, MOST_BRACKETS)}
"""What has more of these is read, to see whether they stand inside of each other."""


def is_plain(text: str) -> bool:
    """Whether it can be seen without reading it that this is one statement, and none of ours."""
    upper = text.upper()
    return (
        ";" not in text.rstrip().removesuffix(";")
        and OURS.isdisjoint(WORD_AT.findall(upper))
        and not INSTANTS.search(upper)
        and not OTHERS.search(upper)
        and all(upper.count(sign) <= most for sign, most in MOST.items())
    )
