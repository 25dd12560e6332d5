"""Imputers against hand calculation, and where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from foretell.engine import Engine
from foretell.series import FloatArray, Series
from foretell.steps import DAY, Step

ENGINE = Engine()
NAN = np.nan


def fill(values: FloatArray | list[float], model: str, **options: object) -> FloatArray:
    series = Series(np.array(values, dtype=np.float64), 0, Step(ns=DAY))
    return ENGINE.impute_sync([series], model, options).row(0)[0]


def test_by_hand() -> None:
    gaps = [NAN, 1, NAN, NAN, 4, NAN]
    assert fill(gaps, "linear").tolist() == [1, 1, 2, 3, 4, 4]
    assert fill(gaps, "previous").tolist() == [1, 1, 1, 1, 4, 4]
    assert fill(gaps, "seasonal").tolist() == [1, 1, 2, 3, 4, 4]


def week(noise: float = 0.0) -> FloatArray:
    days = np.arange(140)
    season = np.array([0.0, 5, 10, 20, 10, -20, -25])
    values: FloatArray = 100 + 0.5 * days + season[days % 7] + np.random.default_rng(3).normal(0, noise, 140)
    return values


@pytest.mark.parametrize("model", ["seasonal", "moment"])
def test_a_lost_fortnight_gets_its_weekends_back(model: str) -> None:
    truth = week(noise=0.5)
    values = truth.copy()
    values[60:74] = NAN
    error = np.abs(fill(values, model) - truth)[60:74]
    assert error.mean() < 1.5
    assert np.abs(fill(values, "linear") - truth)[60:74].mean() > 8


def test_a_given_period() -> None:
    values = week()
    values[30:33] = NAN
    np.testing.assert_allclose(fill(values, "seasonal", period=7), week(), atol=0.5)
    np.testing.assert_allclose(fill(values, "seasonal", period=0), fill(values, "linear"))
    made = ENGINE.impute_sync([Series(values[:12])], "seasonal", {"period": 7})
    assert made.status == ("ok",)
    made = ENGINE.impute_sync([Series(values[26:38])], "seasonal", {"period": 7})
    assert made.status == ("failed: period 7 needs at least 14 values, got 12",)
    assert not made.imputed.any()


@pytest.mark.parametrize(
    ("truth", "method"),
    [
        (np.cumsum(np.random.default_rng(1).normal(size=140)), "linear"),
        (np.cumsum(np.cumsum(np.random.default_rng(2).normal(size=200))), "linear"),
        (week(0.5), "seasonal"),
    ],
    ids=["walk", "smooth", "weeks"],
)
def test_the_best_method_is_chosen(truth: FloatArray, method: str) -> None:
    values = truth.copy()
    for start in (23, 61, 97, 122):
        values[start : start + 3] = NAN
    made = ENGINE.impute_sync([Series(values)], "moment", {"period": 7})
    assert made.details[0]["method"] == method


def test_few_values_are_enough_for_the_best() -> None:
    assert fill([NAN, 2, NAN], "moment").tolist() == [2, 2, 2]
    assert fill([1, NAN, 3], "best").tolist() == [1, 2, 3]
