"""How far a job is, as lines of text: for logs, where no bar can be drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ticker:
    """Told rows done and all of a phase, says so at most every `every` seconds, with the time that is left."""

    say: Callable[[str], None]
    every: float = 10.0
    clock: Callable[[], float] = time.monotonic
    _phase: str = ""
    _began: float = 0.0
    _before: int = 0
    _said: float = field(default=0.0)

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = self.clock()
        if phase != self._phase:
            self._phase, self._began, self._before, self._said = phase, now, done, now
            self.say(f"{phase} {total - done:,} rows" + (f", {done:,} are done" if done else ""))
            return
        if now - self._said < self.every and done < total:
            return
        self._said = now
        self.say(f"{phase}: {done:,} of {total:,} rows, {100 * done // max(1, total)} %{self._left(now, done, total)}")

    def _left(self, now: float, done: int, total: int) -> str:
        if done == self._before or done == total:
            return ""
        return f", {clock_time((now - self._began) * (total - done) / (done - self._before))} left"


def clock_time(seconds: float) -> str:
    """1:02:03, or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
