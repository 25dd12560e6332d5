"""Intervals of exponential smoothing: exact ones beside simulated ones, and states beside the libraries' forecasts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foretell.algorithms.exponential_smoothing import Smoothing
from foretell.algorithms.forecast import ets, holtwinters
from foretell.algorithms.one_by_one import silence
from foretell.series import FloatArray
from tests.fakes import wave

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
Y: FloatArray = wave(96, 5).values / 20
MODELS = ["ANN", "AAN", "ANA", "AAA", "MNN", "MAN", "MNA", "MAA", "MNM", "MAM"]


def fitted(model: str, damped: bool | None) -> tuple[FloatArray, Smoothing]:
    """statsforecast's point forecast, and our state of the same fit."""
    from statsforecast.ets import ets_f, forecast_ets

    with silence():
        fit = ets_f(Y, 12, model=model, damped=damped)
        return np.asarray(forecast_ets(fit, 30)["mean"]), ets.state_of(fit)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("damped", [False, True])
def test_without_errors_the_future_is_the_librarys_forecast(model: str, damped: bool) -> None:
    if damped and model[1] == "N":
        pytest.skip("no trend to damp")
    point, state = fitted(model, damped)
    calm = replace(state, sigma=0.0)._simulated(30, (0.5,))[:, 0]
    # the library damps from the third step on only: phi + phi + phi^2 + ... instead of phi + phi^2 + phi^3 + ...
    np.testing.assert_allclose(calm, point, rtol=1e-3 if damped else 1e-9)


@pytest.mark.parametrize(
    ("trend", "seasonal"), [(None, None), ("add", None), ("mul", None), ("add", "add"), ("add", "mul"), ("mul", "mul")]
)
def test_the_same_for_statsmodels(trend: str | None, seasonal: str | None) -> None:
    with silence():
        fit = holtwinters._fit(Y, trend, seasonal, 12, {})
        point, state = fit.forecast(30), holtwinters.state_of(fit, len(Y))
    calm = replace(state, sigma=0.0)._simulated(30, (0.5,))[:, 0]
    np.testing.assert_allclose(calm, point, rtol=1e-9)


@pytest.mark.parametrize("model", ["ANN", "AAN", "ANA", "AAA"])
def test_the_exact_variance_is_that_of_many_futures(model: str) -> None:
    point, state = fitted(model, None if model[1] == "N" else True)
    state = replace(state, alpha=0.4, beta=0.05 if state.trend == "A" else 0.0, gamma=0.2 if state.season == "A" else 0)
    exact, simulated = state.quantiles(point, LEVELS), state._simulated(30, LEVELS)
    width = np.ptp(exact, axis=1)
    np.testing.assert_allclose(simulated - exact, 0, atol=0.06 * width.max())
    np.testing.assert_allclose(np.ptp(simulated, axis=1) / width, 1, atol=0.1)


def test_a_seasonal_model_is_as_sure_of_its_first_step_as_its_errors_say() -> None:
    """statsforecast 2.1 puts the whole horizon into the variance of every step."""
    point, state = fitted("ANA", None)
    quantiles = replace(state, gamma=0.9).quantiles(point, (0.5, 0.8413447460685429))
    assert quantiles[0, 1] - quantiles[0, 0] == pytest.approx(state.sigma)


def test_simple_smoothing_by_hand() -> None:
    state = Smoothing("A", "N", "N", sigma=2.0, level=10.0, alpha=0.5)
    quantiles = state.quantiles(np.array([10.0, 10.0, 10.0]), (0.8413447460685429,))
    np.testing.assert_allclose(quantiles[:, 0] - 10, 2 * np.sqrt([1, 1.25, 1.5]))


def test_a_multiplicative_walk_stays_positive_and_leans_up() -> None:
    state = Smoothing("M", "N", "N", sigma=0.3, level=1.0, alpha=0.9)
    quantiles = state.quantiles(np.ones(40), (0.01, 0.5, 0.99))
    assert quantiles.min() > -0.5
    assert np.all(quantiles[10:, 2] - quantiles[10:, 1] > quantiles[10:, 1] - quantiles[10:, 0])


def test_unknown_sigma_unknown_quantiles() -> None:
    state = Smoothing("A", "N", "N", sigma=float("nan"), level=1.0)
    assert np.isnan(state.quantiles(np.ones(3), (0.1, 0.9))).all()


def test_coverage_of_its_own_process() -> None:
    random = np.random.default_rng(0)
    state = Smoothing("A", "A", "N", sigma=1.0, level=0.0, slope=0.1, alpha=0.3, beta=0.05)
    level, slope = np.zeros(4000), np.full(4000, 0.1)
    quantiles = state.quantiles(np.linspace(0.1, 1, 10), (0.1, 0.9))
    for h in range(10):
        error = random.normal(size=4000)
        value = level + slope + error
        level, slope = level + slope + 0.3 * error, slope + 0.05 * error
        assert 0.78 < np.mean((quantiles[h, 0] < value) & (value < quantiles[h, 1])) < 0.82
