"""Models in actors of a Ray cluster: the only file that knows Ray.

A process is in one cluster at a time, and leaves it with its last executor. `local` starts a cluster on the loopback
interface of this machine, with a secret of its own, and ends it; `auto` and host:port join one, from one of its nodes.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from foretell.engine.loaded import Models
from foretell.engine.scaling import Ready, Scale, ScalingExecutor
from foretell.engine.worker import Caller, Child, answer_of, seconds_left
from foretell.errors import DeadlineExceeded, ForetellError, InvalidInput, ModelFailed, NotAvailable
from foretell.registry import require

if TYPE_CHECKING:
    from ray import ObjectRef

LOCAL = "local"
PATIENCE = 300.0
"""Seconds that work waits for the first actor: a cluster that grows may take minutes for a node."""
CONNECT_TIMEOUT = 5.0
DEATH_TIMEOUT = 10.0
"""Seconds that Ray may take to end an actor."""


class RayExecutor(ScalingExecutor):
    """One actor, one CPU, one thread, one call at a time; as many actors as `scale` says.

    Arrays go through Ray's object store: written there once, read in place.
    """

    noun = "actor"

    def __init__(self, address: str, scale: Scale, models: Callable[[], Caller] = Models) -> None:
        super().__init__(scale, models)
        self._cluster = Cluster.join(address)

    def _launch(self, ready: Ready) -> Child:
        return _Actor(self._models, self._cluster.cpus, ready)

    def _in_vain(self, waited: float) -> str:
        if not self._cluster.alive():
            return "all nodes of the Ray cluster are dead"
        return f"Ray has started no actor within {waited:.0f} s; {room()}" if waited > PATIENCE else ""

    def close(self) -> None:
        closed, self._closed = self._closed, True
        super().close()
        if not closed:
            self._cluster.leave()


@dataclass(slots=True)
class Cluster:
    """Where this process belongs; `cpus` is what an actor asks for."""

    address: str
    cpus: float
    leave_to_others: bool
    folder: Folder | None = None
    members: int = 0

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _ours: ClassVar[Cluster | None] = None

    @classmethod
    def join(cls, address: str) -> Cluster:
        """Enter the cluster at `address`, or the one that this process is in already."""
        with cls._lock:
            ours = cls._ours or _enter(address)
            if ours.address != address:
                raise InvalidInput("ray", f"this process is in the cluster {ours.address!r} already, not {address!r}")
            ours.members += 1
            cls._ours = ours
            return ours

    def leave(self) -> None:
        with self._lock:
            self.members -= 1
            if self.members:
                return
            type(self)._ours = None
            if not self.leave_to_others:
                _exit(self.folder)

    def alive(self) -> bool:
        """Whether any node is."""
        import ray

        return any(node["Alive"] for node in ray.nodes())


def room() -> str:
    """How full the cluster is, for people."""
    import ray

    free, all_ = ray.available_resources(), ray.cluster_resources()
    return f"{free.get('CPU', 0):g} of {all_.get('CPU', 0):g} CPUs are free"


def _enter(address: str) -> Cluster:
    knock(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    local = address == LOCAL
    with _environment(_alone() if local else {}):
        ray: Any = require("ray", "ray")
        if ray.is_initialized():
            return Cluster(address, 1, leave_to_others=True)
        folder = _own_folder() if local else None
        try:
            with _own_signals():
                ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **_private(folder))
        except (ConnectionError, ValueError, RuntimeError, OSError, ray.exceptions.RayError) as error:
            _remove(folder)
            reason = str(error).strip().partition("\n")[0]
            raise NotAvailable(f"no Ray cluster at {address!r}: {reason}") from None
    return Cluster(address, 0 if local else 1, False, folder)


def knock(address: str) -> None:
    """NotAvailable where nobody listens at this address: Ray itself waits for minutes."""
    host, colon, port = address.rpartition(":")
    if "/" in address or not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise NotAvailable(f"no Ray cluster at {address!r}: {error}") from None


def _exit(folder: Folder | None) -> None:
    import ray

    with _own_signals():
        ray.shutdown()
    _remove(folder)


def _private(folder: Folder | None) -> dict[str, Any]:
    """Arguments for a cluster of our own. Its actors ask for no CPU: pools bound them, and none must starve."""
    if folder is None:
        return {}
    return {"num_cpus": os.cpu_count() or 1, "include_dashboard": False, "_temp_dir": str(folder.path)}


SECRET = secrets.token_hex(32)


def _alone() -> dict[str, str]:
    """What Ray reads when it starts: stay on the loopback interface (its switch for systems without clusters), let
    nobody in without our secret, and find the modules that this process finds."""
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": SECRET,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a cluster of our own has its sockets and logs; `lock` is open and locked as long as its process lives."""

    path: Path
    lock: IO[bytes]


