"""A batch job: plan or resume -> sort, where needed -> forecast the shards that are missing -> clean up.

The driver only says who does what. Parts are done by workers behind the executor seam: processes here, or Ray actors.
One that dies is replaced and its part is done again; parts that are there are not done twice.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from foretell.batch.folder import Folder
from foretell.batch.notes import Notes
from foretell.batch.plan import SHARD_ROWS, Shard, Sorting, plan
from foretell.batch.request import Request
from foretell.batch.survey import survey
from foretell.batch.ticker import clock_time
from foretell.batch.work import NOTES, Report, Task, Work, read_report
from foretell.engine.loop import at_most, wait_for
from foretell.engine.scaling import Scale
from foretell.engine.worker import Executor, ProcessExecutor, ThreadExecutor
from foretell.errors import (
    MOST_NAMED,
    Cancelled,
    ForetellError,
    InvalidInput,
    ModelFailed,
    NotAvailable,
    UnknownName,
)
from foretell.settings import settings

Progress = Callable[[str, int, int], None]
"""Told the phase, and rows done and all."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Who computes: `count` processes of this machine, this process itself (0), or actors of the cluster `ray`."""

    engine: Literal["local", "ray"] = "local"
    count: int = 1
    ray: str = "local"

    @classmethod
    def of(cls, engine: str, count: int | None, ray: str | None) -> Workers:
        """As flags and settings say; one for each core where they do not."""
        if engine not in ("local", "ray"):
            raise UnknownName("engine", engine, ("local", "ray"))
        if ray and engine != "ray":
            raise InvalidInput("--ray", "is for --engine ray")
        asked = settings().workers or os.cpu_count() or 1 if count is None else count
        address = ray or settings().ray or "local"
        return cls("ray", max(1, asked), address) if engine == "ray" else cls("local", asked)

    def start(self) -> Executor:
        if self.engine == "ray":
            from foretell.engine.cluster import RayExecutor

            return RayExecutor(self.ray, Scale(self.count, self.count), Work)
        return ProcessExecutor(self.count, Work) if self.count else ThreadExecutor(models=Work)


@dataclass(slots=True)
class Outcome:
    """What a job came to: series by status, rows written, input files that could not be read, shards that failed."""

    shards: int
    series: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    before: int = 0
    """Shards that were done already."""
    broken: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, report: Report) -> None:
        self.series += Counter(report.series)
        self.rows += report.rows
        self.broken |= report.broken

    def summary(self, target: str) -> str:
        """In one line, for people."""
        statuses = ", ".join(f"{count:,} {status}" for status, count in self.series.most_common()) or "none"
        resumed = f" ({self.before} were there)" if self.before else ""
        files = f"{self.shards - len(self.failed)} of {self.shards} shards{resumed}"
        return f"series: {statuses}; {self.rows:,} rows in {target}, {files}, {clock_time(self.seconds)}"

    def problem(self) -> str:
        """What kept the job from being complete, a line for each file and shard; empty where nothing did."""
        texts = [f"cannot read {path}: {reason}" for path, reason in self.broken.items()]
        texts += [f"{name}: {reason}; the same command tries it again" for name, reason in self.failed.items()]
        if len(texts) < 2:
            return "".join(texts)
        more = [f"and {len(texts) - MOST_NAMED:,} more"] if len(texts) > MOST_NAMED else []
        return "\n  ".join([f"{len(texts):,} problems:", *texts[:MOST_NAMED], *more])


