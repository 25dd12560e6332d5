"""The job of `Engine.detect`: a label for every point of every series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretell import series as words
from foretell.engine.job import SeriesJob, together
from foretell.engine.repair import prepare_whole
from foretell.engine.run import Run
from foretell.errors import InvalidInput
from foretell.registry import Entry, Options
from foretell.results import ANOMALY, NORMAL, Detection
from foretell.series import Series, batch_of


class Detecting(SeriesJob[Detection]):
    """Label the points of `series`. What is missing cannot be anomalous, and nothing in a constant series is."""

    def __init__(self, entry: Entry, series: Sequence[Series], options: Options) -> None:
        super().__init__(entry, series)
        given = batch_of(series)
        self._lengths, self._observed = given.lengths, given.observed
        self._normal = int(options.get("valid_code", NORMAL))
        if self._normal == ANOMALY:
            raise InvalidInput("valid_code", f"must not be {ANOMALY}, the label of anomalies")
        self._labels = np.full(given.values.shape, self._normal, dtype=np.int64)
        self._scores = np.full(given.values.shape, np.nan)
        self._scored = False

    def prepare(self, row: int) -> bool:
        return self.keep(row, prepare_whole(self.series[row], self.entry.limits)) and (
            self.status[row] != words.CONSTANT
        )

    async def ask(self, run: Run, rows: Sequence[int]) -> Detection:
        answer: Detection = await run.ask(await together([self.series[row] for row in rows]))
        return answer

    def put(self, rows: Sequence[int], answer: Detection) -> None:
        self.model = answer.model or self.model
        self._scored |= answer.scores is not None
        for i, row in enumerate(rows):
            status = answer.status[i]
            if words.has_forecast(status):
                self._put_row(row, i, answer)
            self.note(row, status, answer.details[i] if answer.details else {})

    def _put_row(self, row: int, i: int, answer: Detection) -> None:
        own = slice(-int(self._lengths[row]), None)
        seen = self._observed[row, own]
        self._labels[row, own] = np.where(seen, answer.labels[i, own], self._normal)
        if answer.scores is not None:
            self._scores[row, own] = np.where(seen, answer.scores[i, own], np.nan)

    def result(self) -> Detection:
        return Detection(
            self._labels,
            self._scores if self._scored else None,
            self._lengths,
            tuple(self.status),
            self.model,
            tuple(self.details),
            self._normal,
        )
