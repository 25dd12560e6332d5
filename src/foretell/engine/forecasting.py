"""The job of `Engine.forecast`: points, and quantiles from the model or from its errors inside the context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np

from foretell import series as words
from foretell.engine import conformal
from foretell.engine.job import SeriesJob, together
from foretell.engine.loop import MANY, beside
from foretell.engine.repair import Prepared, newest, prepare
from foretell.engine.run import Run
from foretell.errors import InvalidInput
from foretell.registry import Entry, Registry
from foretell.series import Batch, Forecast, Series, batch_of


def check_covariates(entry: Entry, series: Sequence[Series], models: Registry) -> None:
    """Raise where series have covariates, and the model takes none."""
    if not entry.limits.covariates and any(
        one.past_covariates is not None or one.future_covariates is not None for one in series
    ):
        raise models.no_covariates(entry)


class Forecasting(SeriesJob[Forecast]):
    """Forecast `series` `horizon` steps ahead with quantiles at `levels` (in (0, 1), any order)."""

    def __init__(self, entry: Entry, series: Sequence[Series], horizon: int, levels: Sequence[float]) -> None:
        super().__init__(entry, series)
        check_horizon(horizon, entry)
        self.horizon, self.levels = horizon, check_levels(levels)
        self._ahead = [0] * len(series)
        self._point = np.full((len(series), horizon), np.nan)
        self._quantiles = np.full((len(series), horizon, len(self.levels)), np.nan) if self.levels else None

    def prepare(self, row: int) -> bool:
        """A constant series is answered here."""
        if not self.series[row].reaches(self.horizon):
            return self.keep(row, Prepared(None, words.failed(words.TOO_LATE)))
        limits = self.entry.limits
        prepared = prepare(self.series[row], limits, reach=limits.max_horizon - self.horizon)
        if not self.keep(row, prepared):
            return False
        if _is_alone(self.series[row]):
            self.status[row] = words.TOO_SHORT
            return False
        self._ahead[row] = prepared.ahead
        if self.status[row] != words.CONSTANT:
            return True
        values = self.series[row].values
        self._point[row] = value = values[np.flatnonzero(~np.isnan(values))[-1]]
        if self._quantiles is not None:
            self._quantiles[row] = value
        return False

    def steps(self, row: int) -> int:
        return self.horizon + self._ahead[row]

    def covariates(self, row: int) -> int:
        return self.series[row].covariates

    async def ask(self, run: Run, rows: Sequence[int]) -> Forecast:
        members = [self.series[row] for row in rows]
        native = self.levels if self.entry.limits.intervals else ()
        forecast = await run.forecast(await together(members), max(map(self.steps, rows)), native)
        if native == self.levels and (not native or forecast.quantiles is not None):
            return forecast
        return await with_bounds(run, members, forecast, self.levels)

    def put(self, rows: Sequence[int], answer: Forecast) -> None:
        """What is not finite is not an answer."""
        self.model = answer.model or self.model
        for i, row in enumerate(rows):
            status = answer.status[i]
            point = answer.point[i, self._wanted(row)]
            if words.has_forecast(status) and not np.isfinite(point).all():
                status = words.failed(f"{self.entry.name} gave a value that is not finite")
            if words.has_forecast(status):
                self._point[row] = point
                status = self._put_bounds(row, i, answer, status)
            self.note(row, status, answer.details[i] if answer.details else {})

    def _put_bounds(self, row: int, i: int, answer: Forecast, status: str) -> str:
        if self._quantiles is None:
            return status
        bounds = None if answer.quantiles is None else answer.quantiles[i, self._wanted(row)]
        if bounds is None or not np.isfinite(bounds).all():
            return words.NO_INTERVAL
        self._quantiles[row] = bounds
        return status

    def _wanted(self, row: int) -> slice:
        """The steps after the end of the series, which may lie after the end of what the model saw."""
        return slice(self._ahead[row], self._ahead[row] + self.horizon)

    def result(self) -> Forecast:
        return Forecast(self._point, self._quantiles, self.levels, tuple(self.status), self.model, tuple(self.details))


async def with_bounds(run: Run, members: Sequence[Series], forecast: Forecast, levels: tuple[float, ...]) -> Forecast:
    """Conformal quantiles for a point-only model: the same model from earlier origins of the same series."""
    many = len(members) >= MANY
    plans, earlier = await beside(many, _earlier, members, forecast, run.entry.limits.min_context)
    longest = max((p.horizon for p in plans if p), default=0)
    answer = None if earlier is None else await run.forecast(earlier, longest, ())
    return await beside(many, _bounded, members, forecast, levels, plans, answer)


Plans = Sequence[conformal.Plan | None]


def _earlier(members: Sequence[Series], forecast: Forecast, least: int) -> tuple[Plans, Batch | None]:
    """For each series the origins whose errors are its own, None where there are none; and all their histories."""
    answered = [
        words.has_forecast(status) and bool(np.isfinite(point).all())
        for status, point in zip(forecast.status, forecast.point, strict=True)
    ]
    plans = [
        conformal.plan(len(s), forecast.horizon, least) if good else None
        for s, good in zip(members, answered, strict=True)
    ]
    histories = [_history(members[i], origin) for i, p in enumerate(plans) if p for origin in p.origins]
    return plans, batch_of(histories) if histories else None


def _bounded(
    members: Sequence[Series], forecast: Forecast, levels: tuple[float, ...], plans: Plans, answer: Forecast | None
) -> Forecast:
    """The forecast with quantiles from the errors of what was answered for earlier origins."""
    quantiles = np.full((len(members), forecast.horizon, len(levels)), np.nan)
    status = list(forecast.status)
    row = 0
    for i, p in enumerate(plans):
        if p is None or answer is None:
            status[i] = words.NO_INTERVAL if words.has_forecast(status[i]) else status[i]
            continue
        made = answer.point[row : row + len(p.origins), : p.horizon]
        truth = np.array([members[i].values[o : o + p.horizon] for o in p.origins])
        row += len(p.origins)
        errors = np.where(np.isfinite(made), truth - made, np.nan)
        if np.isnan(errors).all():
            status[i] = words.NO_INTERVAL
        else:
            quantiles[i] = conformal.quantiles(forecast.point[i], errors, levels)
    return Forecast(forecast.point, quantiles, levels, tuple(status), forecast.model, forecast.details)


def check_horizon(horizon: int, entry: Entry) -> None:
    """It may be as long as the model's limits say: of several models, the error names the one."""
    if horizon < 1:
        raise InvalidInput("horizon", f"must be at least 1, got {horizon}")
    if horizon > entry.limits.max_horizon:
        raise InvalidInput("horizon", f"{entry.name} gives {entry.limits.max_horizon} at most, got {horizon}")


def check_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Levels ascending and distinct; each must lie strictly between 0 and 1."""
    if not isinstance(levels, Sequence | np.ndarray) or isinstance(levels, str):
        raise InvalidInput("levels", f"must be several numbers, such as (0.1, 0.5, 0.9), got {levels!r}")
    if not len(levels):
        return ()
    for level in levels:
        if not (isinstance(level, Real) and math.isfinite(level) and 0 < level < 1):
            raise InvalidInput("levels", f"must lie between 0 and 1, got {level!r}")
    return tuple(sorted({float(level) for level in levels}))


def _is_alone(series: Series) -> bool:
    """Whether it is one point in time, without a spacing: nobody knows when its forecast would be."""
    return len(series) == 1 and series.start is not None and series.step is None


def _history(series: Series, origin: int) -> Series:
    """The first `origin` points."""
    return newest(Series(series.values[:origin], series.start, series.step, series.id), origin)
