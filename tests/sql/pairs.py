"""Fixtures in plain SQL: statements with what they must give, or the error that they must raise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from foretell.sql.statement import statements

HERE = Path(__file__).parent


class Pair(NamedTuple):
    name: str
    ours: str
    plain: str


class Fault(NamedTuple):
    name: str
    statement: str
    message: str
    place: str


def pairs(file: str) -> Iterator[Pair]:
    """Every two statements of a file."""
    text = (HERE / file).read_text()
    found = [text[s.start : s.end] for s in statements(text)]
    for number, (ours, plain) in enumerate(zip(found[::2], found[1::2], strict=True), 1):
        yield Pair(f"{file}-{number}", ours, plain)


def faults(file: str) -> Iterator[Fault]:
    """Statements with `--! message @ place` under them."""
    paragraphs = (HERE / file).read_text().split("\n\n")[1:]
    for number, paragraph in enumerate(paragraphs, 1):
        statement, _, expected = paragraph.strip().rpartition(";\n--! ")
        message, _, place = expected.partition(" @ ")
        yield Fault(f"{file}-{number}", statement, message, place)