PREFIX = "foretell-ray-"
FRESH = 60.0
"""Seconds for which a folder may be without a lock: its process is just about to take it."""


def _own_folder() -> Folder:
    """A new folder. Those of processes that were killed are removed on the way."""
    parent = Path("/tmp") if Path("/tmp").is_dir() else None  # noqa: S108  paths of sockets must be short
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    for other in path.parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > FRESH:
                _remove(Folder(other, _locked(other)))
    return Folder(path, _locked(path))


def _locked(folder: Path) -> IO[bytes]:
    """OSError where another process has it."""
    lock = (folder / "in-use").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


def _remove(folder: Folder | None) -> None:
    if folder is not None:
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.lock.close()


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables for the processes that start meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself; it is the server's."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


class _Life:
    """What runs inside an actor."""

    def __init__(self, models: Callable[[], Caller]) -> None:
        self._models = models()

    def ready(self) -> None:
        pass

    def ask(self, *request: Any) -> Any:
        return answer_of(self._models.call, request)


class _Actor:
    """A child of RayExecutor. Ray neither restarts it nor tries its work again: the executor does."""

    end = "see the logs of Ray"

    memory = 0
    """Ray knows; here nobody asks."""
    about: ClassVar[dict[str, Any]] = {}

    def __init__(self, models: Callable[[], Caller], cpus: float, ready: Ready) -> None:
        import ray

        life: Any = ray.remote(_Life)
        options = {"num_cpus": cpus, "max_restarts": 0, "max_task_retries": 0, "max_concurrency": 1}
        self._actor = life.options(**options).remote(models)
        self._when_ready(ready)

    def _when_ready(self, ready: Ready) -> None:
        """Tell from a thread of our own: Ray's stands still while it tells, and `ready` may call Ray."""
        answer: ObjectRef[None] = self._actor.ready.remote()

        def tell(done: Future[None]) -> None:
            threading.Thread(target=ready, args=(self, _why_not(done.exception())), daemon=True).start()

        answer.future().add_done_callback(tell)

    def ask(self, request: tuple[Any, ...], deadline: float | None) -> Any:
        import ray
        from ray import exceptions

        try:
            return ray.get(self._actor.ask.remote(*request), timeout=seconds_left(deadline))
        except exceptions.GetTimeoutError:
            raise DeadlineExceeded from None
        except exceptions.RayTaskError as error:
            return ModelFailed(f"{request[0]}: {_last_line(error)}")
        except exceptions.RayError as error:
            raise EOFError(str(error)) from None

    def stop(self) -> None:
        import ray

        if ray.is_initialized():
            ray.kill(self._actor)

    def kill(self) -> None:
        import ray
        from ray import exceptions

        self.stop()
        with contextlib.suppress(exceptions.RayError):
            ray.get(self._actor.ready.remote(), timeout=DEATH_TIMEOUT)


def _why_not(error: BaseException | None) -> ForetellError | None:
    """Why an actor did not start, such as a node without foretell, or with another version of it."""
    return None if error is None else NotAvailable(f"Ray cannot start an actor: {_last_line(error)}")


def _last_line(error: BaseException) -> str:
    return str(error).strip().rpartition("\n")[2]
