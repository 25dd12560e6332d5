"""Where models run. Executors behind one seam: threads of this process, or children that can be killed.

An executor loads a model by its entry-point string at first use and keeps it. `slots` says how many calls it runs
at once. A deadline is a time of `time.monotonic()`; when it passes, DeadlineExceeded is raised. Children (processes
here, actors in cluster.py) also stop the work: a child is killed, native code and all, and another is started.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import threading
import time
from abc import abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from foretell.engine.loaded import Models
from foretell.engine.pipe import receive, send
from foretell.errors import Cancelled, DeadlineExceeded, ForetellError, ModelFailed
from foretell.registry import Options
from foretell.series import Batch, Forecast
from foretell.wire import tracing

STOP = None
CHILD_NICENESS = 5
GRACE = 0.3
"""Seconds that work may go on when its caller is gone: what ends by itself leaves a worker that is warm, and callers
who come and go cannot keep a server busy with starting workers."""
DIED, STOPPED = "died", "stopped"
"""Why a child had to be replaced: it ended by itself, or was killed, its work being late or unwanted."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Executor(Protocol):
    """The seam of CONTRACT.md: `call` is what an executor has to bring, `submit` the forecast case of it."""

    slots: int

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:
        """What the model behind the entry-point string `name` answers to `verb` (a value of registry.VERBS)."""
        ...

    async def submit(
        self,
        name: str,
        batch: Batch,
        horizon: int,
        levels: tuple[float, ...],
        options: Options,
        deadline: float | None = None,
    ) -> Forecast:
        """Run a forecaster."""
        forecast: Forecast = await self.call(name, "forecast", (batch, horizon, levels, options), deadline)
        return forecast

    def close(self) -> None:
        """Stop all workers. Work under way is given up."""
        ...


class Caller(Protocol):
    """What answers inside a worker: `Models`, or anything else that can be called by name."""

    def call(self, name: str, verb: str, arguments: tuple[Any, ...]) -> Any: ...


class ThreadExecutor(Executor):
    """Models in threads of this process: nothing is copied. Work that passes its deadline is left to end by itself."""

    def __init__(self, slots: int = 1, models: Callable[[], Caller] = Models) -> None:
        self.slots = slots
        self._models = models()
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="foretell")

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._pool, self._models.call, name, verb, arguments)
        try:
            return await asyncio.wait_for(work, seconds_left(deadline))
        except TimeoutError:
            self._abandon()
            raise DeadlineExceeded from None

    def _abandon(self) -> None:
        """Leave busy threads behind, so that the next call does not wait for them."""
        self._pool.shutdown(wait=False, cancel_futures=False)
        self._pool = ThreadPoolExecutor(self.slots, thread_name_prefix="foretell")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Child(Protocol):
    """What computes outside of this process for a ChildExecutor, one request after the other."""

    def ask(self, request: tuple[Any, ...], deadline: float | None) -> Any:
        """The answer, or the error that stands for it. EOFError or OSError: it died; DeadlineExceeded: too slow."""
        ...

    def stop(self) -> None:
        """End it, from any thread; whoever waits for its answer gets an EOFError."""
        ...

    def kill(self) -> None:
        """End it and wait until it is gone."""
        ...

    @property
    def end(self) -> str:
        """How it ended."""
        ...

    @property
    def memory(self) -> int:
        """Bytes of memory that it holds; 0 where that is not known."""
        ...

    @property
    def about(self) -> dict[str, Any]:
        """Where its last answer was computed, and how long that took, for traces."""
        ...


