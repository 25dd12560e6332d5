"""Files of a local path or of any URL that fsspec knows."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import fsspec
import pyarrow as pa

from foretell.errors import InvalidInput

ENDINGS = (".parquet", ".pq")
MAGIC = "*?["
UNFINISHED = ".unfinished-"
"""How the names of files begin that are being written."""


class Folder:
    """What lies at `url`. `field` is the name by which the caller knows it."""

    def __init__(self, url: str, field: str) -> None:
        self.url, self.field = url, field
        try:
            self._fs, path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise InvalidInput(field, f"{url}: {error}") from None
        self.path = path.rstrip("/")

    @property
    def is_local(self) -> bool:
        return "file" in _protocols(self._fs)

    @property
    def is_of_this_process(self) -> bool:
        """Whether other processes see nothing here."""
        return "memory" in _protocols(self._fs)

    def parquet_files(self) -> list[tuple[str, int]]:
        """Paths and sizes in bytes (-1 where unknown), by path; of a folder, a file or a pattern with `*`."""
        with self._explained("read"):
            if any(sign in self.path for sign in MAGIC):
                found = self._fs.glob(self.path, detail=True)
            else:
                found = self._fs.find(self.path, detail=True)
        files = {path: -1 if info.get("size") is None else int(info["size"]) for path, info in found.items()}
        return sorted((path, size) for path, size in files.items() if self._counts(path))

    def _counts(self, path: str) -> bool:
        """Names that begin with `_` or `.` are other programs' notes, ours too."""
        inner = path[len(self.path) :] if path.startswith(self.path) else path.rpartition("/")[2]
        hidden = any(part.startswith(("_", ".")) for part in inner.split("/"))
        return path.lower().endswith(ENDINGS) and not hidden

    def names(self) -> set[str]:
        """What lies directly in the folder; empty where there is none."""
        try:
            with self._explained("read"):
                self._fs.invalidate_cache()
                return {str(path).rstrip("/").rpartition("/")[2] for path in self._fs.ls(self.path, detail=False)}
        except FileNotFoundError:
            return set()

    def source(self, path: str) -> Any:
        """Something that Arrow reads, at any place."""
        return pa.OSFile(path) if self.is_local else self._fs.open(path, "rb")

    def at(self, name: str) -> str:
        return f"{self.path}/{name}"

    def inner(self, name: str) -> Folder:
        """A folder in this one."""
        return Folder(f"{self.url.rstrip('/')}/{name}", self.field)

    def exists(self, name: str) -> bool:
        with self._explained("read"):
            return bool(self._fs.exists(self.at(name)))

    def write(self, name: str, fill: Callable[[IO[bytes]], None]) -> None:
        """A file that is there complete or not at all: written under another name, then renamed."""
        hidden = self.at(f"{UNFINISHED}{name}.{os.getpid()}-{secrets.token_hex(4)}")
        with self._explained("write"):
            self._fs.makedirs(self.path, exist_ok=True)
            try:
                with self._fs.open(hidden, "wb") as file:
                    fill(file)
                    if self.is_local:
                        file.flush()
                        os.fsync(file.fileno())
                self._rename(hidden, self.at(name))
            except BaseException:
                with contextlib.suppress(OSError):
                    self._fs.rm(hidden)
                raise

    def _rename(self, old: str, new: str) -> None:
        if self.is_local:
            os.replace(old, new)  # noqa: PTH105
        else:
            self._fs.mv(old, new)

    def write_json(self, name: str, value: Any) -> None:
        text = json.dumps(value, indent=1, allow_nan=False).encode()
        self.write(name, lambda file: _all(file, text))

    def read_json(self, name: str) -> Any:
        """What `write_json` wrote, or None where there is none."""
        try:
            with self._explained("read"):
                return json.loads(self._fs.cat_file(self.at(name)))
        except FileNotFoundError:
            return None
        except ValueError:
            raise InvalidInput(self.field, f"{self.at(name)} is damaged; choose another folder") from None

    def drop(self, name: str) -> None:
        """Remove a file that may be gone already."""
        with contextlib.suppress(FileNotFoundError), self._explained("read"):
            self._fs.rm(self.at(name))

    def drop_unfinished(self) -> None:
        """Remove what killed writers left."""
        for name in self.names():
            if name.startswith(UNFINISHED):
                self.drop(name)

    def disturbed(self) -> InvalidInput:
        """The error of a file that was here a moment ago."""
        said = f"files of this job are gone from {self.path}: another command ended there at the same time"
        return InvalidInput(self.field, f"{said}; run this one again, and one at a time")

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        """A full disk, a folder that only others may write: one line that names the place."""
        try:
            yield
        except FileNotFoundError:
            if verb == "read":
                raise
            if self._fs.exists(self.path):
                raise self.disturbed() from None
            raise InvalidInput(self.field, f"cannot {verb} {self.path}: no such folder") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise InvalidInput(self.field, f"cannot {verb} {self.path}: {reason}") from None


def _all(file: IO[bytes], text: bytes) -> None:
    file.write(text)


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
