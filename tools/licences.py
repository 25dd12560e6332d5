"""Write docs/third-party-licences.md: every package that the default install brings, with its licence."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).parents[1] / "docs" / "third-party-licences.md"
HEAD = """# Licences of the packages that foretell needs

foretell itself is Apache-2.0. `pip install foretell` brings the packages below; each keeps its own licence.
This page is written by `make docs`; a test fails when a package is missing here.

| package | licence |
|---|---|
"""


TAIL = """
The console carries uPlot 1.6.32 (MIT; its licence lies beside it in `http_api/console/`).
"""


def needed(root: str = "foretell") -> dict[str, str]:
    """Package name -> licence, for everything that `root` needs without extras on this platform."""
    found: dict[str, str] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        package = metadata.distribution(name)
        for text in package.requires or []:
            requirement = Requirement(text)
            wanted = canonicalize_name(requirement.name)
            if (requirement.marker is None or requirement.marker.evaluate({"extra": ""})) and wanted not in found:
                found[wanted] = _licence(metadata.distribution(wanted))
                waiting.append(wanted)
    return found


def _licence(package: metadata.Distribution) -> str:
    """The licence expression, else the classifiers, else the first line of the licence field."""
    data = package.metadata
    if "License-Expression" in data:
        return str(data["License-Expression"])
    classified = [c.rpartition(" :: ")[2] for c in data.get_all("Classifier") or [] if c.startswith("License ::")]
    first_line = (str(data["License"]) if "License" in data else "").strip().partition("\n")[0]
    return ", ".join(classified) or first_line or "see the package"


def page() -> str:
    return HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in sorted(needed().items())) + TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
