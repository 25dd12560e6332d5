"""Both interfaces as one ASGI application."""

from __future__ import annotations

from collections.abc import Iterable

from foretell.sql.database.database import Database
from foretell.sql.taos.logins import Logins
from foretell.sql.taos.rest import Rest
from foretell.sql.taos.threads import Threads
from foretell.sql.taos.websocket import WebSockets
from foretell.wire.asgi import Receive, Scope, Send

SOCKETS = frozenset({"/ws", "/rest/ws"})


class TaosDoor:
    """TDengine's interfaces over `database`, which it leaves open. Who has a token of one of these SHA-256 hashes, in
    hexadecimal, is an owner."""

    def __init__(
        self, database: Database, owners: Iterable[str] = (), body_limit: int = 32 << 20, body_timeout: float = 60.0
    ) -> None:
        self.database, self.threads, self.logins = database, Threads(), Logins(database, owners)
        self._rest = Rest(database, self.logins, self.threads, body_limit, body_timeout)
        self._sockets = WebSockets(database, self.logins, self.threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._rest(scope, receive, send)
        elif scope["path"] in SOCKETS:
            await self._sockets(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    def close(self) -> None:
        self.threads.close()
