"""One suite over all executors, and what only those with children that can be killed do."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from foretell.engine import Engine
from foretell.engine.cluster import RayExecutor
from foretell.engine.engine import Control
from foretell.engine.scaling import Scale
from foretell.engine.worker import DIED, STOPPED, Executor, ProcessExecutor, ThreadExecutor
from foretell.errors import Cancelled, DeadlineExceeded, ModelFailed, UnknownName
from foretell.series import Series, batch_of
from tests.fakes import fake_engine, ramp

SOON = 20.0
"""Seconds that nothing here should take even on a busy machine; the work that is stopped would take far longer."""
FOREVER = 2_000_000_000
"""Rounds of hashing that take many minutes, in one native call."""


KINDS: dict[str, Callable[[int, str], Executor]] = {
    "thread": lambda slots, _: ThreadExecutor(slots),
    "process": lambda slots, _: ProcessExecutor(slots),
    "ray": lambda slots, address: RayExecutor(address, Scale(slots, slots)),
}


def new(kind: str, slots: int, request: pytest.FixtureRequest) -> Executor:
    return KINDS[kind](slots, request.getfixturevalue("ray_address") if kind == "ray" else "")


@pytest.fixture(scope="module", params=["thread", "process", "ray"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    executor = new(request.param, 2, request)
    yield executor
    executor.close()


@pytest.fixture
def engine(executor: Executor) -> Engine:
    return fake_engine(executor)


@pytest.fixture(scope="module", params=["process", "ray"])
def children(request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = fake_engine(new(request.param, 1, request))
    yield engine
    engine.close()


def test_the_seam(executor: Executor) -> None:
    batch = batch_of([Series(ramp(5)), Series(ramp(3))])
    forecast = asyncio.run(executor.submit("tests.fakes:Fake", batch, 2, (), {}))
    np.testing.assert_array_equal(forecast.point, [[4, 4], [2, 2]])


def test_many_series_in_many_chunks(engine: Engine) -> None:
    engine.chunk_budget = 100.0
    forecast = engine.forecast_sync([Series(ramp(10, last=float(i))) for i in range(40)], 2, "repeat")
    np.testing.assert_array_equal(forecast.point[:, 0], np.arange(40))
    assert set(forecast.status) == {"ok"}


def test_one_that_raises_fails_alone(engine: Engine) -> None:
    series = [Series(ramp(10)), Series(ramp(10, last=-1)), Series(ramp(12))]
    forecast = engine.forecast_sync(series, 2, "picky")
    assert forecast.status[0] == forecast.status[2] == "ok"
    assert forecast.status[1] == "failed: tests.fakes:Picky: ZeroDivisionError: cannot stand -1"
    assert np.isnan(forecast.point[1]).all()


def test_an_answer_of_the_wrong_shape_is_a_failure(engine: Engine) -> None:
    assert "returned point (1, 2)" in engine.forecast_sync([Series(ramp(10))], 3, "short").status[0]


@pytest.mark.parametrize("levels", [(), (0.1, 0.9)])
def test_an_answer_that_is_not_finite_is_a_failure(engine: Engine, levels: tuple[float, ...]) -> None:
    forecast = engine.forecast_sync([Series(ramp(10))], 3, "endless", levels)
    assert forecast.status == ("failed: endless gave a value that is not finite",)
    assert np.isnan(forecast.point).all()


def test_the_deadline_ends_the_wait(engine: Engine) -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        engine.forecast_sync([Series(ramp(10))], 2, "busy", options={"rounds": 5_000_000}, control=Control(timeout=0.2))
    assert time.monotonic() - began < SOON
    assert engine.forecast_sync([Series(ramp(10))], 2, "repeat").status == ("ok",)


def test_a_deadline_between_chunks(engine: Engine) -> None:
    with pytest.raises(DeadlineExceeded):
        engine.forecast_sync([Series(ramp(10))] * 500, 2, "sleepy", control=Control(timeout=0.3))


def test_cancel_stops_between_chunks(engine: Engine) -> None:
    cancel = threading.Event()
    done: list[int] = []

    def progress(count: int, total: int) -> None:
        done.append(count)
        if count >= 5:
            cancel.set()

    with pytest.raises(Cancelled):
        engine.forecast_sync([Series(ramp(10))] * 500, 2, "sleepy", control=Control(cancel=cancel, progress=progress))
    assert done[-1] < 20


def test_a_caller_that_goes_away_frees_the_executor(engine: Engine) -> None:
    async def leave() -> None:
        call = asyncio.ensure_future(engine.forecast([Series(ramp(10))] * 5000, 2, "sleepy"))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(leave())
    began = time.monotonic()
    assert engine.forecast_sync([Series(ramp(10))], 2, "repeat").status == ("ok",)
    assert time.monotonic() - began < 20  # what was left would have taken a minute and a half


def test_work_that_ends_soon_keeps_its_worker_when_the_caller_goes() -> None:
    """Otherwise callers who come and go would keep a server busy with starting workers."""
    executor = ProcessExecutor(1)
    processes = fake_engine(executor)

    async def come_and_go(model: str, times: int, **options: int) -> None:
        for _ in range(times):
            call = asyncio.ensure_future(processes.forecast([Series(ramp(10))], 2, model, options=options))
            await asyncio.sleep(0.01)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

    processes.forecast_sync([Series(ramp(10))], 2, "sleepy")  # it has started
    asyncio.run(come_and_go("sleepy", 5))
    assert processes.forecast_sync([Series(ramp(10))], 2, "repeat").status == ("ok",)
    assert executor.replaced == {DIED: 0, STOPPED: 0}
    asyncio.run(come_and_go("busy", 1, rounds=1_000_000_000))
    assert processes.forecast_sync([Series(ramp(10))], 2, "repeat").status == ("ok",)
    assert executor.replaced == {DIED: 0, STOPPED: 1}
    processes.close()


def test_progress_counts_every_series(engine: Engine) -> None:
    seen: list[tuple[int, int]] = []
    series = [Series(ramp(10)), Series(np.full(5, 3.0)), *[Series(ramp(20))] * 5]
    control = Control(progress=lambda done, total: seen.append((done, total)))
    engine.forecast_sync(series, 2, "sleepy", control=control)
    assert seen[0] == (1, 7)  # the constant one needs no model
    assert seen[-1] == (7, 7)
    assert seen == sorted(seen)


def test_sync_inside_a_running_loop(engine: Engine) -> None:
    async def notebook() -> tuple[str, ...]:
        return engine.forecast_sync([Series(ramp(10))], 2, "repeat").status

    assert asyncio.run(notebook()) == ("ok",)


def test_errors_keep_their_class(engine: Engine) -> None:
    with pytest.raises(UnknownName) as caught:
        engine.forecast_sync([Series(ramp(10))], 2, "repeat", options={"x": 1})
    assert caught.value.http_status == 404


def test_a_deadline_kills_native_work(children: Engine) -> None:
    first = children.forecast_sync([Series(ramp(10))], 1, "where").details[0]["pid"]
    assert first != os.getpid()
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        children.forecast_sync([Series(ramp(10))], 1, "busy", options={"rounds": FOREVER}, control=Control(timeout=0.3))
    assert time.monotonic() - began < 20  # what was left would have taken a minute and a half
    assert gone(first)
    assert children.forecast_sync([Series(ramp(10))], 1, "where").details[0]["pid"] != first


def test_a_caller_that_goes_away_kills_native_work(children: Engine) -> None:
    pid = children.forecast_sync([Series(ramp(10))], 1, "where").details[0]["pid"]

    async def leave() -> None:
        work = children.forecast([Series(ramp(10))], 1, "busy", options={"rounds": FOREVER})
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(work, 0.3)

    asyncio.run(leave())
    assert children.forecast_sync([Series(ramp(10))], 1, "repeat").status == ("ok",)
    assert gone(pid)


def test_a_worker_that_dies_is_replaced_and_the_work_tried_once_more(children: Engine, tmp_path: Path) -> None:
    marker = tmp_path / "died"
    forecast = children.forecast_sync([Series(ramp(10))], 1, "dying", options={"marker": str(marker)})
    assert marker.exists()
    assert forecast.status == ("ok",)


def test_a_worker_that_dies_twice_is_a_failure(children: Engine) -> None:
    forecast = children.forecast_sync([Series(ramp(10))], 1, "dying")
    assert " died twice (" in forecast.status[0]
    with pytest.raises(ModelFailed, match="died twice"):
        asyncio.run(children.executor.submit("tests.fakes:Dying", batch_of([Series(ramp(3))]), 1, (), {"marker": ""}))


def test_a_worker_keeps_its_process_and_its_share_of_the_cores(children: Engine) -> None:
    one, two = (children.forecast_sync([Series(ramp(10))], 1, "where").details[0] for _ in range(2))
    assert one["pid"] == two["pid"]
    share = os.cpu_count() if isinstance(children.executor, ProcessExecutor) else 1
    assert "OMP_NUM_THREADS" in os.environ or one["threads"] == str(share)


@pytest.mark.parametrize("kind", ["process", "ray"])
def test_close_ends_the_children(kind: str, request: pytest.FixtureRequest) -> None:
    engine = fake_engine(new(kind, 1, request))
    pid = engine.forecast_sync([Series(ramp(10))], 1, "where").details[0]["pid"]
    engine.close()
    assert gone(pid)


def gone(pid: int) -> bool:
    """Whether a process ends soon, or has ended."""
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
