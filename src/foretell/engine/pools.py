"""Who runs what: formulas share some workers, every network has its own, a URL is a server elsewhere.

So a slow or crashing model takes nobody else's place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from foretell.engine.remote import RemoteExecutor
from foretell.engine.worker import ChildExecutor, Executor, ProcessExecutor

FORMULAS = "formulas"
FORMULA_PACKAGE = "foretell.algorithms."


@dataclass(frozen=True, slots=True)
class Pool:
    """Where a target runs: the name of the place, and its executor."""

    name: str
    executor: Executor


class Pools(Executor):
    """An executor that sends each call to the pool of its model.

    `workers` for the formulas, `replicas` for every other model; `new` makes an executor of so many. `remotes` are
    executors for targets that begin with their key (`http://`). The formulas' workers start with `start()`, the others
    at first use.
    """

    def __init__(
        self,
        workers: int,
        remotes: Mapping[str, Executor] | None = None,
        new: Callable[[int], Executor] = ProcessExecutor,
        replicas: int = 1,
    ) -> None:
        self.slots = workers
        self._replicas = replicas
        self._new = new
        self._remotes = dict(remotes or {})
        self._pools = {FORMULAS: new(workers)}

    def start(self) -> None:
        formulas = self._pools[FORMULAS]
        if isinstance(formulas, ChildExecutor):
            formulas.start()

    def is_remote(self, target: str) -> bool:
        """Whether another server answers for a target."""
        return target.startswith(tuple(self._remotes))

    def of(self, target: str) -> Pool:
        """The pool of an entry-point string or URL."""
        for prefix, executor in self._remotes.items():
            if target.startswith(prefix):
                return Pool(target, executor)
        name = FORMULAS if target.startswith(FORMULA_PACKAGE) else target
        if name not in self._pools:
            self._pools[name] = self._new(self._replicas)
        return Pool(name, self._pools[name])

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:
        return await self.of(name).executor.call(name, verb, arguments, deadline)

    @property
    def deaths(self) -> dict[str, int]:
        """How many workers of each pool had to be replaced."""
        return {name: pool.deaths for name, pool in self._pools.items() if isinstance(pool, ChildExecutor)}

    async def aclose(self) -> None:
        """Close everything, on the loop of the server."""
        for executor in self._remotes.values():
            if isinstance(executor, RemoteExecutor):
                await executor.aclose()
        self.close()

    def close(self) -> None:
        for executor in (*self._pools.values(), *self._remotes.values()):
            executor.close()
