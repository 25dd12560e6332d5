"""What an operator takes from deploy/: held against the tools that read it, and against our own settings and flags."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foretell.cli import app
from foretell.errors import InvalidInput
from foretell.http_api.keys import digest, new_secret
from foretell.settings import Settings, read_settings

DEPLOY = Path(__file__).parents[1] / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
UNIT = DEPLOY / "foretell.service"
MOST_EXPOSED = 2.0
"""Of 10, as systemd counts; services without hardening have 9.6."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    done = run(str(hadolint), str(DOCKERFILE))
    assert done.returncode == 0, done.stdout


def test_the_container_is_no_root_has_a_health_check_and_knows_our_settings() -> None:
    text = DOCKERFILE.read_text("utf-8")
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.M)
    (check,) = re.findall(r'^HEALTHCHECK .* CMD \["foretell", "(\w+)"\]$', text, re.M)
    assert CliRunner().invoke(app, [check, "--help"]).exit_code == 0
    named = {name.lower() for name in re.findall(r"FORETELL_(\w+)=", text + UNIT.read_text("utf-8"))}
    assert named
    assert named <= set(Settings.model_fields)


@pytest.fixture
def unit(tmp_path: Path) -> str:
    """The unit with a command that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    path = tmp_path / UNIT.name
    path.write_text(re.sub(r"/opt/foretell/bin/foretell", "/bin/true", UNIT.read_text("utf-8")), "utf-8")
    return str(path)


def test_systemd_understands_the_unit(unit: str) -> None:
    done = run("systemd-analyze", "verify", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_hardened(unit: str) -> None:
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def example() -> str:
    (found,) = re.findall(r"```toml\n(.*?)```", (DEPLOY.parent / "docs" / "operations.md").read_text("utf-8"), re.S)
    return str(found)


def test_the_example_has_no_key_that_anybody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "foretell.toml"
    monkeypatch.setenv("FORETELL_CONFIG", str(path))
    path.write_text(example(), "utf-8")
    with pytest.raises(InvalidInput, match=r"keys\.grafana\.hash: must be 64 hex digits"):
        read_settings()
    (placeholder,) = re.findall('hash = "(.*)"', example())
    path.write_text(example().replace(placeholder, digest(new_secret())), "utf-8")
    assert read_settings().keys["grafana"].quota == 1_000_000


def test_the_example_fits_the_unit_and_the_container() -> None:
    settings, unit, container = tomllib.loads(example()), UNIT.read_text("utf-8"), DOCKERFILE.read_text("utf-8")
    (logs,) = re.findall(r"^LogsDirectory=(.*)$", unit, re.M)
    assert Path(settings["audit_log"]).parent == Path("/var/log", logs)
    (name, source) = re.findall(r"^#?LoadCredential=(.*):(.*)$", unit, re.M)[0]
    assert settings["tls_key"] == f"/run/credentials/{UNIT.name}/{name}"
    assert Path(source).parent == Path(settings["tls_certificate"]).parent
    (volumes,) = re.findall(r"^VOLUME (.*)$", container, re.M)
    assert f"/var/log/{logs}" in json.loads(volumes)


def test_nothing_is_built_with_what_has_no_hash() -> None:
    installs = re.findall(r"^(?:RUN| &&).*pip (?:install|wheel) (.*)$", DOCKERFILE.read_text("utf-8"), re.M)
    assert len(installs) == 4
    assert all({"--require-hashes", "--no-index", "--no-build-isolation"} & set(line.split()) for line in installs)


def test_the_commands_in_it_are_ours() -> None:
    (command,) = re.findall(r"^ExecStart=\S+ (\w+) --config \S+$", UNIT.read_text("utf-8"), re.M)
    assert "--config" in CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
