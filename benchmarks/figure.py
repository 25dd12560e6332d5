"""A line of a table of measurements, and how its two times are taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import duckdb
import numpy as np

from foretell.registry import Kind, Limits, Option, Options
from foretell.series import OK, Batch, Forecast

ROUNDS = 7


class Instant:
    """A model that takes no time, so that what is left is SQL."""

    name: ClassVar[str] = "instant"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "zeros"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(prefix_consistent=True, missing=True, cost=0.0)
    options: ClassVar[dict[str, Option]] = {}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        del options
        point = np.zeros((len(batch), horizon))
        bounds = np.zeros((len(batch), horizon, len(levels))) if levels else None
        return Forecast(point, bounds, levels, (OK,) * len(batch), "instant")


@dataclass(frozen=True)
class Figure:
    """One line of the table: `ours` against `theirs` in seconds; `slack` seconds are granted on top."""

    name: str
    ours: float
    theirs: float
    bound: float
    slack: float = 0.0
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return (self.ours - self.slack) / self.theirs

    def line(self) -> str:
        verdict = "yes" if self.ratio <= self.bound else "NO"
        slack = f" + {self.slack * 1e3:g} ms" if self.slack else ""
        return (
            f"| {self.name} | {self.ours:.4g} {self.unit} | {self.theirs:.4g} {self.unit} "
            f"| {self.ratio:.2f} | {self.bound:g}{slack} | {verdict} |"
        )


def both(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    rounds: int = ROUNDS,
    between: Callable[[], object] = lambda: None,
) -> tuple[float, float]:
    """Seconds of each, taken in turns: the fastest of all rounds, which other work on the machine disturbs least.
    `between` comes before each, and does not count."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for times, work in zip(taken, (ours, theirs), strict=True):
            between()
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
    return min(taken[0]), min(taken[1])


def quiet() -> duckdb.DuckDBPyConnection:
    """Plain DuckDB, without its progress bar."""
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    return con
