"""Who runs what: formulas share some workers, every network has its own, a URL is a server elsewhere.

So a slow or crashing model takes nobody else's place. The workers of a network come with its first call, or when they
are told to, and go when they have been idle for long, when others need their memory, or when they are told to: never
under a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foretell.engine.loaded import LOAD
from foretell.engine.remote import RemoteExecutor
from foretell.engine.worker import ChildExecutor, Executor, ProcessExecutor
from foretell.wire import tracing
from foretell.wire.masking import mask

log = logging.getLogger("foretell.pools")
FORMULAS = "formulas"
FORMULA_PACKAGE = "foretell.algorithms."
SWEEP = 5.0
"""Seconds between two looks at who is idle and how much memory is held, at most."""

New = Callable[[int, Sequence[str]], Executor]
"""Makes an executor of so many workers, on these devices."""


def processes(count: int, devices: Sequence[str] = ()) -> Executor:
    return ProcessExecutor(count, devices=devices)


@dataclass(frozen=True, slots=True)
class Policy:
    """`replicas` and `devices` by entry-point string; other models have `usual` workers, wherever there is room.

    Workers that were idle for `idle` seconds go; above `memory` bytes, those that were idle longest.
    """

    usual: int = 1
    replicas: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    idle: float | None = None
    memory: int | None = None


@dataclass(eq=False, slots=True)
class Pool:
    """Where a target runs: the name of the place, its executor, the calls under way, when the last one ended."""

    name: str
    executor: Executor
    calls: int = 0
    used: float = field(default_factory=time.monotonic)
    closing: bool = False

    @property
    def memory(self) -> int:
        """Bytes held, as far as known."""
        return self.executor.memory if isinstance(self.executor, ChildExecutor) else 0

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None) -> Any:
        self.calls += 1
        try:
            with tracing.span("worker", target=mask(name), verb=verb):
                return await self.executor.call(name, verb, arguments, deadline)
        finally:
            self.calls -= 1
            self.used = time.monotonic()
            if self.closing:
                self.close()

    def close(self) -> None:
        """Stop the workers as soon as no call is under way. Who calls meanwhile gets new ones."""
        self.closing = True
        if not self.calls:
            self.executor.close()


class Pools(Executor):
    """An executor that sends each call to the pool of its model.

    `workers` for the formulas, for every other model what the policy says; `new` makes an executor. `remotes` are
    executors for targets that begin with their key (`http://`). The formulas' workers start with `start()`.
    """

    def __init__(
        self,
        workers: int,
        remotes: Mapping[str, Executor] | None = None,
        new: New = processes,
        policy: Policy = Policy(),
    ) -> None:
        self.slots = workers
        self.policy = policy
        self._new = new
        self._remotes = {prefix: Pool(prefix, executor) for prefix, executor in (remotes or {}).items()}
        self._pools = {FORMULAS: Pool(FORMULAS, new(workers, ()))}
        self._replaced: dict[str, Counter[str]] = {}
        """Of workers that were unloaded since."""
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        formulas = self._pools[FORMULAS].executor
        if isinstance(formulas, ChildExecutor):
            formulas.start()

    def is_remote(self, target: str) -> bool:
        """Whether another server answers for a target."""
        return target.startswith(tuple(self._remotes))

    def slots_of(self, target: str) -> int:
        """How many calls of a target run at once."""
        return self.of(target).executor.slots

    def place(self, target: str) -> str:
        """The name of the pool of an entry-point string or URL."""
        if self.is_remote(target):
            return target
        return FORMULAS if target.startswith(FORMULA_PACKAGE) else target

    def of(self, target: str) -> Pool:
        """The pool of an entry-point string or URL; workers of a network come with it."""
        for prefix, pool in self._remotes.items():
            if target.startswith(prefix):
                return pool
        name = self.place(target)
        if name not in self._pools:
            policy = self.policy
            count = policy.replicas.get(target, policy.usual)
            self._pools[name] = Pool(name, self._new(count, policy.devices.get(target, ())))
        return self._pools[name]

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:
        self._keep_sweeping()
        return await self.of(name).call(name, verb, arguments, deadline)

    async def load(self, target: str, deadline: float | None = None) -> None:
        """Have every worker of a model ready; raises what loading it raises. A server elsewhere is left alone."""
        if self.is_remote(target):
            return
        pool = self.of(target)
        ready = (self.call(target, LOAD, (), deadline) for _ in range(pool.executor.slots))
        await asyncio.gather(*ready)

    def unload(self, target: str) -> bool:
        """Let the workers of a model go, each when its call is done; whether there were any. Formulas stay."""
        name = self.place(target)
        if name == FORMULAS or name not in self._pools:
            return False
        pool = self._pools.pop(name)
        self._replaced[name] = self._replaced_of(pool)
        pool.close()
        return True

    @property
    def loaded(self) -> dict[str, Pool]:
        """The pools that have workers, by name."""
        return dict(self._pools)

    @property
    def replaced(self) -> dict[str, Counter[str]]:
        """How many workers of each pool had to be replaced, by the reason."""
        return self._replaced | {name: self._replaced_of(pool) for name, pool in self._pools.items()}

    def sweep(self) -> list[str]:
        """Let go whom the policy says; the names of their pools. The longest idle goes first."""
        gone = []
        idle = sorted((p for p in self._pools.values() if p.name != FORMULAS and not p.calls), key=lambda p: p.used)
        held = sum(pool.memory for pool in self._pools.values())
        for pool in idle:
            too_long = self.policy.idle is not None and time.monotonic() - pool.used > self.policy.idle
            too_much = self.policy.memory is not None and held > self.policy.memory
            if too_long or too_much:
                held -= pool.memory
                log.info("%s is unloaded: %s", pool.name, "it was idle" if too_long else "memory is needed")
                self.unload(pool.name)
                gone.append(pool.name)
        return gone

    def _keep_sweeping(self) -> None:
        limited = self.policy.idle is not None or self.policy.memory is not None
        if limited and (self._sweeping is None or self._sweeping.done()):
            self._sweeping = asyncio.ensure_future(self._sweep_now_and_then())

    async def _sweep_now_and_then(self) -> None:
        while len(self._pools) > 1:
            await asyncio.sleep(min(SWEEP, self.policy.idle or SWEEP))
            self.sweep()

    def _replaced_of(self, pool: Pool) -> Counter[str]:
        """Of a pool and those before it of its name."""
        count = Counter(self._replaced.get(pool.name))
        if isinstance(pool.executor, ChildExecutor):
            count.update(pool.executor.replaced)
        return count

    async def aclose(self) -> None:
        """Close everything, on the loop of the server."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeping
        for pool in self._remotes.values():
            if isinstance(pool.executor, RemoteExecutor):
                await pool.executor.aclose()
        self.close()

    def close(self) -> None:
        for pool in (*self._pools.values(), *self._remotes.values()):
            pool.executor.close()
