"""The fake taosd's suite against `foretell serve` in its own process, while its workers compute for others."""

from __future__ import annotations

from pathlib import Path

from tests.tdgpt.conftest import PATIENT
from tests.tdgpt.load import load, suite
from tests.tdgpt.taosd import Taosd
from tests.tdgpt.test_process import started


def test_the_suite_passes_under_load(tmp_path: Path) -> None:
    with started(["--port", "0", "--workers", "2"], tmp_path) as server:
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(server.urls[0])
        with load(server.urls[0], ("theta", "holtwinters"), 1, PATIENT) as others:
            for check in suite().values():
                check(taosd)
        assert others.errors == []
        assert others.posts > 20
        assert others.gets
        assert "Traceback" not in server.stop()
