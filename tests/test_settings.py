"""Settings: default < file < environment < flag; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretell.errors import InvalidInput
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


@pytest.mark.parametrize(("name", "value"), [("WORKERS", "-1"), ("WORKERS", "many"), ("TIMEOUT", "0")])
def test_a_bad_value_names_the_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"FORETELL_{name}", value)
    with pytest.raises(InvalidInput, match=name.lower()):
        read_settings()


@pytest.mark.parametrize("content", ["not toml", None])
def test_a_file_that_cannot_be_read_is_named(config: Path, content: str | None) -> None:
    config.unlink() if content is None else config.write_text(content)
    with pytest.raises(InvalidInput, match=r"foretell\.toml"):
        read_settings()


def test_the_folder_of_public_data_is_no_stray_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_DATA", "/somewhere")
    assert read_settings().timemoe_fc == "auto"


def test_a_bad_value_in_a_table_names_its_place(config: Path) -> None:
    config.write_text('[keys.grafana]\nhash = "short"\nscopes = ["read"]\n')
    with pytest.raises(InvalidInput, match=r"keys\.grafana\.hash"):
        read_settings()
