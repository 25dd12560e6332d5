"""kill -9 of workers, of the driver and of Ray's node; full and read-only disks. Real processes."""

from __future__ import annotations

import os
import re
import resource
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.batch import inputs, jobs

SERIES = 240
WORKER = {"local": r"spawn_main\(", "ray": "^ray::_Life"}
NODE = r"^\S*/raylet "

with_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'foretell[ray]'")
engines = pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=with_ray)])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return inputs.by_time(inputs.table(SERIES, 100), tmp_path_factory.mktemp("batch") / "in")


@pytest.fixture(autouse=True)
def slow_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    paths = [str(jobs.slow_model(tmp_path / "site")), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def check_complete(target: Path) -> None:
    """Every series once, none twice, nothing half-written left."""
    made = inputs.result(target)
    assert len(made) == SERIES * 3
    assert len(made.group_by(["unique_id", "ds"]).aggregate([])) == SERIES * 3
    assert set(made["status"].to_pylist()) == {"ok"}
    left = [path.name for path in target.rglob("*") if path.is_file()]
    assert not [name for name in left if name.startswith(".") or name.endswith(".arrow")]


@engines
def test_a_worker_that_is_killed_costs_its_shard_at_most(engine: str, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    with jobs.running(source, target, "--engine", engine, "--workers", "2") as job:
        jobs.kill_one(job.pid, WORKER[engine])
        said, _ = job.communicate(timeout=jobs.SOON)
        assert job.returncode == 0, said
    assert f"{SERIES} ok" in said
    check_complete(target)


@engines
def test_a_driver_that_is_killed_leaves_nothing_behind_and_its_job_goes_on(
    engine: str, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    with jobs.running(source, target, "--engine", engine, "--workers", "2") as job:
        ours = f"{WORKER[engine]}|{NODE}"
        below = [pid for pid, line in jobs.descendants(job.pid).items() if re.search(ours, line)]
        assert len(below) >= 2
        job.kill()
        job.wait()
    jobs.until(lambda: not any(map(jobs.alive, below)))
    before = {path.name: path.stat().st_mtime_ns for path in target.glob("part-*.parquet")}
    assert len(before) >= 2
    done = jobs.finish(source, target, "--workers", "1")  # by whom does not matter
    assert done.returncode == 0, done.stderr
    assert "were there" in done.stdout
    check_complete(target)
    assert all((target / name).stat().st_mtime_ns == time for name, time in before.items())


@with_ray
@pytest.mark.skipif("SOAK" not in os.environ, reason="half a minute until Ray notices; make soak")
def test_a_node_that_is_killed_stops_the_job_and_it_goes_on(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    monkeypatch.setenv("TARDY", "3")
    with jobs.running(source, target, "--engine", "ray", "--workers", "1") as job:
        jobs.kill_one(job.pid, NODE)
        said, _ = job.communicate(timeout=jobs.SOON)
        assert job.returncode == 1
    assert "error: all nodes of the Ray cluster are dead" in said
    monkeypatch.setenv("TARDY", "0")
    assert jobs.finish(source, target, "--workers", "1").returncode == 0
    check_complete(target)


def test_a_full_disk_is_one_clear_line(source: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        jobs.command(source, tmp_path / "out", "--workers", "0"),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"error: OUT: cannot write {tmp_path}/out")
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out").rglob("*.arrow"))
    assert jobs.finish(source, tmp_path / "out", "--workers", "0").returncode == 0  # there is room again


def test_output_that_cannot_be_written(source: Path) -> None:
    done = jobs.finish(source, "/proc/foretell/out", "--workers", "0")
    assert done.returncode == 2
    assert done.stderr.startswith("error: OUT: cannot write /proc/foretell/out")


def test_a_broken_file_is_named_by_the_exit_code_too(tmp_path: Path) -> None:
    source = inputs.by_series(inputs.table(8, 100), tmp_path / "in")
    (source / "f001.parquet").write_bytes(b"no")
    done = jobs.finish(source, tmp_path / "out", "--workers", "0")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: cannot read {source}/f001.parquet")
    assert "6 ok" in done.stdout
    assert len(pq.read_table(tmp_path / "out")) == 18  # a folder of results is one table for any reader
