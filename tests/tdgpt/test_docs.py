"""docs/tdengine.md, carried out: every command and every statement, as far as a machine without a TDengine allows.

Commands run as they stand, but for ports that are free, folders that are there, and a model whose weights are here
(`INSTEAD`). Statements go through the fake taosd. What cannot be carried out is named in `NOT_HERE`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.models.time_moe.golden import TINY
from tests.tdgpt.conftest import PATIENT
from tests.tdgpt.taosd import Taosd
from tests.tdgpt.test_node import COUNTS
from tests.tdgpt.test_process import COMMAND, started
from tests.test_model_server import serving

PAGE = (Path(__file__).parents[2] / "docs" / "tdengine.md").read_text("utf-8")
NOT_HERE = {"pip install foretell", "pip install 'foretell[prophet]'"}
ROWS = 96
TIMES = [1_577_808_000_000 + 1000 * i for i in range(ROWS)]
FOO = {"i32": [20.0 + (i % 12) + i / 10 for i in range(ROWS)], "i64": [(i % 5) + i / 20 for i in range(ROWS)]}


def blocks(language: str) -> list[str]:
    return [
        re.sub(r"^ {3}", "", text, flags=re.M)
        for text in re.findall(rf"^ *```{language}\n(.*?)^ *```", PAGE, re.S | re.M)
    ]


def commands() -> list[str]:
    lines = [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


def statements() -> list[str]:
    text = "\n".join(re.sub(r"--.*", "", block) for block in blocks("sql"))
    return [" ".join(s.split()) for s in text.split(";") if s.strip()]


def carry_out(taosd: Taosd, statement: str) -> list[Any]:
    """A statement of the page on the table foo."""
    for pattern, run in STATEMENTS:
        if match := re.fullmatch(pattern, statement):
            return run(taosd, *match.groups())
    raise AssertionError(f"nobody knows how to run {statement}")


def _forecast(taosd: Taosd, columns: str, column: str, option: str) -> list[Any]:
    return taosd.forecast(TIMES, FOO[column], option, bounds="_flow" in columns)


def _nothing(found: object) -> list[Any]:
    return [found or "done"]


STATEMENTS: tuple[tuple[str, Callable[..., list[Any]]], ...] = (
    (r"CREATE ANODE '[\d.]+:6035'", lambda taosd: _nothing(taosd.url)),  # known already, under its real address
    (r"UPDATE ALL ANODES", lambda taosd: _nothing(taosd.update_anode())),
    (r"SHOW ANODES", lambda taosd: [taosd.show_anodes()]),
    (r"SHOW ANODES FULL", lambda taosd: taosd.show_anodes_full()),
    (r"SELECT (.*)FORECAST\((\w+), '([^']*)'\).* FROM foo", _forecast),
    (
        r"SELECT .* FROM foo ANOMALY_WINDOW\((\w+), '([^']*)'\)",
        lambda taosd, column, option: taosd.anomaly_window(TIMES, [*FOO[column][:-1], 60.0], option),
    ),
    (
        r"SELECT .*IMPUTATION\((\w+), '([^']*)'\) FROM foo",
        lambda taosd, column, option: taosd.imputation(TIMES, FOO[column], option),
    ),
    (
        r"SELECT DTW\((\w+), (\w+), '([^']*)'\) FROM foo",
        lambda taosd, a, b, option: [taosd.dtw(FOO[a], FOO[b], option)],
    ),
    (
        r"SELECT TLCC\((\w+), (\w+), '([^']*)'\) FROM foo",
        lambda taosd, a, b, option: taosd.tlcc(FOO[a], FOO[b], option),
    ),
)


def test_the_commands_are_these() -> None:
    """A new one has to find its place below."""
    assert set(commands()) - NOT_HERE == {
        "foretell serve --host 0.0.0.0",
        "curl localhost:6035/",
        "curl localhost:6035/list",
        "foretell serve-model timemoe --size 200m --port 6037",
        "foretell serve --host 0.0.0.0 --config /etc/taos/taosanode.ini",
        "foretell reload",
    }


def test_five_minutes(tmp_path: Path) -> None:
    serve = shlex.split(commands()[1])[2:]
    with started([*serve, "--port", "0"], tmp_path) as server:
        url = server.urls[0].replace("0.0.0.0", "127.0.0.1")
        curl = [
            requests.get(c.split()[1].replace("localhost:6035", f"http://{url}"), timeout=10) for c in commands()[2:4]
        ]
        assert curl[0].text.startswith("foretell analytics node (ver ")
        assert len(curl[1].json()["details"]) == 4
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(url)
        for statement in statements():
            assert carry_out(taosd, statement), statement
        rows = taosd.forecast([*range(len(COUNTS))], COUNTS, "algo=holtwinters")
        assert f"`algo=holtwinters`) {rows[0][1]:.2f}, where" in PAGE


def test_the_whole_walk(tmp_path: Path) -> None:
    """The model server has small weights; all else is as on the page."""
    (ini,) = blocks("ini")
    walk = [s for s in statements() if "timemoe-fc" in s or s.startswith("UPDATE")]
    config = tmp_path / "taosanode.ini"
    config.write_text(ini.replace("http://127.0.0.1:6037/ds_predict", "http://127.0.0.1:9/ds_predict"))
    with (
        serving("timemoe", "--size", "200m", "--weights", str(TINY), "--offline") as (model, _),
        started(["--host", "127.0.0.1", "--port", "0", "--config", str(config)], tmp_path) as server,
    ):
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(server.urls[0])
        config.write_text(ini.replace("http://127.0.0.1:6037", model))
        reload = [*COMMAND, "reload", "--url", f"http://{server.urls[0]}"]
        subprocess.run(reload, check=True, capture_output=True, env={**os.environ, "XDG_STATE_HOME": str(tmp_path)})
        assert [len(carry_out(taosd, statement)) for statement in walk] == [1, 10, 24]


def test_the_plugin_of_the_page(tmp_path: Path) -> None:
    (text,) = blocks("python")
    (tmp_path / "fc").mkdir()
    (tmp_path / "fc" / "last.py").write_text(text)
    with started(["--port", "0", "--plugins", str(tmp_path)], tmp_path) as server:
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(server.urls[0])
        assert taosd.forecast(TIMES, FOO["i32"], "algo=last,rows=2") == [
            (TIMES[-1] + 1000, FOO["i32"][-1]),
            (TIMES[-1] + 2000, FOO["i32"][-1]),
        ]


@pytest.mark.parametrize("name", ["host_option", "missing_interval", "body_limit", "body_timeout", "queue_limit"])
def test_settings_that_the_page_names_are_there(name: str) -> None:
    from foretell.settings import Settings

    assert name in PAGE
    assert name in Settings.model_fields
