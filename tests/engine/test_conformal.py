"""Prediction intervals for models without: right sizes, honest refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretell.engine import conformal

LEVELS = (0.005, 0.1, 0.25, 0.5, 0.75, 0.9, 0.995)


@given(length=st.integers(1, 400), horizon=st.integers(1, 200), least=st.integers(1, 100))
def test_origins_leave_enough_history_and_truth(length: int, horizon: int, least: int) -> None:
    plan = conformal.plan(length, horizon, least)
    if plan is None:
        return
    assert 1 <= len(plan.origins) <= conformal.MAX_ORIGINS
    assert plan.horizon <= horizon
    assert min(plan.origins) >= max(least, length / 2)
    assert max(plan.origins) + plan.horizon <= length
    assert len(plan.origins) * plan.horizon >= conformal.MIN_ERRORS / 2


def test_too_short_for_an_honest_interval() -> None:
    assert conformal.plan(8, 5, 1) is None
    assert conformal.plan(100, 5, 100) is None
    assert conformal.plan(40, 5, 1) is not None


def test_known_errors_give_their_own_quantiles() -> None:
    errors = np.random.default_rng(0).normal(size=(8, 1250)).reshape(-1, 1)
    quantiles = conformal.quantiles(np.array([10.0]), errors, LEVELS)[0]
    expected = 10 + np.array([-2.576, -1.282, -0.674, 0, 0.674, 1.282, 2.576])
    np.testing.assert_allclose(quantiles, expected, atol=0.1)


def test_ascending_symmetric_and_wider_with_the_horizon() -> None:
    random = np.random.default_rng(1)
    errors = random.normal(size=(8, 4)) * np.sqrt(np.arange(1, 5))
    quantiles = conformal.quantiles(np.zeros(20), errors, LEVELS)
    assert np.all(np.diff(quantiles, axis=1) >= 0)
    np.testing.assert_allclose(quantiles, -quantiles[:, ::-1])
    assert np.all(np.diff(quantiles[:, -1]) >= 0)
    np.testing.assert_allclose(quantiles[19, -1] / quantiles[3, -1], np.sqrt(20 / 4))


def test_beyond_the_largest_error_the_tail_goes_on() -> None:
    errors = np.random.default_rng(2).normal(size=(8, 1))
    wide = conformal.quantiles(np.zeros(1), errors, (0.9, 0.99, 0.999))[0]
    assert wide[0] < wide[1] < wide[2] < 10


def test_missing_truth_is_left_out() -> None:
    errors = np.random.default_rng(3).normal(size=(8, 3))
    errors[2:4, 1] = np.nan
    assert np.isfinite(conformal.quantiles(np.zeros(3), errors, LEVELS)).all()


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_extreme_sizes(size: float) -> None:
    errors = np.random.default_rng(4).normal(size=(8, 3))
    np.testing.assert_allclose(
        conformal.quantiles(np.zeros(5), errors * size, LEVELS) / size, conformal.quantiles(np.zeros(5), errors, LEVELS)
    )


def test_no_errors_no_width() -> None:
    np.testing.assert_array_equal(
        np.ptp(conformal.quantiles(np.ones(3), np.zeros((8, 3)), LEVELS), axis=1) < 1e-300, True
    )


def test_coverage_on_new_series() -> None:
    """The 80 % interval of a mean forecast of noise holds about 80 % of what comes."""
    random = np.random.default_rng(5)
    hits = []
    for _ in range(300):
        values = random.normal(size=60)
        plan = conformal.plan(52, 8, 1)
        assert plan is not None
        errors = np.array([values[o : o + plan.horizon] - values[:o].mean() for o in plan.origins])
        low, high = conformal.quantiles(np.full(8, values[:52].mean()), errors, (0.1, 0.9)).T
        hits.append((low < values[52:]) & (values[52:] < high))
    assert 0.75 < np.mean(hits) < 0.87
