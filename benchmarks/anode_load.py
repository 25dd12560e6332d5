"""The fake taosd's suite again and again against `foretell serve` while its workers compute for others.

    python -m benchmarks.anode_load [SECONDS] [SEED]

The load is that of tests/tdgpt/load.py: four clients with work for the workers, one with malformed bodies, one with
40,000 rows, and one that asks for /list and /status all the time, as taosd does.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from pathlib import Path

from tests.tdgpt.load import load, suite
from tests.tdgpt.taosd import GET_LIMIT, Taosd
from tests.tdgpt.test_process import started

SECONDS = 60.0
PATIENT = 5.0
WORK = ("theta", "holtwinters", "arima", "ets")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    end, rounds = time.monotonic() + seconds, 0
    with tempfile.TemporaryDirectory() as state, started(["--port", "0", "--workers", "2"], Path(state)) as server:
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(server.urls[0])
        with load(server.urls[0], WORK, seed, PATIENT) as others:
            while time.monotonic() < end:
                for check in suite().values():
                    check(taosd)
                rounds += 1
        log = server.stop()
    gets = sorted(others.gets)
    p99 = gets[math.ceil(0.99 * len(gets)) - 1]
    print(f"{rounds} rounds of {len(suite())} checks passed while {others.posts} requests of others were answered")
    print(f"/list and /status: {len(gets)} times, p99 {1e3 * p99:.1f} ms, slowest {1e3 * gets[-1]:.1f} ms")
    if others.errors or "Traceback" in log or p99 > GET_LIMIT:
        sys.exit("\n".join(["taosd would have given up, or an error was not an answer", *others.errors, log]))


if __name__ == "__main__":
    main()
