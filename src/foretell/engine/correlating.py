"""The job of `Engine.correlate`: one answer for each pair of series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foretell import series as words
from foretell.engine.job import Job, together
from foretell.engine.repair import prepare_whole
from foretell.engine.run import Run
from foretell.registry import Entry
from foretell.results import Correlation
from foretell.series import Series

Pair = tuple[Series, Series]


class Correlating(Job[tuple[Correlation, ...]]):
    """Compare the two series of each pair. No answer for one of the two is none for the pair."""

    def __init__(self, entry: Entry, pairs: Sequence[Pair]) -> None:
        self.entry = entry
        self._pairs = list(pairs)
        self._answers = [Correlation(model=entry.name)] * len(pairs)
        self._filled = [0] * len(pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def prepare(self, row: int) -> bool:
        """`details["series"]` says which of the two (0 or 1) the model cannot take."""
        prepared = []
        for side, series in enumerate(self._pairs[row]):
            ready = prepare_whole(series, self.entry.limits)
            if ready.series is None:
                self._answers[row] = Correlation(ready.status, model=self.entry.name, details={"series": side})
                return False
            self._filled[row] += int(np.isnan(series.values).sum() - np.isnan(ready.series.values).sum())
            prepared.append(ready.series)
        self._pairs[row] = (prepared[0], prepared[1])
        return True

    def width(self, row: int) -> int:
        return sum(map(len, self._pairs[row]))

    async def ask(self, run: Run, rows: Sequence[int]) -> tuple[Correlation, ...]:
        sides = [await together([self._pairs[row][side] for row in rows]) for side in (0, 1)]
        answers: tuple[Correlation, ...] = await run.ask(*sides)
        return answers

    def put(self, rows: Sequence[int], answer: tuple[Correlation, ...]) -> None:
        for row, one in zip(rows, answer, strict=True):
            filled = self._filled[row]
            status = words.repaired(filled) if one.status == words.OK and filled else one.status
            self._answers[row] = replace(one, status=status, model=one.model or self.entry.label)

    def fail(self, row: int, reason: str) -> None:
        self._answers[row] = Correlation(words.failed(reason), model=self.entry.name)

    def result(self) -> tuple[Correlation, ...]:
        return tuple(self._answers)
