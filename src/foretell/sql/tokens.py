"""Text to tokens, with DuckDB's rules for quotes and comments. Only boundaries matter: DuckDB reads the insides.

A tokenizer of our own, because importing a library for it costs 0.13 s and a statement is cut in half the time
(docs/decisions.md); tests/sql/test_tokens.py holds it against sqlglot's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from foretell.errors import SqlError

WORD, NAME, STRING, NUMBER, SIGN = "word", "name", "string", "number", "sign"

_TOKEN = re.compile(
    r"""
    (?P<string> [eE]'(?:[^'\\]|\\.|'')*' | [xX]?'(?:[^']|'')*' | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ )
  | (?P<name>   "(?:[^"]|"")*" | `(?:[^`]|``)*` )
  | (?P<word>   [^\W\d][\w$]* )
  | (?P<number> (?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)? )
  | (?P<sign>   :: | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"(?:\s+|--[^\n]*)+")
_COMMENT = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """`text` is in upper case for words and as written for the rest; `start` and `end` are offsets into the source."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(source: str) -> list[Token]:
    """The tokens of `source`, without blanks and comments."""
    tokens: list[Token] = []
    position = 0
    while (position := _skip(source, position)) < len(source):
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            raise AssertionError("unreachable: a sign is any character")
        kind = STRING if match.lastgroup == "tag" else match.lastgroup
        text = match.group()
        if kind == SIGN and text in "'\"`":
            raise SqlError(f"this {text} is never closed", source, position)
        tokens.append(Token(kind, text.upper() if kind == WORD else text, position, match.end()))
        position = match.end()
    return tokens


def _skip(source: str, position: int) -> int:
    """The next position that holds neither a blank nor a comment."""
    while True:
        blank = _BLANK.match(source, position)
        position = blank.end() if blank else position
        if not source.startswith("/*", position):
            return position
        position = _comment_end(source, position)


def _comment_end(source: str, position: int) -> int:
    """Comments may hold comments."""
    depth = 0
    for mark in _COMMENT.finditer(source, position):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise SqlError("this comment is never closed", source, position)


def unquote(token: Token, source: str) -> str:
    """What a word or a quoted name names, or what a string holds."""
    raw = source[token.start : token.end]
    if token.kind == NAME:
        return raw[1:-1].replace(raw[0] * 2, raw[0])
    if token.kind != STRING:
        return raw
    if raw[0] == "$":
        tag = raw.index("$", 1) + 1
        return raw[tag:-tag]
    return raw[raw.index("'") + 1 : -1].replace("''", "'")


def quote(name: str) -> str:
    """`name` as an identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
