"""Malformed bodies, 10,000 twice: each gets an answer of the protocol, and the node's memory does not grow.

    python -m benchmarks.anode_malformed [COUNT] [SEED]

The bodies are those of tests/tdgpt/malformed.py, the check is the test's. Memory is that of the process after the
first half, when the largest bodies have been there and the heap has its size, and at the end.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import requests
from tests.tdgpt.malformed import bodies
from tests.tdgpt.test_malformed import check

from foretell.application import new_node
from foretell.registry import registry
from foretell.server import in_background
from foretell.settings import read_settings

COUNT = 20_000


def resident() -> int:
    """Bytes of memory in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    refused, before, started = 0, 0, time.perf_counter()
    node = new_node(read_settings(workers=1, log_level="ERROR"), registry())
    with in_background(node) as url, requests.Session() as session:
        for i, (path, text) in enumerate(bodies(count, seed)):
            answer = check(session, url.removeprefix("http://"), path, text)
            refused += answer.get("rows", 0) == -1 or answer.get("status") == "error"
            if i == count // 2:
                before = resident()
    grown = resident() / before - 1
    print(f"{count} bodies, seed {seed}: each answered, {refused} refused, {time.perf_counter() - started:.0f} s")
    print(f"memory: {before / 2**20:.0f} MiB after the first half, {grown:+.1%} at the end")
    if grown > 0.1:
        sys.exit("memory grew by more than 10 %")


if __name__ == "__main__":
    main()
