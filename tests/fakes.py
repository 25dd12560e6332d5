"""Series with known structure, and models that misbehave in one known way each."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from foretell.engine import Engine
from foretell.engine.worker import Executor, ThreadExecutor
from foretell.registry import Kind, Limits, Model, Option, Options, Registry
from foretell.series import OK, Batch, FloatArray, Forecast, IntArray, Series
from foretell.steps import DAY, Step, find_grid


def wave(length: int, seed: int = 0, period: int = 12, noise: float = 0.3, start: int = 0) -> Series:
    """A monthly series: level 20, slope, a season of `period` points, normal noise; the same for the same seed."""
    random = np.random.default_rng(seed)
    time = np.arange(length)
    season = random.uniform(1, 3) * np.sin(2 * np.pi * (time + random.integers(period)) / period)
    slope = random.uniform(-0.02, 0.05)
    return Series(20 + slope * time + season + random.normal(0, noise, length), start, Step(months=1), f"wave-{seed}")


def walk(length: int, seed: int = 0) -> Series:
    """A daily random walk that starts at 100."""
    steps = np.random.default_rng(seed).normal(size=length)
    return Series(100 + np.cumsum(steps), 0, Step(ns=DAY), f"walk-{seed}")


def regular_series(times: IntArray, values: FloatArray, id: str = "", step: Step | None = None) -> Series:
    """A Series on the grid of ascending, distinct `times` [T]; missing timestamps become NaN."""
    if not len(times):
        return Series(values, id=id)
    grid = find_grid(times, step)
    return Series(grid.place(values), grid.start, grid.step, id)


def scaled(series: Series, size: float, shift: float = 0.0) -> Series:
    return Series(series.values * size + shift, series.start, series.step, series.id)


class Fake:
    """The last value repeated, without intervals; the others change one thing."""

    name: ClassVar[str] = "repeat"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "a fake"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(intervals=False, cost=1.0)
    options: ClassVar[Mapping[str, Option]] = {}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        return Forecast(np.repeat(batch.values[:, -1:], horizon, axis=1), None, levels, (OK,) * len(batch), self.name)


class Wide(Fake):
    """Has intervals: the last value plus level."""

    name = "wide"
    aliases: ClassVar[tuple[str, ...]] = ("Broad",)
    kind: ClassVar[Kind] = "forecast"
    limits = Limits(prefix_consistent=True, missing=True, max_context=50)

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        point = super().forecast(batch, horizon, (), options).point
        return Forecast(point, point[..., None] + np.array(levels), levels, (OK,) * len(batch), self.name)


class Noting(Fake):
    """Remembers the shapes of its batches, in this process only."""

    name = "noting"
    kind: ClassVar[Kind] = "forecast"
    seen: ClassVar[list[tuple[int, ...]]] = []

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        self.seen.append(batch.values.shape)
        return super().forecast(batch, horizon, levels, options)


class Picky(Fake):
    """Raises if any series of the batch ends with -1."""

    name = "picky"
    kind: ClassVar[Kind] = "forecast"

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        if (batch.values[:, -1] == -1).any():
            raise ZeroDivisionError("cannot stand -1")
        return super().forecast(batch, horizon, levels, options)


class Refusing(Fake):
    """Gives one row a status of its own."""

    name = "refusing"
    kind: ClassVar[Kind] = "forecast"

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        answer = super().forecast(batch, horizon, levels, options)
        status = tuple("failed: too odd" if v == -1 else OK for v in batch.values[:, -1])
        return Forecast(answer.point, None, levels, status, self.name, tuple({"odd": s != OK} for s in status))


class Short(Fake):
    """Answers with one step too few."""

    name = "short"
    kind: ClassVar[Kind] = "forecast"

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        return super().forecast(batch, horizon - 1, levels, options)


class Endless(Fake):
    """Answers infinity."""

    name = "endless"
    kind: ClassVar[Kind] = "forecast"

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        point = np.full((len(batch), horizon), np.inf)
        return Forecast(point, None, levels, (OK,) * len(batch), self.name)


class Busy(Fake):
    """Computes in native code, in one call that no Python signal interrupts (about 0.3 s for a million rounds)."""

    name = "busy"
    kind: ClassVar[Kind] = "forecast"
    limits = Limits(intervals=False, cost=1e9)
    options: ClassVar[Mapping[str, Option]] = {"rounds": Option(1, "rounds of hashing", int, low=1)}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        hashlib.pbkdf2_hmac("sha256", b"a", b"b", options["rounds"])
        return super().forecast(batch, horizon, levels, options)


class Dying(Fake):
    """Ends its process, once for each marker file, or always where none is given."""

    name = "dying"
    kind: ClassVar[Kind] = "forecast"
    options: ClassVar[Mapping[str, Option]] = {"marker": Option("", "a file that says that it has died before")}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        marker = Path(options["marker"])
        if not options["marker"] or not marker.exists():
            if options["marker"]:
                marker.touch()
            os._exit(9)
        return super().forecast(batch, horizon, levels, options)


class Where(Fake):
    """Says in its details which process it ran in, with how many threads, and whether its input is read in place."""

    name = "where"
    kind: ClassVar[Kind] = "forecast"

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        answer = super().forecast(batch, horizon, levels, options)
        details = {
            "pid": os.getpid(),
            "threads": os.environ.get("OMP_NUM_THREADS"),
            "in_place": not batch.values.flags.writeable,
        }
        return Forecast(answer.point, None, levels, answer.status, self.name, (details,) * len(batch))


class Sleepy(Fake):
    """Sleeps 20 ms a batch, so that a call can be cancelled halfway."""

    name = "sleepy"
    kind: ClassVar[Kind] = "forecast"
    limits = Limits(intervals=False, cost=1e9)

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        time.sleep(0.02)
        return super().forecast(batch, horizon, levels, options)


FAKES: tuple[type[Model], ...] = (
    Fake,
    Wide,
    Noting,
    Picky,
    Refusing,
    Short,
    Endless,
    Busy,
    Dying,
    Where,
    Sleepy,
)


class Environment:
    """Answers in a worker, in place of models: its environment variables by name."""

    def call(self, name: str, verb: str, arguments: tuple[object, ...]) -> str:
        return os.environ.get(name, "")


def fake_engine(executor: Executor | None = None) -> Engine:
    """An engine that knows the fakes only."""
    models = Registry()
    for fake in FAKES:
        models.register(fake)
    return Engine(executor or ThreadExecutor(), models)


def ramp(length: int, last: float | None = None) -> FloatArray:
    """0, 1, 2, ..., with another last value if one is given."""
    values = np.arange(length, dtype=np.float64)
    if last is not None:
        values[-1] = last
    return values
