"""Detectors against hand calculation, and against plain implementations of their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t
from sklearn.neighbors import LocalOutlierFactor

from foretell.algorithms.anomaly.shesd import extreme
from foretell.algorithms.labels import near_one, robust_distance
from foretell.algorithms.robust_season import trend_and_season
from foretell.engine import Engine
from foretell.errors import InvalidInput
from foretell.results import Detection
from foretell.series import FloatArray, Series
from foretell.steps import DAY, Step
from tests.fakes import wave

ENGINE = Engine()
TEN = [5.0, 14, 15, 15, 14, 19, 17, 16, 20, 90]


def ask(values: FloatArray | list[float], model: str, **options: object) -> Detection:
    series = Series(np.array(values, dtype=np.float64), 0, Step(ns=DAY))
    return ENGINE.detect_sync([series], model, options)


def samples() -> list[FloatArray]:
    """Ordinary, discrete, heavy-tailed and rounded values, with many ties among them."""
    random = np.random.default_rng(1)
    made: list[FloatArray] = []
    for _ in range(12):
        n = int(random.integers(5, 200))
        made.append(random.normal(size=n))
        made.append(random.integers(0, 9, n).astype(np.float64))
        made.append(1e3 * random.standard_t(2, n))
        made.append(np.round(random.lognormal(1, 1, n), 2))
    return [values for values in made if values.min() < values.max()]


def test_iqr_by_hand() -> None:
    # sorted 5 14 14 15 15 16 17 19 20 90: quartiles 14.25 and 18.5, fences 7.875 and 24.875
    found = ask(TEN, "iqr")
    assert found.row(0).tolist() == [-1, 1, 1, 1, 1, 1, 1, 1, 1, -1]
    assert found.scores is not None
    assert found.scores[0, 0] == pytest.approx((14.25 - 5) / 4.25)
    assert found.scores[0, 9] == pytest.approx((90 - 18.5) / 4.25)
    assert found.scores[0, 3] == 0


def test_ksigma_by_hand() -> None:
    # mean 22.5, population variance 2311.5 / 10 + ... = 529.05, so 90 is 2.93 standard deviations away
    found = ask(TEN, "ksigma")
    assert found.scores is not None
    assert found.scores[0, 9] == pytest.approx(67.5 / math.sqrt(np.mean((np.array(TEN) - 22.5) ** 2)))
    assert found.row(0).tolist() == [1] * 10
    assert ask(TEN, "ksigma", k=2).row(0).tolist() == [1] * 9 + [-1]


def test_iqr_and_ksigma_as_defined() -> None:
    for values in samples():
        low, high = np.quantile(values, 0.25), np.quantile(values, 0.75)
        reach = 1.5 * (high - low)
        assert ask(values, "iqr").row(0).tolist() == [-1 if v < low - reach or v > high + reach else 1 for v in values]
        middle, reach = values.mean(), 3 * values.std()
        plain = [-1 if v < middle - reach or v > middle + reach else 1 for v in values]
        assert ask(values, "ksigma").row(0).tolist() == plain


def plain_grubbs(values: list[float], significance: float) -> list[int]:
    """One outlier after the other; a value is normal if a copy of it stays."""
    kept = list(values)
    while len(kept) > 2:
        n, mean = len(kept), math.fsum(kept) / len(kept)
        spread = math.sqrt(math.fsum((v - mean) ** 2 for v in kept) / n)
        worst = max(range(n), key=lambda i: abs(kept[i] - mean))
        quantile = t.ppf(1 - significance / (2 * n), n - 2)
        limit = (n - 1) * quantile / math.sqrt(n * (n - 2 + quantile**2))
        if spread == 0 or abs(kept[worst] - mean) / spread <= limit:
            break
        del kept[worst]
    return [1 if v in kept else -1 for v in values]


@pytest.mark.parametrize("alpha", [0.95, 0.8, 0.2])
def test_grubbs_as_defined(alpha: float) -> None:
    for values in samples():
        assert ask(values, "grubbs", alpha=alpha).row(0).tolist() == plain_grubbs(values.tolist(), 1 - alpha)


def test_grubbs_marks_by_value() -> None:
    found = ask([1.0, 2, 3, 2, 1, 3, 2, 2, 3, 50, 50], "grubbs").row(0).tolist()
    assert found == plain_grubbs([1.0, 2, 3, 2, 1, 3, 2, 2, 3, 50, 50], 1 - 0.95)
    assert ask(TEN, "grubbs").row(0).tolist() == [-1, 1, 1, 1, 1, 1, 1, 1, 1, -1]


@pytest.mark.parametrize("alpha", [0, 1, 95])
def test_alpha_lies_between_0_and_1(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="alpha"):
        ask(TEN, "grubbs", alpha=alpha)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("neighbors", [10, 3, 500])
def test_lof_is_scikit_learns(neighbors: int) -> None:
    for values in samples():
        plain = LocalOutlierFactor(n_neighbors=neighbors).fit_predict(values[:, None])
        assert ask(values, "lof", neighbors=neighbors).row(0).tolist() == plain.tolist()


def plain_esd(values: FloatArray, most: int, sign: int) -> set[int]:
    """Rosner's test with median and MAD, one array after the other."""
    left, gone, last = list(range(len(values))), [], 0
    for i in range(1, most + 1):
        rest = values[left]
        middle = np.median(rest)
        spread = 1.4826 * np.median(np.abs(rest - middle))
        if spread == 0:
            break
        distance = (rest - middle) * sign if sign else np.abs(rest - middle)
        n, worst = len(values), int(distance.argmax())
        quantile = t.ppf(1 - 0.05 / ((1 if sign else 2) * (n - i + 1)), n - i - 1)
        limit = (n - i) * quantile / math.sqrt((n - i - 1 + quantile**2) * (n - i + 1))
        gone.append(left.pop(worst))
        if distance[worst] / spread > limit:
            last = i
    return set(gone[:last])


