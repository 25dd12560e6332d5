"""Who may come in. Stands before all doors, beneath the web framework.

taosd sends no header of its own but hands `<anode url>/<path>` to libcurl as it is. So a secret may come in the path
(`CREATE ANODE 'host:6035/k/TOKEN'`), as Basic credentials (`'user:TOKEN@host:6035'`), or, from our own clients, as a
bearer token or in X-API-Key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from foretell.errors import InvalidInput
from foretell.wire.asgi import Turnstile
from foretell.wire.hosts import is_loopback

log = logging.getLogger("foretell.access")
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = "/k/"
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Answered to every client that is let in, with or without a secret: they tell nothing."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rules:
    """`tokens` are digests, one of which must be brought (none: open); `clients` the networks that are let in (none:
    all). `hosts` are the names that Host and Origin may have, None where they are not looked at."""

    tokens: frozenset[bytes] = frozenset()
    clients: tuple[Network, ...] = ()
    hosts: frozenset[str] | None = None

    @classmethod
    def of(cls, tokens: Iterable[str], clients: Iterable[str], host: str, admin: str = "") -> Rules:
        """The rules of the settings; on loopback only local names may stand in Host and Origin."""
        given = [*tokens]
        if any(len(token) < 8 for token in given):
            raise InvalidInput("tokens", "must have at least 8 characters each")
        secrets = frozenset(digest(token) for token in (*given, *([admin] if given and admin else [])))
        hosts = frozenset({*LOOPBACK_NAMES, host}) if is_loopback(host) else None
        return cls(secrets, tuple(_network(text) for text in clients), hosts)

    @property
    def is_open(self) -> bool:
        """Whether anybody who reaches the port is let in."""
        return not self.tokens and not self.clients

    def check(self, scope: Scope) -> Refusal | None:
        """Turn the request away, or let it in with the secret taken out of its path."""
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        if self.clients and not self._is_let_in(scope):
            return Refusal(403, "this client is not let in")
        if self.hosts is not None and not self._names_fit(headers):
            return Refusal(403, "Host or Origin is not this server")
        in_path = take_token(scope)
        if not self.tokens or scope["path"] in OPEN_PATHS:
            return None
        brought = [in_path, *_tokens_of(headers)]
        if any(self._knows(token) for token in brought if token):
            return None
        return Refusal(401, "a token is needed")

    def _knows(self, token: str) -> bool:
        found = digest(token)
        return any(hmac.compare_digest(found, known) for known in self.tokens)

    def _is_let_in(self, scope: Scope) -> bool:
        address = client_of(scope)
        return address is not None and any(address in network for network in self.clients)

    def _names_fit(self, headers: Mapping[str, str]) -> bool:
        hosts = self.hosts or frozenset()
        host, origin = headers.get("host"), headers.get("origin")
        if host is not None and _hostname(f"//{host}") not in hosts:
            return False
        return origin is None or _hostname(origin) in hosts


@dataclass(frozen=True, slots=True)
class Gate:
    """`app` behind the rules; `refuse(scope, refusal)` makes the answer to those who are turned away.

    Questions come in one by one, so that a crowd of them does not hold up /list and /status.
    """

    app: App
    rules: Rules
    refuse: Callable[[Scope, Refusal], App]
    entrance: Turnstile = field(default_factory=Turnstile)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (refusal := self.rules.check(scope)) is not None:
            log.warning("%s turned away: %s", client_of(scope), refusal.reason)
            await self.refuse(scope, refusal)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["method"] == "POST":
            await self.entrance.turn()
        await self.app(scope, receive, send)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def client_of(scope: Scope) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address at the other end of the connection; an IPv4 address in IPv6 clothes as IPv4."""
    try:
        address = ipaddress.ip_address((scope.get("client") or ("",))[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def take_token(scope: Scope) -> str | None:
    """The secret of a path `/k/TOKEN/...`, which loses it."""
    path = scope["path"]
    if not path.startswith(PREFIX):
        return None
    token, _, rest = path.removeprefix(PREFIX).partition("/")
    scope["path"] = f"/{rest}"
    scope["raw_path"] = scope["path"].encode()
    return str(token)


def _tokens_of(headers: Mapping[str, str]) -> list[str]:
    """Secrets in headers: X-API-Key, bearer, either part of Basic credentials."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    found = [headers.get("x-api-key", "")]
    if kind.lower() == "bearer":
        found.append(value.strip())
    if kind.lower() == "basic":
        try:
            found.extend(base64.b64decode(value, validate=True).decode().split(":", 1))
        except (binascii.Error, UnicodeDecodeError):
            log.info("Basic credentials that cannot be read")
    return found


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InvalidInput("clients", f"must be networks such as 10.0.0.0/8, got {text!r}") from None
