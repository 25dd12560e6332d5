"""Cycles longer than the network sees are taken from the long history; where there is none, nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

from foretell.models.foretell_small import DEFAULTS, ForetellSmall
from foretell.models.hybrid.long_cycles import LongCycle, find_long_cycle
from foretell.models.hybrid.rows import MEMORY, SHORTEST_LONG
from foretell.series import FloatArray, Forecast, Series, batch_of

MODEL = ForetellSmall()
DAY = 1440


def minutes(days: float, noise: float = 0.3, seed: int = 0, day: int = DAY) -> FloatArray:
    """A daily bump of height about one under autocorrelated noise, a value a minute."""
    rng = np.random.default_rng(seed)
    count = round(days * day)
    bump = np.exp(8 * (np.cos(2 * np.pi * (np.arange(count) / day - 0.3)) - 1))
    slow = np.convolve(rng.normal(size=count + 20), np.full(21, 21**-0.5), "valid")
    found: FloatArray = 3 * bump + noise * slow
    return found


def ask(values: FloatArray, horizon: int) -> Forecast:
    return MODEL.forecast(batch_of([Series(values)]), horizon, (0.1, 0.5, 0.9), {**DEFAULTS, "floor": False})


def found(values: FloatArray) -> LongCycle | None:
    return find_long_cycle(values, SHORTEST_LONG)


def test_the_day_of_minutes_is_found_and_foretold() -> None:
    values = minutes(10.5)
    past, truth = values[: 10 * DAY], values[10 * DAY :]
    cycle = found(past)
    assert cycle is not None
    assert abs(len(cycle.profile) - DAY) <= 2
    miss = np.abs(ask(past, len(truth)).point[0] - truth).mean()
    assert miss < 0.5 * np.abs(ask(past[-2048:], len(truth)).point[0] - truth).mean()


def test_its_newest_value_belongs_to_the_newest_point() -> None:
    cycle = LongCycle(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(cycle.before(4), [3, 1, 2, 3])
    np.testing.assert_array_equal(cycle.ahead(4), [1, 2, 3, 1])


@pytest.mark.parametrize("seed", range(5))
def test_noise_walks_and_short_cycles_have_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert found(rng.normal(size=9000)) is None
    assert found(rng.normal(size=9000).cumsum()) is None
    assert found(minutes(90, 0.5, seed, day=96)) is None


def test_a_week_over_days_is_found() -> None:
    week = 7 * 288
    t = np.arange(4 * week)
    resting = np.where(t // 288 % 7 < 5, 1.0, 0.2)
    cycle = found(resting * np.sin(2 * np.pi * t / 288) + 0.3 * np.random.default_rng(0).normal(size=len(t)))
    assert cycle is not None
    assert abs(len(cycle.profile) - week) <= 2


def test_three_turns_are_needed() -> None:
    assert found(minutes(2.9)) is None
    assert found(minutes(3.1)) is not None
    assert found(minutes(0.5)) is None


@pytest.mark.parametrize(("size", "shift"), [(1e-30, 0.0), (1e30, 0.0), (1e-6, 3.0), (2.0, -1e6)])
def test_units_and_zero_do_not_matter(size: float, shift: float) -> None:
    values = minutes(4)
    plain = ask(values, 48).point
    np.testing.assert_allclose((ask(values * size + shift, 48).point - shift) / size, plain, atol=1e-3)


def test_missing_values_do_not_hide_it() -> None:
    values = minutes(6)
    truth = values[5 * DAY :]
    past = values[: 5 * DAY].copy()
    past[np.random.default_rng(1).random(len(past)) < 0.2] = np.nan
    past[2 * DAY : 2 * DAY + 300] = np.nan
    past[-5:] = np.nan
    assert np.abs(ask(past, DAY // 2).point[0] - truth[: DAY // 2]).mean() < 0.5


def test_infinite_values_long_ago_do_not_matter() -> None:
    values = minutes(6)
    values[[3, 500]] = np.inf, -np.inf
    assert np.isfinite(ask(values, 24).point).all()


def test_a_short_forecast_is_the_beginning_of_a_long_one() -> None:
    values = minutes(5)
    np.testing.assert_allclose(ask(values, 20).point, ask(values, 400).point[:, :20], atol=1e-5)


def test_what_is_older_than_the_memory_does_not_count() -> None:
    values = minutes((MEMORY + 500) / DAY)
    np.testing.assert_array_equal(ask(values, 24).point, ask(values[-MEMORY:], 24).point)
