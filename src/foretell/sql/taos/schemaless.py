"""Writes points that come without a table: super-tables, columns, tags and sub-tables are made as they are needed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from foretell.errors import InvalidInput, NoDatabase, NoSuchTable
from foretell.sql.database.connection import Connection
from foretell.sql.taos.described import Described, describe
from foretell.sql.tokens import ticked
from foretell.wire.schemaless import Cell, Point, read_points
from foretell.wire.taos_types import NCHAR, TBNAME, VARCHAR, Type
from foretell.wire.taos_values import NS

TIME = "_ts"
NO_TAG = "_tag_null"
"""The tag of a super-table whose points have none."""
LEAST = 16
"""Characters or bytes of a text column that is made for a short text."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The points of one message; `name_tag` is the tag whose value names the sub-table, "" lets one be made up."""

    points: Sequence[Point]
    name_tag: str

    @classmethod
    def of(cls, protocol: int, unit: str, text: str, name_tag: str) -> Lines:
        return cls(read_points(protocol, unit, text), name_tag)

    def insert(self, connection: Connection) -> int:
        """Write them; the rows that were written."""
        if not connection.database:
            raise NoDatabase("no database is named, and none is current")
        tables: dict[str, list[Point]] = defaultdict(list)
        for point in self.points:
            tables[point.table].append(point)
        for table, points in tables.items():
            _prepare(connection, table, points)
        return sum(self._write(connection, table, points) for table, points in tables.items())

    def _write(self, connection: Connection, table: str, points: list[Point]) -> int:
        """Points that tell the same columns are written together; those that a point does not tell stay as they are."""
        alike: dict[frozenset[str], list[Point]] = defaultdict(list)
        for point in points:
            alike[frozenset(point.cells)].append(point)
        unit = NS[connection.precision]
        return sum(connection.append(table, self._rows(mine, unit)) for mine in alike.values())

    def _rows(self, points: list[Point], unit: int) -> pa.Table:
        """Rows of a super-table: their sub-tables, times, columns and tags."""
        columns: dict[str, Any] = {
            TBNAME: pa.array([self._child(point) for point in points], pa.string()),
            TIME: pa.array([point.time // unit for point in points], pa.int64()),
        }
        for name, cell in points[0].cells.items():
            columns[name] = _array(name, [point.cells[name].value for point in points], cell.type)
        for name in {tag: None for point in points for tag in point.tags} or [NO_TAG]:
            columns[name] = pa.array([point.tags.get(name) for point in points], pa.string())
        return pa.table(columns)

    def _child(self, point: Point) -> str:
        """A name that the same tags have always."""
        if named := point.tags.get(self.name_tag):
            return named
        tags = (f"{_escaped(tag)}={_escaped(value)}" for tag, value in sorted(point.tags.items()))
        key = ",".join([_escaped(point.table), *tags])
        return f"t_{hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()}"


def _escaped(word: str) -> str:
    """A word between commas and =, so that no two lists of words look the same."""
    return word.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def _array(name: str, values: list[Any], kind: Type) -> pa.Array:
    try:
        return pa.array(values, kind.arrow)
    except (pa.ArrowException, OverflowError) as error:
        raise InvalidInput(name, f"does not fit {kind.name}: {error}") from None


def _prepare(connection: Connection, table: str, points: list[Point]) -> None:
    """Make the super-table, or add what it lacks and widen what is too narrow."""
    columns: dict[str, tuple[Type, int]] = {}
    tags: dict[str, tuple[Type, int]] = {}
    for point in points:
        for name, cell in point.cells.items():
            columns[name] = _widest(columns.get(name), cell)
        for name, value in point.tags.items():
            tags[name] = _widest(tags.get(name), Cell(NCHAR, value))
    tags = tags or {NO_TAG: (NCHAR, 1)}
    try:
        have = describe(connection, ticked(table))
    except NoSuchTable:
        body = ", ".join([f"{ticked(TIME)} TIMESTAMP", *map(_declared, columns.items())])
        tail = ", ".join(map(_declared, tags.items()))
        connection.run(f"CREATE STABLE IF NOT EXISTS {ticked(table)} ({body}) TAGS ({tail})")
        return
    for what, wanted in (("COLUMN", columns), ("TAG", tags)):
        for one in wanted.items():
            _alter(connection, table, have, what, one)


def _widest(before: tuple[Type, int] | None, cell: Cell) -> tuple[Type, int]:
    kind, size = before or (cell.type, 0)
    length = len(cell.value.encode() if kind is VARCHAR else cell.value) if isinstance(cell.value, str) else 0
    return kind, max(size, length)


def _alter(connection: Connection, table: str, have: Described, what: str, one: tuple[str, tuple[Type, int]]) -> None:
    name, (kind, size) = one
    field = have.find(name)
    if field is None:
        connection.run(f"ALTER STABLE {ticked(table)} ADD {what} {_declared(one)}")
    elif not kind.width and field.bytes < size:
        wide = f"{ticked(field.name)} {field.type.name}({_room(size)})"
        connection.run(f"ALTER STABLE {ticked(table)} MODIFY {what} {wide}")


def _declared(one: tuple[str, tuple[Type, int]]) -> str:
    name, (kind, size) = one
    return f"{ticked(name)} {kind.name}" if kind.width else f"{ticked(name)} {kind.name}({_room(size)})"


def _room(size: int) -> int:
    """A power of two, so that tables are not altered for each longer text."""
    return max(LEAST, 1 << (size - 1).bit_length()) if size else LEAST
