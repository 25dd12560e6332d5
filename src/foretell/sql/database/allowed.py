"""What a query that comes from a network may call and say: an allow-list of table functions, and of statements."""

from __future__ import annotations

import re

import duckdb

from foretell.errors import SqlError
from foretell.sql.database.references import Reference
from foretell.sql.statement import Statement
from foretell.sql.tokens import NAME, STRING, WORD, unquote

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
REFUSED = re.compile(
    r"(?:duckdb_|pragma_|pg_|inet_|has_|arrow_scan|python_|pandas_scan|query(?:_table)?$|getenv$|getvariable$|sleep_ms$"
    r"|current_setting$|current_quer|write_log$|which_secret$|json_execute|seq_scan$|nextval$|setval$|read_(?:text|blob)$"
    r"|enable_|disable_|force_checkpoint$|checkpoint$|create_external|register_ext|destroy_ext|deregister_ext|truncate_)",
    re.IGNORECASE,
)
"""Functions that tell of the machine, read what no name of a table stands for, or change something."""
OF_THE_SHELL = ("DESCRIBE", "DESC", "SUMMARIZE", "SHOW", "PIVOT", "UNPIVOT", "PRAGMA", "CALL")
"""Words that begin a query that looks at tables by other ways than FROM."""
_WRITES = re.compile(
    r"\b(?:INSERT|UPDATE|DELETE|MERGE|COPY|CREATE|DROP|ALTER|ATTACH|DETACH|INSTALL|LOAD|SET|RESET|PRAGMA|CALL|EXPORT|"
    r"IMPORT|CHECKPOINT|VACUUM|EXECUTE|PREPARE|TRUNCATE|USE|BEGIN|COMMIT|ROLLBACK)\b",
    re.IGNORECASE,
)
_EXPLAIN = re.compile(r"\s*EXPLAIN(?:\s+ANALYZE)?\b", re.IGNORECASE)


def check_words(statement: Statement) -> None:
    """Refuse calls of REFUSED functions and queries that begin with a word OF_THE_SHELL."""
    for i, token in enumerate(statement.tokens):
        if token.kind not in (WORD, NAME):
            continue
        name = unquote(token, statement.source.text)
        if statement.is_sign(i + 1, "(") and REFUSED.match(name):
            raise statement.error(f"{name} cannot be called here", i)
        if statement.is_word(i, *OF_THE_SHELL) and (i == 0 or statement.is_sign(i - 1, "(")):
            raise statement.error(f"{token.text} cannot stand here", i)


def check_call(statement: Statement, reference: Reference, ours: frozenset[str]) -> None:
    """Refuse table functions that are neither allowed nor our own."""
    name = ".".join(reference.parts).lower()
    if name not in TABLE_FUNCTIONS and name not in ours:
        raise statement.error(f"{name} cannot be called behind FROM here", reference.span)


def check_file(statement: Statement, i: int) -> None:
    """Refuse a text behind FROM that is no file: DuckDB looks for a table of that name first."""
    token = statement.tokens[i]
    if token.kind == STRING and not re.search(r"[./*?]", unquote(token, statement.source.text)):
        raise statement.error("no file has this name", i)


def check_reads(connection: duckdb.DuckDBPyConnection, sql: str, may_copy: bool = False) -> None:
    """Refuse whatever DuckDB does not take for a query, or, with `may_copy`, for a COPY. `sql` is what it is about to
    run."""
    if _WRITES.search(sql) is None:
        return
    explained = _EXPLAIN.match(sql)
    try:
        found = connection.extract_statements(sql[explained.end() :] if explained else sql)
    except duckdb.Error:
        return  # it says so itself when it runs, with the place
    allowed = (duckdb.StatementType.SELECT, *((duckdb.StatementType.COPY,) if may_copy and not explained else ()))
    if len(found) != 1 or found[0].type not in allowed:
        raise SqlError("only queries may be run here")
