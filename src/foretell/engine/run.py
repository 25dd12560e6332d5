"""One call under way: its model, its deadline, how far it is, and whether anyone still wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from foretell.engine.worker import Executor
from foretell.errors import Cancelled, DeadlineExceeded
from foretell.registry import VERBS, Entry
from foretell.series import Batch, Forecast

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Control:
    """How a call may be steered while it runs. `timeout` in seconds; `progress(done, total)` counts series."""

    timeout: float | None = None
    progress: Progress | None = None
    cancel: threading.Event | None = None


@dataclass(slots=True)
class Run:
    """A model with its options complete, an executor to run it on, and the caller's wishes."""

    entry: Entry
    options: Mapping[str, Any]
    executor: Executor
    control: Control
    chunk_budget: float
    total: int
    done: int = 0
    deadline: float | None = None

    def __post_init__(self) -> None:
        if self.control.timeout is not None:
            self.deadline = time.monotonic() + self.control.timeout

    async def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...]) -> Forecast:
        """What a forecaster answers."""
        return await self.executor.submit(self.entry.target, batch, horizon, levels, self.options, self.deadline)

    async def ask(self, *arguments: Any) -> Any:
        """What the model answers to its verb; the options come last."""
        verb = VERBS[self.entry.kind]
        return await self.executor.call(self.entry.target, verb, (*arguments, self.options), self.deadline)

    def check(self) -> None:
        """Raise if the caller is gone or the time is over."""
        if self.control.cancel is not None and self.control.cancel.is_set():
            raise Cancelled
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded

    def advance(self, count: int) -> None:
        self.done += count
        if self.control.progress is not None:
            self.control.progress(self.done, self.total)
