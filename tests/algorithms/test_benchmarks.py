"""naive, seasonal_naive and drift against the formulas of fpp3, section 5.5, written out for one series."""

from __future__ import annotations

import math

import numpy as np
import pytest

from foretell.engine import Engine
from foretell.series import FloatArray, Forecast, Series
from tests.fakes import walk, wave

LEVELS = (0.1, 0.5, 0.9)
Z90 = 1.2815515655446004


def ask(series: list[Series], model: str, horizon: int = 9, **options: object) -> Forecast:
    return Engine().forecast_sync(series, horizon, model, levels=LEVELS, options=options)


def check(forecast: Forecast, row: int, points: list[float], errors: list[float]) -> None:
    assert forecast.quantiles is not None
    np.testing.assert_allclose(forecast.point[row], points)
    np.testing.assert_allclose(forecast.quantiles[row, :, 1], points)
    np.testing.assert_allclose(forecast.quantiles[row, :, 2] - points, Z90 * np.array(errors))
    np.testing.assert_allclose(points - forecast.quantiles[row, :, 0], Z90 * np.array(errors))


SERIES = [walk(50, 1), walk(80, 2), wave(64, 3)]


def test_naive() -> None:
    forecast = ask(SERIES, "naive")
    for row, series in enumerate(SERIES):
        y = series.values
        sigma = math.sqrt(sum((y[t] - y[t - 1]) ** 2 for t in range(1, len(y))) / (len(y) - 1))
        check(forecast, row, [y[-1]] * 9, [sigma * math.sqrt(h) for h in range(1, 10)])
        assert forecast.details[row] == {"period": 0, "mse": pytest.approx(sigma**2)}


def test_drift() -> None:
    forecast = ask(SERIES, "drift")
    for row, series in enumerate(SERIES):
        y, T = series.values, len(series)
        slope = (y[-1] - y[0]) / (T - 1)
        sigma = math.sqrt(sum((y[t] - y[t - 1] - slope) ** 2 for t in range(1, T)) / (T - 2))
        errors = [sigma * math.sqrt(h * (1 + h / (T - 1))) for h in range(1, 10)]
        check(forecast, row, [y[-1] + h * slope for h in range(1, 10)], errors)


def seasonal(y: FloatArray, m: int) -> tuple[list[float], list[float]]:
    T = len(y)
    sigma = math.sqrt(sum((y[t] - y[t - m]) ** 2 for t in range(m, T)) / (T - m))
    return [y[T - m + (h - 1) % m] for h in range(1, 10)], [sigma * math.sqrt((h - 1) // m + 1) for h in range(1, 10)]


def test_seasonal_naive() -> None:
    forecast = ask(SERIES, "seasonal_naive", period=4)
    for row, series in enumerate(SERIES):
        check(forecast, row, *seasonal(series.values, 4))
        assert forecast.details[row]["period"] == 4


def test_seasonal_naive_finds_each_period() -> None:
    series = [wave(90, 1, period=12), walk(90, 3), wave(120, 2, period=7)]
    forecast = ask([series[0], series[1], Series(series[2].values)], "seasonal_naive")
    assert [d["period"] for d in forecast.details] == [12, 0, 7]
    check(forecast, 0, *seasonal(series[0].values, 12))
    check(forecast, 1, *seasonal(series[1].values, 1))


def test_seasonal_naive_on_less_than_a_season() -> None:
    forecast = ask([walk(5), walk(40), walk(7)], "seasonal_naive", period=7)
    assert forecast.status == ("failed: a period of 7 needs at least 7 values, got 5", "ok", "no_interval")
    np.testing.assert_array_equal(forecast.point[2, :7], walk(7).values)


def test_one_value_has_no_interval() -> None:
    forecast = ask([Series(np.array([3.0]))], "naive")
    assert forecast.status == ("no_interval",)
    np.testing.assert_array_equal(forecast.point, 3.0)


@pytest.mark.parametrize("model", ["naive", "seasonal_naive", "drift"])
def test_coverage_of_the_walk_that_they_are_right_for(model: str) -> None:
    walks = [walk(300, seed) for seed in range(400)]
    known = [Series(w.values[:-5]) for w in walks]
    forecast = Engine().forecast_sync(
        known, 5, model, levels=(0.05, 0.95), options={} if model != "seasonal_naive" else {"period": 1}
    )
    truth = np.stack([w.values[-5:] for w in walks])
    inside = (forecast.quantile(0.05) < truth) & (truth < forecast.quantile(0.95))
    assert 0.86 < inside.mean() < 0.94
