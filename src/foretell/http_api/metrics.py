"""GET /metrics: Prometheus' text format. Paths are those of the tables of endpoints, so they hold no secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from foretell.engine.cache import Cache
from foretell.wire.masking import mask

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
Numbers = Callable[[], Mapping[str, int]]


class Metrics:
    """Counted in the server's process. `depths`, `deaths` and the cache are asked when somebody looks."""

    def __init__(self, depths: Numbers, deaths: Numbers, cache: Cache) -> None:
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
        self._registry.register(_Asked(depths, deaths, cache))

        self._counter: Callable[..., Counter] = lru_cache(None)(self._requests.labels)
        self._clock: Callable[..., Histogram] = lru_cache(None)(self._seconds.labels)

    def request(self, path: str, error: Exception | None, seconds: float) -> None:
        self._counter(path, "ok" if error is None else type(error).__name__).inc()
        self._clock(path).observe(seconds)

    def batch(self, model: str, size: int) -> None:
        """A model server is named with its URL, which may hold a secret."""
        self._sizes.labels(mask(model)).observe(size)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Asked(Collector):
    def __init__(self, depths: Numbers, deaths: Numbers, cache: Cache) -> None:
        self._depths, self._deaths, self._cache = depths, deaths, cache

    def collect(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("foretell_queue_depth", "Requests that wait, by pool", labels=["pool"])
        for pool, count in self._depths().items():
            depth.add_metric([mask(pool)], count)
        deaths = CounterMetricFamily("foretell_worker_deaths", "Processes that had to be replaced", labels=["pool"])
        for pool, count in self._deaths().items():
            deaths.add_metric([pool], count)
        asked = CounterMetricFamily("foretell_cache", "Questions to the cache of answers", labels=["outcome"])
        asked.add_metric(["hit"], self._cache.hits)
        asked.add_metric(["miss"], self._cache.misses)
        held = GaugeMetricFamily("foretell_cache_bytes", "Size of the answers kept", self._cache.used)
        return depth, deaths, asked, held
