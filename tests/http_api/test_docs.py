"""docs/http.md: its Python and its curl run against a real server."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import requests

from foretell.http_api.verbs import VERBS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "http.md").read_text("utf-8")


def test_the_python_runs(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    found: dict[str, object] = {}
    exec(compile(code.replace("http://127.0.0.1:6035", url), "docs/http.md", "exec"), found)
    assert len(found["ahead"]) == 12  # type: ignore[arg-type]


def test_the_curl_runs(url: str) -> None:
    (text,) = re.findall(r"```sh\n(.*?)```", PAGE, re.S)
    words = shlex.split(text.replace("\\\n", " "))
    body = json.loads(words[words.index("-d") + 1])
    answer = requests.post(f"{url}/v1/forecast", json=body, timeout=60).json()
    assert answer["forecasts"][0]["status"] == "repaired(1)"
    assert len(answer["forecasts"][0]["point"]) == 2


def test_every_verb_is_on_the_page() -> None:
    assert all(f"`POST /v1/{verb}`" in PAGE for verb in VERBS)
