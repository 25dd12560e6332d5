"""Prepared statements: `INSERT INTO ? USING st TAGS (?) VALUES (?, ?)` and queries with parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.errors import InvalidInput, SqlError
from foretell.sql.database.connection import Connection
from foretell.sql.database.outcome import Outcome
from foretell.sql.database.values import written_value
from foretell.sql.statement import Statement, statements
from foretell.sql.taos.described import Field, describe
from foretell.sql.tokens import NAME, WORD, unquote
from foretell.wire.taos_stmt2 import Bound, read_bound
from foretell.wire.taos_types import TBNAME, VARCHAR

COLUMN, TAG, TABLE = 1, 2, 4
"""What a parameter is bound to, as clients number it."""
NAME_BYTES = 271


@dataclass(frozen=True, slots=True)
class Target:
    """Where an INSERT writes: a `table` of `database`, or, where that is "", one that is bound. `using` is the
    super-table whose sub-tables are bound, "" where there is none."""

    table: str
    database: str
    using: str = ""

    def place(self, one: Bound) -> tuple[str, str]:
        """The database and the table that take what was bound. A bound name may begin with its database."""
        database, _, name = (one.table or "").rpartition(".")
        return database or self.database, self.using or self.table or name


@dataclass(slots=True)
class Prepared:
    """A statement of one connection: prepared, bound, run, as often as the client likes."""

    _statement: Statement | None = None
    _target: Target | None = None
    _fields: list[tuple[Field, int]] = field(default_factory=list)
    """Of an INSERT, in the order of its parameters: what each is, and what it is bound to."""
    _bound: list[Bound] = field(default_factory=list)
    _outcome: Outcome | None = None

    def prepare(self, connection: Connection, sql: str) -> None:
        """Read the statement. Of an INSERT the tables are looked up."""
        found = list(statements(sql))
        if len(found) != 1:
            raise SqlError("must be one statement", sql, 0)
        self._statement, self._target, self._fields, self._bound, self._outcome = found[0], None, [], [], None
        if found[0].is_word(0, "INSERT"):
            self._target, self._fields = _Insert(found[0], connection).read()

    def description(self) -> dict[str, Any]:
        if self._target is None:
            return {"is_insert": False, "fields": None, "fields_count": len(self._parameters())}
        return {
            "is_insert": True,
            "fields_count": len(self._fields),
            "fields": [
                {
                    "name": one.name,
                    "field_type": one.type.number,
                    "precision": 0,
                    "scale": 0,
                    "bytes": one.type.width or one.bytes,
                    "bind_type": bound_to,
                }
                for one, bound_to in self._fields
            ],
        }

    def bind(self, _: Connection, body: memoryview) -> None:
        """Values for the parameters, of one or many tables; several binds add up until the statement is run."""
        if self._statement is None:
            raise InvalidInput("stmt_id", "the statement has not been prepared")
        self._bound += [self._checked(one) for one in read_bound(body)]

    def execute(self, connection: Connection) -> int:
        """Run with what was bound; the rows written, 0 of a query."""
        bound, self._bound = self._bound, []
        if self._statement is None or not bound:
            raise InvalidInput("stmt_id", "nothing is prepared or nothing is bound")
        if self._target is not None:
            return self._insert(connection, self._target, bound)
        self._outcome = connection.run(self._written(bound[-1]))
        return self._outcome.affected or 0

    def take_outcome(self) -> Outcome:
        """What the query gave."""
        if self._outcome is None:
            raise InvalidInput("stmt_id", "there is no result: the statement is no query, or has not been run")
        found, self._outcome = self._outcome, None
        return found

    def _checked(self, one: Bound) -> Bound:
        wanted = {kind: [f.name for f, bound_to in self._fields if bound_to == kind] for kind in (COLUMN, TAG, TABLE)}
        if self._target is None:
            wanted[COLUMN] = ["?"] * len(self._parameters())
        if len(one.columns) != len(wanted[COLUMN]) or len(one.tags) != len(wanted[TAG]):
            raise InvalidInput(
                "bind",
                f"brings {len(one.columns)} columns and {len(one.tags)} tags for "
                f"{len(wanted[COLUMN])} columns and {len(wanted[TAG])} tags",
            )
        if wanted[TABLE] and not one.table:
            raise InvalidInput("bind", "names no table")
        return one

    def _insert(self, connection: Connection, target: Target, bound: list[Bound]) -> int:
        """One write for each table that is named; sub-tables of a super-table go together, as its rows."""
        columns, tags = ([f.name for f, bound_to in self._fields if bound_to == kind] for kind in (COLUMN, TAG))
        groups: dict[tuple[str, str], list[Bound]] = {}
        for one in bound:
            groups.setdefault(target.place(one), []).append(one)
        return sum(
            connection.append(table, _joined(group, columns, tags, target), database)
            for (database, table), group in groups.items()
        )

    def _parameters(self) -> list[int]:
        """Tokens that are question marks."""
        found = self._statement
        return [] if found is None else [i for i in range(len(found.tokens)) if found.is_sign(i, "?")]

    def _written(self, one: Bound) -> str:
        """The query with its first row of values in the place of the parameters."""
        found, marks = self._statement, self._parameters()
        if found is None or any(len(column) != 1 for column in one.columns):
            raise InvalidInput("bind", "a query takes one value for each parameter")
        parts, at = [], 0
        for mark, column in zip(marks, one.columns, strict=True):
            token = found.tokens[mark]
            parts += [found.source.text[at : token.start], written_value(column[0].as_py())]
            at = token.end
        return "".join([*parts, found.source.text[at:]])


def _joined(group: list[Bound], columns: list[str], tags: list[str], target: Target) -> pa.Table:
    """What was bound for many tables as rows of one; of a super-table with the sub-tables and their tags."""
    lengths = [len(one.columns[0]) if one.columns else 0 for one in group]
    which = pa.array(np.repeat(np.arange(len(group)), lengths))
    found: dict[str, Any] = {}
    if target.using:
        names = [(one.table or "").rpartition(".")[2] or target.table for one in group]
        found = {TBNAME: pa.array(names, pa.string()).take(which)}
        found |= {name: _chained([one.tags[i] for one in group]).take(which) for i, name in enumerate(tags)}
    return pa.table(found | {name: _chained([one.columns[i] for one in group]) for i, name in enumerate(columns)})


def _chained(arrays: list[pa.Array]) -> pa.Array:
    try:
        return pa.concat_arrays(arrays)
    except pa.ArrowException:
        kinds = ", ".join(sorted({str(array.type) for array in arrays}))
        raise InvalidInput("bind", f"brings one column in several types: {kinds}") from None


class _Insert:
    """Reads `INSERT INTO target [USING st [(tags)] TAGS (?, ...)] [(columns)] VALUES (?, ...)`."""

    def __init__(self, statement: Statement, connection: Connection) -> None:
        self.statement = statement
        self.connection = connection
        self.at = 1

    def read(self) -> tuple[Target, list[tuple[Field, int]]]:
        self._word("INTO")
        is_bound = self.statement.is_sign(self.at, "?")
        table, database = ("", "") if is_bound else self._name()
        written = "" if is_bound else self._written
        fields = [(Field(TBNAME, VARCHAR, NAME_BYTES, False), TABLE)] if is_bound else []
        self.at += is_bound
        using = ""
        tags: list[tuple[Field, int]] = []
        if self.statement.is_word(self.at, "USING"):
            self.at += 1
            using, home = self._name()
            database = home or database
            written = self._written
            tags = self._tags(written)
        columns = self._columns(written)
        if self.at != len(self.statement.tokens):
            raise self.statement.error("this is not understood in a prepared INSERT", self.at)
        if table and any(bound_to == TABLE for _, bound_to in columns):  # INSERT INTO st (tbname, ...)
            using = table
        return Target(table, database, using), [*fields, *tags, *columns]

    def _tags(self, using: str) -> list[tuple[Field, int]]:
        known = describe(self.connection, using)
        names = self._names()
        self._word("TAGS")
        fields = [self._find(known.fields, name) for name in names] if names else known.tags
        self._marks(len(fields))
        return [(field, TAG) for field in fields]

    def _columns(self, table: str) -> list[tuple[Field, int]]:
        names = self._names()
        self._word("VALUES")
        if not table:
            count = self._marks(None)
            return [(Field(name, VARCHAR, 0, False), COLUMN) for name in (names or ["?"] * count)]
        known = describe(self.connection, table)
        fields = [self._find(known.fields, name) for name in names] if names else known.columns
        self._marks(len(fields))
        kinds = {True: TAG, False: COLUMN}
        return [(field, TABLE if field.name == TBNAME else kinds[field.is_tag]) for field in fields]

    def _find(self, fields: tuple[Field, ...], name: str) -> Field:
        if name == TBNAME:
            return Field(TBNAME, VARCHAR, NAME_BYTES, False)
        found = next((field for field in fields if field.name == name), None)
        if found is None:
            raise self.statement.error(f"there is no column or tag {name}", self.at - 1)
        return found

    def _word(self, word: str) -> None:
        if not self.statement.is_word(self.at, word):
            raise self.statement.error(f"{word} is expected here", self.at)
        self.at += 1

    def _name(self) -> tuple[str, str]:
        """A table and its database, "" where none is named; `_written` is how both were written."""
        first = self.at
        parts = [self._part()]
        if self.statement.is_sign(self.at, "."):
            self.at += 1
            parts.append(self._part())
        self._written = self.statement.written((first, self.at))
        return parts[-1], parts[0] if len(parts) == 2 else ""

    def _part(self) -> str:
        if self.at >= len(self.statement.tokens) or self.statement.tokens[self.at].kind not in (WORD, NAME):
            raise self.statement.error("a name is expected here", self.at)
        token = self.statement.tokens[self.at]
        self.at += 1
        name = unquote(token, self.statement.source.text)
        return name.lower() if token.kind == WORD else name

    def _names(self) -> list[str]:
        """Names in brackets, none where no bracket stands."""
        if not self.statement.is_sign(self.at, "("):
            return []
        end = self.statement.partner[self.at]
        found = []
        for first, last in self.statement.split((self.at + 1, end)):
            self.at = first
            found.append(self._part())
            if self.at != last:
                raise self.statement.error("a name is expected here", first)
        self.at = end + 1
        return found

    def _marks(self, count: int | None) -> int:
        """As many question marks in brackets."""
        if not self.statement.is_sign(self.at, "("):
            raise self.statement.error("( is expected here", self.at)
        end = self.statement.partner[self.at]
        found = self.statement.split((self.at + 1, end))
        for first, last in found:
            if last - first != 1 or not self.statement.is_sign(first, "?"):
                raise self.statement.error("a prepared INSERT takes nothing but ? here", first)
        if count is not None and len(found) != count:
            raise self.statement.error(f"{len(found)} parameters for {count} names", self.at)
        self.at = end + 1
        return len(found)
