"""Earlier forecasts are scored when their truth has come, and only then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foretell.engine.drift import Drift
from foretell.series import Forecast, Series
from foretell.steps import Step

HOUR = Step(ns=3_600_000_000_000)
TRUTH = np.array([0.0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1])


def series(first: int, last: int, name: str = "a", step: Step = HOUR) -> Series:
    return Series(TRUTH[first:last], first * HOUR.ns, step, name)


def forecast(point: list[float], width: float | None = None) -> Forecast:
    row = np.array([point])
    bounds = None if width is None else np.stack([row - width, row + width], axis=-1)
    return Forecast(row, bounds, () if width is None else (0.1, 0.9), ("ok",))


def seen(*asked: tuple[Series, Forecast]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    drift = Drift(lambda *scored: found.append(scored))
    for one, made in asked:
        drift.see("m", [one], made)
    return found


def test_the_error_is_in_steps_of_the_series() -> None:
    found = seen((series(0, 6), forecast([0.5, 1, 0])), (series(1, 8), forecast([9, 9])))
    assert found == [("m", pytest.approx(0.25), None)]


def test_bounds_are_held_against_what_they_promise() -> None:
    ((_, error, inside),) = seen((series(0, 6), forecast([0, 5], width=0.1)), (series(0, 8), forecast([0])))
    assert (error, inside) == (pytest.approx(2), pytest.approx(0.5 / 0.8))


def test_what_cannot_be_compared_is_not_scored() -> None:
    one = (series(0, 6), forecast([0, 1]))
    later = forecast([0])
    assert not seen(one)
    assert not seen(one, one)
    assert not seen(one, (series(0, 8, "b"), later))
    assert not seen(one, (series(0, 8, "a", Step(ns=2 * HOUR.ns)), later))
    assert not seen(one, (series(8, 11), later))
    assert not seen((series(0, 6, ""), forecast([0])), (series(0, 8, ""), later))
    flat = Series(np.zeros(8), 0, HOUR, "a")
    assert not seen(one, (flat, later))


def test_the_same_question_again_does_not_forget_the_forecast() -> None:
    one = (series(0, 6), forecast([0, 1]))
    assert len(seen(one, one, (series(0, 8), forecast([0])))) == 1


def test_it_remembers_no_more_than_it_should() -> None:
    drift = Drift(lambda *_: None, most=3)
    for i in range(10):
        drift.see("m", [series(0, 6, str(i))], forecast([0]))
    assert [name for _, name in drift._kept] == ["7", "8", "9"]
