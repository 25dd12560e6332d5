"""Who a client is: a user of the database by his password, or whoever has an owner's token."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from foretell.errors import AuthenticationFailed
from foretell.sql.database.database import Database
from foretell.sql.database.users import OWNER, User

FREE_TRIES = 5
LONGEST_WAIT = 60.0
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Client:
    """Where a login comes from: an address, and whether that is this machine."""

    address: str
    is_local: bool


@dataclass(slots=True)
class Throttle:
    """Makes guessing slow: after five failed logins of one name from one address, the next waits, twice as long each
    time, up to a minute. Nobody is kept waiting: who comes too early is refused, whatever the password."""

    clock: Callable[[], float] = time.monotonic
    _failed: OrderedDict[tuple[str, str], tuple[int, float]] = field(default_factory=OrderedDict)
    """How often, and when it may be tried again."""

    def check(self, who: tuple[str, str]) -> None:
        _, until = self._failed.get(who, (0, 0.0))
        if (left := until - self.clock()) > 0:
            raise AuthenticationFailed(f"too many failed logins; try again in {left:.0f} s")

    def failed(self, who: tuple[str, str]) -> None:
        times = self._failed.pop(who, (0, 0.0))[0] + 1
        wait = min(2.0 ** (times - FREE_TRIES), LONGEST_WAIT) if times >= FREE_TRIES else 0.0
        self._failed[who] = (times, self.clock() + wait)
        while len(self._failed) > MOST_REMEMBERED:
            self._failed.popitem(last=False)

    def succeeded(self, who: tuple[str, str]) -> None:
        self._failed.pop(who, None)


class Logins:
    """Logins to `database`. `owners` are SHA-256 hashes of tokens: whoever has one is an owner. For any thread."""

    def __init__(self, database: Database, owners: Iterable[str] = (), throttle: Throttle | None = None) -> None:
        self._database = database
        self._owners = [owner.lower() for owner in owners]
        self._throttle = throttle or Throttle()

    def by_password(self, user: str, password: str, client: Client) -> User:
        """The user; AuthenticationFailed if he is none, or not with this password, or comes too often."""
        with self._counted((client.address, user)):
            return self._database.login(user, password, client.is_local)

    def by_token(self, token: str, client: Client) -> User:
        """Who has this token: an owner's, or what `/rest/login` gave to a user."""
        brought = hashlib.sha256(token.encode()).hexdigest()
        if any(hmac.compare_digest(brought, known) for known in self._owners):
            return OWNER
        with self._counted((client.address, "")):
            user, password = read_credentials(token)
        return self.by_password(user, password, client)

    @contextlib.contextmanager
    def _counted(self, who: tuple[str, str]) -> Iterator[None]:
        self._throttle.check(who)
        try:
            yield
        except AuthenticationFailed:
            self._throttle.failed(who)
            raise
        self._throttle.succeeded(who)


def credentials(user: str, password: str) -> str:
    """What Basic credentials are, and what a client gets that asks /rest/login."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def read_credentials(text: str) -> tuple[str, str]:
    """User and password of Basic credentials; AuthenticationFailed where they cannot be read."""
    try:
        user, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationFailed from None
    if not colon:
        raise AuthenticationFailed
    return user, password
