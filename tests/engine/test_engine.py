"""The front door: what it checks, cuts, bounds and puts together."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import Any

import numpy as np
import pytest

from foretell.application import new_node
from foretell.engine import Engine, forecasting, job, serving
from foretell.engine.drift import Drift
from foretell.engine.forecasting import Forecasting
from foretell.engine.loop import MANY
from foretell.errors import InvalidInput, UnknownName
from foretell.registry import registry
from foretell.series import Forecast, Series
from foretell.settings import read_settings
from foretell.steps import Step
from tests.fakes import Noting, fake_engine, ramp, walk


def forecast(values: list[Series], name: str, horizon: int = 3, levels: tuple[float, ...] = ()) -> Forecast:
    return fake_engine().forecast_sync(values, horizon, name, levels=levels)


def test_rows_come_back_in_order_whatever_their_length() -> None:
    series = [Series(ramp(5 + (7 * i) % 200, last=float(i))) for i in range(50)]
    answer = forecast(series, "repeat")
    np.testing.assert_array_equal(answer.point[:, 0], np.arange(50))
    assert (answer.model, len(answer), answer.horizon) == ("repeat", 50, 3)


def test_no_series_no_rows() -> None:
    answer = forecast([], "wide", levels=(0.5,))
    assert answer.point.shape == (0, 3)
    assert answer.status == ()


def test_series_of_like_length_share_a_batch() -> None:
    Noting.seen.clear()
    forecast([Series(ramp(length)) for length in (40, 300, 50, 64, 280)], "noting")
    assert sorted(Noting.seen) == [(2, 300), (3, 64)]


def test_a_context_is_cut_to_its_newest_points() -> None:
    answer = forecast([Series(ramp(500))], "wide", levels=(0.25, 0.75))
    np.testing.assert_array_equal(answer.point, 499.0)


@pytest.mark.parametrize("levels", [(0.0,), (1.0,), (math.nan,), (0.5, 90), ("0.5",), (True,), (-0.1,)])
def test_levels_lie_between_0_and_1(levels: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInput, match="levels"):
        forecast([Series(ramp(5))], "wide", levels=levels)


def test_levels_come_back_ascending_and_once() -> None:
    answer = forecast([Series(ramp(5))], "wide", levels=(0.9, 0.1, 0.9))
    assert answer.levels == (0.1, 0.9)
    np.testing.assert_allclose(answer.quantile(0.9), 4.9)
    with pytest.raises(InvalidInput, match="level"):
        answer.quantile(0.5)


@pytest.mark.parametrize("horizon", [0, -1, 10**7])
def test_the_horizon_has_bounds(horizon: int) -> None:
    with pytest.raises(InvalidInput, match="horizon"):
        forecast([Series(ramp(5))], "repeat", horizon=horizon)


def test_unknown_models_and_options_list_the_known() -> None:
    with pytest.raises(UnknownName, match="picky"):
        forecast([Series(ramp(5))], "pick")
    with pytest.raises(UnknownName, match="rounds"):
        fake_engine().forecast_sync([Series(ramp(5))], 1, "busy", options={"round": 3})


def test_names_and_aliases_in_any_case() -> None:
    assert forecast([Series(ramp(5))], " BROAD ").model == "wide"


def test_covariates_only_where_the_model_takes_them() -> None:
    with pytest.raises(InvalidInput, match="covariates: repeat takes none; no model here takes any"):
        forecast([Series(ramp(5), past_covariates=np.ones((1, 5)))], "repeat")


def test_a_constant_series_needs_no_model() -> None:
    answer = forecast([Series(np.full(20, 7.0))], "picky", levels=(0.1, 0.9))
    assert answer.status == ("constant",)
    np.testing.assert_array_equal(answer.quantiles, np.full((1, 3, 2), 7.0))


def test_a_row_that_the_model_refuses() -> None:
    answer = forecast([Series(ramp(9)), Series(ramp(9, last=-1))], "refusing", levels=(0.1, 0.9))
    assert answer.status[1] == "failed: too odd"
    assert np.isnan(answer.point[1]).all()
    assert [d["odd"] for d in answer.details] == [False, True]


def test_point_models_get_conformal_bounds() -> None:
    answer = forecast([walk(200, seed) for seed in range(4)], "repeat", horizon=5, levels=(0.1, 0.5, 0.9))
    assert set(answer.status) == {"ok"}
    assert answer.quantiles is not None
    width = answer.quantiles[:, :, 2] - answer.quantiles[:, :, 0]
    assert np.all(width[:, 0] > 1) and np.all(width[:, 4] < 30)
    np.testing.assert_allclose(answer.quantile(0.5), answer.point)


def test_too_short_for_bounds_says_so() -> None:
    answer = forecast([Series(ramp(6)), walk(100)], "repeat", levels=(0.1, 0.9))
    assert answer.status == ("no_interval", "ok")
    assert answer.quantiles is not None
    assert np.isnan(answer.quantiles[0]).all()
    assert np.isfinite(answer.point).all()


def test_gaps_are_told_even_where_bounds_are_made() -> None:
    series = walk(100)
    series.values[40:45] = np.nan
    assert forecast([series], "repeat", levels=(0.1, 0.9)).status == ("repaired(5)",)


def test_taking_rows() -> None:
    answer = forecast([Series(ramp(9, last=float(i))) for i in range(5)], "wide", levels=(0.5,))
    part = answer.take([3, 1])
    np.testing.assert_array_equal(part.point[:, 0], [3, 1])
    assert part.quantiles is not None and part.quantiles.shape == (2, 3, 1)
    assert len(answer.take(slice(1, 3))) == 2


def test_a_big_call_is_cut_and_equals_the_small_ones() -> None:
    engine = fake_engine()
    engine.models = registry()
    engine.chunk_budget = 50.0
    series = [walk(60, seed) for seed in range(30)]
    cut = engine.forecast_sync(series, 4, "drift", levels=(0.1, 0.9))
    engine.chunk_budget = 1e9
    whole = engine.forecast_sync(series, 4, "drift", levels=(0.1, 0.9))
    np.testing.assert_allclose(cut.point, whole.point)
    assert cut.quantiles is not None and whole.quantiles is not None
    np.testing.assert_allclose(cut.quantiles, whole.quantiles)


def test_one_point_in_time_is_too_short() -> None:
    """Nobody knows when its forecast would be; without times, or with a spacing, there is one."""
    given = [Series(ramp(1), 0), Series(ramp(1)), Series(ramp(1), 0, Step(ns=1))]
    made = Engine().forecast_sync(given, 2, "naive")
    assert made.status == ("too_short", "ok", "ok")
    assert np.isnan(made.point).all(1).tolist() == [True, False, False]


def test_times_of_the_future() -> None:
    assert Series(ramp(3)).future_times(2) is None
    times = Series(ramp(3), 0, Step(months=1)).future_times(2)
    assert times is not None
    assert times.astype("M8[ns]").astype("M8[D]").astype(str).tolist() == ["1970-04-01", "1970-05-01"]


@pytest.mark.parametrize("name", ["seasonal_naive", "drift", "ets", "foretell-small"])
def test_missing_values_at_the_end_are_forecast_not_held(name: str) -> None:
    """The plain twin: forecast the part that was seen further, and cut off what lies in the gap."""
    values = np.tile([1.0, 5, 2, 8], 12) + np.arange(48) / 10
    options = {"period": 4} if "period" in registry().find(name).options else {}
    gone = [Series(np.append(values, [np.nan] * gap)) for gap in (0, 3, 5)]
    engine = Engine()
    answer = engine.forecast_sync(gone, 4, name, levels=(0.1, 0.9), options=options)
    plain = engine.forecast_sync([Series(values)], 9, name, levels=(0.1, 0.9), options=options)
    assert plain.quantiles is not None
    assert answer.quantiles is not None
    for row, gap in enumerate((0, 3, 5)):
        np.testing.assert_allclose(answer.point[row], plain.point[0, gap : gap + 4], rtol=1e-6)
        np.testing.assert_allclose(answer.quantiles[row], plain.quantiles[0, gap : gap + 4], rtol=1e-6)
    assert answer.status[0] == "ok"


def test_a_gap_at_the_end_is_said_in_the_status() -> None:
    answer = Engine().forecast_sync([Series(np.array([1.0, np.nan, 3, 5, 4, np.nan, np.nan]))], 2, "naive")
    assert answer.status == ("repaired(3)",)
    assert answer.point[0].tolist() == [4, 4]


@pytest.mark.parametrize("count", [MANY - 1, MANY])
def test_what_is_done_with_each_of_many_series_is_done_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    node = new_node(read_settings(workers=1), fake_engine().models)
    node.serving.drift = Drift(lambda *_: None)
    where: dict[str, str] = {}

    def watch(owner: Any, name: str) -> None:
        work = getattr(owner, name)

        def noting(*arguments: Any) -> Any:
            where[name] = threading.current_thread().name
            return work(*arguments)

        monkeypatch.setattr(owner, name, noting)

    for name in ("prepare", "put", "__init__"):
        watch(Forecasting, name)
    for owner, name in ((job, "batch_of"), (serving, "digest"), (forecasting, "_earlier"), (forecasting, "_bounded")):
        watch(owner, name)
    watch(Drift, "see")
    try:
        asyncio.run(node.serving.forecast([Series(ramp(60))] * count, 2, "repeat", (0.1, 0.9)))
    finally:
        node.serving.close()
        node.reader.close()
    assert set(where) == {"prepare", "put", "__init__", "batch_of", "digest", "_earlier", "_bounded", "see"}
    assert {name.startswith("foretell-beside") for name in where.values()} == {count == MANY}
