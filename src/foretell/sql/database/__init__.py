"""The embedded database that speaks TDengine's SQL: a Database gives Connections, they give Outcomes."""

from __future__ import annotations

from foretell.sql.database.connection import Connection
from foretell.sql.database.database import Database
from foretell.sql.database.outcome import Outcome
from foretell.sql.database.types import TYPES, Column, Precision, Type, column_of
from foretell.sql.database.users import User

__all__ = ["TYPES", "Column", "Connection", "Database", "Outcome", "Precision", "Type", "User", "column_of"]
