"""STATE_WINDOW(expression, ...): neighbouring rows with one state are a window.

A row whose state is NULL belongs to the window around it; before the first state and behind the last one to those;
between two different states to none.
"""

from __future__ import annotations

from foretell.sql.text import Text, joined
from foretell.sql.windows.frame import Frame, Windowed, numbered

OF_ROW = "CASE WHEN __before IS NULL THEN __after WHEN __after IS NULL OR __before = __after THEN __before END AS __of"


def state_window(window: Windowed) -> Frame:
    """Give each row the state before it and the one after, and number the changes."""
    rows = numbered(window, window.write("{} AS __state", _state(window)))
    before = _nearest(window, "last", "UNBOUNDED PRECEDING AND CURRENT ROW", "__before")
    after = _nearest(window, "first", "CURRENT ROW AND UNBOUNDED FOLLOWING", "__after")
    rows = window.over(window.over(rows, before, after), window.write(OF_ROW))
    rows = window.over(rows, where="__of IS NOT NULL")
    new = "CASE WHEN __of = lag(__of) OVER ({}ORDER BY __n) THEN 0 ELSE 1 END AS __new"
    rows = window.over(rows, window.write(new, window.partition))
    number = "sum(__new) OVER ({}ORDER BY __n ROWS UNBOUNDED PRECEDING) AS __window"
    rows = window.over(rows, window.write(number, window.partition))
    return Frame(rows, ("__window",), "min(__ts)", "max(__ts)", tuple(window.arguments))


def _state(window: Windowed) -> Text:
    """The state of a row: NULL as soon as a part of it is."""
    parts = [window.block.statement.cut(span) for span in window.arguments]
    if len(parts) == 1:
        return window.write("({})", parts[0])
    known = joined([window.write("({}) IS NOT NULL", part) for part in parts], " AND ")
    return window.write("CASE WHEN {} THEN row({}) END", known, joined(parts))


def _nearest(window: Windowed, which: str, rows: str, name: str) -> Text:
    template = f"{which}_value(__state IGNORE NULLS) OVER ({{}}ORDER BY __n ROWS BETWEEN {rows}) AS {name}"
    return window.write(template, window.partition)
