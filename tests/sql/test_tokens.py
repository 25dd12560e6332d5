"""The tokenizer against sqlglot's, and against DuckDB for what sqlglot reads otherwise."""

from __future__ import annotations

from itertools import pairwise

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.errors import SqlError
from foretell.sql.blocks import blocks
from foretell.sql.statement import statements
from foretell.sql.tokens import STRING, quote, tokenize, unquote
from tests.sql.pairs import HERE, faults, pairs

CORPUS = [p.ours for p in pairs("forecast.sql")] + [p.plain for p in pairs("forecast.sql")]
CORPUS += [f.statement for f in faults("errors.sql") if "never closed" not in f.message]
CORPUS += ["SELECT $$a;'b$$, $t$ a$$b $t$, e'it\\'s', 'it''s', \"q\"\"q\", 1e-5, 1.5, a::INT, x -> y, a[1:2]"]


@pytest.mark.parametrize("text", CORPUS)
def test_boundaries_are_those_of_sqlglot(text: str) -> None:
    ours = {token.start for token in tokenize(text)}
    theirs = {token.start for token in sqlglot.tokenize(text, read="duckdb")}
    assert theirs <= ours  # theirs joins words: GROUP BY, DOUBLE PRECISION
    strings = {(token.start, token.end) for token in tokenize(text) if token.kind == STRING}
    for token in sqlglot.tokenize(text, read="duckdb"):
        if token.token_type == sqlglot.TokenType.STRING:
            assert (token.start, token.end + 1) in strings


@pytest.mark.parametrize("text", ["'it''s'", "$$a'b$$", "$tag$ $$ $tag$", "''", "'é'"])
def test_strings_hold_what_duckdb_says(text: str) -> None:
    [token] = tokenize(text)
    assert unquote(token, text) == duckdb.execute(f"SELECT {text}").fetchall()[0][0]


def test_names() -> None:
    for text, name in (("Abc", "Abc"), ('"A ""b"', 'A "b'), ("`a``b`", "a`b"), ("größe", "größe")):
        [token] = tokenize(text)
        assert unquote(token, text) == name
        assert duckdb.execute(f"SELECT 1 AS {quote(name)}").description[0][0] == name


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aF(),;'\"$`-/*.1e \n[]", max_size=40) | st.text(max_size=20))
def test_any_text_is_cut_into_tokens_or_refused(text: str) -> None:
    try:
        found = [block for statement in statements(text + " FORECAST(v)") for block in blocks(statement, ("FORECAST",))]
    except SqlError:
        return
    tokens = tokenize(text)
    assert all(a.end <= b.start for a, b in pairwise(tokens))
    assert len(found) <= 1


def test_comments_nest() -> None:
    text = "a /* b /* c */ d */ e -- f\n g"
    assert [token.text for token in tokenize(text)] == ["A", "E", "G"]
    with pytest.raises(SqlError, match="never closed"):
        tokenize("a /* /* */ b")


def test_a_whole_file_of_statements_is_cut_as_duckdb_cuts_it() -> None:
    text = "\n".join(f"{p.plain};" for p in pairs("forecast.sql"))
    assert len(list(statements(text))) == len(duckdb.extract_statements(text))
    assert (HERE / "forecast.sql").read_text().count(";\n") == 2 * len(list(pairs("forecast.sql")))
