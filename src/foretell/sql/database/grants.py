"""CREATE, ALTER and DROP USER; GRANT and REVOKE."""

from __future__ import annotations

from collections.abc import Callable
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
Rights = frozenset[Privilege]


def create_user(reader: Reader, home: Connection) -> Outcome:
    """CREATE USER name PASS 'password' [SYSINFO 0|1]."""
    token = reader.i
    name = reader.name("a user")
    reader.expect("PASS")
    password = _password(reader)
    _switches(reader)
    home.demand_admin(reader)

    def made(known: User | None) -> User:
        if known is not None:
            reader.fail(f"User already exists: {name}", token, UserExists)
        return User(name, password=password, created=now())

    return _kept(home, name, made)


def alter_user(reader: Reader, home: Connection) -> Outcome:
    """ALTER USER name PASS 'password' | ENABLE 0|1. Everybody may change his own password."""
    user, name = reader.i, reader.name("a user")
    if name != home.user.name:
        home.demand_admin(reader)
    if reader.take("PASS"):
        password = _password(reader)
        reader.end()
        return _altered(reader, home, user, name, lambda known: replace(known, password=password, is_first=False))
    home.demand_admin(reader)
    token = reader.i
    switches = _switches(reader)
    if not switches:
        reader.fail("PASS, ENABLE or SYSINFO is expected here")
    if name == FIRST and not switches.get("ENABLE", True):
        reader.fail(f"{FIRST} cannot be switched off", token)

    def switched(known: User) -> User:
        return replace(known, is_enabled=switches.get("ENABLE", known.is_enabled))

    return _altered(reader, home, user, name, switched)


def drop_user(reader: Reader, home: Connection) -> Outcome:
    """DROP USER [IF EXISTS] name."""
    lenient = reader.take("IF", "EXISTS")
    token = reader.i
    name = reader.name("a user")
    reader.end()
    home.demand_admin(reader)
    if name == FIRST:
        reader.fail(f"{FIRST} cannot be dropped", token)

    def change(duck: Duck) -> tuple[int, Apply]:
        if name not in home.users.known and not lenient:
            reader.fail(f"User not exist: {name}", token, NoSuchUser)
        forget(duck, name)
        return 0, lambda: home.users.drop(name)

    return home.change(change)


def grant(reader: Reader, home: Connection) -> Outcome:
    """GRANT READ | WRITE | ALL ON database.* TO user."""
    return _with_rights(reader, home, "TO", User.granted)


def revoke(reader: Reader, home: Connection) -> Outcome:
    """REVOKE READ | WRITE | ALL ON database.* FROM user."""
    return _with_rights(reader, home, "FROM", User.revoked)


def _with_rights(reader: Reader, home: Connection, word: str, change: Callable[[User, Rights, str], User]) -> Outcome:
    home.demand_admin(reader)
    privileges = _privilege(reader)
    while reader.take_sign(","):
        privileges |= _privilege(reader)
    reader.expect("ON")
    place = reader.i
    database = EVERYWHERE if reader.take_sign("*") else reader.name("a database")
    if reader.take_sign(".") and not reader.take_sign("*"):
        reader.fail("rights are granted for whole databases: DATABASE.*")
    reader.expect(word)
    token, name = reader.i, reader.name("a user")
    reader.end()

    def changed(known: User) -> User:
        if database != EVERYWHERE and database not in home.catalog.namespaces:
            reader.fail(f"Database not exist: {database}", place, NoSuchDatabase)
        return change(known, privileges, database)

    return _altered(reader, home, token, name, changed)


def _privilege(reader: Reader) -> Rights:
    token = reader.i
    word = reader.word()
    if word == "ALL":
        return frozenset(PRIVILEGES)
    if word == "READ":
        return frozenset({"read"})
    if word == "WRITE":
        return frozenset({"write"})
    raise reader.error("READ, WRITE or ALL is expected here", token)


def _altered(reader: Reader, home: Connection, token: int, name: str, change: Callable[[User], User]) -> Outcome:
    """Change a user whose name stands at `token`."""

    def changed(known: User | None) -> User:
        if known is None:
            reader.fail(f"User not exist: {name}", token, NoSuchUser)
        return change(known)

    return _kept(home, name, changed)


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


def _kept(home: Connection, name: str, changed: Callable[[User | None], User]) -> Outcome:
    """Make or change a user in the writer's turn, as others have left him; None where there is none of that name."""

    def change(duck: Duck) -> tuple[int, Apply]:
        user = changed(home.users.known.get(name))
        keep(duck, user)
        return 0, lambda: home.users.known.update({name: user})

    return home.change(change)
