"""The commands of docs/batch.md run, one after the other, and what it says of files holds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.test_pages import FORETELL, ROOT, blocks, commands

PAGE = (ROOT / "docs" / "batch.md").read_text("utf-8")


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    said = []
    for command in [c for block in blocks("console", PAGE) for c in commands(block)]:
        done = subprocess.run([*FORETELL, *command[1:]], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert "series: 12 ok, 5 repaired; 408 rows in out/ahead" in said[0]
    assert said[1].split()[-2:] == ["17", "408"]


def test_the_settings_of_the_page_exist() -> None:
    from foretell.settings import Settings

    for name in ("ray_most", "ray_idle", "ray_least"):
        assert f"`{name}`" in PAGE
        assert name in Settings.model_fields
