"""A session: SQL in, tables out. Whatever has no FORECAST in it goes to DuckDB as it is."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from foretell.engine.engine import Control, Engine, Progress
from foretell.errors import NoSuchColumn, SqlError, UnknownName
from foretell.sql.anode_statements import anode_statement, anode_tables
from foretell.sql.answer import FILES, Answer, Context, Profile, Rewrite
from foretell.sql.blocks import select_around
from foretell.sql.duck import Duck, UnknownColumn
from foretell.sql.frames import caller, table_in
from foretell.sql.functions import FUNCTIONS, PSEUDO_COLUMNS
from foretell.sql.history import Place
from foretell.sql.marks import OF_WINDOWS, is_plain
from foretell.sql.relation import relation
from foretell.sql.result import Result
from foretell.sql.selects import REWRITES
from foretell.sql.statement import Statement, statements
from foretell.sql.text import Source, check_text
from foretell.sql.whole_file import read_file
from foretell.wire.taos_types import TBNAME

if TYPE_CHECKING:
    from foretell.sql.anodes import Anodes

log = logging.getLogger("foretell.sql")

PLAN = pa.schema(
    {
        "call": pa.string(),
        "model": pa.string(),
        **dict.fromkeys(("series", "points", "rows", "batches"), pa.int64()),
        "plan": pa.string(),
    }
)
"""What EXPLAIN gives where a function of ours is called."""


class Session:
    """A DuckDB database with FORECAST.

    `path` is a database file, or `:memory:`; a given `engine` is shared, and left open. `timeout` in seconds holds
    for each call that has none of its own. `profile` sets the limits, `warn` is called with one line for each series
    that got no forecast (a log warning otherwise). A database gives its own `duck`, and `names`, which puts what it
    keeps in the place of the tables that a statement names, before anything else is read; its sessions share `anodes`,
    which only an administrator may change. A session is for one thread; `interrupt` is for any.
    """

    def __init__(
        self,
        path: str = ":memory:",
        *,
        engine: Engine | None = None,
        read_only: bool = False,
        timeout: float | None = None,
        profile: Profile = FILES,
        warn: Callable[[str], None] = log.warning,
        duck: Duck | None = None,
        names: Rewrite | None = None,
        zone: str = "UTC",
        anodes: Callable[[], Anodes] | None = None,
        is_admin: bool = True,
    ) -> None:
        self.duck = duck or Duck.open(path, read_only)
        self._rewrites: tuple[Rewrite, ...] = (names or anode_tables, *REWRITES)
        self._may_be_plain = names is None and zone == "UTC" and not profile.named
        self._zone = zone
        self.engine = engine or Engine()
        self._own_engine = engine is None
        self._own_anodes: Anodes | None = None
        self._anodes = anodes or self._anodes_of_session
        self._is_admin = is_admin
        self._timeout = timeout
        self._profile = profile
        self._warn = warn

    def sql(self, text: str, *, timeout: float | None = None, progress: Progress | None = None) -> Result:
        """Run the statements in `text`; the result is that of the last one. `timeout` in seconds is for all of them.

        Raises SqlError, DeadlineExceeded or Cancelled.
        """
        results = list(self._run(text, timeout, progress, caller()))
        return results[-1] if results else Result(pa.table({}))

    def run(self, text: str, *, timeout: float | None = None, progress: Progress | None = None) -> Iterator[Result]:
        """The result of each statement in `text`, as soon as it is there."""
        return self._run(text, timeout, progress, caller())

    def read_file(self, path: str, name: str = "") -> pa.Table:
        """All of a CSV, Parquet or JSON file, or of all files that a pattern names; errors call it `name`."""
        return read_file(path, name or path, lambda statement: self.sql(statement).table, self._warn)

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""
        self.duck.interrupt()

    def close(self) -> None:
        self.duck.close()
        if self._own_anodes is not None:
            self._own_anodes.close()
        if self._own_engine:
            self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _anodes_of_session(self) -> Anodes:
        from foretell.sql.anodes import Anodes  # an HTTP client that few sessions need takes 0.2 s to import

        if self._own_anodes is None:
            self._own_anodes = Anodes(self.engine)
        return self._own_anodes

    def _run(
        self, text: str, timeout: float | None, progress: Progress | None, frame: FrameType | None
    ) -> Iterator[Result]:
        check_text(text)
        place = Place(self.duck, lambda name: table_in(frame, name))
        with self.duck.deadline(self._timeout if timeout is None else timeout) as deadline:
            if self._may_be_plain and is_plain(text):
                source = Source(text)
                table, affected = self.duck.table(source.cut(0, len(text)), source, place.lookup)
                yield Result(table, affected=affected)
                return
            for statement in statements(text):
                yield self._answer(statement, place, progress, deadline)

    def statement(self, statement: Statement, timeout: float | None = None) -> Result:
        """Run a statement that has been read, and perhaps changed, already."""
        with self.duck.deadline(self._timeout if timeout is None else timeout) as deadline:
            return self._answer(statement, Place(self.duck, lambda _: None), None, deadline)

    def _answer(self, statement: Statement, place: Place, progress: Progress | None, deadline: float | None) -> Result:
        control = Control(progress=progress, cancel=self.duck.stopped)
        context = Context(
            place,
            self.engine,
            self._profile,
            control,
            self._warn,
            self._anodes,
            self._is_admin,
            deadline,
            zone=self._zone,
        )
        return _run_statement(statement, context, self._rewrites)


def _run_statement(statement: Statement, context: Context, rewrites: Sequence[Rewrite]) -> Result:
    if (run := anode_statement(statement)) is not None:
        return Result(run(statement, context.anodes(), context.is_admin))
    with ExitStack() as lent:
        context = replace(context, explain=statement.is_word(0, "EXPLAIN"), lent=lent)
        try:
            for rewrite in rewrites:
                rewrite(statement, context)
            if context.done:
                return Result(context.done[0], tuple(context.answers))
            whole = statement.cut((0, len(statement.tokens)))
            table, affected = context.place.duck.table(whole, statement.source, context.place.lookup)
        except UnknownColumn as error:
            raise _explained(error, context, statement) from None
    if context.explain and context.answers:
        if any(statement.is_word(i, "ANALYZE") for i in (1, 2)):  # EXPLAIN ANALYZE, EXPLAIN (ANALYZE, ...)
            context.warn("the times are those of DuckDB alone: EXPLAIN runs no model")
        return _plans(context.answers, table)
    return Result(table, tuple(context.answers), affected)


def _plans(answers: list[Answer], explained: pa.Table) -> Result:
    """What EXPLAIN gives: a row for each call of ours with what it would take, then DuckDB's plan over the results."""
    calls = [{"call": a.block.statement.written(a.block.calls[0].span), **a.plan, "plan": None} for a in answers]
    plan = [line for text in explained.column(1).to_pylist() for line in text.splitlines() if line.strip()]
    rows = pa.Table.from_pylist(calls, PLAN)
    return Result(pa.concat_tables([rows, pa.Table.from_pylist([{"plan": line} for line in plan], PLAN)]))


