"""A database file: many connections read, one thread writes."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import duckdb

from foretell.engine.engine import Engine
from foretell.errors import InvalidInput
from foretell.sql.database.allowed import names_without_schema
from foretell.sql.database.anodes import Kept
from foretell.sql.database.catalog import SYSTEM, Catalog
from foretell.sql.database.clustering import Clustering, forget_copies
from foretell.sql.database.connection import Connection
from foretell.sql.database.lock import Lock
from foretell.sql.database.reads import Reads
from foretell.sql.database.safety import Limits, check_place, opened
from foretell.sql.database.users import OWNER, User, Users
from foretell.sql.database.writer import Writer, now
from foretell.sql.duck import message_of

if TYPE_CHECKING:
    from foretell.sql.anodes import Anodes

IN_MEMORY = ":memory:"


class Database:
    """TDengine's databases, tables and users in one DuckDB file, or in memory.

    `engine` is shared and left open. `timeout` in seconds holds for every statement that has none of its own; `folders`
    are those whose files SQL may read (and, if `writable`, write), none by default; `memory` is DuckDB's limit, such
    as "4GB". `is_own`: whoever types may do what the process may, so files and DuckDB's own statements are open to
    him, and FORECAST has no limits of TDengine's. Only one process at a time has the file: another gets DatabaseInUse.
    Every method is for any thread.
    """

    def __init__(
        self,
        path: str = IN_MEMORY,
        *,
        engine: Engine | None = None,
        timeout: float | None = None,
        memory: str = "",
        folders: tuple[str, ...] = (),
        writable: bool = False,
        is_own: bool = False,
    ) -> None:
        self.path = path
        self.timeout = timeout
        self.is_own = is_own
        self.writable = writable
        self._folder = "" if path == IN_MEMORY else str(Path(path).resolve().parent)
        if path != IN_MEMORY:
            check_place(path)
        self._lock = None if path == IN_MEMORY else Lock(path)
        try:
            self._root = opened(path, Limits(memory, folders, writable, is_own))
            self.catalog = Catalog()
            self.users = Users()
            self._load()
        except BaseException:
            self._let_go()
            raise
        self.engine = engine or Engine()
        self._own_engine = engine is None
        self.writer = Writer(self.cursor())
        self.clustering = Clustering(self.writer, self.cursor)
        self.writer.grown = self.clustering.look
        self.writer.changed = self._forget
        self.closed_names = names_without_schema(self._root)
        self.kept_reads: dict[str, Reads] = {}
        self.described: dict[str, list[tuple[str, str]]] = {}
        """Columns of queries over tables of ours, until a table changes."""
        self._anodes: Anodes | None = None
        self._first_use = threading.Lock()
        self._address = ""

    def _load(self) -> None:
        """Read what the file says of databases, tables and users."""
        try:
            self.catalog.load(self._root)
            self.users.load(self._root, now())
            forget_copies(self._root)
        except (duckdb.Error, ValueError, LookupError, TypeError, AttributeError) as error:
            self._root.close()
            said = f"{type(error).__name__}: {message_of(error)}"
            raise InvalidInput("db", f"{self.path} says nothing readable in its schema {SYSTEM}: {said}") from None

    def _forget(self) -> None:
        """Another dictionary, not an empty one: whoever reads just now may still put what is old into his."""
        self.described = {}

    def login(self, user: str, password: str, is_local: bool = False) -> User:
        """The user, if the password is his. `is_local`: whether the client is on this machine.

        Raises AuthenticationFailed, also for the first account with its first password from elsewhere.
        """
        return self.users.login(user, password, is_local)

    def connect(self, user: User = OWNER, database: str = "", zone: str = "UTC") -> Connection:
        """A connection of that user; NoSuchDatabase if there is no such database."""
        return Connection(self, user, database, zone)

    def announce(self, address: str) -> None:
        """Tell other processes that want this file where it is served, such as http://127.0.0.1:6041."""
        self._address = address.partition("://")[2]
        if self._lock is not None:
            self._lock.announce(address)

    def anodes(self) -> Anodes:
        """The analytics nodes that statements may ask."""
        from foretell.sql.anodes import HERE, Anodes  # its HTTP client takes 0.2 s to import

        with self._first_use:
            if self._anodes is None:
                self._anodes = Anodes(self.engine, Kept(self.cursor(), self.writer), self._address or HERE)
            return self._anodes

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of its own, for one request."""
        return self._root.cursor()

    def without_paths(self, text: object) -> object:
        """An error's text without the place of the file, which is nobody's business."""
        if self._folder and isinstance(text, str) and not self.is_own:
            return text.replace(self._folder, "...")
        return text

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        if self._anodes is not None:
            self._anodes.close()
        self.clustering.close()
        self.writer.close()
        self._root.close()
        self._let_go()
        if self._own_engine:
            self.engine.close()

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
