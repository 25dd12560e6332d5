"""`foretell doctor` names what is wrong, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from foretell import doctor
from foretell.cli import app


def found(level: str) -> str:
    return "\n".join(f"{f.what} -> {f.advice}" for f in doctor.examine() if f.level == level)


def test_a_plain_machine_is_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORETELL_STATE_DIR", str(tmp_path))
    assert not found("wrong")
    assert "models can run here" in found("ok")
    done = CliRunner().invoke(app, ["doctor"])
    assert (done.exit_code, "foretell 0." in done.output) == (0, True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HOST", "0.0.0.0", "anybody who reaches 0.0.0.0:6035"),
        ("PLUGINS", "/nowhere/at/all", "there is no folder"),
        ("WEIGHTS", '{"timemoe-50m": "/nowhere"}', "weights.timemoe-50m: there is no folder /nowhere"),
        ("TLS_KEY", "/nowhere/key.pem", "cannot be read"),
        ("WORKERS", "many", "settings: workers"),
        ("NONSENSE", "1", "is no setting"),
    ],
)
def test_what_is_wrong_is_named_with_advice(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(f"FORETELL_{name}", value)
    assert words in found("wrong")
    assert all(f.advice for f in doctor.examine() if f.level != "ok")
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 1
