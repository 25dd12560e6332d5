"""A connection: the statements of one user, with a current database."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from foretell.sql.answer import TDENGINE
from foretell.sql.database.outcome import Outcome, read
from foretell.sql.database.types import Precision
from foretell.sql.database.users import User
from foretell.sql.duck import Duck
from foretell.sql.session import Session

if TYPE_CHECKING:
    from foretell.sql.database.database import Database


class Connection:
    """The statements of one user. One statement at a time; `interrupt` may come from any thread.

    `database` is the current one, which USE changes; "" is none. Cheap to make: a REST request has one of its own.
    """

    def __init__(self, home: Database, user: User, database: str = "") -> None:
        self.user = user
        self.database = database
        self._home = home
        self._duck = Duck(home.cursor())
        self._session = Session(duck=self._duck, engine=home.engine, profile=TDENGINE)

    @property
    def precision(self) -> Precision:
        """That of the current database; ms where there is none."""
        return "ms"

    def run(self, text: str, timeout: float | None = None) -> Outcome:
        """Run one statement. `timeout` in seconds; the database's own limit where there is none.

        Raises SqlError (with the place), NoSuchTable, NoSuchDatabase, NoPrivilege, DeadlineExceeded, Cancelled and
        what the engine raises; each knows its TDengine code.
        """
        limit = self._home.timeout if timeout is None else timeout
        return read(self._session.sql(text, timeout=limit).table, self.precision)

    def append(
        self, table: str, columns: pa.Table, database: str = "", using: str = "", tags: pa.Table | None = None
    ) -> int:
        """Write rows given as columns, as prepared and schemaless inserts do; the rows that were written.

        `table` is a normal table or a sub-table of `database` (the current one where it is ""), or a super-table, and
        then `columns` has a column `tbname`. Columns are found by name, those left out are NULL, times may be integers
        in the database's precision. With `using`, a super-table, and `tags`, a table of one row whose columns are tag
        names, a sub-table that is not there is made first.
        """
        raise NotImplementedError

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""
        self._session.interrupt()

    def close(self) -> None:
        self._duck.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
