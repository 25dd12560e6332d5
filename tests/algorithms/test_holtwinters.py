"""holtwinters keeps TDgpt's words and their meaning, and fits at least as well as statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foretell.algorithms.forecast.holtwinters import FLAT, NO_SEASON, PERIOD_UNUSED
from foretell.engine import Engine
from foretell.errors import InvalidInput
from foretell.series import Forecast, Series
from tests.fakes import scaled, walk, wave

SEVENTEEN = Series(np.array([5, 14, 15, 15, 14, 19, 17, 16, 20, 22, 8, 21, 28, 11, 9, 29, 40], dtype=np.float64))
TDGPT_FIRST, TDGPT_SSE = 28.784811943, 1295.75


def ask(series: Series, **options: Any) -> Forecast:
    return Engine().forecast_sync([series], 10, "holtwinters", levels=(0.25, 0.75), options=options)


def test_the_documented_example() -> None:
    """Protocol section 3.1: the first value within 2 %, or a smaller sum of squared errors."""
    forecast = ask(SEVENTEEN, period=0)
    sse = forecast.details[0]["mse"] * 17
    assert abs(forecast.point[0, 0] / TDGPT_FIRST - 1) < 0.02 or sse < TDGPT_SSE
    assert np.ptp(forecast.point) == 0


@pytest.mark.parametrize(
    ("options", "hint", "period"),
    [
        ({}, FLAT, 0),
        ({"trend": "add"}, None, 0),
        ({"period": 12}, PERIOD_UNUSED, 0),
        ({"period": 12, "trend": "add"}, PERIOD_UNUSED, 0),
        ({"period": 12, "seasonal": "add"}, None, 12),
        ({"seasonal": "mul"}, None, 12),
        ({"seasonal": "add", "period": 0}, NO_SEASON, 0),
        ({"seasonal": "add", "period": 1}, NO_SEASON, 0),
    ],
)
def test_period_and_hints(options: dict[str, Any], hint: str | None, period: int) -> None:
    forecast = ask(wave(72, 1), **options)
    assert forecast.status == ("ok",)
    assert forecast.details[0].get("hint") == hint
    assert forecast.details[0]["period"] == period
    assert (np.ptp(np.diff(forecast.point)) > 0.1) == (period > 0)


def test_words_are_accepted_by_their_first_letters() -> None:
    short, long = ask(wave(48, 1), trend="A", seasonal="M"), ask(wave(48, 1), trend="add", seasonal="mul")
    np.testing.assert_array_equal(short.point, long.point)
    with pytest.raises(InvalidInput, match="trend: must be one of add, mul, got 'up'"):
        ask(wave(48, 1), trend="up")


@pytest.mark.parametrize("options", [{"trend": "mul"}, {"seasonal": "mul", "period": 12}])
@pytest.mark.parametrize("lowest", [0.0, -3.0])
def test_mul_needs_positive_values(options: dict[str, Any], lowest: float) -> None:
    series = wave(48, 1)
    series.values[7] = lowest
    assert ask(series, **options).status[0].startswith("failed: mul needs positive values")


def test_a_season_needs_two_cycles() -> None:
    forecast = ask(wave(20, 1), period=12, seasonal="add")
    assert forecast.status == ("failed: period 12 needs at least 24 values, got 20",)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("options", [{}, {"trend": "add"}, {"trend": "add", "seasonal": "mul", "period": 12}])
def test_no_worse_than_statsmodels(seed: int, options: dict[str, Any]) -> None:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    series = wave(60, seed)
    model = ExponentialSmoothing(
        series.values,
        trend=options.get("trend"),
        seasonal=options.get("seasonal"),
        seasonal_periods=options.get("period"),
        initialization_method="estimated",
    )
    assert ask(series, **options).details[0]["mse"] <= model.fit().sse / 60 * 1.001


def test_mse_is_a_mean_in_the_units_of_the_series() -> None:
    small, large = ask(wave(48, 2)), ask(scaled(wave(48, 2), 100))
    assert large.details[0]["mse"] == pytest.approx(1e4 * small.details[0]["mse"])
    assert 0.05 < small.details[0]["mse"] < 10


def test_too_few_values_for_the_parameters_have_no_interval() -> None:
    assert ask(walk(3), trend="add").status == ("no_interval",)
