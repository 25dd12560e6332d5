"""Children that come and go with the work: more where calls wait, fewer where some stand idle."""

from __future__ import annotations

import contextlib
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from foretell.engine.loaded import Models
from foretell.engine.worker import Call, Caller, Child, ChildExecutor, seconds_left
from foretell.errors import Cancelled, DeadlineExceeded, ForetellError, NotAvailable


@dataclass(frozen=True, slots=True)
class Scale:
    """How many children: at least, at most, and the seconds after which an idle one beyond the least is released."""

    least: int = 1
    most: int = 1
    idle: float = 60.0


Ready = Callable[[Child, ForetellError | None], None]
"""Told, from any thread, that a child can work, or why it never will."""


class ScalingExecutor(ChildExecutor):
    """A child more for every call that waits, up to the most. Who waits takes whichever is free first.

    While there is no child but such that start, every `look` seconds it is asked whether that is in vain.
    """

    look = 2.0

    def __init__(self, scale: Scale, models: Callable[[], Caller] = Models) -> None:
        super().__init__(scale.most, models)
        self._scale = scale
        self._changed = threading.Condition()
        self._children = 0
        self._starting = 0
        self._waiting = 0
        self._problem: ForetellError | None = None
        self._since: dict[Child, float] = {}
        self._sweep: threading.Timer | None = None

    @property
    def size(self) -> int:
        """How many children there are, those that start included."""
        return self._children

    @abstractmethod
    def _launch(self, ready: Ready) -> Child:
        """A new child that calls `ready` once, later."""

    @abstractmethod
    def _in_vain(self, waited: float) -> str:
        """Why no child will start, after so many seconds; empty where there is hope."""

    def start(self) -> None:
        with self._changed:
            while self._children < self._scale.least:
                self._add()

    def _new(self) -> Child:
        return self._launch(self._ready)

    def _add(self) -> None:
        self._children += 1
        self._starting += 1
        self._new()

    def _ready(self, child: Child, problem: ForetellError | None) -> None:
        with self._changed:
            self._starting -= 1
            self._problem = problem
            if problem is None:
                self._put(child)
            else:
                self._children -= 1
            self._changed.notify_all()

    def _take(self, call: Call) -> Child:
        """The child that became idle last, so that those not needed stay idle until they are released."""
        began = time.monotonic()
        with self._changed, self._in_line():
            while not self._idle:
                self._check(call, began)
                if self._waiting > self._starting and self._children < self._scale.most:
                    self._add()
                soon = time.monotonic() + self.look
                self._changed.wait(seconds_left(min(soon, call.deadline or soon)))
            child = self._idle.pop()
            del self._since[child]
            return child

    @contextlib.contextmanager
    def _in_line(self) -> Iterator[None]:
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def _check(self, call: Call, began: float) -> None:
        """Raise where there is nothing to wait for any more."""
        call.check()
        if self._closed:
            raise Cancelled
        now = time.monotonic()
        if call.deadline is not None and now >= call.deadline:
            raise DeadlineExceeded
        if self._problem is not None and not self._children:
            problem, self._problem = self._problem, None
            raise problem
        if now - began >= self.look and self._children == self._starting and (why := self._in_vain(now - began)):
            raise NotAvailable(why)

    def _give_back(self, child: Child) -> None:
        with self._changed:
            self._put(child)
            self._changed.notify_all()

    def _put(self, child: Child) -> None:
        if self._closed:
            child.stop()
            return
        self._since[child] = time.monotonic()
        self._idle.append(child)
        self._plan_sweep(self._scale.idle)

    def _plan_sweep(self, seconds: float) -> None:
        if self._sweep is None and self._children > self._scale.least:
            self._sweep = threading.Timer(seconds, self._release)
            self._sweep.daemon = True
            self._sweep.start()

    def _release(self) -> None:
        """Let go of those that were idle for long; look again when the next one will have been."""
        with self._changed:
            self._sweep = None
            limit = time.monotonic() - self._scale.idle
            while self._idle and self._children > self._scale.least and self._since[self._idle[0]] <= limit:
                child = self._idle.popleft()
                del self._since[child]
                self._children -= 1
                child.stop()
            if self._idle and not self._closed:
                self._plan_sweep(self._since[self._idle[0]] - limit)

    def _replace(self, child: Child, reason: str) -> None:
        with self._changed:
            self._children -= 1
            self.replaced[reason] += 1
            if not self._closed:
                self._add()
        child.kill()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            super().close()
            if self._sweep is not None:
                self._sweep.cancel()
            self._changed.notify_all()
