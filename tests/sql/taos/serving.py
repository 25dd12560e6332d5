"""`foretell serve --db` as a process of its own: taosws holds Python's lock while it waits for an answer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FORETELL = [sys.executable, "-c", "from foretell.cli import main; main()"]


@contextlib.contextmanager
def serving(folder: Path, *flags: str, **settings: str) -> Iterator[str]:
    """A server over `folder/plant.db`; gives host:port. What it logs is in `folder/log.txt`."""
    given = {f"FORETELL_{name.upper()}": value for name, value in settings.items()}
    command = [*FORETELL, "serve", "--db", str(folder / "plant.db"), "--port", "0", "--workers", "1", *flags]
    environment = {**os.environ, "FORETELL_STATE_DIR": str(folder / "state"), **given}
    with (folder / "log.txt").open("ab") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    with server, contextlib.ExitStack() as end:
        end.callback(server.send_signal, signal.SIGTERM)
        said = server.stdout.readline() if server.stdout else ""
        assert said.startswith("listening on http://"), (folder / "log.txt").read_text()
        yield said.strip().removeprefix("listening on http://")
