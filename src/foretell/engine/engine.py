"""Engine: many series in, one Forecast out.

    prepare each series -> cut into chunks -> run them on the executor -> bounds for models without -> put together

One bad series never fails the others: each row carries its status.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np

from foretell import series as words
from foretell.engine import conformal
from foretell.engine.batcher import batch_key, cut
from foretell.engine.repair import Prepared, newest, prepare
from foretell.engine.worker import Executor, ThreadExecutor
from foretell.errors import Cancelled, DeadlineExceeded, InvalidInput, ModelFailed
from foretell.registry import Entry, Registry, registry
from foretell.series import Forecast, Series, batch_of

CHUNK_BUDGET = 500_000.0
"""Cost of a chunk in microseconds, rough: deadline, cancel and progress are looked at between chunks."""

Progress = Callable[[int, int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Control:
    """How a call may be steered while it runs. `timeout` in seconds; `progress(done, total)` counts series."""

    timeout: float | None = None
    progress: Progress | None = None
    cancel: threading.Event | None = None


@dataclass(slots=True)
class _Run:
    """One call under way."""

    entry: Entry
    options: Mapping[str, Any]
    levels: tuple[float, ...]
    deadline: float | None
    cancel: threading.Event | None
    total: int = 0
    done: int = 0
    progress: Progress | None = None

    def check(self) -> None:
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded

    def advance(self, count: int) -> None:
        self.done += count
        if self.progress is not None:
            self.progress(self.done, self.total)


@dataclass(slots=True)
class Engine:
    """Runs models from the registry on an executor (threads of this process unless another is given)."""

    executor: Executor = field(default_factory=ThreadExecutor)
    models: Registry = field(default_factory=registry)
    chunk_budget: float = CHUNK_BUDGET

    async def forecast(
        self,
        series: Sequence[Series],
        horizon: int,
        model: str,
        levels: Sequence[float] = (),
        options: Mapping[str, Any] | None = None,
        control: Control | None = None,
    ) -> Forecast:
        """Forecast every series `horizon` steps ahead, with quantiles at `levels` (in (0, 1), any order).

        Raises UnknownName, InvalidInput, DeadlineExceeded or Cancelled for the call as a whole; what is wrong with
        one series stands in its status.
        """
        control = control or Control()
        entry = self.models.find(model)
        check_horizon(horizon, entry.limits.max_horizon)
        run = _Run(
            entry,
            entry.read_options(options or {}),
            check_levels(levels),
            None if control.timeout is None else time.monotonic() + control.timeout,
            control.cancel,
            total=len(series),
            progress=control.progress,
        )
        if not entry.limits.covariates and any(_has_covariates(s) for s in series):
            raise InvalidInput("covariates", f"{entry.name} takes none")
        return await self._forecast(run, series, horizon)

    def forecast_sync(self, *args: Any, **kwargs: Any) -> Forecast:
        """The same for callers without a loop, and inside a running one (Jupyter) as well."""
        return wait_for(self.forecast(*args, **kwargs))

    def close(self) -> None:
        self.executor.close()

    async def _forecast(self, run: _Run, series: Sequence[Series], horizon: int) -> Forecast:
        prepared = [prepare(s, run.entry.limits) for s in series]
        result = _Assembly(len(series), horizon, run.levels, run.entry)
        ready = [i for i, p in enumerate(prepared) if p.series is not None and p.status != words.CONSTANT]
        for index, p in enumerate(prepared):
            result.note(index, p)
        run.advance(len(series) - len(ready))
        await self._chunks(run, [prepared[i] for i in ready], ready, horizon, result)
        return result.forecast()

    async def _chunks(
        self, run: _Run, prepared: Sequence[Prepared], rows: Sequence[int], horizon: int, result: _Assembly
    ) -> None:
        series = [p.series for p in prepared if p.series is not None]
        keys = [batch_key(run.entry, run.options, len(s), horizon, _covariates(s)) for s in series]
        chunks = cut(keys, [len(s) for s in series], horizon, run.entry.limits.cost, self.chunk_budget)

        async def one(chunk: list[int]) -> None:
            members = [series[i] for i in chunk]
            forecast = await self._one_batch(run, members, horizon)
            result.put([rows[i] for i in chunk], forecast)
            run.advance(len(chunk))

        await _at_most(self.executor.slots, [partial(one, chunk) for chunk in chunks])

    async def _one_batch(self, run: _Run, members: list[Series], horizon: int) -> Forecast:
        """Point and quantiles of one batch. Where the model fails, each row is tried alone: only the bad ones fail."""
        run.check()
        native = run.levels if run.entry.limits.intervals else ()
        try:
            forecast = await self._submit(run, members, horizon, native)
            if native == run.levels:
                return forecast
            return await self._with_bounds(run, members, forecast)
        except ModelFailed as error:
            if len(members) == 1:
                return _failed(horizon, str(error))
            return _stack([await self._one_batch(run, [member], horizon) for member in members])

    async def _submit(self, run: _Run, members: list[Series], horizon: int, levels: tuple[float, ...]) -> Forecast:
        batch = batch_of(members)
        return await self.executor.submit(run.entry.target, batch, horizon, levels, run.options, run.deadline)

    async def _with_bounds(self, run: _Run, members: list[Series], forecast: Forecast) -> Forecast:
        """Conformal quantiles for a point-only model: the same model from earlier origins of the same series."""
        horizon = forecast.horizon
        plans = [
            conformal.plan(len(s), horizon, run.entry.limits.min_context) if words.has_forecast(status) else None
            for s, status in zip(members, forecast.status, strict=True)
        ]
        trials = [(i, origin) for i, p in enumerate(plans) if p for origin in p.origins]
        histories = [_history(members[i], origin) for i, origin in trials]
        longest = max((p.horizon for p in plans if p), default=0)
        answer = await self._submit(run, histories, longest, ()) if trials else None
        quantiles = np.full((len(members), horizon, len(run.levels)), np.nan)
        status = list(forecast.status)
        row = 0
        for i, p in enumerate(plans):
            if p is None or answer is None:
                status[i] = words.NO_INTERVAL if words.has_forecast(status[i]) else status[i]
                continue
            made = answer.point[row : row + len(p.origins), : p.horizon]
            truth = np.array([members[i].values[o : o + p.horizon] for o in p.origins])
            quantiles[i] = conformal.quantiles(forecast.point[i], truth - made, run.levels)
            row += len(p.origins)
        return Forecast(forecast.point, quantiles, run.levels, tuple(status), forecast.model, forecast.details)


class _Assembly:
    """Rows of the answer, filled in any order."""

    def __init__(self, count: int, horizon: int, levels: tuple[float, ...], entry: Entry) -> None:
        self.point = np.full((count, horizon), np.nan)
        self.quantiles = np.full((count, horizon, len(levels)), np.nan) if levels else None
        self.levels = levels
        self.status = [words.OK] * count
        self.details: list[Mapping[str, Any]] = [{}] * count
        self.entry = entry
        self.model = ""

    def note(self, row: int, prepared: Prepared) -> None:
        """What is known before any model ran; a constant series is answered here."""
        self.status[row] = prepared.status
        if prepared.status == words.CONSTANT and prepared.series is not None:
            value = prepared.series.values[np.flatnonzero(~np.isnan(prepared.series.values))[-1]]
            self.point[row] = value
            if self.quantiles is not None:
                self.quantiles[row] = value

    def put(self, rows: list[int], forecast: Forecast) -> None:
        """The model's answer for some rows. What is not finite is not an answer."""
        self.model = forecast.model or self.model
        for i, row in enumerate(rows):
            status = forecast.status[i]
            if words.has_forecast(status) and not np.isfinite(forecast.point[i]).all():
                status = words.failed(f"{self.entry.name} gave a value that is not finite")
            if words.has_forecast(status):
                self.point[row] = forecast.point[i]
                status = self._bounds(row, i, forecast, status)
            self.status[row] = self.status[row] if status == words.OK else status
            if forecast.details:
                self.details[row] = forecast.details[i]

    def _bounds(self, row: int, i: int, forecast: Forecast, status: str) -> str:
        if self.quantiles is None:
            return status
        if forecast.quantiles is None or not np.isfinite(forecast.quantiles[i]).all():
            return words.NO_INTERVAL
        self.quantiles[row] = forecast.quantiles[i]
        return status

    def forecast(self) -> Forecast:
        return Forecast(
            self.point,
            self.quantiles,
            self.levels,
            tuple(self.status),
            self.model or self.entry.name,
            tuple(self.details),
        )


