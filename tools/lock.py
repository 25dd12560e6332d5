"""Writes requirements.lock: what the default install brings, with the SHA-256 of each file, for the container.

    python -m tools.lock

The files are those that pip takes on this machine (see the first line), at the versions of constraints.txt.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
REPORT = ("--dry-run", "--ignore-installed", "--quiet", "--report", "-")


def chosen() -> list[dict[str, Any]]:
    """What pip would install, but for foretell itself."""
    constraints = str(ROOT / "constraints.txt")
    command = [sys.executable, "-m", "pip", "install", *REPORT, "--constraint", constraints, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  all of it is ours
    report = json.loads(done.stdout[done.stdout.index("{") :])
    return [item for item in report["install"] if item["metadata"]["name"] != "foretell"]


def line(item: dict[str, Any]) -> str:
    digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
    return f"{item['metadata']['name']}=={item['metadata']['version']} --hash=sha256:{digest}"


def main() -> None:
    head = f"# Made by `python -m tools.lock` for {sys.platform} {platform.machine()}, Python {sys.version_info[0]}."
    head += f"{sys.version_info[1]}; pip install --require-hashes -r requirements.lock"
    LOCK.write_text("\n".join([head, *sorted(map(line, chosen()), key=str.lower)]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
