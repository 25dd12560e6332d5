"""SQL with FORECAST, over files, data frames and a DuckDB database."""

from __future__ import annotations

from foretell.sql.result import Result
from foretell.sql.session import Session

__all__ = ["Result", "Session", "connect"]


def connect(path: str = ":memory:", *, read_only: bool = False) -> Session:
    """Open a session on a database file, or in memory."""
    return Session(path, read_only=read_only)
