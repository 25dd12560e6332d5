"""What EXPLAIN gives, without DuckDB's own plan."""

from __future__ import annotations

from typing import Any

from foretell.sql import Result


def calls(made: Result) -> list[dict[str, Any]]:
    """The rows of our calls; behind them stands the plan of DuckDB."""
    rows: list[dict[str, Any]] = made.table.to_pylist()
    assert rows[-1]["plan"] and rows[-1]["call"] is None
    return [{name: value for name, value in row.items() if name != "plan"} for row in rows if row["call"]]
