"""One WebSocket connection: who it is, its current database, its open results and prepared statements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from foretell.errors import AuthenticationFailed
from foretell.sql.database.connection import Connection
from foretell.sql.database.database import Database
from foretell.sql.database.users import User
from foretell.sql.taos.logins import Client, Logins
from foretell.sql.taos.results import Results
from foretell.sql.taos.stmt2 import Prepared
from foretell.sql.taos.threads import Threads
from foretell.wire.asgi import Note

T = TypeVar("T")


@dataclass(slots=True)
class Peer:
    """`token` came in the query string; `note` keeps who asked for what. Statements of one peer run one after the
    other, in the order they came."""

    database: Database
    logins: Logins
    threads: Threads
    client: Client
    note: Note
    token: str = ""
    results: Results = field(default_factory=Results)
    prepared: dict[int, Prepared] = field(default_factory=dict)
    _connection: Connection | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            raise AuthenticationFailed("a login is needed: the action conn comes first")
        return self._connection

    @property
    def user(self) -> str:
        """The name of who has logged in, "" where nobody has."""
        return "" if self._connection is None else self._connection.user.name

    async def login(self, user: str, password: str, token: str, database: str, zone: str) -> None:
        """Become a user; who is one already becomes another."""
        found = await self.threads.call(self._login, user, password, token)
        connection = await self.threads.call(self.database.connect, found, database, zone or "UTC")
        async with self._turn:
            self.close()
            self._connection = connection

    async def move(self, zone: str) -> None:
        """Go on in another time zone: texts without one are of it."""
        async with self._turn:
            before = self.connection
            made = await self.threads.call(self.database.connect, before.user, before.database, zone or "UTC")
            self._connection = made
            before.close()

    def _login(self, user: str, password: str, token: str) -> User:
        if token := token or self.token:
            return self.logins.by_token(token, self.client)
        return self.logins.by_password(user, password, self.client)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` does with the connection, in its turn and in a thread; it is stopped when this is cancelled."""
        async with self._turn:
            connection = self.connection
            return await self.threads.statement(connection, lambda: work(connection))

    def close(self) -> None:
        self.prepared.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