@dataclass(slots=True)
class Job:
    """A plan under way."""

    task: Task
    notes: Notes
    executor: Executor
    progress: Progress
    outcome: Outcome

    def run(self) -> None:
        target = Folder(self.task.target, "OUT")
        there, sorted_ = target.names(), target.inner(NOTES).names()
        plan = self.notes.plan
        missing = [shard for shard in plan.shards if shard.name not in there]
        for shard in plan.shards:
            if shard.name in there:
                self.outcome.add(read_report(target, shard.name))
                self.outcome.before += 1
        if missing:
            self._each("sort", plan.sortings, [s for s in plan.sortings if s.name not in sorted_])
        self._note_broken(target, plan.sortings)
        self._each("forecast", plan.shards, missing)
        if not self.outcome.failed:
            target.drop_unfinished()
            target.inner(NOTES).drop_unfinished()
            for sorting in plan.sortings:
                target.inner(NOTES).drop(sorting.name)

    def _each(self, verb: str, parts: Sequence[Shard | Sorting], missing: Sequence[Shard | Sorting]) -> None:
        if not parts:
            return
        done = sum(part.rows for part in parts) - sum(part.rows for part in missing)
        total = sum(part.rows for part in parts)
        self.progress(verb, done, total)

        async def one(part: Shard | Sorting) -> None:
            nonlocal done
            await self._do(verb, part)
            done += part.rows
            self.progress(verb, done, total)

        wait_for(at_most(self.executor.slots, [partial(one, part) for part in missing]))

    async def _do(self, verb: str, part: Shard | Sorting) -> None:
        """A shard that fails leaves the others alone; without a sorted part there is no shard."""
        try:
            report = await self.executor.call(part.name, verb, (self.task, part))
        except (InvalidInput, Cancelled, NotAvailable):
            raise
        except ForetellError as error:
            if isinstance(part, Sorting):
                raise ModelFailed(f"sorting the input failed, the same command goes on: {error}") from None
            self.outcome.failed[part.name] = str(error)
        else:
            if verb == "forecast":
                self.outcome.add(report)

    def _note_broken(self, target: Folder, sortings: Sequence[Sorting]) -> None:
        for sorting in sortings:
            note: Mapping[str, Any] = target.inner(NOTES).read_json(sorting.name.replace(".arrow", ".json")) or {}
            self.outcome.broken |= note.get("broken", {})


def forecast_files(
    source: str,
    target: str,
    request: Request,
    workers: Workers | Executor,
    *,
    id_col: Sequence[str] | None = None,
    time_col: str | None = None,
    value_col: str | None = None,
    shard_rows: int = SHARD_ROWS,
    progress: Progress = lambda *_: None,
) -> Outcome:
    """Forecast every series of the Parquet files at `source` into Parquet files at `target`, or go on with that.

    `workers` may be an executor of `Work` that the caller keeps. Raises InvalidInput where input or output cannot be
    used, or `target` holds another job; what is wrong with single series, files or shards stands in the outcome.
    """
    began = time.monotonic()
    inside, out = Folder(source, "IN"), Folder(target, "OUT")
    _check_places(inside, out, workers)
    found = survey(inside, id_col, time_col, value_col)
    new = Notes.of(request, found, plan(found.pieces, found.columns.ids, shard_rows))
    notes = new.resumed(out)
    if notes is None:
        notes = new
        notes.save(out)
    buckets = tuple(sorting.name for sorting in notes.plan.sortings)
    task = Task(source, target, request, notes.columns, notes.schema, len(notes.plan.shards), buckets)
    outcome = Outcome(len(notes.plan.shards), broken=dict(notes.broken))
    with _executor(workers) as executor:
        Job(task, notes, executor, progress, outcome).run()
    outcome.seconds = time.monotonic() - began
    return outcome


@contextmanager
def _executor(workers: Workers | Executor) -> Iterator[Executor]:
    if not isinstance(workers, Workers):
        yield workers
        return
    executor = workers.start()
    try:
        yield executor
    finally:
        executor.close()


def _check_places(source: Folder, target: Folder, workers: Workers | Executor) -> None:
    if f"{target.path}/".startswith(f"{source.path}/"):
        raise InvalidInput("OUT", f"{target.url} lies inside of the input; choose another folder")
    for folder in (source, target):
        if folder.is_of_this_process and not _is_here(workers):
            raise InvalidInput(folder.field, f"{folder.url} is memory of this process; add --workers 0")


def _is_here(workers: Workers | Executor) -> bool:
    """Whether this process itself does the work."""
    if isinstance(workers, Workers):
        return workers.engine == "local" and not workers.count
    return isinstance(workers, ThreadExecutor)
