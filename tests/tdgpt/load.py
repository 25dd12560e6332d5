"""A node under load, and the checks that must hold there as they do in peace.

The suite is every test of test_node.py that wants nothing but a taosd, and every recorded answer. The load is other
clients, each with a connection for each request, as taosd has it: work for the worker processes, bodies as they should
not be, and bodies of the largest size.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.tdgpt import test_node, test_recorded
from tests.tdgpt.malformed import START, bodies
from tests.tdgpt.taosd import Column, Taosd, TaosError, body

Check = Callable[[Taosd], object]
WORK = 48
"""Points of a series that a client has forecast."""
NOT_UNDER_LOAD = {"test_an_equal_question_is_answered_from_the_cache_until_a_reload"}
"""Counts what others ask as well."""


def suite() -> dict[str, Check]:
    """The checks by name."""
    found: dict[str, Check] = {
        name: check
        for name, check in vars(test_node).items()
        if name.startswith("test_")
        and [*inspect.signature(check).parameters] == ["taosd"]
        and name not in NOT_UNDER_LOAD
    }
    for file in test_recorded.FILES:
        found[file.stem] = partial(_recorded, file)
    return found


def _recorded(file: object, taosd: Taosd) -> None:
    test_recorded.test_recorded(taosd, file)  # type: ignore[arg-type]


def work(algo: str, number: int, points: int = WORK) -> bytes:
    """A question that nobody has asked before."""
    columns = [
        Column("ts", "TIMESTAMP", [START + 1000 * i for i in range(points)]),
        Column("val", "DOUBLE", [100 + number + 2.0 * (i % 12) + 0.1 * i for i in range(points)]),
    ]
    keys = [("option", f"algo={algo}"), ("algo", algo), ("prec", "ms"), ("wncheck", 0), ("return_conf", 0)]
    return body(columns, [*keys, ("forecast_rows", 10), ("rows", points)])


def _questions(algo: str) -> Iterator[tuple[str, bytes]]:
    return (("/forecast", work(algo, number)) for number in itertools.count())


@dataclass
class Load:
    """What the clients did: how many of them were answered, and what went wrong."""

    posts: int = 0
    errors: list[str] = field(default_factory=list)
    gets: list[float] = field(default_factory=list)
    """Seconds that each /list and /status took."""
    over: threading.Event = field(default_factory=threading.Event)

    def post(self, url: str, requests: Iterator[tuple[str, bytes]]) -> None:
        """Ask until it is over."""
        taosd = Taosd(url=url)
        while not self.over.is_set():
            try:
                taosd.post(*next(requests))
            except TaosError as error:
                self.errors.append(str(error))
            self.posts += 1

    def watch(self, url: str, limit: float) -> None:
        """What taosd does with /list and /status all the time."""
        taosd = Taosd(get_limit=limit, url=url)
        while not self.over.wait(0.02):
            started = time.monotonic()
            try:
                taosd.update_anode()
            except TaosError as error:
                self.errors.append(f"/list: {error}")
            if taosd.show_anodes() != "ready":
                self.errors.append("offline")
            self.gets.append((time.monotonic() - started) / 2)


@contextlib.contextmanager
def load(url: str, algorithms: Sequence[str], seed: int, limit: float) -> Iterator[Load]:
    """One client for each algorithm, one with malformed bodies, one with large ones, one that looks at /list."""
    found = Load()
    streams = [
        *(_questions(algo) for algo in algorithms),
        bodies(10**9, seed),
        itertools.repeat(("/forecast", work("naive", 0, 40_000))),
    ]
    threads = [threading.Thread(target=found.post, args=(url, stream)) for stream in streams]
    threads.append(threading.Thread(target=found.watch, args=(url, limit)))
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.over.set()
        for thread in threads:
            thread.join()
