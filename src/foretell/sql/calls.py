"""Calls of TDengine's functions in the words that `meanings` has for them, inner ones first."""

from __future__ import annotations

import re

from foretell.sql.answer import Context
from foretell.sql.blocks import Block, Call, is_call, read_call
from foretell.sql.durations import MICROSECOND
from foretell.sql.history import partition_keys
from foretell.sql.items import split_alias
from foretell.sql.meanings import CALLS, OF_DATABASE, Meaning
from foretell.sql.relation import MILLISECOND, Time, relation, required_time
from foretell.sql.statement import Statement
from foretell.sql.text import Text, joined, written
from foretell.sql.tokens import quote
from foretell.sql.words import to_local
from foretell.wire.taos_types import TBNAME

TIME_WORDS = ("_ROWTS", "_C0")
OF_ALL = ("FIRST", "LAST", "LAST_ROW")
"""Selectors that take *."""
KNOWN = {**CALLS, **OF_DATABASE}
SLOT = re.compile(r"\{(\w+)\}")
NO_ORDER = ("ORDER", "IGNORE", "RESPECT")
"""Words inside a call that make it DuckDB's own, such as FIRST(v ORDER BY x)."""


def is_ours(statement: Statement, i: int) -> bool:
    """Whether the name at `i` is a call of TDengine's function, and not of one that DuckDB has under that name."""
    if not is_call(statement, i):
        return False
    last = statement.partner[i + 1]
    if statement.is_word(last + 1, "OVER", "FILTER", "WITHIN"):
        return False
    return not any(statement.is_word(j, *NO_ORDER) for j in statement.level((i + 2, last)))


def calls(block: Block, context: Context) -> None:
    """Rewrite the calls of a block and its pseudo-column `_rowts`."""
    statement = block.statement
    for i in reversed(block.marks):
        token = statement.tokens[i]
        if token.text in TIME_WORDS:
            time = required_time(block, context, token.text.lower())
            statement.source.replace(token.start, token.end, written(time.sql, token.start))
        elif token.text in KNOWN and statement.is_sign(i + 1, "("):
            _rewrite(block, context, read_call(statement, i))


def _rewrite(block: Block, context: Context, call: Call) -> None:
    statement = block.statement
    meaning = KNOWN[call.name]
    if meaning.needs_time and ("FROM" not in block.whole or relation(block, context).time is None):
        return  # DuckDB may have a function of that name
    start, end = statement.place(call.span)
    if call.name in OF_ALL and _is_star(statement, call):
        statement.source.replace(start, end, _of_all(block, context, call, meaning))
        return
    template = meaning.template(len(call.every))
    if template is None:
        most = meaning.fewest + len(meaning.sql) - 1
        numbers = str(most) if most == meaning.fewest else f"{meaning.fewest} to {most}"
        raise statement.error(f"{call.name} takes {numbers} argument{'s' * (most > 1)}", call.span)
    arguments = [statement.cut(argument) for argument in call.every]
    statement.source.replace(start, end, spelled(block, context, template, arguments))


def spelled(block: Block, context: Context, template: str, arguments: list[Text]) -> Text:
    """A template with its arguments, for this block."""
    start = block.statement.place(block.span)[0]
    text = Text()
    for i, part in enumerate(SLOT.split(template)):
        if i % 2 == 0:
            text += written(part, arguments[0].origin(0) if arguments else start)
        elif part.isdecimal():
            text += arguments[int(part)]
        else:
            text += SLOTS[part](block, context, arguments)
    return text


def _ts(block: Block, context: Context, arguments: list[Text]) -> Text:
    return written(required_time(block, context, "this").sql, arguments[0].origin(0))


def _epoch(block: Block, context: Context, arguments: list[Text]) -> Text:
    return written("epoch_ns" if _is_fine(block, context) else "epoch_us", _origin(block, arguments))


def _fine(block: Block, context: Context, arguments: list[Text]) -> Text:
    return written("1000" if _is_fine(block, context) else "1", _origin(block, arguments))


def _stamp(block: Block, context: Context, arguments: list[Text]) -> Text:
    return written("TIMESTAMP_NS" if _is_fine(block, context) else "TIMESTAMP", _origin(block, arguments))


def _is_fine(block: Block, context: Context) -> bool:
    """Whether the time column has nanoseconds."""
    time = relation(block, context).time if "FROM" in block.whole else None
    return time is not None and time.is_fine


def _origin(block: Block, arguments: list[Text]) -> int:
    return arguments[0].origin(0) if arguments else block.statement.place(block.span)[0]


def _ticks(block: Block, context: Context, arguments: list[Text]) -> Text:
    time: Time | None = relation(block, context).time if "FROM" in block.whole else None
    tick = MILLISECOND if time is None else time.tick
    counted = 1 if _is_fine(block, context) else MICROSECOND
    return written("1" if tick == counted else f"(1 / {tick // counted}.0)", _origin(block, arguments))


def _groups(block: Block, _context: Context, _arguments: list[Text]) -> Text:
    keys = [block.statement.cut(key.span) for key in partition_keys(block)]
    return (written("PARTITION BY ", keys[0].origin(0)) + joined(keys)) if keys else Text()


def _each(block: Block, context: Context, arguments: list[Text]) -> Text:
    keys = _groups(block, context, arguments)
    return keys + written(", ", keys.origin(0)) if keys.pieces else written("PARTITION BY ", arguments[0].origin(0))


def _over(block: Block, context: Context, arguments: list[Text]) -> Text:
    origin = arguments[0].origin(0)
    groups = _groups(block, context, arguments)
    return (
        written("OVER (", origin)
        + groups
        + written(" ORDER BY ", origin)
        + _ts(block, context, arguments)
        + written(")", origin)
    )


def _behind(_block: Block, context: Context, arguments: list[Text]) -> Text:
    origin = arguments[0].origin(0)
    if context.zone == "UTC":
        return written("INTERVAL 0 SECOND", origin)
    first, last = to_local("\0", context.zone).split("\0")
    local = written(f"({first}CAST(", origin) + arguments[0] + written(f" AS TIMESTAMP){last})", origin)
    return (
        written("(CAST(", origin) + arguments[0] + written(" AS TIMESTAMP) - ", origin) + local + written(")", origin)
    )


SLOTS = {
    "epoch": _epoch,
    "fine": _fine,
    "stamp": _stamp,
    "ts": _ts,
    "ticks": _ticks,
    "groups": _groups,
    "each": _each,
    "over": _over,
    "behind": _behind,
}


def _is_star(statement: Statement, call: Call) -> bool:
    return statement.is_sign(call.span[0] + 2, "*") and call.span[1] == call.span[0] + 4


def _of_all(block: Block, context: Context, call: Call, meaning: Meaning) -> Text:
    """A selector of every column, each named `first(column)`."""
    statement = block.statement
    item = next((item for item in block.items if item[0] <= call.span[0] < item[1]), None)
    if item is None or split_alias(statement, item)[0] != call.span or split_alias(statement, item)[1] is not None:
        raise statement.error(f"{call.name}(*) stands alone in a SELECT list, without a name of its own", call.span)
    start = statement.place(call.span)[0]
    found = []
    for name, _ in relation(block, context).columns:
        if name.lower() == TBNAME:
            continue
        text = spelled(block, context, meaning.sql[0], [written(quote(name), start)])
        found.append(text + written(f" AS {quote(f'{call.name.lower()}({name})')}", start))
    return joined(found)
