"""Who may come in. Stands before all doors, beneath the web framework.

taosd sends no header of its own but hands `<anode url>/<path>` to libcurl as it is. So a secret may come in the path
(`CREATE ANODE 'host:6035/k/TOKEN'`), as Basic credentials (`'user:TOKEN@host:6035'`), or, from our own clients, as a
bearer token or in X-API-Key. What it may do stands in keys.py.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

from foretell.errors import InvalidInput
from foretell.http_api.journal import Journal
from foretell.http_api.keys import ALL, KEY, USE, Key, Meter, digest, keys_of, needed
from foretell.settings import Settings
from foretell.wire import tracing
from foretell.wire.asgi import NOTE, App, Scope, Turnstile, client_of, header
from foretell.wire.hosts import is_loopback
from foretell.wire.masking import mask

log = logging.getLogger("foretell.access")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = "/k/"
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Answered to every client that is let in, and to this machine, with or without a secret: they tell nothing."""
ADMIN = "admin token"
"""Name of the key that every server makes for the commands of its own user."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away, and after how many seconds it may come again (None: it need not)."""

    status: int
    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """`keys` by the hash of their secrets (no use without one unless it is `open`); `clients` the networks that are let
    in (none: all). `hosts` are the names that Host and Origin may have, None where they are not looked at.
    `logins` are beginnings of paths whose door asks for a login itself.
    """

    keys: Mapping[str, Key] = field(default_factory=dict)
    clients: tuple[Network, ...] = ()
    hosts: frozenset[str] | None = None
    open: bool = True
    meter: Meter = field(default_factory=Meter)
    logins: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings, logins: tuple[str, ...] = ()) -> Rules:
        """The rules of the settings; on loopback only local names may stand in Host and Origin."""
        if any(len(token) < 8 for token in settings.tokens):
            raise InvalidInput("tokens", "must have at least 8 characters each")
        keys = keys_of(settings.keys) | {digest(token): Key("token", USE) for token in settings.tokens}
        is_open = not keys
        if settings.admin_token:
            keys[digest(settings.admin_token)] = Key(ADMIN, ALL)
        hosts = frozenset({*LOOPBACK_NAMES, settings.host}) if is_loopback(settings.host) else None
        return cls(keys, tuple(_network(text) for text in settings.clients), hosts, is_open, logins=logins)

    def check(self, scope: Scope) -> Refusal | None:
        """Turn the request away, or let it in: the secret is taken out of its path, the key's name put beside it."""
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        is_open = scope["path"] in OPEN_PATHS
        if self.clients and not self._is_let_in(scope) and not (is_open and _is_local(scope)):
            return Refusal(403, "this client is not let in")
        if self.hosts is not None and not self._names_fit(headers):
            return Refusal(403, "Host or Origin is not this server")
        in_path = take_token(scope)
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(self.logins):
            return None
        brought = [secret for secret in (in_path, *_secrets_of(headers)) if secret]
        key = next((self.keys[d] for d in map(digest, brought) if d in self.keys), None)
        return self._check_key(scope, key)

    def _check_key(self, scope: Scope, key: Key | None) -> Refusal | None:
        wanted = needed(scope.get("method", "POST"), scope["path"])
        if key is None:
            return None if self.open and wanted != "admin" else Refusal(401, f"a key with the scope {wanted} is needed")
        scope[KEY] = key.name
        if wanted not in key.scopes:
            return Refusal(403, f"the key {key.name!r} has not the scope {wanted}")
        if key.name == ADMIN and wanted == "admin" and not _is_local(scope):
            return Refusal(403, "the admin token is for this machine only; make a key with the scope admin")
        too_much = self.meter.take(key)
        return None if too_much is None else Refusal(429, *too_much)

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
    journal: Journal = field(default_factory=Journal)
    entrance: Turnstile = field(default_factory=Turnstile)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            send = self.journal.noting(scope, self.journal.name(scope), send)
            if (refusal := self.rules.check(scope)) is not None:
                log.warning("%s turned away: %s", client_of(scope), refusal.reason)
                await self.refuse(scope, refusal)(scope, receive, send)
                return
            if (coding := header(scope, b"content-encoding").decode("latin-1").lower()) not in ("", "identity"):
                refusal = Refusal(415, f"body: cannot be read as Content-Encoding {coding}; send it as it is")
                await self.refuse(scope, refusal)(scope, receive, send)
                return
            if scope["method"] == "POST":
                await self.entrance.turn()
        elif scope["type"] == "websocket":
            note = scope[NOTE] = partial(self.journal.message, scope, self.journal.name(scope))
            if (refusal := self.rules.check(scope)) is not None:
                log.warning("%s turned away: %s", client_of(scope), refusal.reason)
                note("connect", "", refusal.status, 0.0)
                await send({"type": "websocket.close"})  # before it is accepted: status 403
                return
        if scope["type"] == "lifespan" or not tracing.is_on():
            await self.app(scope, receive, send)
            return
        path = mask(scope["path"])
        with tracing.span("door", headers=scope["headers"], method=scope.get("method"), path=path):
            await self.app(scope, receive, send)


def has_rule(settings: Settings) -> bool:
    """Whether the settings turn anybody away."""
    return bool(settings.tokens or settings.keys or settings.clients or settings.tls_clients)


def _is_local(scope: Scope) -> bool:
    address = client_of(scope)
    return address is not None and address.is_loopback


def take_token(scope: Scope) -> str | None:
    """The secret of a path `/k/TOKEN/...`, which loses it."""
    path = scope["path"]
    if not path.startswith(PREFIX):
        return None
    token, _, rest = path.removeprefix(PREFIX).partition("/")
    scope["path"] = f"/{rest}"
    scope["raw_path"] = scope["path"].encode()
    return str(token)


def _secrets_of(headers: Mapping[str, str]) -> list[str]:
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


@lru_cache(256)
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
