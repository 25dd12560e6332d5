"""How a file is opened so that SQL from a network reaches nothing but its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from foretell.errors import DatabaseInUse, InvalidInput, SqlError
from foretell.sql.tokens import as_text

_HOLDER = re.compile(r"Conflicting lock is held .*\(PID (\d+)\)")
"""What DuckDB says of a file that another process has; our own lock does not see hard links."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory` as DuckDB writes it ("4GB"; "" is its own default); `folders` whose files may be read, and, if
    `writable`, written; `is_own`: no limits but that of memory."""

    memory: str = ""
    folders: tuple[str, ...] = ()
    writable: bool = False
    is_own: bool = False


def check_place(path: str) -> None:
    """Refuse what is no database, and where none can be made: a CSV file would be opened by DuckDB as a view beside
    which everything that is written is lost. Raises InvalidInput."""
    file = Path(path)
    if not file.parent.is_dir():
        raise InvalidInput("db", f"there is no folder {file.parent}")
    if not file.exists():
        return
    try:
        with file.open("rb") as opened_file:
            start = opened_file.read(12)
    except OSError as error:
        raise InvalidInput("db", f"cannot read {path}: {error.strerror}") from None
    if start[8:] != b"DUCK":
        raise InvalidInput("db", f"{path} is no database file; files are read by name, FROM '{path}'")


def opened(path: str, limits: Limits) -> duckdb.DuckDBPyConnection:
    """A database file, locked down for good where it is not the user's own."""
    try:
        connection = duckdb.connect(path, False, {"python_enable_replacements": False})
    except duckdb.Error as error:
        if holder := _HOLDER.search(str(error)):
            raise DatabaseInUse(f"{path} is open in process {holder[1]} by another name of the file") from None
        raise SqlError(f"{path}: {error}") from None
    try:
        for setting in _settings(limits):
            connection.execute(f"SET {setting}")
    except duckdb.Error:
        connection.close()
        raise InvalidInput("sql_memory", f"must be an amount such as 512MB or 4GB, got {limits.memory!r}") from None
    return connection


def _settings(limits: Limits) -> Iterator[str]:
    yield "GLOBAL errors_as_json = true"
    yield "enable_progress_bar = false"
    yield "GLOBAL TimeZone = 'UTC'"
    yield "autoinstall_known_extensions = false"
    if limits.memory:
        yield f"memory_limit = {as_text(limits.memory)}"
    if limits.is_own:
        return
    yield "autoload_known_extensions = false"
    yield "allow_community_extensions = false"
    yield f"allowed_directories = [{', '.join(as_text(_folder(folder)) for folder in limits.folders)}]"
    yield "enable_external_access = false"
    yield "lock_configuration = true"


def _folder(folder: str) -> str:
    """The folder with a slash at its end, so that it does not allow another whose name begins like it."""
    path = Path(folder).resolve()
    if not path.is_dir():
        raise InvalidInput("sql_folders", f"{folder} is no folder")
    return f"{path}/"
