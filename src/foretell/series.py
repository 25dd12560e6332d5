"""Series, Batch, Forecast: what goes into a model and what comes out. Shapes and units are written here once.

Axes: B series, T context, H horizon, Q quantile levels, C covariates. Times are integers, nanoseconds
since the epoch, UTC. Values are float64; NaN means missing, nothing else does.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretell.errors import InvalidInput
from foretell.steps import DAY, Step, find_grid

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """One series, oldest value first.

    `values` [T], NaN = missing; `start` is the time of values[0], or None where there are no times; `step` goes
    with it. `past_covariates` [C, T] are known up to now, `future_covariates` [C, T + H] to the end of the horizon.
    """

    values: FloatArray
    start: int | None = None
    step: Step | None = None
    id: str = ""
    past_covariates: FloatArray | None = None
    future_covariates: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def covariates(self) -> int:
        """How many there are, past and future."""
        return sum(len(c) for c in (self.past_covariates, self.future_covariates) if c is not None)

    def future_times(self, horizon: int) -> IntArray | None:
        """Times [H] of the points that follow, or None where the series has none, or they leave the range of ns."""
        if self.start is None or self.step is None or not self.reaches(horizon):
            return None
        return self.step.times(self.start, horizon, first=len(self.values))

    def reaches(self, horizon: int) -> bool:
        """Whether the times of the points that follow, if there are any, lie in the range of ns."""
        return self.start is None or self.step is None or self.step.fits(self.start, len(self.values) + horizon)


def as_values(data: ArrayLike, field_name: str = "values") -> FloatArray:
    """`data` as float64 [T]; None, NaN and masked values are missing. Text and 2-D input are refused."""
    try:
        if isinstance(data, np.ma.MaskedArray):
            data = np.ma.filled(data.astype(np.float64), np.nan)
        values = np.asarray(data)
        if values.dtype.kind not in "iufbO":
            raise InvalidInput(field_name, f"must be numbers, got {values.dtype}")
        values = values.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(field_name, f"must be numbers ({error})") from None
    if values.ndim != 1:
        raise InvalidInput(field_name, f"must have one axis (time), got shape {values.shape}")
    return values


def as_covariates(rows: Sequence[Sequence[Any]] | None, length: int, field_name: str) -> FloatArray | None:
    """Lists of numbers as float64 [C, length], None where there are none; each must have `length` of them."""
    if not rows:
        return None
    wrong = next((len(row) for row in rows if len(row) != length), None)
    if wrong is not None:
        raise InvalidInput(field_name, f"needs {length} values in each list, got {wrong}")
    try:
        return np.array(rows, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(field_name, "must be lists of numbers") from None


def as_horizon(horizon: Any) -> int:
    """A number of steps as it was given, which has to be whole."""
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer):
        raise InvalidInput("horizon", f"must be a whole number, got {horizon!r}")
    return int(horizon)


def levels_of(conf: float) -> tuple[float, float]:
    """The quantile levels of the bounds between which the truth lies with the probability `conf`."""
    tail = (1 - conf) / 2
    return round(tail, 12), round(1 - tail, 12)


def evenly(series: Series) -> Series:
    """The same as one who knows no calendar has it: what it leaves out is missing. Days stay those of a clock."""
    step = series.step
    if series.start is None or step is None or not (step.calendar and step.ns):
        return series
    even = step.even if step.ns % DAY else replace(step, calendar=None)
    grid = find_grid(step.times(series.start, len(series)), even)
    past, future = series.past_covariates, series.future_covariates
    if past is not None:
        past = grid.place(past)
    if future is not None:
        future = np.concatenate([grid.place(future[:, : len(series)]), future[:, len(series) :]], axis=1)
    return Series(grid.place(series.values), grid.start, grid.step, series.id, past, future)


@dataclass(frozen=True, eq=False)
class Batch:
    """Series of unequal length side by side: `values` [B, T], left-padded with NaN.

    `lengths` [B] counts each row's own points (missing ones included), so padding and a missing value can be
    told apart; `starts` and `steps` may hold None. Covariates are [B, C, T] and [B, C, T + H].
    """

    values: FloatArray
    lengths: IntArray
    starts: tuple[int | None, ...]
    steps: tuple[Step | None, ...]
    ids: tuple[str, ...]
    past_covariates: FloatArray | None = None
    future_covariates: FloatArray | None = None

    @cached_property
    def observed(self) -> BoolArray:
        """[B, T]: there is a value, neither padding nor missing."""
        return ~np.isnan(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def row(self, index: int) -> FloatArray:
        """Values [T_i] of one series without the padding (a view)."""
        return self.values[index, self.values.shape[1] - self.lengths[index] :]

    def rows(self) -> list[FloatArray]:
        return [self.row(i) for i in range(len(self))]


def batch_of(series: Sequence[Series]) -> Batch:
    """Series padded on the left to the longest; all must have the same number of covariates.

    A lone series is not copied: nobody changes a batch.
    """
    lengths = [len(s) for s in series]
    width = max(lengths, default=0)
    return Batch(
        values=_pad([s.values for s in series], width),
        lengths=np.array(lengths, dtype=np.int64),
        starts=tuple(s.start for s in series),
        steps=tuple(s.step for s in series),
        ids=tuple(s.id for s in series),
        past_covariates=_pad_covariates([s.past_covariates for s in series], width),
        future_covariates=_pad_covariates(
            [s.future_covariates for s in series],
            width + (_horizon_of(series[0]) if len(series) else 0),
        ),
    )


def _horizon_of(series: Series) -> int:
    return 0 if series.future_covariates is None else series.future_covariates.shape[1] - len(series)


def _pad(rows: Sequence[FloatArray], width: int) -> FloatArray:
    if len(rows) == 1 and width:
        return np.asarray(rows[0], dtype=np.float64)[None]
    padded = np.full((len(rows), width), np.nan)
    for target, row in zip(padded, rows, strict=True):
        if len(row):
            target[-len(row) :] = row
    return padded


def _pad_covariates(rows: Sequence[FloatArray | None], width: int) -> FloatArray | None:
    present = [r for r in rows if r is not None]
    if not present:
        return None
    if len(present) != len(rows) or len({r.shape[0] for r in present}) != 1:
        raise InvalidInput("covariates", "every series of a call needs the same covariates")
    padded = np.full((len(present), present[0].shape[0], width), np.nan)
    for target, row in zip(padded, present, strict=True):
        target[:, width - row.shape[1] :] = row
    return padded


OK = "ok"
CONSTANT = "constant"
NO_INTERVAL = "no_interval"
TOO_SHORT = "too_short"
ALL_MISSING = "all_missing"
NON_FINITE = "non_finite"


TOO_LATE = "the times of the forecast would leave the years 1678 to 2262"
OUTSIDE = "the times leave the years 1678 to 2262"


def repaired(count: int) -> str:
    return f"repaired({count})"


def failed(reason: str) -> str:
    return f"failed: {' '.join(reason.split()) or 'no reason given'}"


def has_forecast(status: str) -> bool:
    """Whether a series with this status got numbers."""
    return status in (OK, CONSTANT, NO_INTERVAL) or status.startswith("repaired(")


@dataclass(frozen=True, eq=False)
class Forecast:
    """What every forecaster returns: `point` [B, H] and, where known, `quantiles` [B, H, Q] ascending in Q.

    `levels` [Q] names the quantiles; `quantiles is None` means that no bounds are known. `status` [B] is one of the
    words above; rows without a forecast are NaN. `details` [B] holds what a model says about a series: `period`,
    `mse` (mean squared in-sample error), `hint`. `model` names the model that answered.
    """

    point: FloatArray
    quantiles: FloatArray | None
    levels: tuple[float, ...]
    status: tuple[str, ...]
    model: str = ""
    details: tuple[Mapping[str, Any], ...] = field(default=())

    def __len__(self) -> int:
        return len(self.point)

    @property
    def horizon(self) -> int:
        return int(self.point.shape[1])

    def quantile(self, level: float) -> FloatArray:
        """[B, H] for one of the levels."""
        if self.quantiles is None or level not in self.levels:
            raise InvalidInput("level", f"{level} is not among the levels of this forecast: {self.levels}")
        return self.quantiles[:, :, self.levels.index(level)]

    def take(self, rows: Sequence[int] | slice) -> Forecast:
        """The forecasts of some of the series."""
        index = np.arange(len(self))[rows]
        return Forecast(
            self.point[index],
            None if self.quantiles is None else self.quantiles[index],
            self.levels,
            tuple(self.status[i] for i in index),
            self.model,
            tuple(self.details[i] for i in index) if self.details else (),
        )


FINER = re.compile(r"[.,]\d{6}(\d+)")
"""The decimals of a second that datetime cuts off. (Those of an offset from UTC never have so many.)"""


def parse_time(value: str | dt.datetime | np.datetime64, name: str = "time") -> int:
    """ns since the epoch of an ISO 8601 time; one without a zone is UTC. `name` is the field that an error names."""
    if isinstance(value, np.datetime64):
        return int(value.astype("M8[ns]").astype(np.int64))
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise InvalidInput(name, f"{value!r} is not an ISO 8601 time") from None
    moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    finer = FINER.search(value) if isinstance(value, str) else None
    nanoseconds = 0 if finer is None else int(finer[1][:3].ljust(3, "0"))
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000 + nanoseconds
