"""What goes wrong around a server: workers killed, disks full or read-only. Callers are answered, or told why not."""

from __future__ import annotations

import contextlib
import logging
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import uvloop
from benchmarks.soak import server, soak

from tests.http_api.conftest import serving

BODY: dict[str, Any] = {"series": [{"values": [1, 2, 3, 4, 5, 6]}], "horizon": 1, "model": "naive"}
LARGE = {**BODY, "series": [{"values": [*range(2000)]}] * 20}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_every_forecast_is_answered_once_while_workers_are_killed() -> None:
    random.seed(1)
    with server() as (at, front):
        state, seen, _ = uvloop.run(soak(at, front, 5000, 3, clients=3))
    assert (state.wrong, state.answered, state.kills) == ([], state.asked, 3)
    assert seen[-1][0] < 1.1 * seen[0][0]


@contextlib.contextmanager
def disk(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own at `folder`."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(("options", "body"), [("size=64k", LARGE), ("ro", BODY)])
def test_jobs_that_cannot_be_kept_are_refused_and_the_rest_goes_on(tmp_path: Path, options: str, body: Any) -> None:
    with disk(tmp_path, options), serving(tmp_path) as url:
        refused = requests.post(f"{url}/v1/jobs?verb=forecast", json=body, timeout=60)
        assert (refused.status_code, "cannot be kept" in refused.text) == (503, True)
        assert str(tmp_path) not in refused.text
        assert requests.post(f"{url}/v1/forecast", json=BODY, timeout=60).status_code == 200


def test_an_audit_log_on_a_full_disk_is_said_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), serving(tmp_path, audit_log=Path("/dev/full")) as url:
        assert requests.post(f"{url}/v1/forecast", json=BODY, timeout=60).status_code == 200
    assert "the audit log cannot be written: No space left" in caplog.text
