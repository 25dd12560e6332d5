"""What the endpoints of our own door work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from foretell.engine.serving import Serving
from foretell.http_api.jobs import Jobs
from foretell.http_api.metrics import Metrics
from foretell.settings import Settings


@dataclass(frozen=True, slots=True)
class Door:
    """`reload` reads anew what may change while the server runs."""

    settings: Settings
    serving: Serving
    metrics: Metrics
    reload: Callable[[], Awaitable[None]]
    jobs: Jobs
