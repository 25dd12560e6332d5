"""A database file: many connections read, one thread writes."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import duckdb

from foretell.engine.engine import Engine
from foretell.errors import AuthenticationFailed
from foretell.sql.database.connection import Connection
from foretell.sql.database.safety import Limits, opened
from foretell.sql.database.users import FIRST, FIRST_PASSWORD, OWNER, User


class Database:
    """TDengine's databases, tables and users in one DuckDB file, or in memory.

    `engine` is shared and left open. `timeout` in seconds holds for every statement that has none of its own; `folders`
    are those whose files SQL may read (and, if `writable`, write), none by default; `memory` is DuckDB's limit, such
    as "4GB". Only one process at a time has the file: another gets DatabaseInUse. Every method is for any thread.
    """

    def __init__(
        self,
        path: str = ":memory:",
        *,
        engine: Engine | None = None,
        timeout: float | None = None,
        memory: str = "",
        folders: tuple[str, ...] = (),
        writable: bool = False,
    ) -> None:
        self.path = path
        self.engine = engine or Engine()
        self.timeout = timeout
        self._own_engine = engine is None
        self._root = opened(path, Limits(memory, folders, writable))

    def login(self, user: str, password: str, is_local: bool = False) -> User:
        """The user, if the password is his. `is_local`: whether the client is on this machine.

        Raises AuthenticationFailed, also for the first account with its first password from elsewhere.
        """
        if (user, password, is_local) != (FIRST, FIRST_PASSWORD, True):
            raise AuthenticationFailed
        return OWNER

    def connect(self, user: User = OWNER, database: str = "") -> Connection:
        """A connection of that user; NoSuchDatabase if there is no such database."""
        return Connection(self, user, database)

    def announce(self, address: str) -> None:
        """Tell other processes that want this file where it is served, such as http://127.0.0.1:6041."""

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of its own, for one request."""
        return self._root.cursor()

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        self._root.close()
        if self._own_engine:
            self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
