"""docs/clients.md is true: each example runs, in order, against one server."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "clients.md"
EXAMPLE = re.compile(r"```(sh|python|js)\n((?:(?!```).)*)```\n```text\n(.*?)```", re.DOTALL)
NEEDED = {"sh": "curl", "js": "node"}


def printed(language: str, code: str, names: dict[str, object]) -> str:
    if language == "python":
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            exec(compile(code, str(PAGE), "exec"), names)
        return text.getvalue()
    if language == "sh":
        lines = [f"{line}; echo" for line in code.splitlines()]
        return subprocess.run(["sh", "-c", "\n".join(lines)], capture_output=True, text=True, check=True).stdout
    folder = ROOT / "tests" / "clients"
    done = subprocess.run(
        ["node", "--no-deprecation", "-e", code], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.filterwarnings("ignore:pandas only supports SQLAlchemy", "ignore:Dialect taosws")
def test_the_examples_in_order(host: str) -> None:
    pytest.importorskip("taosws")
    pytest.importorskip("taosrest")
    sqlalchemy = pytest.importorskip("sqlalchemy")
    sqlalchemy.dialects.registry.register("taosws", "taosws.sqlalchemy", "TaosWsDialect")
    names: dict[str, object] = {}
    name, _, port = host.partition(":")
    for language, code, expected in EXAMPLE.findall(PAGE.read_text()):
        if shutil.which(NEEDED.get(language, "sh")) is None:
            continue
        if language == "js" and not (ROOT / "tests" / "clients" / "node_modules").is_dir():
            continue
        code = code.replace("localhost:6041", host).replace('"localhost"', f'"{name}"').replace("6041", port)
        assert printed(language, code, names) == expected
