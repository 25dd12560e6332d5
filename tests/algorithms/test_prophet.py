"""Prophet's name: the library's own fit, real intervals, and a clear word where the library is not there."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from foretell.algorithms.forecast.prophet import ProphetModel, quiet, read_season
from foretell.engine import Engine
from foretell.errors import InvalidInput, NotAvailable
from foretell.registry import Registry
from foretell.series import FloatArray, Series
from foretell.steps import DAY, Step
from tests.tdgpt.conftest import running
from tests.tdgpt.taosd import TaosError

DAYS = 120
DAILY = Step(ns=DAY)
ENGINE = Engine()


def weekly(noise: float = 0.5, count: int = DAYS) -> FloatArray:
    day = np.arange(count)
    return 50 + 0.1 * day + 5 * ((day % 7) > 4) + noise * np.random.default_rng(0).normal(size=count)


def ask(values: FloatArray, levels: tuple[float, ...] = (), step: Step | None = DAILY, **options: Any) -> Any:
    series = Series(values, 0 if step else None, step)
    return ENGINE.forecast_sync([series], 14, "prophet", levels=levels, options=options)


def test_point_is_the_librarys_own() -> None:
    import pandas as pd

    with quiet():
        from prophet import Prophet

        model = Prophet(uncertainty_samples=0)
        model.fit(pd.DataFrame({"ds": pd.date_range("1970-01-01", periods=DAYS), "y": weekly()}))
        own = model.predict(model.make_future_dataframe(14))["yhat"].to_numpy()[-14:]
    np.testing.assert_allclose(ask(weekly()).point[0], own, rtol=2e-3)


def test_the_week_is_found_and_intervals_hold_what_they_say() -> None:
    forecast = ask(weekly(count=DAYS + 14)[:DAYS], (0.025, 0.25, 0.5, 0.75, 0.975))
    truth = weekly(count=DAYS + 14)[DAYS:]
    assert np.abs(forecast.point[0] - truth).mean() < 1.0
    low, high = forecast.quantile(0.025)[0], forecast.quantile(0.975)[0]
    assert ((low < truth) & (truth < high)).mean() > 0.7
    assert np.all(np.diff(forecast.quantiles[0], axis=1) > 0)


def test_the_dice_of_the_process_are_not_touched() -> None:
    np.random.seed(5)
    wanted = np.random.random()
    np.random.seed(5)
    ask(weekly(), (0.1, 0.9))
    assert np.random.random() == wanted


@pytest.mark.parametrize(
    ("options", "flat"),
    [({"weekly_seasonality": "false", "growth": "flat"}, True), ({"weekly_seasonality": "2"}, False)],
)
def test_options(options: dict[str, Any], flat: bool) -> None:
    assert (np.ptp(ask(weekly(), **options).point[0]) < 1e-6) == flat


@pytest.mark.parametrize("text", ["sometimes", "-1", "31", ""])
def test_a_season_that_is_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="weekly_seasonality: must be auto, true, false"):
        read_season("weekly_seasonality", text)


def test_without_times_there_are_no_seasons_of_the_calendar() -> None:
    assert np.ptp(np.diff(ask(weekly(), step=None).point[0])) < 1e-6


def only_prophet() -> Registry:
    models = Registry()
    models.register(ProphetModel)
    return models


def test_on_the_node_it_is_listed_where_it_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [1_577_808_000_000 + 86_400_000 * i for i in range(DAYS)]
    option = "algo=prophet,rows=3,conf=0.8,changepoint_prior_scale=0.1,yearly_seasonality=false"
    with running(only_prophet()) as (_, taosd):
        assert taosd.show_anodes_full() == [("forecast", "prophet")]
        rows = taosd.forecast(times, weekly().tolist(), option, bounds=True)
        assert [row[0] for row in rows] == [times[-1] + 86_400_000 * i for i in (1, 2, 3)]
        assert all(low < value < high for _, value, low, high in rows)
        with pytest.raises(TaosError, match="growth: must be one of linear, flat"):
            taosd.forecast(times, weekly().tolist(), "algo=prophet,growth=logistic")


def test_where_the_library_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prophet", None)
    models = only_prophet()
    with pytest.raises(NotAvailable, match=r"prophet cannot run here: pip install 'foretell\[prophet\]'"):
        models.find("prophet")
    with running(models) as (_, taosd):
        assert taosd.show_anodes_full() == []
        assert "pip install 'foretell[prophet]'" in taosd.post("/forecast", asked("prophet"))["msg"]


def asked(algo: str) -> bytes:
    from tests.tdgpt.test_http import question

    return question(option=f"algo={algo}")
