"""A result as text or bytes: a table for people, CSV, JSON or Arrow for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from foretell.errors import InvalidInput

Format = Literal["table", "csv", "json", "arrow"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json", "arrow")
MOST_ROWS = 60


def checked_format(text: str) -> Format:
    for known in FORMATS:
        if text == known:
            return known
    raise InvalidInput("--format", f"must be one of {', '.join(FORMATS)}, got {text!r}")


def write(table: pa.Table, format: Format, out: IO[bytes]) -> None:
    """Write `table` to a binary stream. JSON is one array of objects, times ISO 8601 UTC, missing numbers null."""
    if format == "arrow":
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
        return
    text = {"csv": _csv, "json": _json, "table": _text}[format](table)
    for piece in text:
        out.write(piece.encode("utf-8"))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of texts as lines, each column as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _csv(table: pa.Table) -> Iterator[str]:
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*_columns(table, ""), strict=True))
    yield buffer.getvalue()


def _json(table: pa.Table) -> Iterator[str]:
    rows = zip(*_columns(table, None), strict=True)
    lines = [json.dumps(dict(zip(table.column_names, row, strict=True)), ensure_ascii=False) for row in rows]
    yield "[" + ",\n ".join(lines) + "]\n"


def _columns(table: pa.Table, missing: Any) -> list[list[Any]]:
    """Plain values; times as ISO 8601 (with Z: UTC), NaN and infinity as `missing`."""
    columns = []
    for column in table.columns:
        kind = column.type
        if pa.types.is_floating(kind):
            column = pc.if_else(pc.is_finite(column), column, None)
        elif pa.types.is_timestamp(kind):
            column = iso_times(column)
        values = column.to_pylist()
        plain = [v if v is None or isinstance(v, int | float | str | bool) else str(v) for v in values]
        columns.append([missing if v is None else v for v in plain])
    return columns


def iso_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Timestamps as text, 2020-01-31T00:00:00Z, with as many decimals as any of them needs."""
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[column.type.unit]
    texts = pc.strftime(column.cast(pa.timestamp(column.type.unit)), format="%Y-%m-%dT%H:%M:%S")
    needed = [t for t in texts.to_pylist() if t]
    cut = _needed_decimals(needed, digits)
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(texts, 0, 19 + (cut + 1 if cut else 0)), "Z", "")


def _needed_decimals(texts: list[str], digits: int) -> int:
    """0, 3, 6 or 9: the fewest decimals of a second that lose nothing."""
    for cut in range(0, digits, 3):
        if all(set(text[20 + cut :]) <= {"0"} for text in texts):
            return cut
    return digits


def _text(table: pa.Table) -> Iterator[str]:
    """At most MOST_ROWS rows, the middle left out and said."""
    total = len(table)
    if total > MOST_ROWS:
        half = MOST_ROWS // 2
        shown = pa.concat_tables([table.slice(0, half), table.slice(total - half)])
    else:
        half, shown = total, table
    cells = [[name, *_cells(shown[name])] for name in table.column_names]
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
        texts = iso_times(column).to_pylist()
        midnight = all(t is None or t.endswith("T00:00:00Z") for t in texts)
        return ["" if t is None else t[:10] if midnight else t[:-1].replace("T", " ") for t in texts]
    values = column.to_pylist()
    if pa.types.is_floating(kind):
        return _decimals(values)
    return ["" if v is None else str(v) for v in values]


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