def _explained(error: UnknownColumn, context: Context, statement: Statement) -> SqlError:
    """What an unknown column is where one of our words is about: none of a result, a pseudo-column, or none of FROM."""
    for answer in context.answers:
        block = answer.block
        start, end = block.statement.place(block.span)
        if block.calls[0].name in FUNCTIONS and error.position is not None and start <= error.position < end:
            return block.statement.source.error(
                f"{error.column} is no column of the result of {block.calls[0].name}; "
                f"add it to PARTITION BY, or join the result with the table that has it",
                error.position,
            )
    if error.column.upper() in OF_WINDOWS:
        return statement.source.error(f"{error.column} belongs to a window, and there is none here", error.position)
    if error.column.upper() in PSEUDO_COLUMNS and not context.answers:
        owners = " or ".join(PSEUDO_COLUMNS[error.column.upper()])
        return statement.source.error(
            f"{error.column} belongs to {owners}, and there is none here; is the name misspelled?", error.position
        )
    if (known := _known_columns(error, context, statement)) is None:
        return error
    message = str(UnknownName("column", error.column, known))
    return statement.source.error(message, error.position, kind=NoSuchColumn)


def _known_columns(error: UnknownColumn, context: Context, statement: Statement) -> list[str] | None:
    """The columns behind the FROM of the SELECT in which an unknown one stands; None where that has no word of ours."""
    ends = [token.end for token in statement.tokens]
    here = -1 if error.position is None else bisect_right(ends, error.position)
    if not 0 <= here < len(ends):
        return None
    span = select_around(statement, here)
    block = next((one for one in context.blocks if one.span == span and "FROM" in one.whole), None)
    with suppress(SqlError):
        if block is not None:
            names = {name for name, _ in relation(block, context).columns}
            return [*names, *(context.tags - names if TBNAME in names else ())]
    return None
