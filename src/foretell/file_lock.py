"""A lock on a file, held by one process at a time; the system lets go of it when the process ends, however it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO


class FileLock:
    """`path` is made where it is missing and left where it is. What the holder wrote can be read by those outside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self, says: str = "") -> bool:
        """Whether it could be had; `says` is then left in the file."""
        file = self.path.open("a+", encoding="utf-8")
        if not _try(file):
            file.close()
            return False
        file.truncate(0)
        file.write(says or str(os.getpid()))
        file.flush()
        self._file = file
        return True

    def holder(self) -> str:
        """What the holder says of itself."""
        return self.path.read_text("utf-8")

    def leave(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _try(file: IO[str]) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
