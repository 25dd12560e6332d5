"""FILL(mode [, value ...]): the windows without rows, between the first and the last of a time range.

The range is that of WHERE where it has one; a missing end is that of the group's own windows. Per group:

   aggregated   what the block gives without FILL, a row for each window that has rows
   grid         every window of the range, for each group that has a row
   filled       the grid with what was aggregated, or with what the mode says
"""

from __future__ import annotations

from dataclasses import dataclass

from foretell.sql.grouped import Groups, having, in_order, key_texts, named, put, translate
from foretell.sql.history import WHOLE
from foretell.sql.items import column_name, label, split_alias
from foretell.sql.limits import bounded, is_per_group, limit
from foretell.sql.loose import aggregates_in, loose_columns
from foretell.sql.statement import Span
from foretell.sql.text import Text, joined
from foretell.sql.tokens import quote
from foretell.sql.windows.bounds import bounds
from foretell.sql.windows.frame import Windowed, inside
from foretell.sql.windows.interval import Grid

MOST = 10_000_000
"""Windows of one group; TDengine has the same limit."""
VALUES = ("VALUE", "VALUE_F")
MODES = ("NONE", "NULL", "NULL_F", *VALUES, "PREV", "NEXT", "LINEAR")
NUMBERS = (*WHOLE, "FLOAT", "DOUBLE", "DECIMAL")
BEFORE = "last_value({} IGNORE NULLS) OVER ({}ORDER BY __start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
AFTER = "first_value({} IGNORE NULLS) OVER ({}ORDER BY __start ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
KNOWN = "CASE WHEN {0} IS NOT NULL THEN {{'v': {0}, 't': epoch_us(__start)}} END"


@dataclass(frozen=True)
class Fill:
    """The mode, and the values of FILL(VALUE, ...)."""

    mode: str
    values: tuple[Span, ...]


def read_fill(window: Windowed, modes: tuple[str, ...] = MODES) -> Fill | None:
    """FILL of a block; None where it has none, or NONE."""
    block, statement = window.block, window.block.statement
    if "FILL" not in block.clauses:
        return None
    [(first, last), *values] = inside(block, "FILL")
    mode = statement.tokens[first].text
    if mode not in modes or last != first + 1:
        raise statement.error(f"FILL knows {', '.join(modes)}, not {statement.written((first, last))}", first)
    if mode in VALUES and not values:
        raise statement.error(f"FILL({mode}, ...) needs a value", first)
    if values and mode not in VALUES:
        raise statement.error(f"FILL({mode}) takes no value", values[0])
    return None if mode == "NONE" else Fill(mode, tuple(values))


def filled_windows(window: Windowed, grid: Grid, fill: Fill, groups: Groups) -> Text:
    """The block with every window of its range."""
    block = window.block
    translate(block, window.context, groups)
    items = [split_alias(block.statement, item)[0] for item in block.items]
    computed = [item for item in items if _is_computed(window, item)]
    aggregated = _aggregated(window, groups, computed)
    kinds = [kind for _, kind in _columns(window, aggregated)][len(window.keys) + 1 :]
    _check_values(window, fill, computed)
    rows = _filled(window, grid, fill, aggregated, kinds)
    return _selected(window, rows, computed)


def _is_computed(window: Windowed, item: Span) -> bool:
    """Whether an item is of the rows of a window, and not of its time or group alone."""
    if aggregates_in(window.block, window.context, [item]):
        return True
    names = loose_columns(window.block, window.context, window.keys)
    loose = (word.span for word in names if word.is_loose and item[0] <= word.span[0] < item[1])
    return any(window.relation.type_of(column_name(window.block.statement, span) or "") for span in loose)


def _columns(window: Windowed, query: Text) -> list[tuple[str, str]]:
    place = window.context.place
    return place.duck.columns(window.block.within(query), window.block.statement.source, place.lookup)[0]


def _aggregated(window: Windowed, groups: Groups, computed: list[Span]) -> Text:
    """`__k0`, ... the group, `__start`, and `__c0`, ... the items of the list that aggregates give."""
    block = window.block
    keys = key_texts(block, window.keys)
    columns = [window.write(f"{{}} AS __k{i}", key) for i, key in enumerate(keys)]
    columns.append(window.write("__start"))
    columns += [window.write(f"{{}} AS __c{i}", block.statement.cut(item)) for i, item in enumerate(computed)]
    by = joined([*keys, window.write("__start")])
    return window.write("SELECT {} {} GROUP BY {}{}", joined(columns), groups.source, by, having(block, groups.having))


def _filled(window: Windowed, grid: Grid, fill: Fill, aggregated: Text, kinds: list[str]) -> Text:
    keys = [f"__k{i}" for i in range(len(window.keys))]
    partition = f"PARTITION BY {', '.join(keys)} " if keys else ""
    same = " AND ".join(["__t.__start = __a.__start", *(f"__t.{key} IS NOT DISTINCT FROM __a.{key}" for key in keys)])
    columns = [f"__t.{key}" for key in (*keys, "__start")]
    found = [f"__a.__c{i}" for i in range(len(kinds))]
    row = ", ".join([*columns, "__a.__start IS NOT NULL AS __has", *found])
    values = [_value(window, fill, i, kind, partition) for i, kind in enumerate(kinds)]
    return window.write(
        "WITH __a AS MATERIALIZED ({}), __t AS ({}), "
        f"__r AS (SELECT {row} FROM __t LEFT JOIN __a ON {same}) "
        f"SELECT {', '.join([*keys, '__start'])}{{}} FROM __r",
        aggregated,
        _grid(window, grid, fill, keys),
        joined([window.write(", {}", value) for value in values], ""),
    )


