"""Text to tokens, with DuckDB's rules for quotes and comments. Only boundaries matter: DuckDB reads the insides.

A tokenizer of our own, because importing a library for it costs 0.13 s and a statement is cut in half the time
(docs/decisions.md); tests/sql/test_tokens.py holds it against sqlglot's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from foretell.errors import SqlError

WORD, NAME, STRING, NUMBER, SIGN = "word", "name", "string", "number", "sign"
OTHER, END = "other", "end"
UNCLOSED = "'\"`"

_TOKEN = re.compile(
    r"""
    \s*+ (?: --[^\n\r]*+ \s*+ )*+
    (?: (?P<word>   (?![eExX]') [^\W\d][\w$]* )
      | (?P<sign>   :: | [(),=<>*+/;\[\]{}|&!?%^~@\#-] )
      | (?P<string> [eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+' | [xX]?'[^']*+(?:''[^']*+)*+'
                  | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ )
      | (?P<name>   "[^"]*+(?:""[^"]*+)*+" | `[^`]*+(?:``[^`]*+)*+` )
      | (?P<number> (?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)? )
      | (?P<other>  . )
      | (?P<end>    \Z ) )
    """,
    re.VERBOSE | re.DOTALL,
)
"""A token and the blanks before it; the most frequent kinds come first. What repeats never goes back: ways back take
200 bytes for each character."""
_TAG = re.compile(r"\$(?:[^\W\d]\w*)?\$")
"""What a string between dollars begins with. (One that is never closed was looked for to the end of the text.)"""
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
    position, match_at, new = 0, _TOKEN.match, tuple.__new__
    while True:
        match = match_at(source, position)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            raise AssertionError("unreachable: a sign is any character")
        start, position = match.span(kind)
        text = source[start:position]
        if kind == WORD:
            text = text.upper()
        elif text == "/" and source.startswith("*", position):
            position = _comment_end(source, start)
            continue
        elif kind == OTHER:
            if text in UNCLOSED:
                raise SqlError(f"this {text} is never closed", source, start)
            if opening := _TAG.match(source, start):
                raise SqlError(f"this {opening[0]} is never closed", source, start)
            kind = SIGN
        elif kind == END:
            return tokens
        tokens.append(new(Token, (kind, text, start, position)))


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


def ticked(name: str) -> str:
    """`name` as TDengine's identifier."""
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


def as_text(value: object) -> str:
    """A value as a text that SQL reads: the one way in which what a client sent comes into a statement."""
    escaped = str(value).replace("'", "''")
    return f"'{escaped}'"
