"""One process at a time has a database file; the others are told which."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path

from foretell.errors import DatabaseInUse


class Lock:
    """A lock on `plant.db`, kept in `plant.db.lock` with who holds it. The system lets go of it when the process ends,
    however it ends."""

    def __init__(self, path: str) -> None:
        """Raises DatabaseInUse if another process holds it."""
        self._path = Path(f"{path}.lock")
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise DatabaseInUse(_in_use(path, self._path)) from None
        self.announce("")

    def announce(self, address: str) -> None:
        """Write down who holds the lock, and where it answers ("" for nowhere)."""
        said = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, said, 0)

    def release(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._file)


def _in_use(path: str, lock: Path) -> str:
    try:
        holder = json.loads(lock.read_text())
        address = holder["address"]
        who = f"process {holder['pid']}" + (f", which serves it at {address}" if address else "")
    except (OSError, ValueError, KeyError):
        who, address = "another process", ""
    advice = f"; use `foretell sql --url {address}`" if address else ""
    return f"{path} is open in {who}{advice}"
