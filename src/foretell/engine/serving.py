"""The engine for many callers at once: requests for the same thing are answered by one call of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from foretell.engine.batcher import batch_key, point_cost
from foretell.engine.cache import Cache, digest
from foretell.engine.correlating import Correlating, Pair
from foretell.engine.detecting import Detecting
from foretell.engine.drift import Drift
from foretell.engine.engine import Engine
from foretell.engine.forecasting import Forecasting, check_covariates, check_horizon, check_levels
from foretell.engine.imputing import Imputing
from foretell.engine.job import Job
from foretell.engine.loop import MANY, beside
from foretell.engine.pools import Pools
from foretell.engine.queue import BatchQueue
from foretell.engine.run import Control
from foretell.registry import Entry, Kind, Options
from foretell.results import Correlation, Detection, Imputation
from foretell.series import Forecast, Series
from foretell.wire import tracing

BATCH_BUDGET = 100_000.0
"""Cost of a batch across callers in microseconds, rough: what a caller may wait for the others."""
QUEUE_LIMIT = 1000


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """What one caller wants of a model; `inputs` are series, or pairs of them."""

    entry: Entry
    inputs: Sequence[Any]
    options: Options
    horizon: int = 0
    levels: tuple[float, ...] = ()
    asked: float = field(default_factory=time.monotonic)
    span: Any = field(default_factory=tracing.current)


@dataclass(frozen=True, slots=True)
class Ran:
    """One call of a model: how long each caller had waited for it, what it took, how many points went in and out."""

    model: str
    waited: Sequence[float]
    seconds: float
    points: int


@dataclass(slots=True)
class Serving:
    """The verbs of the engine, for the requests of a server. `model` is a name, or an entry that was found already;
    `deadline` is a time of `time.monotonic()`.

    Work that comes `later` waits until nobody else does. Raises what the engine raises, and Overloaded where too many
    wait.
    """

    engine: Engine
    pools: Pools
    limit: int = QUEUE_LIMIT
    cache: Cache = field(default_factory=lambda: Cache(0, 0))
    seen: Callable[[Ran], None] | None = None
    """Told of each batch that was answered."""
    drift: Drift | None = None
    _queues: dict[str, BatchQueue[Call, Any]] = field(default_factory=dict)

    async def forecast(
        self,
        series: Sequence[Series],
        horizon: int,
        model: str | Entry,
        levels: Sequence[float] = (),
        options: Mapping[str, Any] | None = None,
        deadline: float | None = None,
        later: bool = False,
    ) -> Forecast:
        entry = self._entry("forecast", model)
        check_horizon(horizon, entry)
        check_covariates(entry, series, self.engine.models)
        call = Call(entry, series, entry.read_options(options or {}), horizon, check_levels(levels))
        forecast: Forecast = await self._submit(call, deadline, later)
        if self.drift is not None:
            await beside(len(series) >= MANY, self.drift.see, entry.name, series, forecast)
        return forecast

    async def detect(
        self,
        series: Sequence[Series],
        model: str | Entry,
        options: Mapping[str, Any] | None = None,
        deadline: float | None = None,
        later: bool = False,
    ) -> Detection:
        detection: Detection = await self._submit(self._call("anomaly", model, series, options), deadline, later)
        return detection

    async def impute(
        self,
        series: Sequence[Series],
        model: str | Entry,
        options: Mapping[str, Any] | None = None,
        deadline: float | None = None,
        later: bool = False,
    ) -> Imputation:
        imputation: Imputation = await self._submit(self._call("imputation", model, series, options), deadline, later)
        return imputation

    async def correlate(
        self,
        pairs: Sequence[Pair],
        model: str | Entry,
        options: Mapping[str, Any] | None = None,
        deadline: float | None = None,
        later: bool = False,
    ) -> tuple[Correlation, ...]:
        found: tuple[Correlation, ...] = await self._submit(
            self._call("correlation", model, pairs, options), deadline, later
        )
        return found

    def depths(self) -> dict[str, int]:
        """How many requests wait for each pool."""
        return {name: len(queue) for name, queue in self._queues.items()}

    def busy(self) -> int:
        """How many batches run."""
        return sum(queue.busy for queue in self._queues.values())

    def close(self) -> None:
        self.engine.close()

    def _entry(self, kind: Kind, model: str | Entry) -> Entry:
        return model if isinstance(model, Entry) else self.engine.models.find(model, kind)

    def _call(self, kind: Kind, model: str | Entry, inputs: Sequence[Any], options: Options | None) -> Call:
        entry = self._entry(kind, model)
        return Call(entry, inputs, entry.read_options(options or {}))

    async def _submit(self, call: Call, deadline: float | None, later: bool) -> Any:
        """The answer to a call: one that is kept, or a new one. Nobody knows when a server elsewhere changes."""
        keeps = self.cache.size > 0 and not self.pools.is_remote(call.entry.target)
        question = await beside(len(call.inputs) >= MANY, _question, call) if keeps else None
        if keeps and (kept := self.cache.get(question)) is not None:
            return kept
        points = sum(_points(i) + call.horizon for i in call.inputs)
        cost = points * point_cost(call.entry.limits, BATCH_BUDGET)
        queue = self._queue(call.entry.target)
        answer = await queue.submit(partial(key_of, call), call, cost, deadline, later)
        if keeps:
            self.cache.put(question, answer)
        return answer

    def _queue(self, target: str) -> BatchQueue[Call, Any]:
        place = self.pools.place(target)
        if place not in self._queues:
            self._queues[place] = BatchQueue(self._run, self.pools.slots_of(target), BATCH_BUDGET, self.limit)
        return self._queues[place]

    async def _run(self, calls: Sequence[Call], deadline: float | None) -> Sequence[Any]:
        """One call of the engine for the calls of one key; each gets its own rows back."""
        first, inputs = calls[0], [item for call in calls for item in call.inputs]
        control = Control(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        started = time.monotonic()
        links = [call.span for call in calls]
        with tracing.span("batch", links, model=first.entry.name, callers=len(calls), series=len(inputs)):
            job = await beside(len(inputs) >= MANY, JOBS[first.entry.kind], calls, inputs)
            answer: Any = await self.engine.run(job, first.options, control)
        if self.seen is not None:
            points = sum(_points(i) + call.horizon for call in calls for i in call.inputs)
            waited = [started - call.asked for call in calls]
            self.seen(Ran(first.entry.name, waited, time.monotonic() - started, points))
        if len(calls) == 1:
            return [answer]
        ends = [0]
        for call in calls:
            ends.append(ends[-1] + len(call.inputs))
        return [_part(answer, slice(a, b), call) for a, b, call in zip(ends, ends[1:], calls, strict=False)]


def _question(call: Call) -> tuple[object, ...]:
    """What the answer depends on, beside the weights."""
    return call.entry.target, tuple(sorted(call.options.items())), call.horizon, call.levels, digest(call.inputs)


def key_of(call: Call) -> tuple[object, ...]:
    """Calls with equal keys may be one. Horizons may differ only where no interval depends on them."""
    longest = max((_points(i) for i in call.inputs), default=0)
    covariates = call.inputs[0].covariates if call.inputs and isinstance(call.inputs[0], Series) else 0
    key = batch_key(call.entry, call.options, longest, call.horizon, covariates)
    conformal = bool(call.levels) and not call.entry.limits.intervals
    return key, call.levels, call.horizon if conformal else None


JOBS: Mapping[Kind, Callable[[Sequence[Call], list[Any]], Job[Any]]] = {
    "forecast": lambda calls, inputs: Forecasting(
        calls[0].entry, inputs, max(call.horizon for call in calls), calls[0].levels
    ),
    "anomaly": lambda calls, inputs: Detecting(calls[0].entry, inputs, calls[0].options),
    "imputation": lambda calls, inputs: Imputing(calls[0].entry, inputs),
    "correlation": lambda calls, inputs: Correlating(calls[0].entry, inputs),
}
"""The job that answers calls of one key together."""

Result = TypeVar("Result", Forecast, Detection, Imputation, tuple[Correlation, ...])


def _part(answer: Any, rows: slice, call: Call) -> Any:
    """One caller's rows, and no more steps than it asked for."""
    if isinstance(answer, tuple):
        return answer[rows]
    part = answer.take(rows)
    if not isinstance(part, Forecast) or part.horizon == call.horizon:
        return part
    quantiles = None if part.quantiles is None else part.quantiles[:, : call.horizon]
    return Forecast(part.point[:, : call.horizon], quantiles, part.levels, part.status, part.model, part.details)


def _points(item: Series | Pair) -> int:
    return len(item) if isinstance(item, Series) else sum(map(len, item))
