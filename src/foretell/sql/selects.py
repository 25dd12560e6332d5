"""The pipeline that puts DuckDB's words in place of ours: over a statement, and over each SELECT in it.

Each step patches the source (`Source.replace`) and leaves the rest as it was typed, so that errors keep their places.
"""

from __future__ import annotations

from foretell.sql.answer import Answer, Context, Rewrite, SelectRewrite
from foretell.sql.blocks import Block, blocks
from foretell.sql.calls import calls
from foretell.sql.functions import FUNCTIONS, TABLE_FUNCTIONS
from foretell.sql.marks import MARKS, MARKS_OF_DATABASE
from foretell.sql.partitions import limits, names, partitions
from foretell.sql.rewrite import over_result, taken
from foretell.sql.statement import Statement
from foretell.sql.table_call import TableCall, table_calls
from foretell.sql.text import written
from foretell.sql.times import casts, is_local, sums, times
from foretell.sql.tokens import STRING, quote
from foretell.sql.windows.clause import windows
from foretell.sql.words import nows, words

FROZEN = ("VIEW", "MACRO", "FUNCTION", "PREPARE")
"""What DuckDB keeps as a statement to run later, when the forecast would be an old one."""


def selects(statement: Statement, context: Context) -> None:
    """Each SELECT with words of ours, inner ones first."""
    marks = MARKS_OF_DATABASE if context.profile.named else MARKS
    marks = {**marks, STRING: is_local} if context.zone != "UTC" else marks
    tables = table_calls(statement, {name: function.arguments for name, function in TABLE_FUNCTIONS.items()})
    found: list[Block | TableCall] = [*blocks(statement, FUNCTIONS, marks), *tables]
    for one in sorted(found, key=lambda one: (one.span[1], -one.span[0])):
        if isinstance(one, TableCall):
            table_function(one, context)
            continue
        context.blocks.append(one)
        for rewrite in IN_SELECT:
            rewrite(one, context)


def table_function(call: TableCall, context: Context) -> None:
    """Answer a function in FROM, and put the name of its result in its place."""
    _refuse_frozen(call.statement, call.block)
    answer = TABLE_FUNCTIONS[call.name].answer(call, context)
    call.statement.source.replace(*call.statement.place(call.span), written(quote(_lent(answer, context)), call.origin))


def functions(block: Block, context: Context) -> None:
    """Answer a block that calls one of our functions, and put a SELECT from its result in its place."""
    if not block.calls:
        return
    _refuse_frozen(block.statement, block)
    answer = FUNCTIONS[block.calls[0].name](block, context)
    statement = block.statement
    if block.span == (0, len(statement.tokens)) and not context.explain:
        table = taken(block, answer.table, answer.names)
        if table is not None:
            context.answers.append(answer)
            context.done.append(table)
            return
    name = _lent(answer, context)
    statement.source.replace(*statement.place(block.span), over_result(block, name, answer.names, answer.history))


def _lent(answer: Answer, context: Context) -> str:
    """The name under which DuckDB sees an answer, until the statement is done."""
    name = f"__foretell_{len(context.answers)}"
    context.place.duck.register(name, answer.table)
    context.lent.callback(context.place.duck.unregister, name)
    context.answers.append(answer)
    return name


def _refuse_frozen(statement: Statement, block: Block) -> None:
    for i in range(block.span[0]):
        if statement.is_word(i, "TABLE", "INTO") or statement.parent[i] >= 0:
            return
        if statement.is_word(i, *FROZEN):
            raise statement.error(
                f"{block.calls[0].name} is computed once, now; keep its result with CREATE TABLE ... AS",
                i,
            )


REWRITES: tuple[Rewrite, ...] = (words, selects)
"""What is done to a statement before DuckDB runs it, in this order."""
IN_SELECT: tuple[SelectRewrite, ...] = (nows, times, sums, casts, calls, windows, partitions, functions, names, limits)
"""What is done to a SELECT with words of ours, in this order."""
