"""POST /v1/sql: statements against the database that the server keeps, with what a picture of the result needs.

Who asks is a user of the database (Basic credentials), or has an API key with the scope admin.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from foretell.errors import AuthenticationFailed, ForetellError, NotAvailable, SqlError
from foretell.http_api.bodies import JSON
from foretell.http_api.door import Door
from foretell.http_api.openapi import taking
from foretell.http_api.plots import Plot, plots
from foretell.http_api.problems import problem_of
from foretell.http_api.verb import decode
from foretell.wire.asgi import unless_gone

if TYPE_CHECKING:
    from foretell.sql.database import Connection, Outcome
    from foretell.sql.taos import TaosDoor

MOST_ROWS = 10_000
Web = Request[Any, Any, Any]


class SqlIn(msgspec.Struct, forbid_unknown_fields=True):
    """`sql`: one statement, or several with `;` between, which run in order up to the first error.

    `limit`: most rows in the answer; `total` says how many there are.
    """

    sql: str
    database: str = ""
    limit: Annotated[int, msgspec.Meta(ge=0)] = 1000


class SqlOut(msgspec.Struct):
    """`result` is what TDengine's REST interface gives: `column_meta` (name, type, bytes), `data`, `rows`.

    It is that of the last statement that gives rows; if none does, `affected` are the rows that all of them wrote.
    `statements` have run. `plots` are the series behind FORECAST and ANOMALY_WINDOW. `database` is the current one,
    which USE changes. `warnings` say what is missing in the result, and why.
    """

    result: msgspec.Raw
    total: int
    affected: int | None
    seconds: float
    database: str
    plots: list[Plot]
    statements: int
    warnings: list[str]


@dataclass(slots=True)
class Script:
    """Statements as they run: how many have, the outcome that is shown, and what was warned of."""

    connection: Connection
    statements: int = 0
    shown: Outcome | None = None
    warnings: list[str] = field(default_factory=list)

    def run(self, text: str) -> Outcome:
        """The outcome of the last statement that gives rows, else how many rows all of them wrote."""
        from foretell.sql.database.connection import NOTHING
        from foretell.sql.database.outcome import written
        from foretell.sql.script import run_script

        affected = 0
        for outcome in run_script(self.connection, text):
            self.statements += 1
            self.warnings += self.connection.warnings
            affected += outcome.affected or 0
            self.shown = outcome if outcome.affected is None else self.shown
        if not self.statements:
            raise SqlError(NOTHING, text)
        return self.shown or written(affected)


def sql(door: Door) -> HTTPRouteHandler:
    @post("/v1/sql", status_code=200, summary="Run SQL statements", operation_class=taking(SqlIn, SqlOut))
    async def handle(request: Web) -> Response[bytes]:
        """As a user of the database."""
        given = decode(await request.body(), SqlIn)
        try:
            connection = await connected(door, request, given.database)
        except ForetellError as error:
            return refusal(error)
        script = Script(connection)
        work = asyncio.ensure_future(statement(door, connection, lambda: _run(script, given)))
        work.add_done_callback(lambda _: connection.close())
        try:
            return Response(msgspec.json.encode(await unless_gone(request.receive, work)), media_type=JSON)
        except ForetellError as error:
            return refusal(error, statements=script.statements, database=connection.database)

    return handle


def kept(door: Door) -> TaosDoor:
    """The database's door; NotAvailable where the server keeps no database."""
    if door.taos is None:
        raise NotAvailable("this server keeps no database; start it with foretell serve --db FILE")
    return door.taos


async def connected(door: Door, request: Web, database: str) -> Connection:
    """A connection of the user who asks."""
    from foretell.sql.taos import user_of

    taos = kept(door)
    user = await taos.threads.call(user_of, taos.logins, request.scope)
    return await taos.threads.call(taos.database.connect, user, database)


async def statement(door: Door, connection: Connection, work: Any) -> Any:
    return await kept(door).threads.statement(connection, work)


def _run(script: Script, given: SqlIn) -> SqlOut:
    from foretell.sql.taos import result_json

    started = time.monotonic()
    outcome = script.run(given.sql)
    return SqlOut(
        result=msgspec.Raw(result_json(outcome, min(given.limit, MOST_ROWS))),
        total=len(outcome.table),
        affected=outcome.affected,
        plots=[] if outcome.raw is None else plots(outcome.raw.answers),
        database=script.connection.database,
        statements=script.statements,
        warnings=script.warnings,
        seconds=time.monotonic() - started,
    )


def refusal(error: ForetellError, **more: Any) -> Response[bytes]:
    """A problem, with the place in what was asked and TDengine's code; `more` is told as well."""
    more["code"] = error.tdengine_code
    if isinstance(error, SqlError) and error.position is not None:
        more["position"] = error.position
    headers = {"WWW-Authenticate": "X-Basic"} if isinstance(error, AuthenticationFailed) else None
    return problem_of(error.http_status, str(error), headers, **more)
