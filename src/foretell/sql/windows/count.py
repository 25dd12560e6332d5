"""COUNT_WINDOW(n [, sliding] [, column ...]): n rows each; the last windows may have fewer."""

from __future__ import annotations

from foretell.sql.statement import Span
from foretell.sql.text import joined
from foretell.sql.windows.frame import Frame, Windowed, count_of

MOST = 2**31 - 1


def count_window(window: Windowed) -> Frame:
    """Row i of a group belongs to the windows that begin at a multiple of `sliding` up to it, less than n before it."""
    size, sliding, columns = _read(window)
    rows = window.rows(window.write("{} AS __ts", window.time.sql))
    if columns:
        known = [window.write("({}) IS NOT NULL", window.block.statement.cut(span)) for span in columns]
        rows = window.write("{} WHERE {}", window.over(rows), joined(known, " OR "))
    rows = window.over(rows, window.write("row_number() OVER ({}ORDER BY __ts) - 1 AS __n", window.partition))
    of_row = f"__n // {sliding}"
    if sliding < size:
        first = f"CASE WHEN __n < {size} THEN 0 ELSE (__n - {size}) // {sliding} + 1 END"
        of_row = f"unnest(range({first}, __n // {sliding} + 1))"
    return Frame(window.over(rows, window.write(f"{of_row} AS __window")), ("__window",), "min(__ts)", "max(__ts)")


def _read(window: Windowed) -> tuple[int, int, list[Span]]:
    statement = window.block.statement
    size = count_of(window, window.arguments[0], "COUNT_WINDOW", 2, MOST)
    rest = window.arguments[1:]
    if rest and statement.written(rest[0]).isdecimal():
        return size, count_of(window, rest[0], "the sliding of COUNT_WINDOW", 1, size), rest[1:]
    return size, size, rest
