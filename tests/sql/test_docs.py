"""docs/sql.md is true: every example is run. `python -m tests.sql.test_docs` writes what they print."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from foretell.render import write
from foretell.sql import Session
from foretell.sql.answer import TDENGINE
from foretell.sql.meanings import CALLS, OF_DATABASE, Meaning
from foretell.sql.options import READERS
from foretell.wire.options import DURATIONS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sql.md"
TABLES = {"functions": CALLS, "of the database": OF_DATABASE}
EXAMPLE = re.compile(r"```(sql|python)\n(.*?)```\n```text\n(.*?)```", re.DOTALL)


def printed(language: str, code: str) -> str:
    """What an example prints."""
    if language == "python":
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            exec(compile(code, str(PAGE), "exec"), {"__name__": "example"})
        return text.getvalue()
    table = io.BytesIO()
    with Session() as session:
        write(session.sql(code).arrow(), "table", table)
    return "\n".join(line.rstrip() for line in table.getvalue().decode().splitlines()) + "\n"


@pytest.mark.parametrize("example", EXAMPLE.findall(PAGE.read_text()), ids=lambda e: e[1][:40])
def test_example(example: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    language, code, expected = example
    assert printed(language, code) == expected


def functions(known: Mapping[str, Meaning]) -> str:
    """The table of TDengine's functions, from the table that rewrites them."""
    lines = ["| function | gives | what it is |", "|---|---|---|"]
    given = {"aggregate": "one value", "scalar": "a value for each row", "rows": "rows"}
    for name, meaning in known.items():
        arguments = sorted({len(meaning.sql) + meaning.fewest - 1, meaning.fewest})
        numbers = " or ".join(str(number) for number in arguments)
        lines.append(f"| `{name}` ({numbers}) | {given[meaning.kind]} | {meaning.about} |")
    return "\n".join(lines)


def test_where_tdengines_rules_hold_says_what_the_code_does() -> None:
    section = PAGE.read_text().partition("\n## Where TDengine's rules hold\n")[2].partition("\n## ")[0]
    numbers = {f"{least:,} to {most:,}" for least, most in TDENGINE.rows.values()}
    numbers |= {f"1 to {TDENGINE.max_ahead:,}", f"{TDENGINE.max_covariates}, {TDENGINE.max_filled:,}"}
    assert [text for text in (*numbers, *OF_DATABASE, f"`{TDENGINE.freq}`") if text not in section] == []


def test_every_function_is_described() -> None:
    text = PAGE.read_text()
    assert all(f"<!-- {name} -->\n{functions(known)}\n<!-- /{name} -->" in text for name, known in TABLES.items())


def test_every_option_is_described() -> None:
    text = PAGE.read_text()
    assert all(f"`{key}`" in text for key in READERS)
    assert all(f"`{unit}`" in text for unit in DURATIONS)


if __name__ == "__main__":
    os.chdir(ROOT)

    def filled(match: re.Match[str]) -> str:
        return f"```{match[1]}\n{match[2]}```\n```text\n{printed(match[1], match[2])}```"

    text = PAGE.read_text()
    for name, known in TABLES.items():
        before, _, rest = text.partition(f"<!-- {name} -->")
        after = rest.partition(f"<!-- /{name} -->")[2]
        text = f"{before}<!-- {name} -->\n{functions(known)}\n<!-- /{name} -->{after}"
    PAGE.write_text(EXAMPLE.sub(filled, text))
