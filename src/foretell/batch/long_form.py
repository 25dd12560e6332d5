"""The rows of a shard as forecasts in long form, a bounded number of them at a time.

Nothing that is wrong with one series fails another: a table that is refused is halved until the series at fault is
alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from foretell.batch.request import Columns, Request
from foretell.engine.engine import Engine
from foretell.errors import InvalidInput
from foretell.series import Forecast, IntArray, Series, failed
from foretell.wire.table import Groups, codes_of, forecast_table, level_column, read_groups

ROWS_OUT = 500_000
"""Most rows of a result held at once, roughly."""


@dataclass(frozen=True, slots=True)
class Forecaster:
    """Forecasts tables with the columns of the job."""

    engine: Engine
    request: Request
    columns: Columns

    def tables(self, rows: pa.Table) -> Iterator[pa.Table]:
        """One table of results for some series each, in the order in which they first appear."""
        codes = codes_of(rows, self.columns.ids)
        if (codes[1:] < codes[:-1]).any():
            order = np.argsort(codes, kind="stable")
            rows, codes = rows.take(pa.array(order)), codes[order]
        begins = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]])) if len(codes) else codes
        bounds = np.append(begins, len(codes))
        step = max(1, ROWS_OUT // self.request.horizon)
        for first in range(0, max(1, len(begins)), step):
            yield from self._series(rows, bounds[first : first + step + 1])

    def _series(self, rows: pa.Table, bounds: IntArray) -> Iterator[pa.Table]:
        """The series between `bounds` [n + 1]."""
        part = rows.slice(bounds[0], bounds[-1] - bounds[0])
        try:
            yield self._forecast(part)
        except InvalidInput as error:
            if len(bounds) <= 2:
                yield self._failed(part, str(error))
                return
            middle = len(bounds) // 2
            yield from self._series(rows, bounds[: middle + 1])
            yield from self._series(rows, bounds[middle:])

    def _forecast(self, part: pa.Table) -> pa.Table:
        asked, columns = self.request, self.columns
        groups = read_groups(part, columns.value, columns.time, columns.ids)
        return forecast_table(
            groups,
            self.engine.forecast_sync(groups.series, asked.horizon, asked.model, asked.levels, asked.options),
        )

    def _failed(self, part: pa.Table, reason: str) -> pa.Table:
        """One row that says why."""
        keys = part.select(list(self.columns.ids)).slice(0, 1)
        kind = part.schema.field(self.columns.time).type if self.columns.time else None
        groups = Groups([Series(np.empty(0))], keys, self.columns.time or "", kind)
        shape = 1, self.request.horizon
        quantiles = np.full((*shape, len(self.request.levels)), np.nan) if self.request.levels else None
        made = Forecast(np.full(shape, np.nan), quantiles, self.request.levels, (failed(reason),), self.request.model)
        return forecast_table(groups, made)


def result_schema(rows: pa.Schema, request: Request, columns: Columns) -> pa.Schema:
    """The columns of every file of results."""
    ids = [rows.field(name) for name in columns.ids]
    time = pa.field(columns.time, rows.field(columns.time).type) if columns.time else pa.field("ds", pa.int64())
    numbers = [pa.field(name, pa.float64()) for name in ("point", *map(level_column, request.levels))]
    return pa.schema([*ids, time, *numbers, pa.field("status", pa.string()), pa.field("model", pa.string())])
