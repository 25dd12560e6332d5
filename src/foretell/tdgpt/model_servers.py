"""Names that a model server elsewhere answers to: `[tsfm-service]` of the configuration (protocol sections 4.1, 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from foretell.errors import InvalidInput
from foretell.registry import Entry, Kind, Limits, Options
from foretell.wire.masking import mask

SLOW = 1e6
"""Cost of a point: so each request goes by itself, and the server decides what it does at once."""
DEFAULT = Limits(min_context=1, max_context=40_000, max_horizon=1024, covariates=True, cost=SLOW)
LIMITS: Mapping[str, Limits] = {
    "tdtsfm_1": Limits(min_context=96, max_context=40_000, max_horizon=1024, cost=SLOW),
    "timesfm": Limits(max_context=40_000, max_horizon=128, cost=SLOW),
    "moirai": Limits(max_context=2880, max_horizon=1024, covariates=True, cost=SLOW),
    "chronos": Limits(max_context=40_000, max_horizon=1024, cost=SLOW),
    "timemoe-fc": Limits(max_context=40_000, max_horizon=1024, cost=SLOW),
    "moment": Limits(max_context=50_000, missing=True, cost=SLOW),
}
"""What the known servers can take (section 6), so that they are not asked in vain."""
KINDS: Mapping[str, Kind] = {"moment": "imputation", "moment-imputation": "imputation"}


@dataclass(frozen=True)
class ServerEntry(Entry):
    """A model server: what options it has is not known here, so all are passed on."""

    @property
    def label(self) -> str:
        """The name and where it is, without a path or secrets."""
        return f"{self.name}@{urlsplit(mask(self.target)).netloc}"

    def read_options(self, given: Options) -> dict[str, Any]:
        return dict(given)


def entry_of(name: str, url: str) -> ServerEntry:
    """The entry of one line of `[tsfm-service]`."""
    return ServerEntry(
        name=name.lower(),
        target=check_url(name, url),
        kind=KINDS.get(name.lower(), "forecast"),
        aliases=(),
        description=f"model server {mask(url)}",
        license="see the server",
        limits=LIMITS.get(name.lower(), DEFAULT),
        options={},
    )


def check_name(name: str) -> None:
    """InvalidInput for a name that `algo=NAME` in an option of SQL cannot say."""
    if not name or name != name.strip() or re.search(r"[,\[\]'\"\\\x00-\x1f]", name):
        raise InvalidInput("tsfm_service", f"{name!r} is no name that can stand in an option: algo=NAME,rows=10")


def check_url(name: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(name, f"must be an http or https URL, got {mask(url)!r}")
    return url
