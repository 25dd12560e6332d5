"""Writes docs/sql-reference.md from the tables of the code: types, statements, windows, functions, options, codes.

tests/sql/test_reference.py runs every example, in the order of the page, and holds the page against the tables.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from foretell import errors
from foretell.sql.answer import TDENGINE
from foretell.sql.call import DEFAULTS
from foretell.sql.database.show import LISTINGS, VIEWS
from foretell.sql.meanings import CALLS, OF_DATABASE, Meaning
from foretell.sql.options import KEYS
from foretell.wire.taos_types import TYPES

PAGE = Path(__file__).parents[1] / "docs" / "sql-reference.md"

RULES = "[where TDengine's rules hold](sql.md#where-tdengines-rules-hold)"

Example = tuple[str, str, str]
"""Syntax, what it does, an example."""

SAMPLE = (
    "CREATE DATABASE plant PRECISION 'ms'",
    "USE plant",
    "CREATE STABLE meters (ts TIMESTAMP, v DOUBLE, w DOUBLE, n INT) TAGS (site VARCHAR(20))",
    "INSERT INTO d1 USING meters TAGS ('north') FILE",
)
"""The last stands for 96 hourly rows from 2024-01-01 on, in d1 and in d2 (site south)."""

STATEMENTS: dict[tuple[str, ...], Example] = {
    ("CREATE", "DATABASE"): (
        "CREATE DATABASE [IF NOT EXISTS] name [PRECISION 'ms'|'us'|'ns'] [option value ...]",
        "A database. TDengine's other options (KEEP, VGROUPS, ...) are kept and shown, and change nothing.",
        "CREATE DATABASE IF NOT EXISTS lab PRECISION 'us' KEEP 365",
    ),
    ("ALTER", "DATABASE"): ("ALTER DATABASE name option value ...", "Other options.", "ALTER DATABASE lab KEEP 30"),
    ("USE",): ("USE name", "The database of names without one, for this connection.", "USE plant"),
    ("CREATE", "STABLE"): (
        "CREATE STABLE [IF NOT EXISTS] name (ts TIMESTAMP, column type, ...) TAGS (tag type, ...)",
        "A super-table: one form for many sub-tables, which differ in their tags.",
        "CREATE STABLE IF NOT EXISTS pumps (ts TIMESTAMP, flow DOUBLE) TAGS (hall INT)",
    ),
    ("CREATE", "TABLE"): (
        "CREATE TABLE [IF NOT EXISTS] name (ts TIMESTAMP, column type, ...) "
        "| name USING stable [(tag, ...)] TAGS (value, ...) [name USING ...]",
        "A table, or sub-tables, several in one statement.",
        "CREATE TABLE p1 USING pumps TAGS (1) p2 USING pumps TAGS (2)",
    ),
    ("ALTER", "STABLE"): (
        "ALTER STABLE name ADD|DROP|MODIFY COLUMN ... | ADD|DROP|RENAME|MODIFY TAG ...",
        "Another form.",
        "ALTER STABLE pumps ADD COLUMN pressure DOUBLE",
    ),
    ("ALTER", "TABLE"): (
        "ALTER TABLE name ADD|DROP|MODIFY|RENAME COLUMN ... | SET TAG tag = value",
        "Another form of a table, or another tag of a sub-table.",
        "ALTER TABLE p2 SET TAG hall = 3",
    ),
    ("INSERT",): (
        "INSERT INTO table [USING stable [(tags)] TAGS (...)] [(columns)] VALUES (...)(...) [table ...] | SELECT ...",
        "Rows; one of an equal table and time takes the place of the old one. Times are integers in the database's "
        "precision, texts, NOW, or NOW with a duration added or taken off.",
        "INSERT INTO p1 VALUES (NOW, 3.5, 1.2)(NOW + 1s, 3.6, 1.2) p3 USING pumps TAGS (1) VALUES (NOW - 1h, 4, 1)",
    ),
    ("DELETE", "FROM"): (
        "DELETE FROM table [WHERE ...]",
        "Rows, by their time.",
        "DELETE FROM p1 WHERE ts < '2020-01-01 00:00:00'",
    ),
    ("DESCRIBE",): ("DESCRIBE table", "Columns and tags; DESC is the same.", "DESCRIBE meters"),
    ("DESC",): ("DESC table", "", "DESC d1"),
    ("SHOW",): (
        "SHOW " + " | ".join(" ".join(words) for words in LISTINGS) + " [LIKE 'pattern']",
        "What there is.",
        "SHOW STABLES",
    ),
    ("SHOW", "CREATE"): ("SHOW CREATE DATABASE|STABLE|TABLE name", "How it was made.", "SHOW CREATE STABLE meters"),
    ("SHOW", "TAGS"): ("SHOW TAGS FROM sub-table", "The tags of a sub-table.", "SHOW TAGS FROM d1"),
    ("DROP", "TABLE"): ("DROP TABLE [IF EXISTS] name, ...", "", "DROP TABLE IF EXISTS p2"),
    ("DROP", "STABLE"): ("DROP STABLE [IF EXISTS] name", "With all its sub-tables.", "DROP STABLE pumps"),
    ("DROP", "DATABASE"): ("DROP DATABASE [IF EXISTS] name", "With all its tables.", "DROP DATABASE lab"),
    ("CREATE", "USER"): (
        "CREATE USER name PASS 'password'",
        "A user, who may nothing yet.",
        "CREATE USER ann PASS 'Secret-2024'",
    ),
    ("ALTER", "USER"): ("ALTER USER name PASS 'password'", "Another password.", "ALTER USER ann PASS 'Secret-2025'"),
    ("GRANT",): ("GRANT READ|WRITE|ALL ON database.* TO user", "What a user may.", "GRANT READ ON plant.* TO ann"),
    ("REVOKE",): ("REVOKE READ|WRITE|ALL ON database.* FROM user", "", "REVOKE READ ON plant.* FROM ann"),
    ("DROP", "USER"): ("DROP USER name", "", "DROP USER ann"),
    ("SHOW", "ANODES"): ("SHOW ANODES [FULL]", "The analytics nodes; with FULL their algorithms.", "SHOW ANODES FULL"),
    ("CREATE", "ANODE"): ("CREATE ANODE 'host:port'", "Ask another node too (tdengine.md).", ""),
    ("UPDATE", "ANODE"): ("UPDATE ANODE id", "Read its algorithms again.", "UPDATE ANODE 1"),
    ("UPDATE", "ALL"): ("UPDATE ALL ANODES", "", "UPDATE ALL ANODES"),
    ("DROP", "ANODE"): ("DROP ANODE id", "", ""),
}

WINDOWS: tuple[Example, ...] = (
    (
        "INTERVAL(duration [, offset]) [SLIDING(duration)] [FILL(NONE|NULL|PREV|NEXT|LINEAR|VALUE, v ...)]",
        "Spans of equal length; of months and years too (`1n`, `1y`).",
        "SELECT _wstart, AVG(v) FROM meters INTERVAL(1d) SLIDING(12h)",
    ),
    (
        "SESSION(ts, gap)",
        "Rows with no larger gap between them.",
        "SELECT _wstart, _wend, COUNT(*) FROM d1 SESSION(ts, 2h)",
    ),
    ("STATE_WINDOW(expression)", "Rows with one value.", "SELECT _wstart, n, COUNT(*) FROM d1 STATE_WINDOW(n)"),
    (
        "EVENT_WINDOW START WITH condition END WITH condition",
        "From a row that begins it to one that ends it.",
        "SELECT _wstart, _wend FROM d1 EVENT_WINDOW START WITH v > 12 END WITH v < 10",
    ),
    ("COUNT_WINDOW(n [, sliding])", "So many rows.", "SELECT _wstart, MAX(v) FROM d1 COUNT_WINDOW(24)"),
    (
        "ANOMALY_WINDOW(column [, 'options'])",
        "Neighbouring anomalous rows.",
        "SELECT _wstart, _anomalymark, MAX(v) FROM d1 ANOMALY_WINDOW(v, 'algo=iqr,wncheck=0')",
    ),
)

MODELS: dict[str, Example] = {
    "FORECAST": (
        "FORECAST(column [, covariate ...] [, 'options'])",
        "The next rows; beside it `_frowts`, `_flow`, `_fhigh`, `_fstatus`, `_fmodel`.",
        "SELECT _frowts, _flow, FORECAST(v, 'algo=foretell-small,rows=3,wncheck=0'), _fhigh FROM d1",
    ),
    "IMPUTATION": (
        "IMPUTATION(column [, 'options'])",
        "All rows with the gaps filled; beside it `_improwts`, `_impmark`.",
        "SELECT _improwts, _impmark, IMPUTATION(v, 'algo=moment,freq=h,wncheck=0') FROM d1 LIMIT 3",
    ),
    "DTW": (
        "DTW(column, column [, 'radius=1'])",
        "The distance of two series, warped.",
        "SELECT DTW(v, w, 'wncheck=0') FROM d1",
    ),
    "DTW_PATH": (
        "DTW_PATH(column, column)",
        "Which rows go together.",
        "SELECT DTW_PATH(v, w, 'wncheck=0') FROM d1 LIMIT 2",
    ),
    "TLCC": (
        "TLCC(column, column [, 'lag_start=-1,lag_end=1'])",
        "The correlation at each lag.",
        "SELECT TLCC(v, w, 'wncheck=0') FROM d1",
    ),
    "AI.FORECAST": (
        "AI.FORECAST(TABLE t, data_col => 'v', timestamp_col => 'ts' [, id_cols => [...], horizon => n, ...])",
        "FORECAST as a table in FROM.",
        "SELECT forecast_timestamp, forecast_value FROM AI.FORECAST(TABLE d1, data_col => 'v', timestamp_col => 'ts', "
        "horizon => 2, model => 'naive')",
    ),
}

ARGUMENTS = {
    "PERCENTILE": "v, 90",
    "APERCENTILE": "v, 90",
    "ELAPSED": "ts, 1h",
    "TIMETRUNCATE": "ts, 1d",
    "TIMEDIFF": "ts, '2024-01-01 00:00:00', 1h",
    "TO_ISO8601": "ts",
    "TO_UNIXTIMESTAMP": "'2024-01-01 00:00:00'",
    "DERIVATIVE": "v, 1h, 0",
    "MAVG": "v, 3",
    "TOP": "v, 3",
    "BOTTOM": "v, 3",
    "TAIL": "v, 3",
    "SAMPLE": "v, 3",
    "UNIQUE": "n",
    "LOG": "v, 2",
    "LENGTH": "tbname",
    "DAYOFWEEK": "ts",
    "WEEKDAY": "ts",
    "TRUNCATE": "v, 1",
    "RAND": "",
}
"""Of functions that take more than one column."""


def example_of(name: str) -> str:
    """A statement that calls a function."""
    return f"SELECT {name}({ARGUMENTS.get(name, 'v')}) FROM d1"  # noqa: S608


def page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (
        "# SQL reference",
        "",
        "Written by `make docs` from the tables of the code; every example is run by the tests. What it all is for:",
        "[sql.md](sql.md) for queries, [database.md](database.md) for the database. Expressions, joins, subqueries,",
        "UNION, window functions and everything else in a SELECT are DuckDB's.",
        "",
        "The examples run over a super-table `meters (ts, v, w, n) TAGS (site)` with the sub-tables `d1` and `d2`, 96",
        "hourly rows each.",
        "",
        "## Statements",
        "",
        "Beside queries: SELECT, WITH, FROM, VALUES, EXPLAIN.",
        "",
    )
    for syntax, about, example in STATEMENTS.values():
        yield from _entry(syntax, about, example)
    yield from ("## Windows", "", "Clauses of a SELECT, after WHERE and PARTITION BY.", "")
    for syntax, about, example in WINDOWS:
        yield from _entry(syntax, about, example)
    yield from ("## Models", "")
    for syntax, about, example in MODELS.values():
        yield from _entry(syntax, about, example)
    yield from (
        f"| options of | keys beside the model's own | algorithm without options | rows of a series, {RULES} |",
    )
    yield "|---|---|---|---|"
    for kind, keys in KEYS.items():
        least, most = TDENGINE.rows[kind]
        words = ", ".join(f"`{key}`" for key in keys)
        yield f"| {kind} | {words} | {DEFAULTS.get(kind, '')} | {least:,} to {most:,} |"
    yield from (
        "",
        f"Options that are written name their `algo` {RULES};",
        f"`wncheck` is 1 there where it is not said, and at most {TDENGINE.max_ahead:,} rows are forecast. Elsewhere",
        "the limits are those of the model. The models and their options: [models.md](models.md).",
        "",
        "## Functions",
        "",
    )
    yield from _functions("TDengine's, beside all of DuckDB's:", CALLS)
    yield from _functions(f"Where TDengine and DuckDB mean different things, TDengine's meaning {RULES}:", OF_DATABASE)
    yield from ("## Types", "", "| type | number on the wire | bytes |", "|---|---|---|")
    yield from (f"| {t.name} | {t.number} | {t.width or 'as declared'} |" for t in TYPES.values())
    yield from ("", "## information_schema", "", "| table | columns |", "|---|---|")
    yield from (f"| `{name}` | {', '.join(view.columns)} |" for name, view in sorted(VIEWS.items()))
    yield from ("", "## Codes", "", "TDengine's clients see the code, our own the status of HTTP.", "")
    yield from ("| code | HTTP | error | |", "|---|---|---|---|")
    yield from _codes()


def _entry(syntax: str, about: str, example: str) -> Iterator[str]:
    yield from (f"    {syntax}", "")
    yield from ((about, "") if about else ())
    yield from (("```sql", example, "```", "") if example else ())


def _functions(head: str, table: dict[str, Meaning]) -> Iterator[str]:
    yield from (head, "", "| function | kind | | example |", "|---|---|---|---|")
    for name, meaning in sorted(table.items()):
        call = f"{name}({ARGUMENTS.get(name, 'v')})"
        yield f"| `{name}` | {meaning.kind} | {meaning.about} | `{call}` |"
    yield ""


def _codes() -> Iterator[str]:
    """From the tree on top of errors.py, which a test holds against the classes."""
    found = re.findall(r"(\w+) {2,}(\S.*?) +(\d{3})  (0x[0-9A-F]{8})$", errors.__doc__ or "", re.M)
    for name, about, status, code in sorted(found, key=lambda line: (line[3], line[0])):
        yield f"| {code} | {status} | {name} | {about} |"


def main() -> None:
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
