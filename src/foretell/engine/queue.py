"""Requests of many callers, answered together: gather -> run -> hand out.

No arrays here: an item is anything, a key says which items may share a batch, a cost how many do. A batch runs as soon
as a slot is free; what comes meanwhile waits and makes the next batch. So a lone request never waits, and a crowd is
answered in few calls. What somebody waits for goes before work that can wait (`later`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from foretell.errors import DeadlineExceeded, ModelFailed, Overloaded

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(eq=False, slots=True)
class Waiting(Generic[Item, Answer]):
    """One request in the queue. `deadline` is a time of `time.monotonic()`, or None."""

    key: Hashable
    item: Item
    cost: float
    deadline: float | None
    future: asyncio.Future[Answer]


Run = Callable[[Sequence[Item], float | None], Awaitable[Sequence[Answer]]]
"""Answers a batch of items, as many as there are; the deadline is the latest of them, None if one has none."""


@dataclass(eq=False, slots=True)
class BatchQueue(Generic[Item, Answer]):
    """At most `slots` batches run at once, each of items with one key that cost at most `budget` or are alone.

    More than `limit` waiting: Overloaded. A deadline that passes: DeadlineExceeded for that caller. What `run` raises
    goes to every waiter of the batch. A request whose caller is gone is dropped, a batch with none left is cancelled.
    """

    run: Run[Item, Answer]
    slots: int = 1
    budget: float = 1.0
    limit: int = 1000
    _waiting: deque[Waiting[Item, Answer]] = field(default_factory=deque)
    _later: deque[Waiting[Item, Answer]] = field(default_factory=deque)
    _lanes: set[asyncio.Task[None]] = field(default_factory=set)
    _running: int = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting) + len(self._later)

    @property
    def busy(self) -> int:
        """How many batches run."""
        return self._running

    async def submit(
        self,
        key: Callable[[], Hashable],
        item: Item,
        cost: float = 1.0,
        deadline: float | None = None,
        later: bool = False,
    ) -> Answer:
        """The answer to `item`; its key is made only where it has to wait. One that comes `later` waits until no other
        does."""
        if self._running < self.slots and not len(self):
            return await self._alone(item, deadline)
        if len(self) >= self.limit:
            raise Overloaded(f"{len(self)} requests are waiting; try again later")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        (self._later if later else self._waiting).append(Waiting(key(), item, cost, deadline, future))
        self._start_lanes()
        async with _until(deadline):
            return await future

    async def _alone(self, item: Item, deadline: float | None) -> Answer:
        """The short way where nobody waits: a batch of one, in the caller's own task. `run` keeps to its deadline."""
        self._running += 1
        try:
            answers = await self.run([item], deadline)
        finally:
            self._running -= 1
            self._start_lanes()
        if len(answers) != 1:
            raise ModelFailed(f"{len(answers)} answers for 1 request")
        return answers[0]

    def _start_lanes(self) -> None:
        """A slot is free: those who wait take it."""
        if len(self) and self._running < self.slots:
            self._running += 1
            lane = asyncio.ensure_future(self._lane())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)

    async def _lane(self) -> None:
        """Answer batches until nobody waits. The slot is free in the same moment: who comes next takes it."""
        try:
            while batch := self._gather(self._waiting) or self._gather(self._later):
                await self._answer(batch)
        finally:
            self._running -= 1

    def _gather(self, queue: deque[Waiting[Item, Answer]]) -> list[Waiting[Item, Answer]]:
        """The oldest request that is still wanted, and those like it, in order, as far as the budget goes."""
        batch: list[Waiting[Item, Answer]] = []
        others: deque[Waiting[Item, Answer]] = deque()
        cost = 0.0
        while queue:
            waiting = queue.popleft()
            if waiting.future.done():
                continue
            if batch and (waiting.key != batch[0].key or cost + waiting.cost > self.budget):
                others.append(waiting)
                continue
            batch.append(waiting)
            cost += waiting.cost
        queue.extend(others)
        return batch

    async def _answer(self, batch: list[Waiting[Item, Answer]]) -> None:
        deadlines = [w.deadline for w in batch]
        latest = None if None in deadlines else max(d for d in deadlines if d is not None)
        work = asyncio.ensure_future(self.run([w.item for w in batch], latest))
        cancel_when_unwanted(work, [w.future for w in batch])
        with contextlib.suppress(asyncio.CancelledError, Exception):  # they are the waiters' to see
            await work
        hand_out(work, [w.future for w in batch])


@contextlib.asynccontextmanager
async def _until(deadline: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
            yield
    except TimeoutError:
        raise DeadlineExceeded from None


def cancel_when_unwanted(work: asyncio.Future[Sequence[Answer]], futures: Sequence[asyncio.Future[Answer]]) -> None:
    """Cancel `work` when all who wait for it have gone."""
    left = len(futures)

    def gone(_: asyncio.Future[Answer]) -> None:
        nonlocal left
        left -= 1
        if not left:
            work.cancel()

    for future in futures:
        future.add_done_callback(gone)


def hand_out(work: asyncio.Future[Sequence[Answer]], futures: Sequence[asyncio.Future[Answer]]) -> None:
    """Give each waiter its answer, or all of them the error."""
    waiting = [f for f in futures if not f.done()]
    error = None if work.cancelled() else work.exception()
    if error is None and not work.cancelled() and len(work.result()) != len(futures):
        error = ModelFailed(f"{len(work.result())} answers for {len(futures)} requests")
    if work.cancelled() or error is not None:
        for future in waiting:
            future.set_exception(error or DeadlineExceeded("the work was stopped"))
        return
    for future, answer in zip(futures, work.result(), strict=True):
        if not future.done():
            future.set_result(answer)