@pytest.mark.parametrize("sign", [0, 1, -1])
def test_esd_as_defined(sign: int) -> None:
    random = np.random.default_rng(2)
    for scale in (1.0, 3.0):
        for _ in range(20):
            values = random.standard_t(scale + 1, int(random.integers(10, 120)))
            most = max(1, len(values) // 5)
            assert set(extreme(values, most, sign).tolist()) == plain_esd(values, most, sign)


def seasonal(seed: int = 0) -> FloatArray:
    """40 weeks of days with a strong week; nothing in it is far from its season."""
    random = np.random.default_rng(seed)
    days = np.arange(280)
    return 100 + np.array([0, 5, 10, 20, 10, -20, -25])[days % 7] + random.normal(0, 1, 280)


@pytest.mark.parametrize("model", ["shesd", "seasonal_residual"])
def test_an_ordinary_value_on_the_wrong_day_is_found(model: str) -> None:
    values = seasonal()
    values[[101, 180]] = 99  # days that are 20 above and 20 below; 99 itself is an ordinary value
    found = ask(values, model)
    assert {101, 180} <= set(np.flatnonzero(found.anomalies[0]))
    assert found.details[0]["period"] == 7
    assert found.anomalies.sum() <= 4
    assert not ask(values, "iqr").anomalies[0, [101, 180]].any()


def test_directions_of_shesd() -> None:
    values = seasonal()
    values[50] += 40
    values[90] -= 40
    assert [set(np.flatnonzero(ask(values, "shesd", direction=d).anomalies[0])) & {50, 90} for d in ("pos", "neg")] == [
        {50},
        {90},
    ]


def test_shesd_finds_at_most_the_share_that_was_asked_for() -> None:
    values = np.random.default_rng(5).standard_t(1, 400)
    assert ask(values, "shesd", max_anoms=0.01).anomalies.sum() == 4
    assert ask(values, "shesd", max_anoms=1e-4).anomalies.sum() == 1


def test_a_period_needs_two_cycles() -> None:
    assert ask(seasonal()[:20], "shesd", period=14).status == ("failed: period 14 needs at least 28 values, got 20",)
    assert ask(seasonal()[:30], "seasonal_residual", period=0).details[0]["period"] == 0


def test_the_threshold() -> None:
    values = seasonal()
    values[50] += 12
    assert not ask(values, "seasonal_residual", threshold=20).anomalies.any()
    assert ask(values, "seasonal_residual", threshold=5).anomalies[0, 50]


@pytest.mark.parametrize("period", [7, 12])
@pytest.mark.parametrize("length", [84, 90])
def test_medians_find_a_line_and_a_season_exactly(period: int, length: int) -> None:
    time = np.arange(length)
    season = np.array([3.0, -1, 4, 1, -5, 9, -2, 6, -5, 3, 5, -8])[:period]
    values = np.resize(season - np.median(season), length)
    values[40] += 100
    trend, found = trend_and_season(values, period)
    rest = values - trend - found
    assert rest[40] == pytest.approx(100)
    np.testing.assert_allclose(np.delete(rest, 40), 0, atol=1e-9)
    sloped, found = trend_and_season(values + 0.1 * time, period)
    assert np.abs(np.delete(values + 0.1 * time - sloped - found, 40)).max() < 2


def test_robust_distances_by_hand() -> None:
    np.testing.assert_allclose(robust_distance(np.array([1.0, 2, 3, 4, 100])), np.array([-2, -1, 0, 1, 97]) / 1.4826)
    mostly_equal = robust_distance(np.array([5.0, 5, 5, 5, 9]))
    np.testing.assert_allclose(mostly_equal, [0, 0, 0, 0, 4 / (0.8 * math.sqrt(math.pi / 2))])
    np.testing.assert_array_equal(robust_distance(np.full(3, 2.0)), 0)


def test_a_power_of_two_changes_no_digit() -> None:
    values = np.array([0.1, -7.3, np.nan, 5e300])
    scaled = near_one(values)
    assert 0.5 <= np.nanmax(np.abs(scaled)) < 1
    np.testing.assert_array_equal(scaled[[0, 1, 3]] / scaled[3] * 5e300, values[[0, 1, 3]])
    assert near_one(np.zeros(2)).tolist() == [0, 0]


def test_a_wave_has_no_anomalies() -> None:
    assert not ENGINE.detect_sync([wave(240, seed) for seed in range(20)], "seasonal_residual").anomalies.any()
