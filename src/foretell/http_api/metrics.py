"""GET /metrics: Prometheus' text format. Paths are those of the tables of endpoints, so they hold no secret."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from foretell.engine.cache import Cache
from foretell.engine.serving import Ran
from foretell.wire.masking import mask

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ERRORS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
SHARES = (0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25)
Numbers = Callable[[], Mapping[str, int]]
Replaced = Callable[[], Mapping[str, Mapping[str, int]]]
"""How many workers of each pool had to be replaced, by the reason."""


class Metrics:
    """Counted in the server's process. `depths`, `replaced`, `memory` and the cache are asked when somebody looks."""

    def __init__(self, depths: Numbers, replaced: Replaced, memory: Numbers, cache: Cache) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "foretell_requests", "Requests by path and outcome", ("path", "outcome"), registry=self._registry
        )
        self._seconds = Histogram(
            "foretell_request_seconds", "Time from body to answer", ("path",), buckets=SECONDS, registry=self._registry
        )
        self._sizes = Histogram(
            "foretell_batch_size", "Callers in one batch", ("model",), buckets=SIZES, registry=self._registry
        )
        self._stages = Histogram(
            "foretell_stage_seconds",
            "Time in the queue and in the model (by model), and to write the answer (by path)",
            ("stage", "of"),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._points = Counter(
            "foretell_points", "Points read and forecast, by model", ("model",), registry=self._registry
        )
        self._errors = Histogram(
            "foretell_forecast_error",
            "Error of earlier forecasts whose truth has come, in mean steps of the series",
            ("model",),
            buckets=ERRORS,
            registry=self._registry,
        )
        self._inside = Histogram(
            "foretell_forecast_coverage",
            "Truth within the bounds of earlier forecasts, over what the levels promise (1 is right)",
            ("model",),
            buckets=SHARES,
            registry=self._registry,
        )
        self._registry.register(_Asked(depths, replaced, memory, cache))

        self._counter: Callable[..., Counter] = lru_cache(None)(self._requests.labels)
        self._clock: Callable[..., Histogram] = lru_cache(None)(self._seconds.labels)
        self._size: Callable[..., Histogram] = lru_cache(None)(self._sizes.labels)
        self._stage: Callable[..., Histogram] = lru_cache(None)(self._stages.labels)
        self._point: Callable[..., Counter] = lru_cache(None)(self._points.labels)

    @contextlib.contextmanager
    def counting(self, path: str) -> Iterator[None]:
        """Count what is done here as a request."""
        started = time.monotonic()
        try:
            yield
        except BaseException as error:
            self.request(path, error, time.monotonic() - started)
            raise
        self.request(path, None, time.monotonic() - started)

    def request(self, path: str, error: BaseException | None, seconds: float) -> None:
        """A request was answered, or (path `sql`) a statement at one of the database's doors."""
        self._counter(path, "ok" if error is None else type(error).__name__).inc()
        self._clock(path).observe(seconds)

    def ran(self, ran: Ran) -> None:
        """A batch was answered: its callers waited, a model computed. A model server is named with its URL, which may
        hold a secret."""
        name = mask(ran.model)
        self._size(name).observe(len(ran.waited))
        self._point(name).inc(ran.points)
        for seconds in ran.waited:
            self._stage("queue", name).observe(seconds)
        self._stage("compute", name).observe(ran.seconds)

    def encoded(self, path: str, seconds: float) -> None:
        """An answer was written."""
        self._stage("encode", path).observe(seconds)

    def scored(self, model: str, error: float, inside: float | None) -> None:
        """The truth of an earlier forecast has come."""
        self._errors.labels(mask(model)).observe(error)
        if inside is not None:
            self._inside.labels(mask(model)).observe(inside)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Asked(Collector):
    def __init__(self, depths: Numbers, replaced: Replaced, memory: Numbers, cache: Cache) -> None:
        self._depths, self._replaced, self._memory, self._cache = depths, replaced, memory, cache

    def collect(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("foretell_queue_depth", "Requests that wait, by pool", labels=["pool"])
        for pool, count in self._depths().items():
            depth.add_metric([mask(pool)], count)
        deaths = CounterMetricFamily(
            "foretell_worker_deaths",
            "Processes that had to be replaced: died by themselves, or stopped as their work was late or unwanted",
            labels=["pool", "reason"],
        )
        for pool, counts in self._replaced().items():
            for reason, count in counts.items():
                deaths.add_metric([pool, reason], count)
        asked = CounterMetricFamily("foretell_cache", "Questions to the cache of answers", labels=["outcome"])
        asked.add_metric(["hit"], self._cache.hits)
        asked.add_metric(["miss"], self._cache.misses)
        held = GaugeMetricFamily("foretell_cache_bytes", "Size of the answers kept", self._cache.used)
        memory = GaugeMetricFamily("foretell_worker_memory_bytes", "Memory that idle workers hold", labels=["pool"])
        for pool, count in self._memory().items():
            memory.add_metric([mask(pool)], count)
        return depth, deaths, asked, held, memory
