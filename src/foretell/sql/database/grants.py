"""CREATE, ALTER and DROP USER; GRANT and REVOKE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from foretell.errors import NoSuchDatabase, NoSuchUser, UserExists
from foretell.sql.database.outcome import Outcome
from foretell.sql.database.reader import Reader
from foretell.sql.database.users import EVERYWHERE, FIRST, PRIVILEGES, Privilege, User, forget, hashed, keep
from foretell.sql.database.writer import Apply, Duck, now

if TYPE_CHECKING:
    from foretell.sql.database.connection import Connection

SHORTEST, LONGEST = 8, 255
"""Characters of a password."""


def create_user(reader: Reader, home: Connection) -> Outcome:
    """CREATE USER name PASS 'password' [SYSINFO 0|1]."""
    token = reader.i
    name = reader.name("a user")
    reader.expect("PASS")
    password = _password(reader)
    _switches(reader)
    home.demand_admin(reader)
    if name in home.users.known:
        reader.fail(f"User already exists: {name}", token, UserExists)
    return _kept(home, User(name, password=password, created=now()))


def alter_user(reader: Reader, home: Connection) -> Outcome:
    """ALTER USER name PASS 'password' | ENABLE 0|1. Everybody may change his own password."""
    user = _user(reader, home)
    if user.name != home.user.name:
        home.demand_admin(reader)
    if reader.take("PASS"):
        changed = replace(user, password=_password(reader), is_first=False)
        reader.end()
        return _kept(home, changed)
    home.demand_admin(reader)
    token = reader.i
    switches = _switches(reader)
    if not switches:
        reader.fail("PASS, ENABLE or SYSINFO is expected here")
    enabled = switches.get("ENABLE", user.is_enabled)
    if user.name == FIRST and not enabled:
        reader.fail(f"{FIRST} cannot be switched off", token)
    return _kept(home, replace(user, is_enabled=enabled))


def drop_user(reader: Reader, home: Connection) -> Outcome:
    """DROP USER [IF EXISTS] name."""
    lenient = reader.take("IF", "EXISTS")
    token = reader.i
    name = reader.name("a user")
    reader.end()
    home.demand_admin(reader)
    if name == FIRST:
        reader.fail(f"{FIRST} cannot be dropped", token)
    if name not in home.users.known and not lenient:
        reader.fail(f"User not exist: {name}", token, NoSuchUser)

    def change(duck: Duck) -> tuple[int, Apply]:
        forget(duck, name)
        return 0, lambda: home.users.drop(name)

    return home.change(change)


def grant(reader: Reader, home: Connection) -> Outcome:
    """GRANT READ | WRITE | ALL ON database.* TO user."""
    home.demand_admin(reader)
    privileges, database = _what(reader, home)
    reader.expect("TO")
    user = _user(reader, home)
    reader.end()
    return _kept(home, user.granted(privileges, database))


def revoke(reader: Reader, home: Connection) -> Outcome:
    """REVOKE READ | WRITE | ALL ON database.* FROM user."""
    home.demand_admin(reader)
    privileges, database = _what(reader, home)
    reader.expect("FROM")
    user = _user(reader, home)
    reader.end()
    return _kept(home, user.revoked(privileges, database))


def _what(reader: Reader, home: Connection) -> tuple[frozenset[Privilege], str]:
    privileges: frozenset[Privilege] = frozenset()
    while True:
        privileges |= _privilege(reader)
        if not reader.take_sign(","):
            break
    reader.expect("ON")
    token = reader.i
    database = EVERYWHERE if reader.take_sign("*") else reader.name("a database")
    if database != EVERYWHERE and database not in home.catalog.namespaces:
        reader.fail(f"Database not exist: {database}", token, NoSuchDatabase)
    if reader.take_sign(".") and not reader.take_sign("*"):
        reader.fail("rights are granted for whole databases: DATABASE.*")
    return privileges, database


def _privilege(reader: Reader) -> frozenset[Privilege]:
    token = reader.i
    word = reader.word()
    if word == "ALL":
        return frozenset(PRIVILEGES)
    if word == "READ":
        return frozenset({"read"})
    if word == "WRITE":
        return frozenset({"write"})
    raise reader.error("READ, WRITE or ALL is expected here", token)


def _user(reader: Reader, home: Connection) -> User:
    token = reader.i
    name = reader.name("a user")
    found = home.users.known.get(name)
    if found is None:
        reader.fail(f"User not exist: {name}", token, NoSuchUser)
    return found


def _password(reader: Reader) -> str:
    token = reader.i
    password = reader.text()
    if not SHORTEST <= len(password) <= LONGEST:
        reader.fail(f"a password has {SHORTEST} to {LONGEST} characters", token)
    return hashed(password)


def _switches(reader: Reader) -> dict[str, bool]:
    """ENABLE 0|1, SYSINFO 0|1, CREATEDB 0|1."""
    found = {}
    while not reader.is_done:
        token = reader.i
        word = reader.word()
        if word not in ("ENABLE", "SYSINFO", "CREATEDB"):
            reader.fail("ENABLE, SYSINFO or CREATEDB is expected here", token)
        found[word] = bool(reader.whole())
    return found


def _kept(home: Connection, user: User) -> Outcome:
    def change(duck: Duck) -> tuple[int, Apply]:
        keep(duck, user)
        return 0, lambda: home.users.known.update({user.name: user})

    return home.change(change)
