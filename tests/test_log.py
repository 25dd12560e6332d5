"""The log as text and as JSON: one line each, with the request, without secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretell.errors import InvalidInput
from foretell.log import start_log
from foretell.settings import read_settings
from foretell.wire.request_id import request_id


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The root logger as it was."""
    root, ours = logging.getLogger(), logging.getLogger("foretell")
    before, level, our_level = root.handlers[:], root.level, ours.level
    yield
    ours.setLevel(our_level)
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:], root.level = before, level


def lines(path: Path, log_format: str) -> list[str]:
    start_log(read_settings(app_log=str(path), log_format=log_format))
    token = request_id.set("r-1")
    logging.getLogger("foretell.x").warning("asked %s", "http://user:geheim@host/x")
    request_id.reset(token)
    try:
        raise ValueError("token=abcdef")
    except ValueError:
        logging.getLogger("foretell.x").exception("failed")
    return path.read_text("utf-8").splitlines()


def test_json(tmp_path: Path) -> None:
    first, second = (json.loads(line) for line in lines(tmp_path / "log", "json"))
    assert {k: first[k] for k in ("level", "logger", "message", "request")} == {
        "level": "WARNING",
        "logger": "foretell.x",
        "message": "asked http://***@host/x",
        "request": "r-1",
    }
    assert "request" not in second
    assert second["traceback"].rstrip().endswith("ValueError: token=***")


def test_a_file_that_cannot_be_written_is_named() -> None:
    with pytest.raises(InvalidInput, match="app_log: cannot write /nowhere/x"):
        start_log(read_settings(app_log="/nowhere/x"))


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    lines(tmp_path / "log", "text")
    (tmp_path / "log").rename(tmp_path / "log.1")
    logging.getLogger("foretell.x").warning("after the rotation")
    assert "after the rotation" in (tmp_path / "log").read_text("utf-8")
    assert "after the rotation" not in (tmp_path / "log.1").read_text("utf-8")


def test_a_log_whose_folder_is_gone_harms_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    lines(folder / "log", "text")
    folder.rename(tmp_path / "old")
    for _ in range(2):
        logging.getLogger("foretell.x").warning("into nothing")
        assert "FileNotFoundError" in capsys.readouterr().err
    folder.mkdir()
    logging.getLogger("foretell.x").warning("it is back")
    assert "it is back" in (folder / "log").read_text("utf-8")


def test_text(tmp_path: Path) -> None:
    found = lines(tmp_path / "log", "text")
    assert found[0].endswith("WARNING foretell.x: asked http://***@host/x [r-1]")


def test_debug_is_for_our_own_words(tmp_path: Path) -> None:
    start_log(read_settings(app_log=str(tmp_path / "log"), log_level="DEBUG"))
    for name in ("foretell.x", "httpcore.connection", "httpx"):
        logging.getLogger(name).debug("a detail of %s", name)
        logging.getLogger(name).info("news of %s", name)
        logging.getLogger(name).warning("trouble in %s", name)
    told = [line.partition(": ")[2] for line in (tmp_path / "log").read_text("utf-8").splitlines()]
    assert told == [
        "a detail of foretell.x",
        "news of foretell.x",
        "trouble in foretell.x",
        "trouble in httpcore.connection",
        "trouble in httpx",
    ]
