"""The sets of the score table, in its order. A set is loaded when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from foretell.evaluation import datasets
from foretell.evaluation.task import Task

Group = Literal["competition", "ett", "ett-long", "ett-sample", "damaged", "thin"]

HOURLY_STRIDE = {"h1": 64, "h2": 64, "m1": 256, "m2": 256}
SAMPLE = 8
"""The sample has every so-many-th origin of the whole: the same windows for every model."""
THIN = 48
"""A thin set has every n-th window of a set, at least so many and fewer than twice as many, or all."""


@dataclass(frozen=True, slots=True)
class ScoreSet:
    """One row of the table. `group` says to which of the tables and means it belongs.

    `undamaged` names the set of which a damaged one was made.
    """

    name: str
    group: Group
    load: Callable[[Path], Task]
    undamaged: str = ""


def _ett(name: str, horizon: int, context: int, stride: int, group: Group) -> ScoreSet:
    extra = " sample" if group == "ett-sample" else ""
    return ScoreSet(
        f"ETT{name} {context}:{horizon}{extra}",
        group,
        lambda folder: datasets.ett(name, horizon, context, stride, folder),
    )


def _competition(name: str, part: str) -> ScoreSet:
    return ScoreSet(f"{name} {part}", "competition", lambda _: datasets.competition(name, part))


def _m4(part: str) -> ScoreSet:
    return ScoreSet(f"M4 {part}", "competition", lambda folder: datasets.m4(part, folder))


def _damaged(how: str, damage: Callable[[Task], Task]) -> ScoreSet:
    return ScoreSet(f"M4 Hourly {how}", "damaged", lambda folder: damage(datasets.m4("Hourly", folder)), "M4 Hourly")


def thinned(task: Task) -> Task:
    """Every n-th window, the same for every model."""
    return replace(task, windows=task.windows[:: max(1, len(task) // THIN)])


def _thin(whole: ScoreSet) -> ScoreSet:
    return ScoreSet(f"{whole.name} thin", "thin", lambda folder: thinned(whole.load(folder)))


COMPETITIONS: tuple[ScoreSet, ...] = (
    *(_competition(name, part) for name, part in datasets.COMPETITIONS),
    _m4("Hourly"),
    _m4("Weekly"),
)
SETS: tuple[ScoreSet, ...] = (
    *COMPETITIONS,
    *(_ett(name, 96, 512, stride, "ett") for name, stride in HOURLY_STRIDE.items()),
    *(_ett(name, 192, 512, stride, "ett") for name, stride in HOURLY_STRIDE.items()),
    *(_ett(name, 96, 2048, stride // 2, "ett-long") for name, stride in HOURLY_STRIDE.items()),
    *(_ett(name, 96, 512, stride * SAMPLE, "ett-sample") for name, stride in HOURLY_STRIDE.items()),
    _damaged("20 % missing", lambda task: datasets.with_missing_points(task, 0.2)),
    _damaged("last 10 % missing", lambda task: datasets.with_missing_end(task, 0.1)),
    *(_thin(whole) for whole in COMPETITIONS),
    *(_thin(_ett(name, 96, 512, stride, "ett")) for name, stride in HOURLY_STRIDE.items()),
)


def pilot(task: Task, rows: int) -> Task:
    """A few windows of `task`, spread evenly over it."""
    return replace(task, windows=task.windows[:: max(1, len(task) // rows)][:rows], known_scale=None)
