"""A lock on a file, held by one process at a time; the system lets go of it when the process ends, however it does."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path


class FileLock:
    """`path` is made where it is missing. What the holder says of itself in it can be read by those outside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Whether the lock could be had."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _try(file):
            os.close(file)
            return False
        self._file = file
        self.say(str(os.getpid()))
        return True

    def say(self, text: str) -> None:
        """Write down what others may want to know of the holder."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, text.encode())

    def said(self) -> str:
        """What the holder says of itself; empty where it is gone."""
        with contextlib.suppress(OSError):
            return self.path.read_text("utf-8")
        return ""

    def leave(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _try(file: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
