"""TDengine's REST interface: SQL in the body of a POST, JSON out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

from foretell.errors import AuthenticationFailed, ForetellError, InvalidInput
from foretell.sql.database.connection import Connection
from foretell.sql.database.database import Database
from foretell.sql.database.outcome import Outcome
from foretell.sql.database.users import User
from foretell.sql.taos.answers import Rows, fault
from foretell.sql.taos.logins import Client, Logins, credentials, read_credentials
from foretell.sql.taos.threads import Threads
from foretell.wire.asgi import USER, Receive, Scope, Send, client_of, read_body, unless_gone
from foretell.wire.asgi import answer as answer_with
from foretell.wire.taos_rows import ROWS_AT_ONCE, affected_answer, answer, error_answer, zone_of

JSON = "application/json; charset=utf-8"
SQL = "/rest/sql"
LOGIN = "/rest/login/"


class BadRequest(ForetellError):
    """What is answered with status 400."""

    http_status = 400
    tdengine_code = 0x80000118


class NotFound(BadRequest):
    http_status = 404


Answer = tuple[bytes, Iterator[bytes] | None]
"""All of an answer, or its beginning and what makes the rest."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The query string of a request: times are shown in `tz`, those in the statement that name none are of `zone`."""

    token: str = ""
    tz: str = ""
    zone: str = "UTC"
    named: bool = False

    @classmethod
    def of(cls, query: bytes) -> Asked:
        """`app` and `ip` are taken and not used."""
        fields = query_fields(query)
        if "req_id" in fields and not fields["req_id"].isdecimal():
            raise BadRequest("req_id: must be a whole number")
        try:
            for name in ("tz", "conn_tz"):
                zone_of(fields.get(name))
        except InvalidInput as error:
            raise BadRequest(str(error)) from None
        zone = fields.get("conn_tz") or "UTC"
        tz = fields.get("tz") or ("" if zone == "UTC" else zone)
        return cls(fields.get("token", ""), tz, zone, fields.get("row_with_meta") == "true")


def query_fields(query: bytes) -> dict[str, str]:
    """The last value of each field. A client appends `?req_id=` to `?token=`, so that ? counts as &."""
    return {key: values[-1] for key, values in parse_qs(query.decode("latin-1").replace("?", "&")).items()}


class Rest:
    """The interface over one database. `body_limit` in bytes, `body_timeout` in seconds."""

    def __init__(
        self, database: Database, logins: Logins, threads: Threads, body_limit: int, body_timeout: float
    ) -> None:
        self._database = database
        self._logins = logins
        self._threads = threads
        self._body_limit = body_limit
        self._body_timeout = body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            first, rest = await self._answer(scope, receive)
        except AuthenticationFailed as error:
            await reply(send, 401, error_answer(*fault(error)), (b"www-authenticate", b'Basic realm="foretell"'))
        except BadRequest as error:
            await reply(send, error.http_status, error_answer(*fault(error)))
        except Exception as error:
            await reply(send, 200, error_answer(*fault(error)))
        else:
            await self._stream(send, first, rest)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        if method == "POST" and (path == SQL or path.startswith(f"{SQL}/")):
            return await self._sql(scope, receive)
        if method == "GET" and path.startswith(LOGIN):
            return await self._login(scope), None
        raise NotFound("there is only POST /rest/sql[/database] here")

    async def _login(self, scope: Scope) -> bytes:
        user, slash, password = scope["path"].removeprefix(LOGIN).partition("/")
        if not user or not slash:
            raise BadRequest("the path is /rest/login/{user}/{password}")
        await self._threads.call(self._logins.by_password, user, password, other_end(scope))
        return error_answer(0, credentials(user, password))

    async def _sql(self, scope: Scope, receive: Receive) -> Answer:
        asked = Asked.of(scope["query_string"])
        connection = await self._threads.call(self._connect, scope, asked)
        try:
            text = await self._text(scope, receive)
        except BaseException:
            connection.close()
            raise
        work = asyncio.ensure_future(self._threads.statement(connection, lambda: run(connection, text, asked)))
        work.add_done_callback(lambda _: connection.close())
        return await unless_gone(receive, work)

    def _connect(self, scope: Scope, asked: Asked) -> Connection:
        """A connection for this request alone, once it is known whose it is."""
        return self._database.connect(
            user_of(self._logins, scope, asked.token), scope["path"][len(SQL) + 1 :], asked.zone
        )

    async def _text(self, scope: Scope, receive: Receive) -> str:
        body = await read_body(scope, receive, self._body_limit, self._body_timeout)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise BadRequest("the statement is not UTF-8") from None
        if not text.strip():
            raise BadRequest("the body has no statement")
        return text

    async def _stream(self, send: Send, first: bytes, rest: Iterator[bytes] | None) -> None:
        """What is there at once goes out as one; more goes out piece by piece, each made when the last has gone."""
        if rest is None:
            await reply(send, 200, first)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", JSON.encode())]})
        piece: bytes | None = first
        while piece is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await self._threads.call(next, rest, None)
        await send({"type": "http.response.body", "body": b""})


def run(connection: Connection, text: str, asked: Asked) -> Answer:
    """The answer to a statement."""
    outcome = connection.run(text)
    if outcome.affected is not None:
        return affected_answer(outcome.affected, connection.warnings), None
    rows = Rows.of(outcome)
    pieces = answer(rows.table, rows.columns, rows.unit, zone_of(asked.tz), asked.named, connection.warnings)
    if rows.table.num_rows <= ROWS_AT_ONCE:
        return b"".join(pieces), None
    return next(pieces) + next(pieces), pieces


def result_json(outcome: Outcome, limit: int) -> bytes:
    """The answer to a statement, with `limit` of its rows at most."""
    if outcome.affected is not None:
        return affected_answer(outcome.affected)
    rows = Rows.of(outcome)
    return b"".join(answer(rows.table.slice(0, limit), rows.columns, rows.unit))


def user_of(logins: Logins, scope: Scope, token: str = "") -> User:
    """Who asks, by the Authorization header of a request, or else by `token`; noted in `scope`, for the journal."""
    user = _user_of(logins, scope, token)
    scope[USER] = user.name
    return user


def _user_of(logins: Logins, scope: Scope, token: str) -> User:
    headers = dict(scope["headers"])
    kind, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    client, value = other_end(scope), value.strip()
    if kind.lower() == "basic":
        return logins.by_password(*read_credentials(value), client)
    token = value if kind.lower() in ("bearer", "taosd") else token
    if not token:
        raise AuthenticationFailed("a login is needed")
    return logins.by_token(token, client)


def other_end(scope: Scope) -> Client:
    """Who is at the other end of a connection."""
    address = client_of(scope)
    return Client(str(address), address is not None and address.is_loopback)


async def reply(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await answer_with(send, status, JSON, body, *headers)
