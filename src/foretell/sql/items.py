"""The expressions of a list: which are plain columns, and which carry a name of their own."""

from __future__ import annotations

from foretell.sql.blocks import Block
from foretell.sql.statement import Span, Statement
from foretell.sql.tokens import NAME, NUMBER, SIGN, WORD, unquote

OPERATORS = ("AND", "OR", "NOT", "IS", "IN", "LIKE", "ILIKE", "BETWEEN", "COLLATE", "THEN", "ELSE", "WHEN", "CASE")
"""Words after which an operand comes, so that what follows is no alias."""
TAILS = ("END", "NULL", "TRUE", "FALSE", "ISNULL", "NOTNULL", "PRECISION", "ASC", "DESC")
"""Words that end an expression and are no alias."""


def column_name(statement: Statement, span: Span) -> str | None:
    """The name of a plain column, `site` or `t.site` or `"Site"`; None for any other expression."""
    tokens = statement.tokens[span[0] : span[1]]
    plain = all(t.text == "." if i % 2 else t.kind in (WORD, NAME) for i, t in enumerate(tokens))
    return unquote(tokens[-1], statement.source.text) if plain and len(tokens) % 2 else None


def split_alias(statement: Statement, span: Span) -> tuple[Span, str | None]:
    """An item of a SELECT list as its expression and its alias, with AS or without."""
    first, last = span
    token = statement.tokens[last - 1]
    if last - first < 2 or token.kind not in (WORD, NAME):
        return span, None
    alias = unquote(token, statement.source.text)
    if statement.is_word(last - 2, "AS"):
        if last - 2 == first:
            raise statement.error("an expression is missing here", first)
        return (first, last - 2), alias
    before = statement.tokens[last - 2]
    if before.kind == NUMBER and before.end == token.start:  # a duration, 1d
        return span, None
    operand = before.text in (")", "]", "}") if before.kind == SIGN else before.text not in OPERATORS
    if operand and not (token.kind == WORD and token.text in TAILS):
        return (first, last - 1), alias
    return span, None


def aliases(block: Block) -> dict[str, Span]:
    """The aliased expressions of a block's SELECT list, by alias in lower case."""
    found = {}
    for item in block.items:
        expression, alias = split_alias(block.statement, item)
        if alias is not None:
            found[alias.lower()] = expression
    return found


def label(statement: Statement, span: Span) -> str:
    """The name that TDengine gives to an expression without an alias: its text, in lower case outside quotes."""
    text = statement.source.text
    words = ""
    end = statement.place(span)[0]
    for token in statement.tokens[span[0] : span[1]]:
        raw = text[token.start : token.end]
        words += text[end : token.start] + (raw.lower() if token.kind == WORD else raw)
        end = token.end
    return words
