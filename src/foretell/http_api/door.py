"""What the endpoints of our own door work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foretell.engine.serving import Serving
from foretell.http_api.jobs import Jobs
from foretell.http_api.metrics import Metrics
from foretell.settings import Settings

if TYPE_CHECKING:
    from foretell.sql.taos import TaosDoor


@dataclass(frozen=True, slots=True)
class Door:
    """`reload` reads anew what may change while the server runs."""

    settings: Settings
    serving: Serving
    metrics: Metrics
    reload: Callable[[], Awaitable[None]]
    jobs: Jobs
    taos: TaosDoor | None = None
    """The database of the server, if it keeps one."""
