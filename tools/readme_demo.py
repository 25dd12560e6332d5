"""Put what `make demo` prints, and its picture, into the README. `make docs` runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def main() -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(ROOT / "examples" / "demo.py")], capture_output=True, text=True, check=True
    )
    printed = f"```console\n{done.stdout.rstrip()}\n{done.stderr.rstrip()}\n```"
    text = README.read_text("utf-8")
    README.write_text(re.sub(r"```console\n.*?```", lambda _: printed, text, count=1, flags=re.S), "utf-8")
    shutil.copy(ROOT / "out" / "demo.png", ROOT / "docs" / "demo.png")


if __name__ == "__main__":
    main()
