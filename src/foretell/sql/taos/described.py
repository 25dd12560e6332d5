"""A table as DESCRIBE tells it."""

from __future__ import annotations

from dataclasses import dataclass

from foretell.errors import ForetellError
from foretell.sql.database.connection import Connection
from foretell.wire.taos_types import BY_NAME, VARCHAR, Type


@dataclass(frozen=True, slots=True)
class Field:
    """A column or a tag; `bytes` as declared."""

    name: str
    type: Type
    bytes: int
    is_tag: bool


@dataclass(frozen=True, slots=True)
class Described:
    fields: tuple[Field, ...]

    @property
    def columns(self) -> list[Field]:
        return [field for field in self.fields if not field.is_tag]

    @property
    def tags(self) -> list[Field]:
        return [field for field in self.fields if field.is_tag]

    def find(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


def describe(connection: Connection, table: str) -> Described:
    """The columns and tags of a table, which is given as SQL writes it; NoSuchTable if there is none."""
    rows = connection.run(f"DESCRIBE {table}").table
    if rows.num_columns < 4:
        raise ForetellError(f"DESCRIBE gives {rows.num_columns} columns")
    names, kinds, sizes, notes = (rows.column(i).to_pylist() for i in range(4))
    return Described(
        tuple(
            Field(name, BY_NAME.get(kind.partition("(")[0], VARCHAR), size, note == "TAG")
            for name, kind, size, note in zip(names, kinds, sizes, notes, strict=True)
        )
    )
