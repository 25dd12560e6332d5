"""Periods: natural ones first, others only where they stand out, none in noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.signal import lfilter

from foretell.algorithms.few_cycles import change_by_lag
from foretell.algorithms.one_by_one import Unsuitable
from foretell.algorithms.seasonality import (
    autocorrelation,
    check_cycles,
    detect_period,
    detect_periods,
    natural_periods,
    nested_periods,
    periods_of,
)
from foretell.calendars import BUSINESS, Week
from foretell.series import FloatArray, Series, batch_of
from foretell.steps import DAY, SECOND, Step

HOUR = 3600 * SECOND
MONTH = Step(months=1)
HOURLY = Step(ns=HOUR)


@pytest.mark.parametrize(
    ("step", "periods"),
    [
        (None, ()),
        (Step(months=1), (12,)),
        (Step(months=3), (4,)),
        (Step(months=12), ()),
        (Step(months=5), ()),
        (Step(ns=7 * DAY), (52,)),
        (Step(ns=DAY), (7,)),
        (Step(ns=HOUR), (24, 168)),
        (Step(ns=HOUR // 4), (4, 96, 672)),
        (Step(ns=SECOND), (60,)),
        (Step(ns=7 * SECOND), ()),
        (Step(ns=DAY, calendar=BUSINESS), (5,)),
        (Step(ns=2 * DAY, calendar=BUSINESS), ()),
        (Step(ns=DAY, calendar=Week(7, ((0, 1), (2, 3), (4, 5)))), (3,)),
        (Step(ns=HOUR, calendar=Week(168, ((9, 17), (33, 41)))), (8, 16)),
        (Step(ns=HOUR // 60, calendar=Week(10080, tuple((i * 1440, i * 1440 + 900) for i in range(5)))), (900,)),
    ],
)
def test_natural_periods(step: Step | None, periods: tuple[int, ...]) -> None:
    assert natural_periods(step) == periods


def test_natural_periods_are_found_once_for_all_series_of_a_step() -> None:
    first, second = (Step(ns=HOUR, calendar=Week(168, ((9, 17), (33, 41)))) for _ in range(2))
    assert natural_periods(first) is natural_periods(second)


def rate(make: Callable[[np.random.Generator], FloatArray], natural: tuple[int, ...], period: int) -> float:
    """How often the period is found in 200 draws."""
    random = np.random.default_rng(0)
    return float(np.mean(detect_periods(np.stack([make(random) for _ in range(200)]), natural) == period))


@pytest.mark.parametrize("length", [60, 144, 500])
@pytest.mark.parametrize("natural", [(12,), ()])
def test_no_period_in_noise_walks_and_autoregressions(length: int, natural: tuple[int, ...]) -> None:
    assert rate(lambda r: r.normal(size=length), natural, 1) > 0.9
    assert rate(lambda r: r.normal(size=length).cumsum(), natural, 1) > 0.9
    assert rate(lambda r: lfilter([1], [1, -0.8], r.normal(size=length)), natural, 1) > 0.9


def season(length: int, period: int) -> FloatArray:
    return np.sin(2 * np.pi * np.arange(length) / period)


WANDERING: tuple[Sequence[float], ...] = ([1], [1, -0.5], [1, -0.9], [1, -1], [1, -1.9, 0.9])
"""Noise, autoregressions, a walk, and one whose slope walks."""


def plain(size: float, length: int, period: int) -> Callable[[np.random.Generator], FloatArray]:
    """A season against noise of 1, on a line."""
    season_and_line = 0.3 * np.arange(length) + size * season(length, period)
    return lambda r: season_and_line + r.normal(size=length)


def wandering(length: int, poles: Sequence[float]) -> Callable[[np.random.Generator], FloatArray]:
    return lambda r: np.asarray(lfilter([1], poles, r.normal(size=length)))


@pytest.mark.parametrize("cycles", [2, 2.5, 3, 5])
@pytest.mark.parametrize("period", [7, 12, 24])
def test_a_natural_period_of_few_cycles_is_seen_where_it_repeats(cycles: float, period: int) -> None:
    length, natural = round(cycles * period), (period,)
    assert rate(plain(3, length, period), natural, period) > 0.85
    assert rate(plain(30, length, period), natural, period) > 0.95
    assert rate(lambda r: 5 * season(length, period) + r.normal(size=length).cumsum(), natural, period) > 0.75
    for poles in WANDERING:
        assert rate(wandering(length, poles), natural, period) < 0.15


@pytest.mark.parametrize("cycles", [3, 4, 6])
@pytest.mark.parametrize("period", [7, 12, 24])
def test_without_times_a_plain_season_of_few_cycles_is_seen(cycles: int, period: int) -> None:
    length = cycles * period
    assert rate(plain(30, length, period), (), period) > 0.9
    for poles in WANDERING[:4]:
        assert rate(wandering(length, poles), (), 1) > 0.95


def test_changes_at_all_lags_are_those_of_each() -> None:
    values = np.random.default_rng(0).normal(size=(3, 50)).cumsum(axis=1) + 100
    values[1, :7] = values[2, 20] = np.nan
    plain = [np.nanvar(values[:, lag:] - values[:, :-lag], axis=1) for lag in range(1, 20)]
    np.testing.assert_allclose(change_by_lag(values, 20)[:, 1:], np.stack(plain, 1))


@pytest.mark.parametrize(
    "make",
    [
        lambda r: season(144, 12) + r.normal(size=144) * 0.7,
        lambda r: (np.arange(144) % 12 == 3) * 2.0 + r.normal(size=144) * 0.3,
        lambda r: 3 * season(144, 12) + r.normal(size=144).cumsum(),
        lambda r: 3 * season(144, 12) + r.normal(size=144) + (np.arange(144) / 144) ** 2 * 40,
    ],
    ids=["wave", "spikes", "on a walk", "on a curve"],
)
def test_a_natural_period_is_found(make: Callable[[np.random.Generator], FloatArray]) -> None:
    assert rate(make, (12,), 12) > 0.97


def test_a_period_that_is_not_natural_is_found_when_it_is_clear() -> None:
    assert rate(lambda r: season(500, 12) + r.normal(size=500) * 0.5, (), 12) > 0.9
    assert rate(lambda r: (np.arange(300) % 17 == 3) * 2.0 + r.normal(size=300) * 0.3, (24,), 17) > 0.9


def test_days_and_weeks_of_hours() -> None:
    random, length = np.random.default_rng(1), 24 * 60
    day = season(length, 24) + random.normal(size=length) * 0.5
    week = day + (np.arange(length) // 24 % 7 > 4) * 2.0
    assert detect_period(day, HOURLY) == 24
    assert detect_period(week, HOURLY) == 168
    assert nested_periods(day, HOURLY) == (24,)
    assert nested_periods(week, HOURLY) == (24, 168)
    assert nested_periods(random.normal(size=100), HOURLY) == (1,)


@pytest.mark.parametrize(
    "values",
    [[], [1.0], [1.0, 2.0], [3.0] * 50, [np.nan] * 20, list(range(40)), [1e308, -1e308] * 20, [1e-300, 0.0] * 3],
    ids=["empty", "one", "two", "constant", "missing", "line", "huge", "tiny"],
)
def test_strange_series_have_an_answer(values: list[float]) -> None:
    assert detect_period(np.array(values), MONTH) in (1, 2, 12)


def test_units_trend_gaps_and_padding_do_not_matter() -> None:
    random = np.random.default_rng(2)
    values = season(120, 12) + random.normal(size=120) * 0.3
    for size in (1e-30, 1.0, 1e30):
        assert detect_period(values * size, MONTH) == 12
    assert detect_period(values + np.arange(120), MONTH) == 12
    holed = values.copy()
    holed[[5, 40, 41, 90]] = np.nan
    assert detect_period(holed, MONTH) == 12
    padded = np.concatenate([np.full(300, np.nan), values])
    assert detect_periods(padded[None], (12,))[0] == 12


def test_a_batch_is_answered_like_its_series() -> None:
    random = np.random.default_rng(3)
    series = [
        Series(season(60 + 9 * i, 5 + i) + random.normal(size=60 + 9 * i) * 0.4, 0, MONTH if i % 2 else None)
        for i in range(30)
    ]
    alone = [detect_period(s.values, s.step) for s in series]
    assert periods_of(batch_of(series)).tolist() == alone
    assert periods_of(batch_of(series), 9).tolist() == [9] * 30
    assert periods_of(batch_of(series), 0).tolist() == [1] * 30


def test_autocorrelation_is_that_of_the_textbook() -> None:
    values = np.random.default_rng(4).normal(size=50)
    values -= values.mean()
    slow = [np.sum(values[k:] * values[: 50 - k]) / np.sum(values**2) for k in range(20)]
    np.testing.assert_allclose(autocorrelation(values[None], 20)[0], slow, atol=1e-12)


def test_two_cycles_are_wanted() -> None:
    check_cycles(24, 12)
    check_cycles(3, 1)
    with pytest.raises(Unsuitable, match="period 12 needs at least 24 values, got 23"):
        check_cycles(23, 12)
