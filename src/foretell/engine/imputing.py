"""The job of `Engine.impute`: a value for every missing point of every series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretell import series as words
from foretell.engine.job import SeriesJob, together
from foretell.engine.repair import prepare_whole
from foretell.engine.run import Run
from foretell.registry import Entry
from foretell.results import Imputation
from foretell.series import Series, batch_of


class Imputing(SeriesJob[Imputation]):
    """Fill the gaps of `series`: `repaired(n)` where there were n, `ok` where there was none. What was seen stays."""

    def __init__(self, entry: Entry, series: Sequence[Series]) -> None:
        super().__init__(entry, series)
        given = batch_of(series)
        self._values, self._lengths = given.values.copy(), given.lengths
        self._imputed = np.zeros(given.values.shape, dtype=np.bool_)

    def prepare(self, row: int) -> bool:
        """A series without gaps needs no model."""
        return self.keep(row, prepare_whole(self.series[row], self.entry.limits)) and bool(
            np.isnan(self.series[row].values).any()
        )

    async def ask(self, run: Run, rows: Sequence[int]) -> Imputation:
        answer: Imputation = await run.ask(await together([self.series[row] for row in rows]))
        return answer

    def put(self, rows: Sequence[int], answer: Imputation) -> None:
        self.model = answer.model or self.model
        for i, row in enumerate(rows):
            own = slice(-int(self._lengths[row]), None)
            gaps = np.isnan(self._values[row, own])
            made = answer.values[i, own][gaps]
            status = answer.status[i]
            if words.has_forecast(status) and not np.isfinite(made).all():
                status = words.failed(f"{self.entry.name} left a gap or gave a value that is not finite")
            if words.has_forecast(status):
                self._values[row, own][gaps] = made
                self._imputed[row, own] = gaps
                status = words.repaired(len(made))
            self.note(row, status, answer.details[i] if answer.details else {})

    def result(self) -> Imputation:
        return Imputation(
            self._values, self._imputed, self._lengths, tuple(self.status), self.model, tuple(self.details)
        )
