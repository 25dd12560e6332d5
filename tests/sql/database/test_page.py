"""docs/database.md is true: its examples are run, one after the other. `python -m tests.sql.database.test_page` writes
what they print."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

from foretell.engine.engine import Engine
from foretell.render import write
from foretell.sql.script import OwnDatabase

PAGE = Path(__file__).parents[3] / "docs" / "database.md"
EXAMPLE = re.compile(r"```(sql|python)\n(.*?)```\n```text\n(.*?)```", re.DOTALL)


def printed() -> Iterator[tuple[str, str]]:
    """Each example with what it prints."""
    with OwnDatabase(":memory:", Engine()) as database:
        for language, code, _ in EXAMPLE.findall(PAGE.read_text()):
            text = io.StringIO()
            if language == "python":
                with contextlib.redirect_stdout(text):
                    exec(compile(code, str(PAGE), "exec"), {"__name__": "example"})
                yield code, text.getvalue()
                continue
            table = io.BytesIO()
            *_, last = database.run(code)
            write(last.arrow(), "table", table)
            yield code, "\n".join(line.rstrip() for line in table.getvalue().decode().splitlines()) + "\n"


def test_examples() -> None:
    expected = {code: text for _, code, text in EXAMPLE.findall(PAGE.read_text())}
    assert dict(printed()) == expected


if __name__ == "__main__":
    made = dict(printed())
    PAGE.write_text(EXAMPLE.sub(lambda m: f"```{m[1]}\n{m[2]}```\n```text\n{made[m[2]]}```", PAGE.read_text()))
