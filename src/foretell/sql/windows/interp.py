"""INTERP(column) ... RANGE(from, to) EVERY(step) FILL(mode): the value of a column at given times, for each group.

at a time that a row has     its value
at another time              what FILL says, from the nearest rows before and behind that have a value
where FILL finds none        no row
"""

from __future__ import annotations

from foretell.sql.blocks import Block, Call, read_call
from foretell.sql.durations import interval, read_duration
from foretell.sql.grouped import key_texts, put
from foretell.sql.items import label, split_alias
from foretell.sql.text import Text, joined
from foretell.sql.times import instant
from foretell.sql.tokens import quote
from foretell.sql.windows.fill import MODES, MOST, VALUES, Fill, ordered_rows, read_fill
from foretell.sql.windows.frame import Windowed, inside

FORM = "INTERP has the form SELECT _irowts, INTERP(column) FROM ... RANGE(from, to) EVERY(step) FILL(mode)"
SAMPLES = "(SELECT __g, __t, __v{0} FROM __s WHERE __v{0} IS NOT NULL)"
NEEDED = ("PREV", "NEXT", "NEAR", "LINEAR", "NONE")
"""Modes that give no row where they find no value."""


def interp(window: Windowed) -> Text:
    """The block over a table of the times that are asked for."""
    block = window.block
    calls = interp_calls(block)
    if not calls or "FILL" not in block.clauses or "RANGE" not in block.clauses:
        raise block.statement.error(FORM, calls[0].span if calls else block.span)
    fill = read_fill(window, (*MODES, "NEAR")) or Fill("NONE", ())
    return _selected(window, _rows(window, calls, fill), calls)


def interp_calls(block: Block) -> list[Call]:
    """The calls of INTERP in a block, each once."""
    statement = block.statement
    calls = [read_call(statement, i) for i in block.marks if statement.tokens[i].text == "INTERP"]
    return list({statement.key(call.span): call for call in calls}.values())


def _rows(window: Windowed, calls: list[Call], fill: Fill) -> Text:
    """`__k0`, ... the group, `__start` the time, `__c0`, ... the values, and whether one was filled."""
    cut = window.block.statement.cut
    for call in calls:
        if not 1 <= len(call.every) <= 2:
            raise window.block.statement.error("INTERP takes a column", call.span)
    keys = key_texts(window.block, window.keys)
    columns = [window.write(f"{{}} AS __k{i}", key) for i, key in enumerate(keys)]
    group = window.write("row({}) AS __g", joined(keys)) if keys else window.write("1 AS __g")
    columns += [group, window.write(f"{window.time.plain(window.time.sql)} AS __t")]
    columns += [window.write(f"{{}} AS __v{i}", cut(call.every[0])) for i, call in enumerate(calls)]
    names = "".join(f"__k{i}, " for i in range(len(keys)))
    joins = "".join(
        f" ASOF LEFT JOIN {SAMPLES.format(i)} p{i} ON t.__g = p{i}.__g AND t.__start >= p{i}.__t"
        f" ASOF LEFT JOIN {SAMPLES.format(i)} n{i} ON t.__g = n{i}.__g AND t.__start <= n{i}.__t"
        for i in range(len(calls))
    )
    values = joined(_value(window, fill, i) for i in range(len(calls)))
    found = " OR ".join(f"__c{i} IS NOT NULL" for i in range(len(calls)))
    where = f" WHERE {found}" if fill.mode in NEEDED else ""
    return window.write(
        f"WITH __s AS ({{}}), __t AS ({{}}), __r AS (SELECT {names}__start, {{}}, "
        f"p0.__t IS DISTINCT FROM __start AS __filled FROM __t t{joins}) SELECT * FROM __r{where}",
        _samples(window, columns),
        _times(window, names),
        values,
    )


def _samples(window: Windowed, columns: list[Text]) -> Text:
    return window.write("SELECT {} FROM ({}){}", joined(columns), window.rows(), window.alias)


def _times(window: Windowed, names: str) -> str:
    """Every time that is asked for, for each group."""
    first, last, step = _range(window)
    many = f"(epoch_us({last}) - epoch_us({first})) / epoch_us({step}) > {MOST}"
    series = f"CASE WHEN {many} THEN error('INTERP would give more than {MOST} rows') "
    series += f"ELSE generate_series({first}, {last}, {step}) END"
    return f"SELECT DISTINCT {names}__g, unnest({series}) AS __start FROM __s"


def _range(window: Windowed) -> tuple[str, str, str]:
    """RANGE and EVERY; one time alone is its own end."""
    block, statement = window.block, window.block.statement
    ends = inside(block, "RANGE")
    if len(ends) > 2 or (len(ends) == 2) != ("EVERY" in block.clauses):
        raise statement.error(FORM, block.whole["RANGE"])
    times = [window.time.plain(instant(statement, end, window.time, window.context.zone)) for end in ends]
    if len(ends) == 1:
        return times[0], times[0], "INTERVAL 1 DAY"
    [every, *more] = inside(block, "EVERY")
    if more:
        raise statement.error("EVERY takes one duration", more[0])
    return times[0], times[1], interval(statement, read_duration(statement, every, "EVERY", window.time.step), every)


def _value(window: Windowed, fill: Fill, i: int) -> Text:
    p, n = f"p{i}.__v{i}", f"n{i}.__v{i}"
    exact = f"CASE WHEN p{i}.__t = __start THEN {p}"
    before, behind = f"(epoch_us(__start) - epoch_us(p{i}.__t))", f"(epoch_us(n{i}.__t) - epoch_us(__start))"
    line = f"{p}::DOUBLE + ({n}::DOUBLE - {p}::DOUBLE) * {before} / ({before} + {behind})"
    otherwise = {
        "PREV": p,
        "NEXT": n,
        "LINEAR": line,
        "NEAR": f"CASE WHEN {n} IS NULL OR {before} <= {behind} THEN {p} ELSE {n} END",
    }
    if fill.mode in VALUES:
        value = window.block.statement.cut(fill.values[min(i, len(fill.values) - 1)])
        return window.write(f"{exact} ELSE {{}} END AS __c{i}", value)
    return window.write(f"{exact} ELSE {otherwise.get(fill.mode, 'NULL')} END AS __c{i}")


def _selected(window: Windowed, rows: Text, calls: list[Call]) -> Text:
    """The list, the order and the limits over the times."""
    block, statement = window.block, window.block.statement
    start = window.time.typed("__start")
    known = {statement.key(call.span): f"__c{i}" for i, call in enumerate(calls)}
    known |= {statement.key(key.span): f"__k{i}" for i, key in enumerate(window.keys)}
    known |= {(("word", "_IROWTS"),): start, (("word", "_ISFILLED"),): "__filled"}
    items = []
    for item in block.items:
        expression, alias = split_alias(statement, item)
        put(statement, expression, known)
        name = "" if alias is not None else f" AS {quote(label(statement, expression))}"
        items.append(window.write("{}{}", statement.cut(item), name))
    if "ORDER" in block.clauses:
        put(statement, block.clauses["ORDER"], known)
    return ordered_rows(window, items, rows)
