"""Writes the locks of the container: requirements.lock for what the default install brings, requirements-build.lock for
what builds its wheel, with the SHA-256 of each file.

    python -m tools.lock

The files are those that pip takes on this machine (see the first line), at the versions of constraints.txt.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REPORT = ("--dry-run", "--ignore-installed", "--quiet", "--report", "-")


def chosen(*wanted: str) -> list[dict[str, Any]]:
    """What pip would install for these, but for foretell itself."""
    constraints = str(ROOT / "constraints.txt")
    command = [sys.executable, "-m", "pip", "install", *REPORT, "--constraint", constraints, *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  all of it is ours
    report = json.loads(done.stdout[done.stdout.index("{") :])
    return [item for item in report["install"] if item["metadata"]["name"] != "foretell"]


def line(item: dict[str, Any]) -> str:
    digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
    return f"{item['metadata']['name']}=={item['metadata']['version']} --hash=sha256:{digest}"


def main() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    for name, wanted in (("requirements.lock", [str(ROOT)]), ("requirements-build.lock", build)):
        head = (
            f"# Made by `python -m tools.lock` for {sys.platform} {platform.machine()}, Python {sys.version_info[0]}."
        )
        head += f"{sys.version_info[1]}; pip install --require-hashes -r {name}"
        lines = sorted(map(line, chosen(*wanted)), key=str.lower)
        (ROOT / name).write_text("\n".join([head, *lines]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
