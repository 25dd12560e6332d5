"""Children come where calls wait and go where they stand idle."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from foretell.engine.scaling import Ready, Scale, ScalingExecutor
from foretell.engine.worker import DIED, STOPPED
from foretell.errors import DeadlineExceeded, ForetellError, NotAvailable

SOON = 10.0


class Clerk:
    """A child that answers when it is told to."""

    end = "told to"
    memory = 0
    about: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self.go = threading.Event()
        self.stopped = False

    def ask(self, request: tuple[Any, ...], deadline: float | None) -> Any:
        assert self.go.wait(SOON)
        if self.stopped:
            raise EOFError
        return self

    def stop(self) -> None:
        self.stopped = True
        self.go.set()

    def kill(self) -> None:
        self.stop()


class Office(ScalingExecutor):
    """Its children are ready at once, or never for a reason, or when `open` is set."""

    def __init__(self, scale: Scale, problem: ForetellError | None = None, ready: bool = True) -> None:
        super().__init__(scale)
        self.clerks: list[Clerk] = []
        self.problem, self.at_once = problem, ready

    def _launch(self, ready: Ready) -> Clerk:
        self.clerks.append(clerk := Clerk())
        if self.at_once:
            threading.Thread(target=ready, args=(clerk, self.problem)).start()
        return clerk

    def _in_vain(self, waited: float) -> str:
        return "no room" if waited > 0.03 else ""

    def finish(self) -> None:
        for clerk in self.clerks:
            clerk.go.set()


@pytest.fixture
def offices() -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def new(*arguments: Any, **more: Any) -> Office:
        made.append(Office(*arguments, **more))
        return made[-1]

    yield new
    for office in made:
        office.finish()
        office.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not true():
            await asyncio.sleep(0.002)


def calls(office: Office, count: int, seconds: float | None = None) -> list[asyncio.Task[Any]]:
    deadline = None if seconds is None else time.monotonic() + seconds
    return [asyncio.ensure_future(office.call("m", "v", (), deadline)) for _ in range(count)]


def test_as_many_as_calls_wait_up_to_the_most(offices: Callable[..., Office]) -> None:
    office = offices(Scale(1, 3))

    async def work() -> None:
        office.start()
        first = calls(office, 1)
        await until(lambda: office.size == 1)
        more = calls(office, 5)
        await until(lambda: office.size == 3)
        office.finish()
        assert len(await asyncio.gather(*first, *more)) == 6

    asyncio.run(work())
    assert len(office.clerks) == 3


def test_one_call_after_the_other_needs_one(offices: Callable[..., Office]) -> None:
    office = offices(Scale(0, 3))

    async def work() -> None:
        for _ in range(20):
            (call,) = calls(office, 1)
            await until(lambda: bool(office.clerks))
            office.finish()
            await call

    asyncio.run(work())
    assert len(office.clerks) == 1


def test_idle_ones_are_released_down_to_the_least(offices: Callable[..., Office]) -> None:
    office = offices(Scale(1, 3, idle=0.05))

    async def work() -> None:
        three = calls(office, 3)
        await until(lambda: office.size == 3)
        office.finish()
        await asyncio.gather(*three)
        await until(lambda: office.size == 1)
        assert sum(clerk.stopped for clerk in office.clerks) == 2
        assert await calls(office, 1)[0] in office.clerks

    asyncio.run(work())


def test_one_that_dies_is_replaced_and_its_work_tried_once_more(offices: Callable[..., Office]) -> None:
    office = offices(Scale(1, 1))

    async def work() -> None:
        (call,) = calls(office, 1)
        await until(lambda: bool(office.clerks))
        office.clerks[0].stop()
        await until(lambda: len(office.clerks) == 2)
        office.finish()
        assert await call is office.clerks[1]

    asyncio.run(work())
    assert office.replaced == {DIED: 1, STOPPED: 0}
    assert office.size == 1


def test_who_waits_for_one_that_never_starts_is_told_why(offices: Callable[..., Office]) -> None:
    office = offices(Scale(0, 2), NotAvailable("no foretell there"))
    with pytest.raises(NotAvailable, match="no foretell there"):
        asyncio.run(office.call("m", "v", ()))


def test_the_wait_for_the_first_is_bounded_and_says_what_is_short(offices: Callable[..., Office]) -> None:
    office = offices(Scale(0, 2), ready=False)
    office.look = 0.02
    with pytest.raises(NotAvailable, match="no room"):
        asyncio.run(office.call("m", "v", ()))


def test_deadlines_and_leaving_callers_end_the_wait(offices: Callable[..., Office]) -> None:
    office = offices(Scale(0, 1), ready=False)

    async def work() -> None:
        (slow,) = calls(office, 1, seconds=0.02)
        with pytest.raises(DeadlineExceeded):
            await slow
        (gone,) = calls(office, 1)
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(DeadlineExceeded):  # the one thread that waits is free again
            await calls(office, 1, seconds=0.02)[0]

    asyncio.run(work())


def test_close_lets_those_who_wait_go(offices: Callable[..., Office]) -> None:
    office = offices(Scale(0, 1), ready=False)

    async def work() -> None:
        (call,) = calls(office, 1)
        await until(lambda: bool(office.clerks))
        office.close()
        with pytest.raises((ForetellError, asyncio.CancelledError)):
            await call

    asyncio.run(work())
