"""What a query that comes from a network may read and call: the tables that were granted, files, an allow-list of
functions behind FROM, and one of functions elsewhere (`pure`).

It is DuckDB that says what the text that is about to run reads (`reads`). So it does not matter how a table is written,
nor how it came into the text: what was not granted is not read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Set

import duckdb

from foretell.sql.database.pure import PURE
from foretell.sql.database.reads import Named, Reads, reads_of
from foretell.sql.duck import LENT, PATH, Forbidden
from foretell.sql.statement import statements

TABLE_FUNCTIONS = frozenset(
    [
        "read_csv",
        "read_csv_auto",
        "read_json",
        "read_json_auto",
        "read_json_objects",
        "read_ndjson",
        "read_ndjson_auto",
        "read_ndjson_objects",
        "read_parquet",
        "parquet_scan",
        "glob",
        "sniff_csv",
        "range",
        "generate_series",
        "unnest",
        "repeat",
        "repeat_row",
        "json_each",
        "json_tree",
    ]
)
"""Functions behind FROM. Those that read files read the allowed folders only: DuckDB itself sees to that."""
RECURSES = "VARIANT"
"""A type to which DuckDB casts nested JSON by a recursion without a bound, and dies of it."""
MOST_LAMBDAS = 4
"""Lambdas inside of lambdas. DuckDB's memory doubles with each level, before it looks at its limit."""
_BLANK = r"(?:\s|--[^\n\r]*\n|/\*(?:(?!/\*|\*/).)*\*/)*"
"""Blanks and comments, but for those about whose end two readers could be of two minds."""
_OPTION = rf"{_BLANK}(?:ANALYZE|FORMAT\s+\w+){_BLANK}"
EXPLAIN = re.compile(rf"\s*EXPLAIN\b{_BLANK}(?:ANALYZE\b|\({_OPTION}(?:,{_OPTION})*\))?", re.IGNORECASE | re.DOTALL)
_TEXT = r"'[^']*+(?:''[^']*+)*+'"
"""Text in quotes, of which no way back is kept, as in the tokenizer."""
TO_FILE = re.compile(rf"\s*TO\s+{_TEXT}\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*", re.IGNORECASE)
"""What stands behind the query of a COPY."""
QUERY = re.compile(rf"{_TEXT}|\b(?P<word>SELECT|FROM|TABLE|VALUES|WITH|PIVOT|UNPIVOT)\b", re.IGNORECASE)
"""A text, or a word that begins a query."""
WITHOUT_SCHEMA = """
SELECT table_name FROM duckdb_tables() WHERE schema_name IN ('main', 'pg_catalog')
UNION SELECT view_name FROM duckdb_views() WHERE schema_name IN ('main', 'pg_catalog')
"""
SHELL = re.compile(r"\b(?:DESCRIBE|DESC|SUMMARIZE|SHOW)\b", re.IGNORECASE)
"""Words that look at tables by other ways than FROM."""
MOST_KEPT, LONGEST_KEPT = 1000, 10_000
"""Texts of which it is kept what they read, and their characters."""
NO_QUERY = "only queries may be run here"
PIVOT = re.compile(r"\bPIVOT\b", re.IGNORECASE)
NO_VALUES = "PIVOT needs its values here: PIVOT t ON column IN (value, ...)"
"""What is wrong with one that DuckDB takes apart into several statements, which look for the values first."""


def names_without_schema(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """What a name alone may stand for in a file: DuckDB's own views, and tables that are not ours."""
    return frozenset(name.lower() for (name,) in connection.execute(WITHOUT_SCHEMA).fetchall())


class Guard:
    """Lets pass what one connection may run.

    `granted` gives the tables that it may read now; `closed` are names that nothing may stand for, `kept` is what texts
    read, for all connections. `may_copy`: COPY (SELECT ...) TO a file, too.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        granted: Callable[[], Set[tuple[str, ...]]],
        closed: Collection[str],
        kept: dict[str, Reads],
        may_copy: bool,
    ) -> None:
        self._connection = connection
        self._granted = granted
        self._closed = closed
        self._kept = kept
        self._may_copy = may_copy

    def __call__(self, sql: str) -> None:
        """Raise Forbidden, or DuckDB's error where the text is wrong."""
        query, start = self._query_in(sql)
        found = self._reads(query, sql)
        _check_calls(found, query, start)
        self._check_tables(found, query, start)

    def _check_tables(self, found: Reads, query: str, start: int) -> None:
        granted = self._granted()
        for table in found.tables:
            if len(table.parts) > 1:
                if table.parts not in granted:
                    raise _forbidden(f"{table} cannot be read here", table, query, start)
            elif not self._may_stand(table.parts[0], found.defined):
                raise _forbidden(f"no table and no file has the name {table}", table, query, start)

    def _may_stand(self, name: str, defined: Collection[str]) -> bool:
        """Whether a name alone is one of WITH, of a file, or of what was lent, whatever place it stands in."""
        is_known = name.lower() in defined or name.startswith(LENT) or PATH.search(name) is not None
        return is_known and name.lower() not in self._closed

    def _reads(self, query: str, sql: str) -> Reads:
        found = self._kept.get(query)
        if found is None:
            try:
                found = reads_of(self._connection, query)
            except RecursionError:
                raise Forbidden("this is nested too deep: some 300 levels are known here") from None
            if found is None:
                self._connection.extract_statements(sql)  # says what is wrong with it
                raise Forbidden(NO_VALUES if PIVOT.search(query) else NO_QUERY)
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            if len(query) <= LONGEST_KEPT:
                self._kept[query] = found
        if found.others and (shown := SHELL.search(query)):
            raise Forbidden(f"{shown[0].upper()} cannot stand here", shown[0])
        if found.others:
            raise Forbidden(NO_QUERY)
        return found

    def _query_in(self, sql: str) -> tuple[str, int]:
        """The query that a statement runs, and where it begins."""
        if explained := EXPLAIN.match(sql):
            return sql[explained.end() :], explained.end()
        if not self._may_copy or sql[:4].upper() != "COPY":
            return sql, 0
        [statement] = statements(sql)
        end = statement.tokens[statement.partner[1]].end if statement.is_sign(1, "(") else 0
        rest = sql[end:]
        if not end or not TO_FILE.fullmatch(rest) or any(match["word"] for match in QUERY.finditer(rest)):
            raise Forbidden("files are written by COPY (SELECT ...) TO 'file' (OPTION value, ...)")
        return f"FROM{sql[4:end]}", 0  # as long, so that places stay


def _check_calls(found: Reads, query: str, start: int) -> None:
    for call in found.calls:
        if call.parts[-1].lower() not in PURE:
            raise _forbidden(f"{call} cannot be called here{_guess(call)}", call, query, start)
    for call in found.table_calls:
        if str(call).lower() not in TABLE_FUNCTIONS:
            raise _forbidden(f"{call} cannot be called behind FROM here", call, query, start)
    for kind in found.types:
        if kind.parts[-1].upper() == RECURSES:
            raise _forbidden(f"{kind} is no type for queries here", kind, query, start)
    if found.lambdas > MOST_LAMBDAS:
        raise Forbidden(f"there may be {MOST_LAMBDAS} lambdas inside of each other at most")


def _guess(call: Named) -> str:
    """What was meant, perhaps."""
    close = difflib.get_close_matches(call.parts[-1].lower(), PURE, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _forbidden(message: str, name: Named, query: str, start: int) -> Forbidden:
    place = None if name.place is None else start + len(query.encode()[: name.place].decode(errors="ignore"))
    return Forbidden(message, name.parts[-1], place)