def check_horizon(horizon: int, most: int) -> None:
    if horizon < 1 or horizon > most:
        raise InvalidInput("horizon", f"must be between 1 and {most}, got {horizon}")


def check_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Levels ascending and distinct; each must lie strictly between 0 and 1."""
    for level in levels:
        if not (isinstance(level, int | float) and math.isfinite(level) and 0 < level < 1):
            raise InvalidInput("levels", f"must lie between 0 and 1, got {level!r}")
    return tuple(sorted({float(level) for level in levels}))


def _has_covariates(series: Series) -> bool:
    return series.past_covariates is not None or series.future_covariates is not None


def _covariates(series: Series) -> int:
    return sum(len(c) for c in (series.past_covariates, series.future_covariates) if c is not None)


def _history(series: Series, origin: int) -> Series:
    """The first `origin` points."""
    return newest(Series(series.values[:origin], series.start, series.step, series.id), origin)


def _failed(horizon: int, reason: str) -> Forecast:
    return Forecast(np.full((1, horizon), np.nan), None, (), (words.failed(reason),))


def _stack(forecasts: Sequence[Forecast]) -> Forecast:
    """Single forecasts as one; where some have quantiles, the others get NaN."""
    known = next((f for f in forecasts if f.quantiles is not None), None)
    quantiles = None
    if known is not None and known.quantiles is not None:
        blank = np.full_like(known.quantiles, np.nan)
        quantiles = np.concatenate([blank if f.quantiles is None else f.quantiles for f in forecasts])
    return Forecast(
        np.concatenate([f.point for f in forecasts]),
        quantiles,
        known.levels if known else (),
        tuple(f.status[0] for f in forecasts),
        next((f.model for f in forecasts if f.model), ""),
        tuple(f.details[0] if f.details else {} for f in forecasts),
    )


async def _at_most(count: int, jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run all jobs, `count` at a time, in order; the first error stops the rest."""
    waiting = iter(jobs)

    async def lane() -> None:
        for job in waiting:
            await job()

    lanes = [asyncio.ensure_future(lane()) for _ in range(min(count, len(jobs)))]
    try:
        await asyncio.gather(*lanes)
    except BaseException:
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        raise


_loop_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, computed on a loop of our own in a background thread."""
    global _loop
    with _loop_lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="foretell-loop", daemon=True).start()
    future = asyncio.run_coroutine_threadsafe(work, _loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
