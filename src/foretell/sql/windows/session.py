"""SESSION(ts, gap): rows no further apart than `gap` are one window, from its first row to its last."""

from __future__ import annotations

from foretell.sql.durations import read_duration
from foretell.sql.items import column_name
from foretell.sql.statement import Span
from foretell.sql.windows.frame import Frame, Windowed


def session_window(window: Windowed) -> Frame:
    """Number the gaps that are too wide; rows of equal times stay together, since their sum is over a RANGE."""
    gap = _gap(window)
    ts = window.time.number("__ts")
    wide = window.write(
        "CASE WHEN {} - lag({}) OVER ({}ORDER BY __ts) > {} THEN 1 ELSE 0 END AS __new", ts, ts, window.partition, gap
    )
    rows = window.over(window.rows(window.write("{} AS __ts", window.time.sql)), wide)
    rows = window.over(rows, window.write("sum(__new) OVER ({}ORDER BY __ts) AS __window", window.partition))
    return Frame(rows, ("__window",), "min(__ts)", "max(__ts)")


def _gap(window: Windowed) -> str:
    """The gap, in what `Time.number` counts."""
    statement = window.block.statement
    if len(window.arguments) != 2:
        raise statement.error("SESSION takes the time column and a duration: SESSION(ts, 10m)", window.arguments[0])
    column, gap = window.arguments
    _check_column(window, column)
    step = read_duration(statement, gap, "SESSION", window.time.step)
    if step.months:
        raise statement.error("the gap of a session is a length of time, which a month or a year has not", gap)
    return str(step.ns // window.time.per_number)


def _check_column(window: Windowed, span: Span) -> None:
    statement = window.block.statement
    name = column_name(statement, span) or ""
    time = window.time.sql.rpartition(".")[2].strip('"')
    if name.lower() not in (time.lower(), "_rowts", "_c0"):
        raise statement.error(f"SESSION goes by the time column, which is {time}", span)
