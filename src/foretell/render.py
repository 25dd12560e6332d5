"""A result as text or bytes: a table for people, CSV, JSON or Arrow for programs."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import IO, Any, Literal

import pyarrow as pa

from foretell.errors import InvalidInput
from foretell.wire.plain import iso_times, json_of, parts_of, plain, text_of

Format = Literal["table", "csv", "json", "arrow"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json", "arrow")
MOST_ROWS = 60
UNQUOTED = re.compile(r"[^,\"\r\n]+")
"""Texts that CSV may have without quotes around them."""
IN_ONE_LINE = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})
"""How a table shows what would break its lines or their columns."""


def checked_format(text: str) -> Format:
    for known in FORMATS:
        if text == known:
            return known
    raise InvalidInput("--format", f"must be one of {', '.join(FORMATS)}, got {text!r}")


def write(table: pa.Table, format: Format, out: IO[bytes]) -> None:
    """Write `table` to a binary stream. JSON is one array of objects, times ISO 8601 UTC, missing numbers null.

    NaN is missing; infinity is null in JSON, which has none.
    """
    if format == "arrow":
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
        return
    text = {"csv": _csv, "json": _json, "table": _text}[format](table)
    for piece in text:
        out.write(piece.encode("utf-8"))


class Printer:
    """Writes the tables of a script: as text one after the other, a blank line between; else one can be read, the last.

    A reader of JSON or Arrow takes one result for all that there is.
    """

    def __init__(self, format: Format, out: IO[bytes]) -> None:
        self._format, self._out = format, out
        self._last: pa.Table | None = None
        self._count = 0

    def add(self, table: pa.Table) -> None:
        self._count += 1
        if self._format in ("json", "arrow"):
            self._last = table
            return
        if self._count > 1:
            self._out.write(b"\n")
        write(table, self._format, self._out)
        self._out.flush()

    def end(self) -> int:
        """Write what is left to write; how many tables were not written."""
        if self._last is None:
            return 0
        write(self._last, self._format, self._out)
        self._out.flush()
        return self._count - 1


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of texts as lines, each column as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _csv(table: pa.Table) -> Iterator[str]:
    """Nothing for what is missing, "" for an empty text."""
    yield ",".join(map(_quoted, table.column_names)) + "\n"
    for row in zip(*([_field(v) for v in plain(column)] for column in table.columns), strict=True):
        yield ",".join(row) + "\n"


def _field(value: Any) -> str:
    if value is None or value != value:
        return ""
    return str(value) if isinstance(value, int | float) else _quoted(text_of(value))


def _quoted(text: str) -> str:
    return text if UNQUOTED.fullmatch(text) else '"' + text.replace('"', '""') + '"'


def _json(table: pa.Table) -> Iterator[str]:
    names = _different(table.column_names)
    between = "["
    for row in zip(*map(plain, table.columns), strict=True):
        yield between + json_of(dict(zip(names, row, strict=True)))
        between = ",\n "
    yield "]\n" if between != "[" else "[]\n"


def _different(names: Sequence[str]) -> list[str]:
    """Names of which none stands twice: a further `a` is `a_1`, as where DuckDB needs different ones."""
    known: dict[str, None] = {}
    for name in names:
        tries = (f"{name}_{i}" if i else name for i in itertools.count())
        known[next(one for one in tries if one not in known)] = None
    return list(known)


def _text(table: pa.Table) -> Iterator[str]:
    """At most MOST_ROWS rows, the middle left out and said."""
    total = len(table)
    if total > MOST_ROWS:
        half = MOST_ROWS // 2
        shown = pa.concat_tables([table.slice(0, half), table.slice(total - half)])
    else:
        half, shown = total, table
    cells = [
        [text.translate(IN_ONE_LINE) for text in (name, *_cells(column))]
        for name, column in zip(shown.column_names, shown.columns, strict=True)
    ]
    right = [_is_number(field.type) for field in table.schema]
    widths = [max(map(len, column)) for column in cells]
    for row in range(len(shown) + 1):
        yield (
            "  ".join(
                column[row].rjust(width) if is_right else column[row].ljust(width)
                for column, width, is_right in zip(cells, widths, right, strict=True)
            ).rstrip()
            + "\n"
        )
        if row == 0:
            yield "  ".join("-" * width for width in widths) + "\n"
        if row == half and total > len(shown):
            yield f"... {total - len(shown):,} more rows (--format csv shows all)\n"


def _cells(column: pa.ChunkedArray) -> list[str]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        texts = iso_times(column)
        midnight = all(t is None or t.endswith("T00:00:00Z") or "T" not in t for t in texts)
        shown = "T00:00:00Z" if midnight else "Z"
        return ["" if t is None else t.removesuffix(shown).replace("T", " ") for t in texts]
    if pa.types.is_floating(kind):
        return _decimals(column.to_pylist())
    if pa.types.is_interval(kind):
        return ["" if v is None else _in_words(v) for v in column.to_pylist()]
    return ["" if v is None else text_of(v) for v in plain(column)]


def _in_words(interval: Any) -> str:
    return " ".join(f"{n} {unit}{'' if n in ('1', '-1') else 's'}" for n, unit in parts_of(interval))


def _decimals(values: list[float | None]) -> list[str]:
    """Six significant digits; with the same number of decimals, so that they align, where the sizes are alike."""
    sizes = [abs(v) for v in values if v is not None and math.isfinite(v) and v != 0]
    largest, smallest = max(sizes, default=1.0), min(sizes, default=1.0)
    if not 1e-3 <= smallest <= largest < min(1e9, 1e5 * smallest):
        return ["" if v is None else f"{v:.6g}" for v in values]
    digits = max(0, 5 - math.floor(math.log10(largest)))
    return ["" if v is None else f"{v:.{min(6, digits)}f}" for v in values]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
