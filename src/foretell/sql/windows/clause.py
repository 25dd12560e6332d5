"""A SELECT with a window clause, as one that groups rows by the columns of its windows."""

from __future__ import annotations

from foretell.sql.answer import Context
from foretell.sql.blocks import Block
from foretell.sql.durations import read_duration
from foretell.sql.grouped import Groups, grouped
from foretell.sql.statement import Span
from foretell.sql.text import Text
from foretell.sql.windows import WINDOWS
from foretell.sql.windows.bounds import bounds
from foretell.sql.windows.fill import filled_windows, read_fill
from foretell.sql.windows.frame import Frame, Windowed, count_of, inside, windowed
from foretell.sql.windows.interp import interp, interp_calls
from foretell.sql.windows.interval import read_grid

REFUSED = {
    "GROUP": "use PARTITION BY",
    "QUALIFY": "use HAVING, or a query around it",
    "WINDOW": "use the window function in a query around it",
    "USING": "sample in a subquery",
}
BELONG = {"FILL": ("INTERVAL", "INTERP"), "SLIDING": ("INTERVAL",), "TRUE_FOR": ("STATE_WINDOW", "EVENT_WINDOW")}
"""The clauses that follow a window, and which."""


def windows(block: Block, context: Context) -> None:
    """Rewrite a block that has a window clause."""
    found = [word for word in WINDOWS if word in block.whole]
    if interp_calls(block) or "RANGE" in block.whole or "EVERY" in block.whole:
        found.append("INTERP")
    _check(block, found)
    if not found:
        return
    if found[0] == "INTERP":
        window = windowed(block, context, "RANGE" if "RANGE" in block.whole else "FROM")
        _put_in_place(window, interp(window))
        return
    window = windowed(block, context, found[0])
    frame = WINDOWS[found[0]](window)
    groups = _groups(window, frame)
    fill = read_fill(window)
    text = filled_windows(window, read_grid(window), fill, groups) if fill else grouped(block, context, groups)
    _put_in_place(window, text)


def _put_in_place(window: Windowed, text: Text) -> None:
    statement = window.block.statement
    statement.source.replace(*statement.place(window.block.span), window.write("SELECT * FROM ({})", text))


def _check(block: Block, found: list[str]) -> None:
    error = block.statement.error
    for word in block.whole:
        if word in BELONG and not any(other in found for other in BELONG[word]):
            raise error(f"{word} follows {' or '.join(BELONG[word])}", block.whole[word])
        if found and word in REFUSED:
            raise error(f"{word} cannot stand beside {found[0]}: {REFUSED[word]}", block.whole[word])
    if len(found) > 1:
        raise error(f"one SELECT has one window: {found[0]} or {found[1]}", block.whole.get(found[1], block.span))
    if found and block.calls:
        call = block.calls[0]
        raise error(f"{call.name} cannot stand beside {found[0]}: aggregate first, in a subquery", call.span)
    if found and "SELECT" not in block.whole:
        raise error(f"{found[0]} needs a SELECT", block.span)
    for first, last in block.items if found else ():
        if block.statement.is_sign(last - 1, "*") and last - first in (1, 3):
            raise error(f"* cannot stand beside {found[0]}: name what each window shall give", first)


def _groups(window: Windowed, frame: Frame) -> Groups:
    time = window.time
    meant = {
        "_WSTART": frame.start,
        "_WEND": frame.end,
        "_WDURATION": f"({time.ticks(frame.end)} - {time.ticks(frame.start)})",
        **frame.meant,
    }
    if window.block.mentions("_QSTART", "_QEND"):
        said = bounds(window)
        meant |= {"_QSTART": time.typed(said.first or "NULL"), "_QEND": time.typed(said.last or "NULL")}
    source = window.write("FROM ({}){}", frame.rows, window.alias)
    return Groups(source, window.keys, frame.by, frame.by[0], _true_for(window, frame), meant, frame.same)


def _true_for(window: Windowed, frame: Frame) -> str:
    """What TRUE_FOR(duration), TRUE_FOR(COUNT n) or both ask of a window."""
    if "TRUE_FOR" not in window.block.clauses:
        return ""
    statement = window.block.statement
    [span, *more] = inside(window.block, "TRUE_FOR")
    if more:
        raise statement.error("TRUE_FOR takes a duration, COUNT n, or both with AND or OR", more[0])
    sign = next((i for i in range(*span) if statement.is_word(i, "AND", "OR")), None)
    if sign is None:
        return _lasting(window, frame, span)
    parts = [_lasting(window, frame, part) for part in ((span[0], sign), (sign + 1, span[1]))]
    return f"({f' {statement.tokens[sign].text} '.join(parts)})"


def _lasting(window: Windowed, frame: Frame, span: Span) -> str:
    statement = window.block.statement
    if statement.is_word(span[0], "COUNT") and span[1] == span[0] + 2:
        return f"count(*) >= {count_of(window, (span[0] + 1, span[1]), 'TRUE_FOR(COUNT n)', 0, 2**31 - 1)}"
    step = read_duration(statement, span, "TRUE_FOR", window.time.step)
    if step.months:
        raise statement.error("TRUE_FOR takes a length of time, which a month or a year has not", span)
    number = window.time.number
    return f"{number(frame.end)} - {number(frame.start)} >= {step.ns // window.time.per_number}"
