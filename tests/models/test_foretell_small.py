"""What `foretell-small` promises beyond the contract suite: units, gaps, hard series, quantiles, no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from foretell.calendars import BUSINESS
from foretell.models.foretell_small import DEFAULTS, WEIGHTS, ForetellSmall, built_in
from foretell.models.hybrid.grid import step_of
from foretell.models.hybrid.outliers import without_outliers
from foretell.models.hybrid.rows import usual_periods
from foretell.models.hybrid.shape import LEVELS
from foretell.series import FloatArray, Forecast, Series, batch_of
from foretell.steps import DAY, SECOND, Step
from tests.fakes import wave

MODEL = ForetellSmall()


def ask(
    *rows: ArrayLike,
    horizon: int = 24,
    levels: tuple[float, ...] = LEVELS,
    step: Step | None = None,
    **options: object,
) -> Forecast:
    start = None if step is None else 0
    series = [Series(np.asarray(row, np.float64), start, step) for row in rows]
    return MODEL.forecast(batch_of(series), horizon, levels, {**DEFAULTS, **options})


def numbers(forecast: Forecast, row: int = 0) -> FloatArray:
    assert forecast.quantiles is not None
    found: FloatArray = forecast.quantiles[row]
    return found


@pytest.mark.parametrize("length", [3, 7, 20, 63, 64, 65, 300, 1000, 2048, 3000])
@pytest.mark.parametrize("horizon", [1, 17, 1024])
def test_any_context_and_horizon(length: int, horizon: int) -> None:
    found = numbers(ask(wave(length).values, horizon=horizon))
    assert found.shape == (horizon, len(LEVELS))
    assert np.isfinite(found).all()
    assert np.all(np.diff(found, axis=1) >= 0)


def test_without_a_long_cycle_only_the_newest_points_count() -> None:
    values = wave(3000, seed=3).values
    np.testing.assert_array_equal(ask(values).point, ask(values[-2048:]).point)


@pytest.mark.parametrize(("size", "shift"), [(1e-30, 0.0), (1e30, 0.0), (1e-9, 1.0), (3.0, 1e8), (1.0, -1e6)])
def test_units_and_zero_do_not_matter(size: float, shift: float) -> None:
    values = wave(200, seed=1).values
    plain = numbers(ask(values, floor=False))
    moved = (numbers(ask(values * size + shift, floor=False)) - shift) / size
    np.testing.assert_allclose(moved, plain, atol=1e-4 * values.std())


def test_the_step_or_the_user_tells_the_season() -> None:
    year = np.tile([0, 0, 1, 0, -1, 0, 2, 0, 0, -1, 0, -1.0], 6)
    rows = year[:60] + np.random.default_rng(4).normal(size=(40, 60))
    truth = year[60:][None]
    error = [
        float(np.abs(ask(*rows, horizon=12, step=step, period=period).point - truth).mean())
        for step, period in ((None, None), (Step(months=1), None), (None, 12), (Step(months=1), 1))
    ]
    assert error[1] == error[2] < 0.97 * error[0]
    assert error[3] == error[0]


@pytest.mark.parametrize(("count", "period"), [(7, 7), (14, 12), (78, 52), (40, 24)])
def test_one_season_is_taken_as_given_if_the_user_names_it(count: int, period: int) -> None:
    """Nothing shows that it repeats, nor how exactly: the interval is wide."""
    rng = np.random.default_rng(6)
    shape = 100 + 20 * rng.normal(size=(20, period))
    rows = np.tile(shape, 3)[:, : count + period] + rng.normal(0, 3, (20, count + period))
    naive = float(np.abs(rows[:, count - period : count] - rows[:, count:]).mean())
    truth = rows[:, count:]
    plain, told = (ask(*rows[:, :count], horizon=period, levels=(0.1, 0.9), period=p) for p in (None, period))
    assert np.abs(told.point - truth).mean() < 1.05 * naive
    assert np.abs(plain.point - truth).mean() > 1.15 * naive
    assert ((told.quantile(0.1) <= truth) & (truth <= told.quantile(0.9))).mean() > 0.8


def test_a_season_that_is_not_there_changes_nothing() -> None:
    walk = np.random.default_rng(8).normal(size=400).cumsum()
    np.testing.assert_array_equal(ask(walk, period=24).point, ask(walk).point)
    np.testing.assert_array_equal(ask(walk, period=1_000_000).point, ask(walk).point)


@pytest.mark.parametrize(
    ("step", "usual"),
    [
        (Step(ns=DAY), (7, 365)),
        (Step(ns=DAY, calendar=BUSINESS), (5, 261)),
        (Step(ns=DAY // 24), (24, 168)),
        (Step(ns=DAY // 1440), (60, 1440)),
        (Step(months=1), (12,)),
        (Step(months=12), ()),
        (None, ()),
    ],
)
def test_usual_periods(step: Step | None, usual: tuple[int, ...]) -> None:
    assert usual_periods(step, None) == usual
    assert usual_periods(step, 0) == usual_periods(step, 1) == ()


def test_a_told_season_brings_its_longer_one() -> None:
    assert usual_periods(None, 24) == usual_periods(Step(ns=DAY // 24), 24) == (24, 168)
    assert usual_periods(None, 7) == (7, 365)
    assert usual_periods(None, 12) == (12,)
    assert usual_periods(Step(ns=DAY // 24), 50) == (50, 168)


def test_bounds_have_no_stairs_between_patches() -> None:
    walk = np.random.default_rng(1).normal(size=200).cumsum()
    bound = numbers(ask(walk, horizon=320))[:, -2]
    jump = np.abs(np.diff(bound))
    assert jump[15::16].mean() < 1.5 * np.delete(jump, np.s_[15::16]).mean()


def test_a_row_is_the_same_alone_and_among_others() -> None:
    rows = [wave(n, seed=n).values for n in (5, 40, 40, 64, 100, 100, 513)]
    together = ask(*rows)
    for i, row in enumerate(rows):
        np.testing.assert_allclose(numbers(together, i), numbers(ask(row)), atol=1e-5 * row.std())


@pytest.mark.parametrize("longer", [25, 96, 97, 720])
def test_a_short_forecast_begins_a_long_one(longer: int) -> None:
    values = wave(300, seed=2).values
    short, long = numbers(ask(values, horizon=24)), numbers(ask(values, horizon=longer))
    np.testing.assert_allclose(long[:24], short, atol=1e-5 * values.std())


def test_missing_values_at_the_end_are_forecast_over() -> None:
    values = wave(300, seed=4).values
    cut = np.append(values[:-30], np.full(30, np.nan))
    later = ask(values[:-30], horizon=54).point[0, 30:]
    np.testing.assert_allclose(ask(cut).point[0], later, atol=1e-5 * values.std())


def test_missing_values_at_the_start_are_no_values() -> None:
    values = wave(100, seed=5).values
    np.testing.assert_array_equal(ask(np.append(np.full(9, np.nan), values)).point, ask(values).point)


def test_gaps_cost_little() -> None:
    values = wave(400, seed=6, noise=0.1).values
    holed = values.copy()
    holed[np.random.default_rng(0).random(400) < 0.3] = np.nan
    holed[-1] = values[-1]
    assert np.abs(ask(holed).point - ask(values).point).mean() < 0.2 * values.std()


HARD = {
    "two values": np.arange(50) % 2.0,
    "a jump of twelve orders": np.append(np.random.default_rng(0).normal(size=80), 1e12 + np.arange(40.0)),
    "beyond 2 ** 53": 2.0**60 + 1024 * np.arange(60),
    "a spike": np.where(np.arange(90) == 70, 1e9, 1.0),
    "few known": np.where(np.arange(200) % 60 == 1, np.arange(200.0), np.nan),
    "known at both ends": np.where(np.abs(np.arange(200) - 100) > 97, np.arange(200.0), np.nan),
    "growth": np.exp(np.arange(120.0) / 4),
    "close to the largest": np.linspace(0.1, 1, 40) * 1e300,
    "subnormal": np.linspace(0.1, 1, 40) * 1e-305,
}


@pytest.mark.parametrize("kind", HARD)
def test_hard_series_have_finite_forecasts(kind: str) -> None:
    found = ask(HARD[kind])
    assert found.status == ("ok",)
    assert np.isfinite(numbers(found)).all()
    assert np.all(np.diff(numbers(found), axis=1) >= 0)


def test_states_of_what_cannot_be_forecast() -> None:
    found = ask([1, 1], [np.nan] * 5, [7] * 9, [1, np.inf, 2, 3], [1, 2, 4])
    assert found.status == ("too_short", "all_missing", "constant", "non_finite", "ok")
    assert np.isnan(found.point[[0, 1, 3]]).all()
    np.testing.assert_array_equal(numbers(found, 2), 7.0)


def test_a_series_without_negative_values_has_no_negative_forecast() -> None:
    falling = np.maximum(30 - np.arange(60.0), 0) + np.random.default_rng(1).random(60)
    assert numbers(ask(falling)).min() >= 0
    assert numbers(ask(falling - 5.0)).min() < 0
    assert numbers(ask(falling, floor=False)).min() < 0


def test_rare_demand_has_a_median_of_exactly_zero() -> None:
    random = np.random.default_rng(2)
    demand = np.where(random.random(300) < 0.15, random.integers(1, 6, 300), 0)
    found = ask(demand, levels=(0.5, 0.99))
    np.testing.assert_array_equal(found.point, 0.0)
    assert numbers(found)[:, 1].min() > 0.5


@pytest.mark.parametrize(("size", "shift"), [(1.0, 0.0), (0.1, 3.0), (1e-12, 0.0), (5.0, -1e6)])
def test_counts_are_forecast_as_counts(size: float, shift: float) -> None:
    values = np.random.default_rng(2).poisson(4, 200).astype(np.float64)
    values[17] = np.nan
    found = (numbers(ask(values * size + shift)) - shift) / size
    np.testing.assert_allclose(found, np.round(found), atol=1e-4)
    between = (numbers(ask(values * size + shift, grid=False)) - shift) / size
    assert np.abs(between - np.round(between)).max() > 0.2
    np.testing.assert_allclose(found, between, atol=0.5 + 1e-4)


@pytest.mark.parametrize("wrong", [-9999.0, 65535.0, 1e18])
@pytest.mark.parametrize("places", [[100], [30, 31, 194], [100, -1]])
def test_values_that_cannot_be_meant_are_missing_ones(wrong: float, places: list[int]) -> None:
    values = wave(300, seed=5).values
    spoilt, missing = values.copy(), values.copy()
    spoilt[places], missing[places] = wrong, np.nan
    np.testing.assert_array_equal(numbers(ask(spoilt)), numbers(ask(missing)))
    kept = ask(spoilt, outliers=False).point[0] - ask(values).point[0]
    assert np.abs(kept).mean() > values.std() / 2


@pytest.mark.parametrize(
    ("length", "peak", "asked"),
    [
        (6 * 288, slice(30, None, 288), {"step": Step(ns=300 * SECOND)}),
        (4 * 168, slice(90, None, 168), {"step": Step(ns=3600 * SECOND)}),
        (3 * 365, slice(355, None, 365), {"step": Step(ns=DAY)}),
        (200, slice(151, None, 152), {"period": 152}),
        (1200, slice(100, None, 250), {}),
    ],
    ids=["each day", "each week", "each year", "a season that was named", "ever again"],
)
def test_a_peak_that_comes_again_is_no_outlier(length: int, peak: slice, asked: dict[str, Any]) -> None:
    values = np.random.default_rng(6).normal(20, 1, length)
    values[peak] = 200.0
    found = ask(values, horizon=16, **asked)
    np.testing.assert_array_equal(found.point, ask(values, horizon=16, outliers=False, **asked).point)
    assert found.details == ({},)
    values[length - 25] = 200.0
    assert ask(values, horizon=16, **asked).details == ({"outliers": 1},)


def changed(at: dict[int, float], values: FloatArray) -> FloatArray:
    found = values.copy()
    found[list(at)] = list(at.values())
    return found


@pytest.mark.parametrize(
    "values",
    [
        changed({-1: 500.0}, wave(300).values),
        changed({-3: 500.0, -2: 510.0, -1: 505.0}, wave(300).values),
        changed(dict.fromkeys(range(40, 300, 40), 500.0), wave(300).values),
        changed({100: 500.0}, np.zeros(300)),
        changed({10: 500.0}, wave(19).values),
        changed({10: np.inf}, wave(300).values),
        np.tile([-8e307, 8e307], 15),
        np.exp(np.arange(300) / 10),
        np.exp(-np.arange(300) / 10),
        np.where(np.arange(300) % 24 < 2, 500.0, wave(300).values),
        np.full(30, np.nan),
    ],
    ids=[
        "newest",
        "new level",
        "often",
        "only one",
        "few",
        "infinite",
        "no range",
        "growth",
        "decay",
        "daily",
        "nothing",
    ],
)
def test_what_is_no_outlier(values: FloatArray) -> None:
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(without_outliers(values), values)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(size=300),
        np.arange(300.0),
        np.array([1.0, 2.0, 4.0]),
        np.array([5.0, 5.0, 5.0, 5.0]),
        np.tile([0.0, 1.0, 1.3, 2.0], 30),
        np.random.default_rng(1).integers(0, 1000, 300).astype(np.float64),
    ],
    ids=["noise", "ramp", "short", "constant", "off the grid", "fine"],
)
def test_what_has_no_coarse_grid(values: FloatArray) -> None:
    assert step_of(values) == 0


@pytest.mark.parametrize("step", [1.0, 0.1, 0.25, 1e-9])
def test_a_coarse_grid_is_found(step: float) -> None:
    values = np.random.default_rng(3).integers(0, 9, 90).astype(np.float64) * step + 7 * step
    assert step_of(values) == pytest.approx(step)


def test_levels_between_and_beyond_the_trained_ones() -> None:
    levels = (0.0001, 0.001, 0.01, 0.25, 0.5, 0.99, 0.9999)
    found = numbers(ask(wave(200).values, levels=levels))
    assert np.all(np.diff(found, axis=1) > 0)
    trained = numbers(ask(wave(200).values))
    assert np.all((found[:, 2] > trained[:, 0]) & (found[:, 2] < trained[:, 1]))
    assert ask(wave(200).values, levels=()).quantiles is None


def test_a_season_is_seen() -> None:
    time = np.arange(240)
    values = 10 + 3 * np.sin(2 * np.pi * time / 24) + np.random.default_rng(3).normal(0, 0.2, 240)
    truth = 10 + 3 * np.sin(2 * np.pi * np.arange(240, 288) / 24)
    assert np.abs(ask(values, horizon=48).point[0] - truth).mean() < 0.4


def test_no_torch_and_a_named_set_of_weights() -> None:
    program = (
        "import sys, numpy as np; from foretell.models.foretell_small import DEFAULTS, ForetellSmall;"
        "from foretell.series import Series, batch_of;"
        "series = batch_of([Series(np.arange(20.0) % 5)]);"
        "f = ForetellSmall().forecast(series, 3, (0.5,), DEFAULTS);"
        "print(f.model, [m for m in ('torch', 'scipy', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    name, _, loaded = done.stdout.strip().partition(" ")
    assert name == ask([1, 2, 3]).model
    assert name.startswith("foretell-small@")
    assert loaded == "[]"


def test_what_ships_beside_the_weights() -> None:
    assert (WEIGHTS / "model.safetensors").stat().st_size <= 12_000_000
    assert {"commit", "command", "data", "seed", "steps_done", "seconds_spent"} <= set(
        json.loads((WEIGHTS / "recipe.json").read_text())
    )
    assert "Apache-2.0" in (WEIGHTS / "CARD.md").read_text()
    assert built_in().shape.levels == LEVELS
