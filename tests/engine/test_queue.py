"""Batching across callers: no arrays, no clocks but the event loop's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest

from foretell.engine.queue import BatchQueue
from foretell.errors import DeadlineExceeded, ModelFailed, Overloaded


class Model:
    """Doubles what it is given, as soon as `go` is set; notes its batches."""

    def __init__(self, answer: Callable[[Sequence[int]], Sequence[int]] | None = None) -> None:
        self.batches: list[list[int]] = []
        self.deadlines: list[float | None] = []
        self.go = asyncio.Event()
        self.cancelled = 0
        self._answer = answer or (lambda items: [2 * item for item in items])

    async def __call__(self, items: Sequence[int], deadline: float | None) -> Sequence[int]:
        self.batches.append(list(items))
        self.deadlines.append(deadline)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self._answer(items)


def run(test: Callable[[], Awaitable[Any]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(test(), 20)

    asyncio.run(bounded())


async def started(count: int = 3) -> None:
    """Let everything that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)


async def submit_all(queue: BatchQueue[int, int], items: Sequence[int], key: str = "k") -> list[asyncio.Task[int]]:
    tasks = [asyncio.ensure_future(queue.submit(lambda: key, item)) for item in items]
    await started()
    return tasks


def test_a_lone_request_runs_at_once_and_a_crowd_in_one_batch() -> None:
    async def test() -> None:
        model = Model()
        queue = BatchQueue(model, budget=10)
        first = await submit_all(queue, [1])
        crowd = await submit_all(queue, [2, 3, 4])
        model.go.set()
        assert await asyncio.gather(*first, *crowd) == [2, 4, 6, 8]
        assert model.batches == [[1], [2, 3, 4]]
        assert (len(queue), queue.busy) == (0, 0)

    run(test)


def test_one_caller_after_the_other_never_waits_for_a_slot_that_is_free() -> None:
    async def test() -> None:
        model = Model()
        model.go.set()
        queue = BatchQueue(model)
        assert [await queue.submit(lambda: "k", item) for item in range(100)] == [2 * item for item in range(100)]

    run(test)


def test_keys_and_budget_part_batches_and_the_oldest_goes_first() -> None:
    async def test() -> None:
        model = Model()
        queue = BatchQueue(model, budget=2)
        tasks = await submit_all(queue, [0], "z")
        for item, key in ((1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "b")):
            tasks += await submit_all(queue, [item], key)
        model.go.set()
        assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10]
        assert model.batches == [[0], [1, 3], [2, 5], [4]]

    run(test)


def test_something_too_dear_for_the_budget_goes_alone() -> None:
    async def test() -> None:
        model = Model()
        model.go.set()
        queue = BatchQueue(model, budget=2)
        dear = queue.submit(lambda: "k", 1, cost=100)
        assert list(await asyncio.gather(dear, queue.submit(lambda: "k", 2))) == [2, 4]
        assert model.batches == [[1], [2]]

    run(test)


def test_as_many_batches_as_slots() -> None:
    async def test() -> None:
        model = Model()
        queue = BatchQueue(model, slots=2, budget=1)
        tasks = await submit_all(queue, [1, 2, 3])
        assert model.batches == [[1], [2]]
        assert (len(queue), queue.busy) == (1, 2)
        model.go.set()
        assert await asyncio.gather(*tasks) == [2, 4, 6]

    run(test)


def test_a_full_queue_refuses() -> None:
    async def test() -> None:
        model = Model()
        queue = BatchQueue(model, limit=2)
        tasks = await submit_all(queue, [1])
        tasks += await submit_all(queue, [2, 3])
        with pytest.raises(Overloaded, match="2 requests are waiting"):
            await queue.submit(lambda: "k", 4)
        model.go.set()
        assert await asyncio.gather(*tasks) == [2, 4, 6]

    run(test)


@pytest.mark.parametrize(
    ("answer", "text"),
    [(lambda items: 1 / 0, "division"), (lambda items: items[:-1], "1 answers for 2 requests")],
)
def test_an_error_goes_to_every_waiter(answer: Callable[[Sequence[int]], Sequence[int]], text: str) -> None:
    async def test() -> None:
        model = Model(answer)
        queue = BatchQueue(model, budget=10)
        blocker = await submit_all(queue, [0], "other")
        tasks = await submit_all(queue, [1, 2])
        model.go.set()
        errors = await asyncio.gather(*tasks, *blocker, return_exceptions=True)
        assert all(text in str(error) for error in errors[:2])
        assert isinstance(errors[0], ZeroDivisionError | ModelFailed)

    run(test)


def test_a_deadline_is_the_callers_own_and_the_batch_gets_the_latest() -> None:
    async def test() -> None:
        model = Model()
        queue = BatchQueue(model, budget=10)
        blocker = await submit_all(queue, [0], "other")
        late = time.monotonic() + 60
        patient = asyncio.ensure_future(queue.submit(lambda: "k", 1, deadline=late))
        with pytest.raises(DeadlineExceeded):
            await queue.submit(lambda: "k", 2, deadline=time.monotonic() - 1)
        second = asyncio.ensure_future(queue.submit(lambda: "k", 3, deadline=late - 30))
        await started()
        model.go.set()
        assert list(await asyncio.gather(*blocker, patient, second)) == [0, 2, 6]
        assert model.batches == [[0], [1, 3]]
        assert model.deadlines == [None, late]

    run(test)


def test_who_is_gone_is_dropped_and_work_for_nobody_is_cancelled() -> None:
    async def test() -> None:
        model = Model()
        queue = BatchQueue(model, budget=10)
        running = await submit_all(queue, [1])
        waiting = await submit_all(queue, [2, 3])
        waiting[0].cancel()
        running[0].cancel()
        await started(6)
        assert model.cancelled == 1
        assert model.batches == [[1], [3]]
        model.go.set()
        assert await waiting[1] == 6
        await asyncio.gather(*running, *waiting, return_exceptions=True)

    run(test)


def test_work_goes_on_while_one_of_its_callers_is_there() -> None:
    async def test() -> None:
        model = Model()
        queue = BatchQueue(model, budget=10)
        blocker = await submit_all(queue, [0], "other")
        tasks = await submit_all(queue, [1, 2])
        blocker[0].cancel()
        await started(6)
        tasks[0].cancel()
        await started()
        model.go.set()
        assert await tasks[1] == 4
        assert model.cancelled == 1

    run(test)


def test_random_crowds_get_what_one_by_one_gives() -> None:
    async def test() -> None:
        async def double(items: Sequence[int], deadline: float | None) -> list[int]:
            await asyncio.sleep(0)
            return [2 * item for item in items]

        queue = BatchQueue(double, slots=3, budget=7, limit=10_000)
        jobs = [queue.submit(partial(int.__mod__, i, 5), i, cost=i % 3 + 0.5) for i in range(500)]
        assert await asyncio.gather(*jobs) == [2 * i for i in range(500)]

    run(test)


def test_what_can_wait_goes_after_everybody_else() -> None:
    async def test() -> None:
        model = Model()
        queue = BatchQueue(model, budget=1)
        tasks = await submit_all(queue, [0])
        later = asyncio.ensure_future(queue.submit(lambda: "k", 1, later=True))
        await started()
        tasks += [later, *await submit_all(queue, [2, 3])]
        assert len(queue) == 3
        model.go.set()
        assert await asyncio.gather(*tasks) == [0, 2, 4, 6]
        assert model.batches == [[0], [2], [3], [1]]

    run(test)
