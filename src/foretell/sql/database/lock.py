"""One process at a time has a database file; the others are told which."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from foretell.errors import DatabaseInUse
from foretell.file_lock import FileLock


class Lock:
    """A lock on `plant.db`, kept in `plant.db.lock` with who holds it; of a link beside the file that it means."""

    def __init__(self, path: str) -> None:
        """Raises DatabaseInUse if another process holds it."""
        self._lock = FileLock(Path(f"{Path(path).resolve()}.lock"))
        if not self._lock.take():
            raise DatabaseInUse(_in_use(path, self._lock.said()))
        self.announce("")

    def announce(self, address: str) -> None:
        """Write down who holds the lock, and where it answers ("" for nowhere)."""
        self._lock.say(json.dumps({"pid": os.getpid(), "address": address}))

    def release(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._lock.path.unlink()
        self._lock.leave()


def _in_use(path: str, said: str) -> str:
    try:
        holder = json.loads(said)
        address = holder["address"]
        who = f"process {holder['pid']}" + (f", which serves it at {address}" if address else "")
    except (ValueError, KeyError, TypeError):
        who, address = "another process", ""
    advice = f"; use `foretell sql --url {address}`" if address else ""
    return f"{path} is open in {who}{advice}"
