"""`foretell doctor` names what is wrong, and what to do about it."""

from __future__ import annotations

import os
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
        ("TLS_KEY", "/nowhere/key.pem", "tls_certificate: is needed with tls_key"),
        ("TLS_CERTIFICATE", __file__, "is no PEM certificate"),
        ("TLS_CERTIFICATE", "/nowhere/c.pem", "tls_certificate: cannot use /nowhere/c.pem"),
        ("CLIENTS", "10.0.0.0/40", "clients: must be networks"),
        ("PRELOAD", "nix", "preload: unknown forecast model 'nix'"),
        ("DEFAULT_MODEL", "nix", "default_model: unknown forecast model 'nix'"),
        ("REPLICAS", '{"nix": 1}', "replicas: unknown forecast model 'nix'"),
        ("RAY", "127.0.0.1:9", "no Ray cluster at '127.0.0.1:9'"),
        ("AUDIT_LOG", "/nowhere/audit.log", "audit_log: there is no folder /nowhere"),
        ("WORKERS", "many", "settings: workers"),
        ("NONSENSE", "1", "is no setting"),
    ],
)
def test_what_is_wrong_is_named_with_advice(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(f"FORETELL_{name}", value)
    assert words in found("wrong")
    assert all(f.advice for f in doctor.examine() if f.level != "ok")
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 1


def test_it_looks_at_the_memory_of_the_database_and_at_the_file_that_serve_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORETELL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FORETELL_DB", str(tmp_path / "plant.db"))
    config = tmp_path / "own.toml"
    config.write_text('sql_memory = "lots"\nhost = "0.0.0.0"\n')
    done = CliRunner().invoke(app, ["doctor", "--config", str(config)])
    assert done.exit_code == 1
    assert "sql_memory: must be an amount such as 512MB or 4GB, got 'lots'" in done.output
    assert "anybody who reaches 0.0.0.0:6035" in done.output
    assert "FORETELL_CONFIG" not in os.environ
    config.write_text("port = ")
    assert (
        f"settings: --config: {config} is not TOML"
        in CliRunner().invoke(app, ["doctor", "--config", str(config)]).output
    )
    assert [path.name for path in tmp_path.iterdir()] == ["own.toml"]


def test_a_plugin_or_a_model_server_may_be_the_default_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORETELL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("FORETELL_TSFM_SERVICE", '{"mine": "http://127.0.0.1:9/ds_predict"}')
    monkeypatch.setenv("FORETELL_DEFAULT_MODEL", "mine")
    assert not found("wrong")
