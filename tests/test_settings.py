"""Settings: default < file < environment < flag; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretell.errors import InvalidInput
from foretell.server import read_all
from foretell.settings import read_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "foretell.toml"
    path.write_text('default_model = "naive"\nworkers = 1\n')
    monkeypatch.setenv("FORETELL_CONFIG", str(path))
    return path


def test_later_places_win(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().default_model == "naive"
    assert read_settings().workers == 1
    monkeypatch.setenv("FORETELL_WORKERS", "2")
    assert read_settings().workers == 2
    assert read_settings(workers=3, timeout=None).workers == 3
    assert read_settings().timeout is None


def test_a_file_with_an_unknown_key_lists_the_known(config: Path) -> None:
    config.write_text("worker = 2\n")
    with pytest.raises(InvalidInput, match=r"worker: is no setting.*known: .*default_model.*workers"):
        read_settings()


def test_a_stray_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_WORKRES", "2")
    with pytest.raises(InvalidInput, match="FORETELL_WORKRES"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "-1"),
        ("WORKERS", "many"),
        ("TIMEOUT", "0"),
        ("TRACES", "foo"),
        ("REPLICAS", '{"ets": 0}'),
        ("HOST_OPTION", "127.0.0.1:5001"),
        ("PORT", "65536"),
        ("ALSO", "6090,70000"),
        ("DEVICES", '{"timemoe-mini": ["gpu0"]}'),
    ],
)
def test_a_bad_value_names_the_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"FORETELL_{name}", value)
    with pytest.raises(InvalidInput, match=name.lower()):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKENS", '["hunter2"'),
        ("TOKENS", ""),
        ("CLIENTS", "10.0.0.0/8,,"),
        ("KEYS", "hunter2"),
        ("TSFM_SERVICE", "{"),
    ],
)
def test_lists_and_tables_that_cannot_be_read_name_the_variable_and_show_no_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FORETELL_{name}", value)
    with pytest.raises(InvalidInput, match=f"^FORETELL_{name}: must be ") as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)


def test_a_hash_that_may_be_the_secret_itself_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_KEYS", '{"a": {"hash": "hunter2"}}')
    with pytest.raises(InvalidInput, match=r"keys\.a\.hash") as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)


def test_lists_are_json_or_have_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_TOKENS", "hunter2secret")
    monkeypatch.setenv("FORETELL_CLIENTS", "10.0.0.0/8, ::1")
    monkeypatch.setenv("FORETELL_ALSO", "[6041]")
    found = read_settings()
    assert (found.tokens, found.clients, found.also) == (("hunter2secret",), ("10.0.0.0/8", "::1"), (6041,))


@pytest.mark.parametrize("content", ["not toml", None])
def test_a_file_that_cannot_be_read_is_named(config: Path, content: str | None) -> None:
    config.unlink() if content is None else config.write_text(content)
    with pytest.raises(InvalidInput, match=r"foretell\.toml"):
        read_settings()


def test_the_file_is_called_what_the_user_calls_it(config: Path) -> None:
    config.write_text("port = ")
    with pytest.raises(InvalidInput, match=r"^FORETELL_CONFIG: .* is not TOML"):
        read_settings()
    with pytest.raises(InvalidInput, match=r"^--config: .* is not TOML"):
        read_all(config, {})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("queue_limit = true", "queue_limit: must not be true or false, got True"),
        ("replicas = {ets = true}", "replicas: must not be true or false"),
        ('sql_writes_files = "maybe"', "sql_writes_files: "),
        ('tokens = "x"', r'tokens: must be a list, such as \["a", "b"\]$'),
        ('tsfm_service = "x"', "tsfm_service: must be a table"),
        ("keys = {a = {hsh = 1}}", r"keys\.a\.hash: "),
        (f'keys = {{a = {{hash = "{"0" * 64}", scope = 1}}}}', r"keys\.a\.scope: .*known: hash, quota, rate, scopes$"),
        ('keys = {a = {hash = "PUT-YOURS-HERE"}}', r"keys\.a\.hash: must be 64 hex digits.*foretell key NAME"),
        ('devices = {ets = ["gpu0"]}', r"devices\.ets\.0: must be cpu, or a GPU"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_file(config: Path, line: str, says: str) -> None:
    config.write_text(line)
    with pytest.raises(InvalidInput, match=says):
        read_settings()


def test_flags_and_devices_that_are_good(config: Path) -> None:
    config.write_text('sql_writes_files = true\ndevices = {ets = ["0", "cpu", "GPU-1d2e-3f"]}\n')
    assert read_settings().sql_writes_files
    assert read_settings().devices == {"ets": ("0", "cpu", "GPU-1d2e-3f")}


def test_the_folder_of_public_data_is_no_stray_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_DATA", "/somewhere")
    assert read_settings().timemoe_fc == "auto"


def test_a_bad_value_in_a_table_names_its_place(config: Path) -> None:
    config.write_text('[keys.grafana]\nhash = "short"\nscopes = ["read"]\n')
    with pytest.raises(InvalidInput, match=r"keys\.grafana\.hash"):
        read_settings()
