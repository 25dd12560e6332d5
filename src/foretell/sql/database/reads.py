"""What a query reads and calls, as DuckDB's own parser tells it of the very text that is about to run.

Nothing else knows it for sure: each way to write a table that a reader of our own overlooks would be a way around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb
import msgspec

NODES = frozenset(("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"))
"""The kinds of query that read. Others write: WITH x AS (INSERT ... RETURNING ...)."""
SOURCES = frozenset(
    ("BASE_TABLE", "TABLE_FUNCTION", "SUBQUERY", "JOIN", "PIVOT", "EXPRESSION_LIST", "COLUMN_DATA", "EMPTY")
)
"""What may stand behind FROM. SHOW_REF, which is DESCRIBE, SUMMARIZE or SHOW, is none of these."""
NOWHERE = 2**64 - 1
"""The place of what DuckDB knows none of."""


class Named(NamedTuple):
    """A name with its parts, and its byte in the text, if that is known."""

    parts: tuple[str, ...]
    place: int | None

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(slots=True)
class Reads:
    """The tables that a query names, the functions that it calls, those behind FROM, the types that it casts to, the
    names that WITH gives to queries (in lower case), how many lambdas stand inside of each other, and the kinds of
    whatever it does beside reading."""

    tables: list[Named] = field(default_factory=list)
    calls: list[Named] = field(default_factory=list)
    table_calls: list[Named] = field(default_factory=list)
    types: list[Named] = field(default_factory=list)
    defined: set[str] = field(default_factory=set)
    lambdas: int = 0
    others: list[str] = field(default_factory=list)


def reads_of(connection: duckdb.DuckDBPyConnection, sql: str) -> Reads | None:
    """What one query reads; None where DuckDB takes the text for no query, for several, or for none that it knows.

    RecursionError where it is nested deeper than can be looked at.
    """
    [(tree,)] = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    said = msgspec.json.decode(tree)
    if said["error"] or len(said["statements"]) != 1:
        return None
    found = Reads()
    for node, lambdas in _objects(said["statements"]):
        found.lambdas = max(found.lambdas, lambdas)
        _note(node, found)
    return found


def _objects(tree: Any) -> Iterator[tuple[dict[str, Any], int]]:
    """Every object of a tree, and the lambdas in whose bodies it stands, without recursion."""
    left = [(tree, 0)]
    while left:
        node, lambdas = left.pop()
        if isinstance(node, dict):
            yield node, lambdas
            is_lambda = node.get("class") == "LAMBDA"
            parts = [(part, lambdas + (is_lambda and key == "expr")) for key, part in node.items()]
        else:
            parts = [(part, lambdas) for part in node]
        left.extend(part for part in parts if isinstance(part[0], dict | list))


def _note(node: dict[str, Any], found: Reads) -> None:
    kind = node.get("type")
    if "function_name" in node:
        found.calls.append(Named((node["function_name"],), _place(node)))
    if "cte_map" in node:
        found.defined.update(one["key"].lower() for one in node["cte_map"]["map"])
    if node.get("class") == "TYPE":
        found.types.append(Named(tuple(node["qualified_name"]["path"]), _place(node)))
    if not isinstance(kind, str) or "class" in node:  # a type of values, or an expression
        return
    is_source = "alias" in node and "sample" in node
    if (is_source and kind not in SOURCES) or (kind.endswith("_NODE") and kind not in NODES):
        found.others.append(kind)
    elif kind == "BASE_TABLE":
        found.tables.append(Named(tuple(node["qualified_name"]["path"]), _place(node)))
    elif kind == "TABLE_FUNCTION":
        call = node["function"]
        del call["function_name"]  # noted here, and not once more as a call elsewhere
        found.table_calls.append(Named(tuple(call["qualified_name"]["path"]), _place(node)))


def _place(node: dict[str, Any]) -> int | None:
    place: int = node["query_location"]
    return None if place == NOWHERE else place
