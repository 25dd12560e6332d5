"""API keys: who may do what, and how much of it.

A key is a secret of our making, of which only the SHA-256 is kept (it is random, so that no slower hash is needed):
`foretell key NAME` prints the secret once, and the lines for the configuration file.

    [keys.grafana]
    hash = "9f86d081..."
    scopes = ["read", "infer"]
    rate = 50            # requests in any second (below 1: one in 1 / rate seconds)
    quota = 1_000_000    # requests a day (UTC)
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foretell.errors import InvalidInput
from foretell.settings import KeySettings, Scope

DAY = 86_400
ALL: frozenset[Scope] = frozenset({"read", "infer", "admin"})
USE: frozenset[Scope] = frozenset({"read", "infer"})
RELOAD = ["v1", "reload"]
MODELS = ["v1", "models"]
ADMIN_ACTIONS = frozenset({"load", "unload", "pull"})


KEY = "foretell_key"
"""Where the scope of a request has the name of its key."""


def key_name(scope: Mapping[str, Any]) -> str:
    """Whose key a request came with; empty where it came with none."""
    return str(scope.get(KEY, ""))


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """256 random bits, with a beginning by which it can be found where it should not lie."""
    return f"ftl_{secrets.token_urlsafe(32)}"


def lines_of(name: str, secret: str, scopes: Sequence[str], rate: float | None, quota: int | None) -> str:
    """A key as it stands in a configuration file; InvalidInput where it could not."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) is None:
        raise InvalidInput("name", f"must be letters, digits, - and _, got {name!r}")
    unknown = sorted(set(scopes) - ALL)
    if unknown or not scopes:
        raise InvalidInput("scopes", f"must be of {', '.join(sorted(ALL))}, got {', '.join(unknown) or 'none'}")
    for field_name, value in (("rate", rate), ("quota", quota)):
        if value is not None and value <= 0:
            raise InvalidInput(field_name, f"must be greater than 0, got {value:g}")
    listed = ", ".join(f'"{scope}"' for scope in scopes)
    lines = [f"[keys.{name}]", f'hash = "{digest(secret)}"', f"scopes = [{listed}]"]
    lines += [f"rate = {rate:g}"] if rate is not None else []
    lines += [f"quota = {quota}"] if quota is not None else []
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Key:
    """`rate` in requests a second, `quota` in requests a day; None: without bound."""

    name: str
    scopes: frozenset[Scope]
    rate: float | None = None
    quota: int | None = None


def keys_of(settings: Mapping[str, KeySettings]) -> dict[str, Key]:
    """The keys of the settings, by the hash of their secrets."""
    return {k.hash.lower(): Key(name, frozenset(k.scopes), k.rate, k.quota) for name, k in settings.items()}


def needed(method: str, path: str) -> Scope:
    """What a request needs: looking is `read`, asking a model `infer`, changing the server `admin`.

    Stray slashes make no other path, here as for whoever finds the endpoint.
    """
    parts = [part for part in path.split("/") if part]
    if parts == RELOAD or (parts[:2] == MODELS and parts[-1] in ADMIN_ACTIONS):
        return "admin"
    return "read" if method in ("GET", "HEAD", "OPTIONS") else "infer"


@dataclass(slots=True)
class Use:
    """What a key has used: `count` requests on day `day`, and those `taken` lately, as seconds of a `clock` that stands
    still while that of the machine is set back; `seen` is when it was looked at last."""

    seen: float
    day: int
    count: int = 0
    clock: float = 0.0
    taken: deque[float] = field(default_factory=deque)

    def wait(self, now: float, rate: float) -> float:
        """Seconds until one more would be within the rate; 0 where it is."""
        self.clock += max(0.0, now - self.seen)
        self.seen = now
        window = max(1.0, 1.0 / rate)
        while self.taken and self.taken[0] + window <= self.clock:
            self.taken.popleft()
        return 0.0 if len(self.taken) < max(1, int(rate)) else self.taken[0] + window - self.clock


@dataclass(slots=True)
class Meter:
    """Counts requests by key. Counts are of this process: a restart begins anew."""

    now: Callable[[], float] = time.time
    _uses: dict[str, Use] = field(default_factory=dict)

    def take(self, key: Key) -> tuple[str, float] | None:
        """Count a request; or why it is one too many, and after how many seconds it would not be."""
        if key.rate is None and key.quota is None:
            return None
        now = self.now()
        use = self._uses.setdefault(key.name, Use(now, int(now // DAY)))
        if use.day != int(now // DAY):
            use.day, use.count = int(now // DAY), 0
        if key.quota is not None and use.count >= key.quota:
            return f"the quota of {key.quota} requests a day is used up", DAY - now % DAY
        if key.rate is not None:
            if wait := use.wait(now, key.rate):
                return f"more than {key.rate:g} requests a second", wait
            use.taken.append(use.clock)
        use.count += 1
        return None
