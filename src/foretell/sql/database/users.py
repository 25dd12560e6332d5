"""Who may do what: users, their passwords as scrypt hashes, and their grants."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import duckdb

from foretell.errors import AuthenticationFailed
from foretell.sql.database.catalog import SYSTEM, is_prepared, prepare

Privilege = Literal["read", "write"]
PRIVILEGES: tuple[Privilege, ...] = ("read", "write")
EVERYWHERE = "*"

FIRST = "root"
FIRST_PASSWORD = "taosdata"  # noqa: S105  TDengine's own; works from loopback only, until it is changed
"""The account that every new database file has."""
SCRYPT = {"n": 2**14, "r": 8, "p": 1}
"""The cost of a password: about 16 MB and 40 ms."""


@dataclass(frozen=True, slots=True)
class User:
    """A user. `grants` maps the name of a database, or `*`, to what he may do there; `password` is its hash,
    `is_first` says that it is the one that every file has; `created` in ms."""

    name: str
    is_admin: bool = False
    grants: Mapping[str, frozenset[Privilege]] = field(default_factory=dict)
    password: str = field(default="", repr=False)
    is_first: bool = False
    is_enabled: bool = True
    created: int = 0

    def may(self, privilege: Privilege, database: str) -> bool:
        """Whether he may read or write tables of a database."""
        either = self.grants.get(database, frozenset()) | self.grants.get(EVERYWHERE, frozenset())
        return self.is_admin or privilege in either

    def sees(self, database: str) -> bool:
        """Whether he may know what tables a database has: who writes them must."""
        return self.may("read", database) or self.may("write", database)

    def granted(self, privileges: frozenset[Privilege], database: str) -> User:
        return replace(self, grants={**self.grants, database: self.grants.get(database, frozenset()) | privileges})

    def revoked(self, privileges: frozenset[Privilege], database: str) -> User:
        left = self.grants.get(database, frozenset()) - privileges
        others = {name: given for name, given in self.grants.items() if name != database}
        return replace(self, grants={**others, database: left} if left else others)


OWNER = User(FIRST, is_admin=True)
"""Who opens the file himself, without a server: nobody asks him for a password."""


class Users:
    """The users of a file, by name."""

    def __init__(self) -> None:
        self.known: dict[str, User] = {}
        self._key = secrets.token_bytes(32)
        self._seen: dict[str, bytes] = {}

    def load(self, connection: duckdb.DuckDBPyConnection, now: int) -> None:
        """Read them; a file without any has its first, who is written down when he is changed."""
        rows = connection.execute(f"FROM {SYSTEM}.users").fetchall() if is_prepared(connection) else []
        for name, password, is_admin, is_first, is_enabled, created, grants in rows:
            given = {database: frozenset(privileges) for database, privileges in json.loads(grants).items()}
            self.known[name] = User(name, is_admin, given, password, is_first, is_enabled, created)
        if FIRST not in self.known:
            self.known[FIRST] = User(FIRST, True, is_first=True, created=now)

    def login(self, name: str, password: str, is_local: bool) -> User:
        """The user whose password it is. A password that was right is known again without its cost."""
        user = self.known.get(name)
        if user is None or not user.is_enabled or (user.is_first and not is_local):
            hashed(password)  # an unknown user takes as long as a known one
            raise AuthenticationFailed
        mark = hmac.digest(self._key, f"{user.password}\0{password}".encode(), "sha256")
        if not hmac.compare_digest(self._seen.get(name, b""), mark):
            if not fits(password, user.password):
                raise AuthenticationFailed
            self._seen[name] = mark
        return user

    def without(self, database: str) -> list[User]:
        """Those who have grants on a database, as they are without them."""
        given = [user for user in self.known.values() if database in user.grants]
        return [user.revoked(frozenset(PRIVILEGES), database) for user in given]

    def drop(self, name: str) -> None:
        self.known.pop(name, None)

    def current(self, user: User) -> User:
        """The user as he stands now; AuthenticationFailed where he was dropped or switched off."""
        if user is OWNER:
            return user
        found = self.known.get(user.name)
        if found is None or not found.is_enabled:
            raise AuthenticationFailed
        return found


def hashed(password: str) -> str:
    """A password as it is kept."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, **SCRYPT).hex()}"


def fits(password: str, kept: str) -> bool:
    """Whether it is the password that is kept; "" stands for the first one, which is no secret."""
    if not kept:
        return hmac.compare_digest(password.encode(), FIRST_PASSWORD.encode())
    salt, _, digest = kept.partition(":")
    made = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **SCRYPT)
    return hmac.compare_digest(made.hex(), digest)


def keep(connection: duckdb.DuckDBPyConnection, user: User) -> None:
    """Write a user down, in place of what was known of him."""
    prepare(connection)
    forget(connection, user.name)
    grants = json.dumps({name: sorted(given) for name, given in user.grants.items()})
    row = [user.name, user.password, user.is_admin, user.is_first, user.is_enabled, user.created, grants]
    connection.execute(f"INSERT INTO {SYSTEM}.users VALUES (?, ?, ?, ?, ?, ?, ?)", row).fetchall()


def forget(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(f"DELETE FROM {SYSTEM}.users WHERE name = ?", [name]).fetchall()
