"""Who has workers, and who gives them back: never under a call, never a call lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from foretell.engine.loaded import LOAD
from foretell.engine.pools import FORMULAS, Policy, Pools
from foretell.engine.worker import DIED, STOPPED, ChildExecutor, Executor, ProcessExecutor
from foretell.errors import ForetellError
from tests.fakes import Environment

NETWORKS = [f"net{i}:Net" for i in range(4)]


class Held(ChildExecutor):
    """Children that are not there: notes its calls, each of which waits for `go`; holds 100 bytes."""

    def __init__(self, slots: int, devices: Sequence[str] = ()) -> None:
        super().__init__(slots)
        self.devices = devices
        self.seen: list[tuple[str, str]] = []
        self.go = asyncio.Event()
        self.closed = 0

    @property
    def memory(self) -> int:
        return 100

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:
        self.seen.append((name, verb))
        await self.go.wait()
        return self, arguments

    def start(self) -> None: ...

    def _new(self) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1
        super().close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(test(), 20)

    asyncio.run(bounded())


def executor_of(pools: Pools, target: str) -> Held:
    found = pools.of(target).executor
    assert isinstance(found, Held)
    return found


def test_formulas_share_workers_and_networks_have_their_own() -> None:
    async def test() -> None:
        policy = Policy(usual=1, replicas={NETWORKS[1]: 3}, devices={NETWORKS[1]: ("0", "1")})
        pools = Pools(2, new=Held, policy=policy)
        formulas = executor_of(pools, "foretell.algorithms.forecast.ets:Ets")
        assert formulas is executor_of(pools, "foretell.algorithms.anomaly.iqr:Iqr")
        slots = [executor_of(pools, name).slots for name in NETWORKS[:2]]
        assert (formulas.slots, slots) == (2, [1, 3])
        assert executor_of(pools, NETWORKS[1]).devices == ("0", "1")
        pools.close()

    run(test)


def test_every_worker_of_a_model_is_made_ready() -> None:
    async def test() -> None:
        pools = Pools(1, new=Held, policy=Policy(usual=3))
        held = executor_of(pools, NETWORKS[0])
        held.go.set()
        await pools.load(NETWORKS[0])
        assert held.seen == [(NETWORKS[0], LOAD)] * 3
        pools.close()

    run(test)


def test_a_model_that_is_unloaded_ends_its_calls_first_and_comes_back_with_the_next() -> None:
    async def test() -> None:
        pools = Pools(1, new=Held)
        held = executor_of(pools, NETWORKS[0])
        call = asyncio.ensure_future(pools.call(NETWORKS[0], "forecast", (1,)))
        await asyncio.sleep(0)
        assert pools.unload(NETWORKS[0])
        assert (held.closed, pools.unload(NETWORKS[0])) == (0, False)
        new = executor_of(pools, NETWORKS[0])
        assert new is not held
        held.go.set()
        assert await call == (held, (1,))
        assert held.closed == 1
        assert not pools.unload("foretell.algorithms.x:X")
        assert FORMULAS in pools.loaded
        pools.close()

    run(test)


def test_the_longest_idle_goes_where_memory_is_needed_but_none_that_works() -> None:
    async def test() -> None:
        pools = Pools(1, new=Held, policy=Policy(memory=300))
        calls = []
        for name in NETWORKS:
            executor_of(pools, name).go.set()
            await pools.call(name, "forecast", ())
        executor_of(pools, NETWORKS[0]).go.clear()
        calls.append(asyncio.ensure_future(pools.call(NETWORKS[0], "forecast", ())))
        await asyncio.sleep(0)
        assert pools.sweep() == NETWORKS[1:3]
        assert set(pools.loaded) == {FORMULAS, NETWORKS[0], NETWORKS[3]}
        executor_of(pools, NETWORKS[0]).go.set()
        await asyncio.gather(*calls)
        await pools.aclose()

    run(test)


def test_an_idle_model_goes_by_itself() -> None:
    async def test() -> None:
        pools = Pools(1, new=Held, policy=Policy(idle=0.001))
        executor_of(pools, NETWORKS[0]).go.set()
        await pools.call(NETWORKS[0], "forecast", ())
        while NETWORKS[0] in pools.loaded:
            await asyncio.sleep(0.001)
        await pools.aclose()

    run(test)


def test_deaths_are_not_forgotten_with_the_workers() -> None:
    async def test() -> None:
        pools = Pools(1, new=Held)
        executor_of(pools, NETWORKS[0]).replaced[DIED] = 2
        pools.unload(NETWORKS[0])
        executor_of(pools, NETWORKS[0]).replaced[DIED] = 1
        assert pools.replaced == {FORMULAS: {DIED: 0, STOPPED: 0}, NETWORKS[0]: {DIED: 3, STOPPED: 0}}
        pools.close()

    run(test)


def test_processes_hold_memory_and_have_the_devices_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    async def test() -> None:
        executor: Executor = ProcessExecutor(2, Environment, devices=("1", "cpu"))
        asked = (executor.call("CUDA_VISIBLE_DEVICES", "", ()) for _ in range(2))
        assert sorted(await asyncio.gather(*asked)) == ["", "1"]
        assert isinstance(executor, ProcessExecutor)
        assert executor.memory > 1 << 20
        executor.close()

    run(test)


def test_a_model_that_cannot_be_loaded_says_so() -> None:
    async def test() -> None:
        pools = Pools(1)
        with pytest.raises(ForetellError, match="no_such_module"):
            await pools.load("no_such_module:Net")
        pools.close()

    run(test)
