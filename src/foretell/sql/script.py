"""Scripts over a database: a file of this machine, or a server that has one. What `foretell sql` runs."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from decimal import Decimal
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa

from foretell.engine.engine import Engine
from foretell.errors import AuthenticationFailed, InvalidInput, NotAvailable, SqlError
from foretell.sql.database.connection import INSERT, Connection
from foretell.sql.database.database import Database
from foretell.sql.database.outcome import Outcome
from foretell.sql.database.types import BY_NAME
from foretell.sql.result import Result
from foretell.sql.statement import Statement, statements
from foretell.sql.tokens import unquote as unquoted

DECIMAL = re.compile(r"DECIMAL\((\d+), (\d+)\)")
log = logging.getLogger("foretell.sql")


class Runner(Protocol):
    """Whatever runs scripts."""

    def run(self, text: str) -> Iterator[Result]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class OwnDatabase:
    """The database in a file, for whoever may open the file anyway: no password, no limits of files."""

    def __init__(self, path: str, engine: Engine, timeout: float | None = None) -> None:
        self._database = Database(path, engine=engine, timeout=timeout, is_own=True)
        self._connection = self._database.connect()
        self._engine = engine

    def run(self, text: str) -> Iterator[Result]:
        """The result of each statement, as soon as it is there."""
        for outcome in run_script(self._connection, text):
            yield Result(outcome.table) if outcome.raw is None else outcome.raw

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._database.close()
        self._engine.close()


def run_script(connection: Connection, text: str) -> Iterator[Outcome]:
    """The outcome of each statement, as soon as it is there. The place of an error is the one in the script."""
    for start, end in _spans(text):
        connection.check()
        lines = text.count("\n", 0, start)
        try:
            outcome = connection.run("\n" * lines + text[start:end])
        except SqlError as error:
            if error.position is not None:
                error.statement, error.position = text, error.position + start - lines
            raise
        yield outcome


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where statements begin and end; megabytes of rows for one INSERT are not read just to see that it is one."""
    if ";" not in text and INSERT.match(text):
        yield 0, len(text)
        return
    for statement in statements(text):
        yield statement.start, statement.end


class RemoteDatabase:
    """The database of a running server, `http://user:password@host:port[/database]`, through its REST interface."""

    def __init__(self, url: str, timeout: float | None = None) -> None:
        import httpx

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput("--url", "must be like http://root:taosdata@127.0.0.1:6035")
        user, password = unquote(parts.username or "root"), unquote(parts.password or "taosdata")
        self._where = parts.netloc.rpartition("@")[2]
        self._database = unquote(parts.path.strip("/"))
        self._client = httpx.Client(
            base_url=f"{parts.scheme}://{self._where}", auth=(user, password), timeout=timeout, trust_env=False
        )

    def run(self, text: str) -> Iterator[Result]:
        """The result of each statement, as soon as it is there."""
        for statement in statements(text):
            yield Result(self._ask(statement.source.text[statement.start : statement.end]))
            self._follow(statement)

    def _follow(self, statement: Statement) -> None:
        """USE holds for the statements after it."""
        if statement.is_word(0, "USE"):
            self._database = unquoted(statement.tokens[-1], statement.source.text)

    def _ask(self, text: str) -> pa.Table:
        import httpx

        path = f"/rest/sql/{quote(self._database)}" if self._database else "/rest/sql"
        try:
            response = self._client.post(path, content=text.encode())
        except httpx.HTTPError as error:
            raise NotAvailable(f"no server answers at {self._where}: {error}") from None
        if response.status_code == 401:
            raise AuthenticationFailed
        try:
            said = response.json()
            code = said["code"]
        except (ValueError, KeyError, TypeError):
            raise NotAvailable(f"{self._where} has no database: status {response.status_code}") from None
        if code:
            raise SqlError(said.get("desc", ""), code=0x80000000 | code)
        for warning in said.get("warnings", ()):
            log.warning("%s", warning)
        return _table(said)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()


def _table(said: dict[str, Any]) -> pa.Table:
    """The table in an answer; one without columns for a statement that wrote."""
    names = [name for name, *_ in said["column_meta"]]
    if names == ["affected_rows"]:
        return pa.table({})
    rows = said["data"]
    columns = [_column([row[i] for row in rows], kind) for i, (_, kind, *_) in enumerate(said["column_meta"])]
    return pa.Table.from_arrays(columns, names=names)


def _column(values: list[Any], kind: str) -> pa.Array:
    if digits := DECIMAL.fullmatch(kind):
        exact = pa.decimal128(*map(int, digits.groups()))
        return pa.array([None if value is None else Decimal(value) for value in values], exact)
    known = BY_NAME.get(kind)
    if kind == "TIMESTAMP":
        texts = pa.array(values, pa.string())
        return texts.cast(pa.timestamp("ns", "UTC")).cast(pa.timestamp("ns"))
    if known is None or known.arrow is None or pa.types.is_binary(known.arrow):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array(values, known.arrow)
