"""ets, theta, ces, mstl, arima: the fit is the library's, units apart; options, reasons and details are ours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from foretell.algorithms.forecast.theta import passes_test
from foretell.algorithms.one_by_one import silence
from foretell.engine import Engine
from foretell.errors import InvalidInput
from foretell.series import FloatArray, Forecast, Series
from foretell.steps import SECOND, Step
from tests.fakes import scaled, walk, wave

HOURLY = Step(ns=3600 * SECOND)


def ask(series: Series, name: str, horizon: int = 12, /, **options: Any) -> Forecast:
    return Engine().forecast_sync([series], horizon, name, levels=(0.1, 0.9), options=options)


@pytest.mark.parametrize(
    ("model", "theirs", "options"),
    [
        ("ets", "AutoETS", {}),
        ("ets", "AutoETS", {"model": "MAM", "damped": True}),
        ("theta", "AutoTheta", {}),
        ("theta", "AutoTheta", {"decomposition_type": "additive"}),
        ("ces", "AutoCES", {}),
        ("ces", "AutoCES", {"model": "P"}),
        ("mstl", "MSTL", {}),
        ("arima", "AutoARIMA", {"max_p": 2, "max_q": 1}),
    ],
)
def test_the_librarys_own_forecast(model: str, theirs: str, options: dict[str, Any]) -> None:
    from statsforecast import models

    series = wave(84, 3)
    approximation = {"approximation": True} if model == "arima" else {}
    with silence():
        library = getattr(models, theirs)(season_length=12, **options, **approximation).forecast(series.values, 12)
    np.testing.assert_allclose(ask(series, model, period=12, **options).point[0], library["mean"], rtol=0.02)


@pytest.mark.parametrize("model", ["ets", "theta", "ces", "mstl", "arima"])
def test_the_period_is_found_or_given_or_none(model: str) -> None:
    series = wave(96, 1)
    assert ask(series, model).details[0]["period"] == 12
    assert ask(series, model, period=0).details[0]["period"] == 0
    assert ask(series, model, period=1).details[0]["period"] == 0
    assert ask(walk(96, 3), model).details[0]["period"] == 0


@pytest.mark.parametrize("model", ["ets", "theta", "ces", "mstl", "arima"])
def test_a_given_period_needs_two_cycles(model: str) -> None:
    forecast = ask(wave(20, 1), model, period=12)
    assert forecast.status == ("failed: period 12 needs at least 24 values, got 20",)


@pytest.mark.parametrize("letters", ["", "ZZ", "ZZZZ", "NAA", "AAX", "123"])
def test_ets_models_are_three_letters(letters: str) -> None:
    with pytest.raises(InvalidInput, match=r"model: must be error \(A, M, Z\), trend"):
        ask(wave(48, 1), "ets", model=letters)


@pytest.mark.parametrize("letters", ["AMN", "ANM", "AMM", "amz", "MMA"])
def test_ets_refuses_unstable_models(letters: str) -> None:
    with pytest.raises(InvalidInput, match="is unstable"):
        ask(wave(48, 1), "ets", model=letters)


def test_ets_says_which_model_it_took() -> None:
    assert ask(wave(48, 1), "ets", model="ana").details[0]["model"] == "ETS(A,N,A)"
    assert ask(wave(48, 1), "ets", model="AAN", damped="1").details[0]["model"] == "ETS(A,Ad,N)"
    assert ask(wave(48, 1), "ets", model="MMN", damped="0").details[0]["model"] == "ETS(M,M,N)"


def test_reasons() -> None:
    noise = Series(np.random.default_rng(0).normal(size=60))
    assert ask(noise, "ets", model="ANA").status == ("failed: model ANA needs a period; none was given or found",)
    assert ask(noise, "ets", model="MNN").status[0].startswith("failed: Inappropriate model for data with negative")
    assert ask(walk(9), "ets", model="AAN", damped=True).status == ("failed: 9 values are too few for model AAN",)
    assert ask(noise, "ces", model="F").status == ("failed: model F needs a period; none was given or found",)
    assert ask(noise, "theta", decomposition_type="multiplicative").status[0].startswith("failed: a multiplicative")


@pytest.mark.parametrize("model", ["A", "NS", "", "X"])
def test_ces_models_are_listed(model: str) -> None:
    with pytest.raises(InvalidInput, match="model: must be one of N, S, P, F, Z"):
        ask(wave(48, 1), "ces", model=model)


@pytest.mark.parametrize(("period", "slope"), [(12, 2.0), (3, 2.0)])
def test_theta_takes_out_the_season_it_is_told_though_a_trend_hides_it(period: int, slope: float) -> None:
    time = np.arange(84)
    values = 300 + slope * time + 30 * np.sin(2 * np.pi * time / period)
    series = Series(values[:72] + np.random.default_rng(2).normal(size=72) * 2)
    told = ask(series, "theta", period=period)
    assert told.details[0]["period"] == period
    assert np.abs(told.point[0] - values[72:]).mean() < 7
    assert not passes_test(series.values, period)


@pytest.mark.parametrize(("period", "length"), [(4, 8), (4, 12), (7, 14), (12, 24), (12, 30)])
@pytest.mark.parametrize("model", ["ets", "arima"])
def test_a_plain_season_of_few_cycles_is_not_turned_down(model: str, period: int, length: int) -> None:
    random = np.random.default_rng(period)
    values = 100 + np.resize(15 * random.normal(size=period), length + period) + random.normal(size=length + period)
    forecast = ask(Series(values[:length]), model, period, period=period)
    assert forecast.details[0]["period"] == period
    assert np.abs(forecast.point[0] - values[length:]).mean() < 2.5
    assert np.mean((values[length:] > forecast.quantile(0.1)) & (values[length:] < forecast.quantile(0.9))) > 0.4


def test_theta_of_nothing_but_a_season_repeats_it() -> None:
    season = np.tile([1.0, 5.0, 2.0, 8.0, 3.0], 8)
    for values in (season, -season, season + 1e9):
        np.testing.assert_allclose(ask(Series(values), "theta", 5, period=5).point[0], values[:5], rtol=1e-6)


def test_theta_takes_an_additive_season_where_it_must() -> None:
    series = scaled(wave(84, 1), 1, -20)
    forecast = ask(series, "theta", period=12)
    assert forecast.status == ("ok",)
    assert forecast.details[0]["mse"] < 1  # the season, of size 1 to 3, is not in the errors


def test_theta_intervals_do_not_hold_the_season() -> None:
    for kind in ("additive", "multiplicative", None):
        forecast = ask(wave(120, 4), "theta", 1, period=12, decomposition_type=kind)
        assert 0.4 < forecast.quantile(0.9)[0, 0] - forecast.quantile(0.1)[0, 0] < 1.6  # noise of 0.3: 0.77


def test_long_seasons_are_taken_out_first() -> None:
    random, time = np.random.default_rng(0), np.arange(24 * 20)
    values: FloatArray = 10 + 3 * np.sin(2 * np.pi * time / 24) + random.normal(0, 0.5, len(time))
    forecast = ask(Series(values, 0, HOURLY), "arima", 24)
    assert forecast.details[0]["model"].startswith("STL(24) + ARIMA")
    assert forecast.details[0]["period"] == 24
    truth = 10 + 3 * np.sin(2 * np.pi * np.arange(len(time), len(time) + 24) / 24)
    assert np.abs(forecast.point[0] - truth).mean() < 0.6
    long = ask(Series(np.tile(np.arange(70.0), 4) + random.normal(size=280)), "ets", 24, period=70)
    assert long.details[0]["model"].startswith("STL(70) + ETS")


def test_mstl_takes_days_and_weeks() -> None:
    random, time = np.random.default_rng(1), np.arange(24 * 7 * 5)
    values: FloatArray = np.sin(2 * np.pi * time / 24) + 2 * (time // 24 % 7 > 4) + random.normal(0, 0.2, len(time))
    forecast = ask(Series(values, 0, HOURLY), "mstl", 48)
    assert forecast.details[0]["model"].startswith("STL(24, 168) + ETS")
    assert ask(walk(60, 3), "mstl").details[0]["hint"] == "no season was given or found"


def test_arima_is_automatic_not_the_last_value() -> None:
    """TDgpt's default is ARIMA(0,1,0), and a 5 % band sold as 95 %."""
    random = np.random.default_rng(2)
    values = np.zeros(200)
    for t in range(1, 200):
        values[t] = 0.7 * values[t - 1] + random.normal()
    forecast = ask(Series(values + 50), "arima", 30)
    assert forecast.details[0]["model"].startswith("ARIMA(")
    assert abs(forecast.point[0, -1] - 50) < 1  # returns to the mean
    spread = 1 / math.sqrt(1 - 0.7**2)
    width = forecast.quantile(0.9)[0, -1] - forecast.quantile(0.1)[0, -1]
    assert width == pytest.approx(2 * 1.2816 * spread, rel=0.25)


