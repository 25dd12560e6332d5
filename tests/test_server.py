"""The process that serves: wrong settings and what else keeps it from starting are one line, not a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from foretell.errors import InvalidInput
from foretell.server import check_certificate, listen, run, serve
from foretell.settings import read_settings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("default_model", "nope", "default_model: unknown forecast model 'nope' .known: .*naive"),
        ("preload", "thetta", "preload: .*did you mean 'theta'"),
        ("model_dir", "/nowhere", "model_dir: /nowhere is no folder"),
        ("weights", '{"timemoe-50m": "/nowhere"}', "weights.timemoe-50m: /nowhere is no folder"),
        ("audit_log", "/nowhere/x", "audit_log: cannot write /nowhere/x"),
        ("weights", '{"nix": "/tmp"}', "weights: unknown model with weights 'nix' .known: .*timemoe-50m"),
        ("replicas", '{"nix": 1}', "replicas: unknown forecast model 'nix'"),
        ("state_dir", "/dev/null/x", "state_dir: cannot make /dev/null/x"),
        ("timemoe_fc", "900m", "timemoe_fc is '900m'; known here: auto, 200m"),
    ],
)
def test_a_wrong_setting_is_found_at_the_start(
    name: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORETELL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("FORETELL_ADMIN_TOKEN", "only-for-tests")
    monkeypatch.setenv(f"FORETELL_{name.upper()}", value)
    monkeypatch.setattr("foretell.server.start_log", lambda _: None)
    with pytest.raises(InvalidInput, match=said):
        serve(say=lambda _: None, port=0, workers=1)


def test_a_key_that_is_not_there_is_not_blamed_on_the_certificate() -> None:
    with pytest.raises(InvalidInput, match="tls_key: cannot use /nope: No such file"):
        check_certificate(read_settings(tls_certificate=Path(__file__), tls_key=Path("/nope")))


async def _fails(scope: Any, receive: Any, send: Any) -> None:
    """Fails as the web framework does: with a traceback in a message, then in a group."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "Traceback (most recent call last)"})
    raise ExceptionGroup("unhandled errors", [InvalidInput("rep", "is the name of two plugins")])


def test_what_keeps_the_application_from_starting_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    (listener,) = listen("127.0.0.1", (0,))
    with listener, pytest.raises(InvalidInput, match="rep: is the name of two plugins"):
        run(_fails, read_settings(), [listener])
    assert "Traceback" not in caplog.text
