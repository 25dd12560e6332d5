"""EVENT_WINDOW START WITH condition END WITH condition: from the row that opens a window to the one that closes it.

A row may do both. What is never closed is no window.
"""

from __future__ import annotations

from foretell.sql.statement import Span
from foretell.sql.windows.frame import Frame, Windowed, numbered

CLOSED_BEFORE = (
    "coalesce(count_if(__closes) OVER ({}ORDER BY __n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS __window"
)


def event_window(window: Windowed) -> Frame:
    """Rows that close cut a group into parts; a window begins at the first row of a part that opens one."""
    opens, closes = _conditions(window)
    cut = window.block.statement.cut
    rows = numbered(
        window,
        window.write("coalesce(({}), false) AS __opens", cut(opens)),
        window.write("coalesce(({}), false) AS __closes", cut(closes)),
    )
    rows = window.over(rows, window.write(CLOSED_BEFORE, window.partition))
    part = window.write("{}, __window", window.partition) if window.keys else window.write("PARTITION BY __window")
    opened = window.write("bool_or(__opens) OVER ({} ORDER BY __n ROWS UNBOUNDED PRECEDING) AS __open", part)
    closed = window.write("bool_or(__closes) OVER ({}) AS __closed", part)
    rows = window.over(window.over(rows, opened, closed), where="__open AND __closed")
    return Frame(rows, ("__window",), "min(__ts)", "max(__ts)")


def _conditions(window: Windowed) -> tuple[Span, Span]:
    statement = window.block.statement
    first, last = window.block.clauses[window.word]
    ends = (
        i for i in statement.level((first, last)) if statement.is_word(i, "END") and statement.is_word(i + 1, "WITH")
    )
    end = next(ends, None)
    if not statement.is_word(first, "WITH") or end is None or end == first + 1 or end + 2 >= last:
        raise statement.error("EVENT_WINDOW has the form START WITH condition END WITH condition", first - 1)
    return (first + 1, end), (end + 2, last)
