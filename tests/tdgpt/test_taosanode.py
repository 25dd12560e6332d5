"""TDgpt's configuration files as our settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretell.errors import InvalidInput
from foretell.server import read_all
from foretell.tdgpt import taosanode

INI = """
[uwsgi]
http = 0.0.0.0:6090
processes = 2

[taosanode]
app-log = /var/log/taos/taosanode/taosanode.app.log
model-dir = /usr/local/taos/taosanode/model/
log-level = WARN
draw-result = 0

[tsfm-service]
timemoe-fc = http://127.0.0.1:5001/ds_predict
"""

PYTHON = """
import os, multiprocessing
bind = '0.0.0.0:6035'
workers = multiprocessing.cpu_count() + os.system("false")
timeout = 600
log_level = 'DEBUG'
timemoe_fc = 'http://127.0.0.1:6037/ds_predict'
models = {"moment": {"port": 6062, "endpoint": "/imputation"}, "x": {"port": 7000, "algo_name": "moirai"}}
raise SystemExit("never executed")
"""


def file(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_the_ini(tmp_path: Path) -> None:
    found = taosanode.read(file(tmp_path, "taosanode.ini", INI), may_open=True)
    assert found.values == {
        "host": "0.0.0.0",
        "port": 6090,
        "app_log": "/var/log/taos/taosanode/taosanode.app.log",
        "model_dir": "/usr/local/taos/taosanode/model/",
        "log_level": "WARNING",
        "tsfm_service": {"timemoe-fc": "http://127.0.0.1:5001/ds_predict"},
    }
    assert found.notes == ["[uwsgi] processes means nothing here", "[taosanode] draw-result means nothing here"]


def test_without_an_access_rule_it_stays_on_loopback(tmp_path: Path) -> None:
    path = file(tmp_path, "taosanode.ini", INI)
    settings, notes = read_all(path, {})
    assert (settings.host, settings.port) == ("127.0.0.1", 6090)
    assert any("no access rule" in note for note in notes)
    assert read_all(path, {"tokens": ("long-enough",)})[0].host == "0.0.0.0"
    assert read_all(path, {"host": "0.0.0.0"})[0].host == "0.0.0.0"


def test_the_python_file_is_data(tmp_path: Path) -> None:
    found = taosanode.read(file(tmp_path, "taosanode.config.py", PYTHON), may_open=True)
    assert found.values["request_timeout"] == 600
    assert found.values["tsfm_service"] == {
        "timemoe-fc": "http://127.0.0.1:6037/ds_predict",
        "moment": "http://127.0.0.1:6062/imputation",
        "moirai": "http://127.0.0.1:7000/ds_predict",
    }
    assert "workers is computed; only plain values are read" in found.notes


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.ini", "[tsfm-service]\nx = ftp://h/", "http or https URL"),
        ("a.ini", "no section", "no section"),
        ("a.ini", "[uwsgi]\nhttp = somewhere", "host:port"),
        ("a.py", "x = (", "was never closed"),
        ("a.py", "models = {'a': 1}", "needs a port"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        taosanode.read(file(tmp_path, name, text), may_open=False)


def test_unknown_keys_of_our_own_file_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_CONFIG", "")
    monkeypatch.delenv("FORETELL_CONFIG")
    good = file(tmp_path, "own.toml", 'port = 7000\n[tsfm-service]\nmoirai = "http://127.0.0.1:1/x"\n')
    monkeypatch.setenv("FORETELL_CONFIG", str(good))
    assert read_all(good, {})[0].tsfm_service == {"moirai": "http://127.0.0.1:1/x"}
    with pytest.raises(InvalidInput, match="prot"):
        read_all(file(tmp_path, "bad.toml", "prot = 7000\n"), {})
