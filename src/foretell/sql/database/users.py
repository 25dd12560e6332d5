"""Who may do what: users, their passwords as scrypt hashes, and their grants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Privilege = Literal["read", "write"]

FIRST = "root"
FIRST_PASSWORD = "taosdata"  # noqa: S105  TDengine's own; works from loopback only, until it is changed
"""The account that every new database file has."""


@dataclass(frozen=True, slots=True)
class User:
    """A user as he stood at login. `grants` maps the name of a database, or `*`, to what he may do there."""

    name: str
    is_admin: bool = False
    grants: dict[str, frozenset[Privilege]] = field(default_factory=dict)

    def may(self, privilege: Privilege, database: str) -> bool:
        """Whether he may read or write tables of a database."""
        either = self.grants.get(database, frozenset()) | self.grants.get("*", frozenset())
        return self.is_admin or privilege in either


OWNER = User(FIRST, is_admin=True)
"""Who opens the file himself, without a server: nobody asks him for a password."""