class ChildExecutor(Executor):
    """Models in children that can be killed; one that dies is replaced and its work is tried once more.

    `models` makes, inside each child, what answers there; it must survive pickling. `replaced` counts children by
    the reason why they had to be: DIED or STOPPED.
    """

    noun = "worker"

    def __init__(self, slots: int, models: Callable[[], Caller] = Models) -> None:
        self.slots = slots
        self.replaced = Counter({DIED: 0, STOPPED: 0})
        self._models = models
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="foretell-wait")
        self._idle: deque[Child] = deque()
        self._closed = False

    def start(self) -> None:
        """Start all children now, so that no request waits for one."""
        for _ in range(self.slots - len(self._idle)):
            self._idle.append(self._new())

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:
        call = Call((name, verb, arguments), deadline)
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._pool, self._run, call)
            tracing.note(tracing.current(), **call.about)
            return answer
        except asyncio.CancelledError:
            call.cancel()
            self._wake()
            raise

    def _run(self, call: Call) -> Any:
        for attempt in (1, 2):
            call.check()
            child = self._take(call)
            if call.cancelled:
                self._give_back(child)
                raise Cancelled
            try:
                answer = call.run_in(child)
            except (EOFError, OSError):
                self._replace(child, DIED)
                if attempt == 2:
                    raise ModelFailed(f"{call.name}: the {self.noun} died twice ({child.end})") from None
                continue
            except BaseException:
                self._replace(child, STOPPED)
                raise
            self._give_back(child)
            if isinstance(answer, Exception):
                raise answer
            return answer
        raise AssertionError("unreachable")

    def _take(self, call: Call) -> Child:  # noqa: ARG002
        """A child for this call; it may wait, but not longer than the caller does."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._new()

    def _give_back(self, child: Child) -> None:
        self._idle.append(child)
        if self._closed:
            self.close()

    def _replace(self, child: Child, reason: str) -> None:
        """A child whose work was stopped is of no use any more; its successor starts now."""
        child.kill()
        self.replaced[reason] += 1
        if not self._closed:
            self._give_back(self._new())

    def _wake(self) -> None:
        """A caller went away: where calls wait for a child, look again."""

    @abstractmethod
    def _new(self) -> Child: ...

    @property
    def memory(self) -> int:
        """Bytes that the children hold which have nothing to do now; shared pages count for each."""
        return sum(child.memory for child in tuple(self._idle))

    def close(self) -> None:
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().kill()


class ProcessExecutor(ChildExecutor):
    """Models in spawned processes of lower priority, which share the cores."""

    noun = "worker process"

    def __init__(
        self, slots: int | None = None, models: Callable[[], Caller] = Models, devices: Sequence[str] = ()
    ) -> None:
        """`devices` are what CUDA calls its GPUs (0, 1, ...), or `cpu`; the processes take them in turns."""
        super().__init__(slots or os.cpu_count() or 1, models)
        self._devices = itertools.cycle(devices) if devices else None

    def _new(self) -> Child:
        threads = max(1, (os.cpu_count() or 1) // self.slots)
        environment = dict.fromkeys(THREADS, str(threads))
        if self._devices is not None:
            device = next(self._devices)
            environment["CUDA_VISIBLE_DEVICES"] = "" if device == "cpu" else device
        return _Process(self._models, environment)


class Call:
    """One request to a child, which its caller may give up from another thread."""

    def __init__(self, request: tuple[Any, ...], deadline: float | None) -> None:
        self.name = str(request[0])
        self._request = request
        self.deadline = deadline
        self.about: dict[str, Any] = {}
        """What the child said of itself, for traces."""
        self._child: Child | None = None
        self.cancelled = False

    def check(self) -> None:
        if self.cancelled:
            raise Cancelled

    def run_in(self, child: Child) -> Any:
        self._child = child
        try:
            self.check()
            answer = child.ask(self._request, self.deadline)
            self.about = child.about
            return answer
        except (EOFError, OSError):
            if self.cancelled:
                raise Cancelled from None
            raise
        finally:
            self._child = None

    def cancel(self) -> None:
        """Nobody waits for the answer: work that has not begun does not begin, and what goes on is ended soon."""
        self.cancelled = True
        if self._child is not None:
            soon = threading.Timer(GRACE, self._stop)
            soon.daemon = True
            soon.start()

    def _stop(self) -> None:
        if self._child is not None:
            self._child.stop()


class _Process:
    """A spawned process that answers one request after the other. What is in our environment stays as it is there."""

    def __init__(self, models: Callable[[], Caller], environment: Mapping[str, str]) -> None:
        context = get_context("spawn")
        self.about: dict[str, Any] = {}
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, models), daemon=True)
        with _added(environment):
            self._process.start()
        theirs.close()

    def ask(self, request: tuple[Any, ...], deadline: float | None) -> Any:
        send(self._pipe, request)
        if not self._pipe.poll(seconds_left(deadline)):
            raise DeadlineExceeded
        answer, seconds = receive(self._pipe)
        self.about = {"process.pid": self._process.pid, "seconds": seconds}
        return answer

    def stop(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._process.kill()

    def kill(self) -> None:
        self.stop()
        self._process.join()
        self._pipe.close()

    @property
    def end(self) -> str:
        return f"exit {self._process.exitcode}"

    @property
    def memory(self) -> int:
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except OSError:
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


_environment = threading.Lock()


@contextlib.contextmanager
def _added(environment: Mapping[str, str]) -> Iterator[None]:
    """Numeric libraries read these once, when they are loaded: so they must be there when the process starts."""
    with _environment:
        added = [name for name in environment if name not in os.environ]
        os.environ.update({name: environment[name] for name in added})
        try:
            yield
        finally:
            for name in added:
                del os.environ[name]


def _serve(pipe: Connection, make: Callable[[], Caller]) -> None:
    """The life of a worker process: answer until the pipe closes. Ctrl-C is for the parent, which then closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(CHILD_NICENESS)
    models = make()
    with contextlib.suppress(BrokenPipeError):  # nobody waits for the answer any more
        while (request := _next(pipe)) is not STOP:
            started = time.perf_counter()
            answer = answer_of(models.call, request)
            send(pipe, (answer, time.perf_counter() - started))


def _next(pipe: Connection) -> Any:
    try:
        return receive(pipe)
    except (EOFError, OSError, KeyboardInterrupt):
        return STOP


def answer_of(run: Callable[..., Any], request: tuple[Any, ...]) -> Any:
    """The answer, or the error that stands for it."""
    try:
        return run(*request)
    except ForetellError as error:
        return error
    except (Exception, SystemExit) as error:
        return ModelFailed(f"{request[0]}: {type(error).__name__}: {error}")


def seconds_left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