def test_arima_orders_are_bounded() -> None:
    forecast = ask(wave(84, 1), "arima", max_p=0, max_q=0, start_p=0, start_q=0, period=0)
    assert forecast.details[0]["model"].startswith(("ARIMA(0,1,0)", "ARIMA(0,0,0)", "ARIMA(0,2,0)"))
    with pytest.raises(InvalidInput, match="max_p: must be between 0 and 20"):
        ask(wave(84, 1), "arima", max_p=21)


@pytest.mark.parametrize("model", ["ets", "theta", "ces", "mstl", "arima", "holtwinters"])
def test_coverage_of_eighty_percent(model: str) -> None:
    """Over a few series with a clear pattern, the 80 % band holds most of the truth, and not everything."""
    options = {"trend": "add", "seasonal": "add"} if model == "holtwinters" else {}
    series = [wave(66, seed) for seed in range(6)]
    known = [Series(s.values[:-6], s.start, s.step) for s in series]
    forecast = Engine().forecast_sync(known, 6, model, levels=(0.1, 0.9), options={"period": 12, **options})
    truth = np.stack([s.values[-6:] for s in series])
    inside = (forecast.quantile(0.1) < truth) & (truth < forecast.quantile(0.9))
    assert 0.55 < inside.mean() <= 0.98
