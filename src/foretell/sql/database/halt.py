"""When a statement must end before its work is done."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from typing import Any

from foretell.errors import Cancelled, DeadlineExceeded, ForetellError


class Halt:
    """The end of one statement: after some seconds (None: never), or when somebody stops it. For any thread."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._stopped: Future[None] = Future()

    def stop(self) -> None:
        with contextlib.suppress(InvalidStateError):
            self._stopped.set_result(None)

    @property
    def error(self) -> ForetellError | None:
        """Why the statement must end now; None where it may go on."""
        if self._stopped.done():
            return Cancelled()
        return DeadlineExceeded() if self._end is not None and time.monotonic() >= self._end else None

    def left(self) -> float | None:
        """Seconds that are left, None for no end; raises `error`."""
        if (error := self.error) is not None:
            raise error
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def wait(self, work: Future[Any]) -> None:
        """Until the work is done, or the statement must end."""
        while not work.done() and self.error is None:
            rest = None if self._end is None else max(0.0, self._end - time.monotonic())
            wait((work, self._stopped), rest, FIRST_COMPLETED)
