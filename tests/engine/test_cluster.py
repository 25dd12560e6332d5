"""What is particular to Ray: where it runs, how it ends, and the server over it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foretell.application import new_node
from foretell.engine.cluster import PREFIX, Cluster, RayExecutor, _own_folder, _remove
from foretell.engine.scaling import Scale
from foretell.errors import InvalidInput, NotAvailable
from foretell.registry import registry
from foretell.series import Series, batch_of
from foretell.server import in_background
from foretell.settings import read_settings
from tests.fakes import fake_engine


def post(url: str, body: object) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def test_a_local_cluster_stays_on_the_loopback_interface(ray_address: str) -> None:
    import ray

    assert [node["NodeManagerAddress"] for node in ray.nodes()] == ["127.0.0.1"]
    assert not ray.get_runtime_context().gcs_address.startswith("0.0.0.0")


def test_signals_stay_ours(ray_address: str) -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_killed_processes_left_is_removed_and_what_others_use_is_not(ray_address: str) -> None:
    cluster = Cluster.join(ray_address)
    cluster.leave()
    assert cluster.folder is not None
    left = Path(tempfile.mkdtemp(prefix=PREFIX, dir=cluster.folder.path.parent))
    (left / "session").mkdir()
    os.utime(left, (0, 0))
    new = _own_folder()
    assert not left.exists()
    assert (cluster.folder.path / "in-use").exists()
    _remove(new)
    assert not new.path.exists()


def test_a_process_is_in_one_cluster_at_a_time(ray_address: str) -> None:
    with pytest.raises(InvalidInput, match="in the cluster 'local' already"):
        RayExecutor("10.0.0.1:6379", Scale())


def test_large_arrays_cross_and_come_back_whole(ray_address: str) -> None:
    engine = fake_engine(RayExecutor(ray_address, Scale()))
    series = [Series(np.random.default_rng(i).normal(size=50_000)) for i in range(20)]
    forecast = engine.forecast_sync(series, 1000, "repeat")
    engine.close()
    np.testing.assert_array_equal(forecast.point[:, -1], [s.values[-1] for s in series])
    forecast.point[0, 0] = 1.0  # what callers get is theirs to change


def test_an_actor_reads_arrays_where_they_lie_in_the_store(ray_address: str) -> None:
    engine = fake_engine(RayExecutor(ray_address, Scale()))
    forecast = engine.forecast_sync([Series(np.arange(100_000.0))], 1, "where")
    engine.close()
    assert forecast.details[0]["in_place"]


def test_actors_come_with_the_calls_that_wait_and_go_when_idle(ray_address: str) -> None:
    executor = RayExecutor(ray_address, Scale(0, 2, idle=0.2))
    batch = batch_of([Series(np.arange(10.0))])

    async def two() -> set[int]:
        asked = [executor.submit("tests.fakes:Where", batch, 1, (), {}) for _ in range(8)]
        return {answer.details[0]["pid"] for answer in await asyncio.gather(*asked)}

    assert executor.size == 0
    pids = asyncio.run(two())
    assert 1 <= len(pids) <= 2
    until = time.monotonic() + 20
    while executor.size and time.monotonic() < until:
        time.sleep(0.05)
    assert executor.size == 0
    assert not pids & asyncio.run(two())  # they were ended, others came
    executor.close()


def test_closing_while_an_actor_starts_stops_nothing_else(ray_address: str) -> None:
    early = RayExecutor(ray_address, Scale(2, 2))
    early.start()
    early.close()
    engine = fake_engine(RayExecutor(ray_address, Scale()))
    assert engine.forecast_sync([Series(np.arange(10.0))], 1, "repeat").status == ("ok",)
    engine.close()


def test_the_server_computes_on_ray(ray_address: str) -> None:
    settings = read_settings(ray=ray_address, workers=1)
    body = {"model": "seasonal_naive", "horizon": 2, "series": [{"values": [1, 2, 3, 4] * 5}], "options": {"period": 4}}
    node = new_node(settings, registry())
    with in_background(node) as url:
        answer = post(f"{url}/v1/forecast", body)
    (made,) = answer["forecasts"]
    assert made["point"] == [1, 2]
    assert isinstance(node.serving.pools.of("foretell.algorithms.x").executor, RayExecutor)
    RayExecutor(ray_address, Scale()).close()  # the server left, the cluster is still there


def test_an_address_where_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "_ours", None)
    with pytest.raises(NotAvailable, match="no Ray cluster at"):
        RayExecutor("127.0.0.1:1", Scale())


def test_ray_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "_ours", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(NotAvailable, match=r"pip install 'foretell\[ray\]'"):
        RayExecutor("local", Scale())
