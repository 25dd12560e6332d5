"""The loop of every method that fits one series at a time: units, warnings, and failures that stay in their row."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foretell.algorithms.answers import describe
from foretell.errors import ForetellError
from foretell.series import OK, Batch, FloatArray, Forecast, failed


class Unsuitable(Exception):
    """This series cannot be forecast by this method; the text says why, and becomes its status."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One fitted series: `point` [H], `quantiles` [H, Q] (None where unknown), one-step `errors` [N], the period
    that was used (1: none), and what else to say of it (`notes`)."""

    point: FloatArray
    quantiles: FloatArray | None
    errors: FloatArray
    period: int = 1
    notes: Mapping[str, Any] = field(default_factory=dict)


Fit = Callable[[FloatArray, int], Answer]


def one_by_one(
    name: str, batch: Batch, horizon: int, levels: tuple[float, ...], fit: Fit, shifted: bool = False
) -> Forecast:
    """`fit(values [T], row)` for every row, in units of the series: divided by its mean size, so that tolerances of
    optimisers mean the same at 1e-30 and 1e30. `shifted`, for methods that allow it: in mean deviations, moved so that
    the smallest is 1 (not so that the mean is 0: a method would not count a mean that it need not estimate)."""
    point = np.full((len(batch), horizon), np.nan)
    quantiles = np.full((len(batch), horizon, len(levels)), np.nan) if levels else None
    status = [OK] * len(batch)
    details: list[Mapping[str, Any]] = [{}] * len(batch)
    with silence():
        for row in range(len(batch)):
            units = Units.of(batch.row(row), shifted)
            with in_its_row(name, status, row):
                answer = fit(units.enter(batch.row(row)), row)
                point[row] = units.leave(answer.point)
                if quantiles is not None and answer.quantiles is not None:
                    quantiles[row] = units.leave(answer.quantiles)
                mse = float(np.nanmean((answer.errors * units.size) ** 2)) if answer.errors.size else np.nan
                details[row] = describe(answer.period, mse, **answer.notes)
    return Forecast(point, quantiles, levels, tuple(status), name, tuple(details))


@dataclass(frozen=True, slots=True)
class Units:
    """What a series is measured in inside a method: value = shift + size * number."""

    shift: float
    size: float

    @classmethod
    def of(cls, values: FloatArray, shifted: bool) -> Units:
        largest = float(np.max(np.abs(values)))
        unit = largest if largest > 0 else 1.0
        centre = float(np.mean(values / unit)) * unit if shifted else 0.0
        size = float(np.mean(np.abs((values - centre) / unit))) * unit or 1.0
        return cls(float(values.min()) - size if shifted else 0.0, size)

    def enter(self, values: FloatArray) -> FloatArray:
        return (values - self.shift) / self.size

    def leave(self, values: FloatArray) -> FloatArray:
        return self.shift + self.size * values


@contextmanager
def in_its_row(name: str, status: list[str], row: int) -> Iterator[None]:
    """What a method raises for one series becomes the status of its row; errors of the whole call come through."""
    try:
        yield
    except ForetellError:
        raise
    except Unsuitable as reason:
        status[row] = failed(str(reason))
    except Exception as error:
        status[row] = failed(f"{name}: {type(error).__name__}: {error}")


@contextmanager
def silence() -> Iterator[None]:
    """Libraries warn while they try models that they then reject; what they return is checked instead."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
