"""The way that every verb takes: prepare each row -> cut into chunks -> ask the model -> put the answers in place.

A job knows what is particular to its verb; `carry_out` knows the way. One bad row never fails the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from foretell.engine.batcher import batch_key, cut, point_cost
from foretell.engine.loop import MANY, at_most, beside
from foretell.engine.repair import Prepared
from foretell.engine.run import Run
from foretell.errors import ModelFailed
from foretell.registry import Entry
from foretell.series import OK, Batch, Series, batch_of, failed

Result = TypeVar("Result")


class Job(ABC, Generic[Result]):
    """What one call wants. Rows are numbered in the order of the input and answered in any order."""

    entry: Entry
    horizon = 0

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def prepare(self, row: int) -> bool:
        """Note what can be said of a row before any model sees it; True if the model is needed."""

    @abstractmethod
    def width(self, row: int) -> int:
        """How many points the model will see: rows of like width share a batch."""

    def steps(self, row: int) -> int:  # noqa: ARG002
        """How far the model has to look ahead for this row."""
        return self.horizon

    def covariates(self, row: int) -> int:  # noqa: ARG002
        """How many covariates the row has: rows with as many share a batch."""
        return 0

    @abstractmethod
    async def ask(self, run: Run, rows: Sequence[int]) -> Any:
        """One batch of rows to the model."""

    @abstractmethod
    def put(self, rows: Sequence[int], answer: Any) -> None:
        """Keep what the model answered for these rows."""

    @abstractmethod
    def fail(self, row: int, reason: str) -> None:
        """The model cannot answer for this row."""

    @abstractmethod
    def result(self) -> Result:
        """All rows together."""


class SeriesJob(Job[Result]):
    """A job whose rows are series: what is known of each of them."""

    def __init__(self, entry: Entry, series: Sequence[Series]) -> None:
        self.entry = entry
        self.series = list(series)
        self.status = [OK] * len(series)
        self.details: list[Mapping[str, Any]] = [{}] * len(series)
        self.model = entry.label

    def __len__(self) -> int:
        return len(self.series)

    def width(self, row: int) -> int:
        return len(self.series[row])

    def fail(self, row: int, reason: str) -> None:
        self.status[row] = failed(reason)

    def keep(self, row: int, prepared: Prepared) -> bool:
        """Note the status; True if the series, as it was prepared, may go to the model."""
        self.status[row] = prepared.status
        if prepared.series is None:
            return False
        self.series[row] = prepared.series
        return True

    def note(self, row: int, status: str, details: Mapping[str, Any]) -> None:
        """What the model says of a row; its `ok` does not hide what was known before."""
        self.status[row] = self.status[row] if status == OK else status
        self.details[row] = details


async def together(series: Sequence[Series]) -> Batch:
    """Series as one batch."""
    return await beside(len(series) >= MANY, batch_of, series)


async def carry_out(job: Job[Result], run: Run) -> Result:
    chunks = await beside(len(job) >= MANY, _prepared, job, run)
    run.advance(len(job) - sum(map(len, chunks)))
    await at_most(run.executor.slots, [partial(_chunk, job, run, chunk) for chunk in chunks])
    return job.result()


def _prepared(job: Job[Result], run: Run) -> list[list[int]]:
    """Rows that go to the model together; those that need none are answered."""
    rows = [row for row in range(len(job)) if job.prepare(row)]
    return [rows] if len(rows) == 1 else _chunks(job, run, rows)


def _chunks(job: Job[Result], run: Run, rows: Sequence[int]) -> list[list[int]]:
    widths = [job.width(row) for row in rows]
    keys = [
        batch_key(run.entry, run.options, width, job.steps(row), job.covariates(row))
        for row, width in zip(rows, widths, strict=True)
    ]
    cost = point_cost(run.entry.limits, run.chunk_budget)
    chunks = cut(keys, widths, job.horizon, cost, run.chunk_budget)
    return [[rows[i] for i in chunk] for chunk in chunks]


async def _chunk(job: Job[Result], run: Run, rows: list[int]) -> None:
    await _answer(job, run, rows)
    run.advance(len(rows))


async def _answer(job: Job[Result], run: Run, rows: list[int]) -> None:
    """One batch. Where the model fails, each row is tried alone: only the bad ones fail."""
    run.check()
    try:
        answer = await job.ask(run, rows)
    except ModelFailed as error:
        if len(rows) == 1:
            job.fail(rows[0], str(error))
            return
        for row in rows:
            await _answer(job, run, [row])
    else:
        await beside(len(rows) >= MANY, job.put, rows, answer)