def _grid(window: Windowed, grid: Grid, fill: Fill, keys: list[str]) -> str:
    """Every window of the range, for each group that has a row; without groups, once."""
    said = bounds(window)
    back = f" - {grid.windows - 1} * {grid.step}" if grid.windows > 1 else ""
    first = f"{grid.start(said.first)}{back}" if said.first else "min(__start)"
    last = grid.start(said.last) if said.last else "max(__start)"
    listed = "".join(f"{key}, " for key in keys)
    least = 0 if fill.mode.endswith("_F") else 1
    by = f"GROUP BY {', '.join(keys)}" if keys else f"HAVING count(*) >= {least}"
    ends = f"SELECT {listed}{first} AS __first, {last} AS __last FROM __a {by}"
    many = f"(epoch_us(__last) - epoch_us(__first)) / {grid.step_ns // 1000} > {MOST}"
    message = f"FILL would give more than {MOST} windows; narrow the time range of WHERE"
    series = f"CASE WHEN {many} THEN error('{message}') ELSE generate_series(__first, __last, {grid.step}) END"
    whole = f"SELECT {listed}unnest({series}) AS __start FROM ({ends})"
    if said.first and grid.windows > 1:
        whole = f"SELECT * FROM ({whole}) WHERE __start + {grid.length} > {said.first}"
    return whole


def _value(window: Windowed, fill: Fill, i: int, kind: str, partition: str) -> Text:
    column = f"__c{i}"
    if fill.mode in VALUES:
        value = window.block.statement.cut(fill.values[min(i, len(fill.values) - 1)])
        value = window.write("trunc({})", value) if kind.startswith(WHOLE) else value
        return window.write(f"CASE WHEN __has THEN {column} ELSE CAST({{}} AS {{}}) END AS {column}", value, kind)
    sql = column
    if fill.mode == "PREV":
        sql = BEFORE.format(column, partition)
    elif fill.mode == "NEXT":
        sql = AFTER.format(column, partition)
    elif fill.mode == "LINEAR":
        sql = _linear(column, kind, partition)
    return window.write(f"{sql} AS {column}")


def _linear(column: str, kind: str, partition: str) -> str:
    """On the line between the nearest windows that have a value, as DOUBLE; other things than numbers stay NULL."""
    if not kind.startswith(NUMBERS):
        return column
    p, n = (around.format(KNOWN.format(column), partition) for around in (BEFORE, AFTER))
    share = f"(epoch_us(__start) - ({p}).t) / (({n}).t - ({p}).t)"
    line = f"({p}).v::DOUBLE + (({n}).v::DOUBLE - ({p}).v::DOUBLE) * {share}"
    return f"coalesce({column}, CAST({line} AS {'FLOAT' if kind == 'FLOAT' else 'DOUBLE'}))"


def _check_values(window: Windowed, fill: Fill, computed: list[Span]) -> None:
    if len(fill.values) not in (0, 1, len(computed)):
        raise window.block.statement.error(
            f"FILL(VALUE, ...) takes one value for all, or one for each of {len(computed)} columns", fill.values[0]
        )


def _selected(window: Windowed, rows: Text, computed: list[Span]) -> Text:
    """The list, the order and the limits over the filled windows."""
    block, statement = window.block, window.block.statement
    names = {statement.key(item): f"__c{i}" for i, item in enumerate(computed)}
    keys = {statement.key(key.span): f"__k{i}" for i, key in enumerate(window.keys)}
    items = []
    for item in block.items:
        expression, alias = split_alias(statement, item)
        if (name := names.get(statement.key(expression))) is not None:
            items.append(window.write(f"{name} AS {quote(alias or label(statement, expression))}"))
        else:
            put(statement, expression, keys)
            items.append(named(block, item))
    if "ORDER" in block.clauses:
        put(statement, block.clauses["ORDER"], names | keys)
    return ordered_rows(window, items, rows)


def ordered_rows(window: Windowed, items: list[Text], rows: Text) -> Text:
    """The items of a list over rows with `__k0`, ... and `__start`, in order and within the limits."""
    block = window.block
    texts = [window.write(f"__k{i}") for i in range(len(window.keys))]
    per_group = is_per_group(block)
    conditions = bounded(block, texts, "__start", per_group)
    text = window.write("SELECT {}{} FROM ({})", "DISTINCT " if block.distinct else "", joined(items), rows)
    text += window.write(" QUALIFY {}", joined(conditions, " AND ")) if conditions else Text()
    text += in_order(block, [*texts, window.write("__start")])
    return text if per_group else text + limit(block)
