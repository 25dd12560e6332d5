"""Correlators against hand calculation, and against plain implementations of their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from foretell.engine import Engine
from foretell.errors import InvalidInput
from foretell.results import Correlation
from foretell.series import FloatArray, IntArray, Series

ENGINE = Engine()


def ask(a: FloatArray | list[float], b: FloatArray | list[float], model: str, **options: object) -> Correlation:
    pair = Series(np.array(a, dtype=np.float64)), Series(np.array(b, dtype=np.float64))
    return ENGINE.correlate_sync([pair], model, options)[0]


def of(answer: Correlation) -> tuple[float, IntArray]:
    assert answer.distance is not None and answer.path is not None
    return answer.distance, answer.path


def tlcc(answer: Correlation) -> dict[int, float]:
    assert answer.lags is not None and answer.values is not None
    return dict(zip(answer.lags.tolist(), answer.values.tolist(), strict=True))


def test_warping_by_hand() -> None:
    distance, path = of(ask([1, 2, 3, 4], [1, 1, 2, 3, 6], "dtw"))
    assert distance == 2
    assert path.tolist() == [[0, 0], [0, 1], [1, 2], [2, 3], [3, 4]]
    assert of(ask([5], [1, 2], "dtw"))[1].tolist() == [[0, 0], [0, 1]]
    assert of(ask([3, 3, 3], [3, 3], "dtw"))[0] == 0


def plain_distance(a: FloatArray, b: FloatArray) -> float:
    table = np.full((len(a) + 1, len(b) + 1), np.inf)
    table[0, 0] = 0
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1, j + 1] = abs(a[i] - b[j]) + min(table[i, j + 1], table[i + 1, j], table[i, j])
    return float(table[-1, -1])


def check_path(path: IntArray, a: FloatArray, b: FloatArray, distance: float) -> None:
    """From corner to corner, each step by one in either or both, and its costs add up to the distance."""
    assert path[0].tolist() == [0, 0] and path[-1].tolist() == [len(a) - 1, len(b) - 1]
    steps = np.diff(path, axis=0)
    assert ((steps >= 0) & (steps <= 1)).all() and (steps.sum(axis=1) >= 1).all()
    assert np.abs(a[path[:, 0]] - b[path[:, 1]]).sum() == pytest.approx(distance, rel=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_warping_as_defined(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = random.integers(1, 40, 2)
    a, b = random.normal(size=rows), random.normal(size=columns)
    if seed % 2:
        a, b = np.round(a), np.round(b)
    distance, path = of(ask(a, b, "dtw"))
    assert distance == pytest.approx(plain_distance(a, b), rel=1e-12)
    check_path(path, a, b, distance)


def test_warping_of_long_series() -> None:
    random = np.random.default_rng(1)
    a = np.cumsum(random.normal(size=1500))
    b = np.repeat(a, random.integers(1, 3, len(a)))
    distance, path = of(ask(a, b, "dtw"))
    assert distance == 0
    check_path(path, a, b, distance)


def test_the_radius_changes_nothing() -> None:
    a, b = np.random.default_rng(2).normal(size=(2, 60))
    assert of(ask(a, b, "dtw", radius=10))[0] == of(ask(a, b, "dtw", radius=1))[0]
    with pytest.raises(InvalidInput, match="radius"):
        ask(a, b, "dtw", radius=11)


def test_a_distance_beyond_numbers_is_a_failure() -> None:
    assert ask([1e308, 1e308], [-1e308, -1e308], "dtw").status.startswith("failed: the distance")


def test_lags_by_hand() -> None:
    # b is a, one point later: a[t] goes with b[t + 1]
    found = tlcc(ask([1, 5, 2, 8, 3], [9, 1, 5, 2, 8], "tlcc"))
    assert list(found) == [-1, 0, 1]
    assert found[1] == pytest.approx(1)
    assert found[0] == pytest.approx(np.corrcoef([1, 5, 2, 8, 3], [9, 1, 5, 2, 8])[0, 1])
    assert found[-1] == pytest.approx(np.corrcoef([5, 2, 8, 3], [9, 1, 5, 2])[0, 1])


@pytest.mark.parametrize("seed", range(10))
def test_lags_as_defined(seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = 1e4 + 50 * random.normal(size=30), random.normal(size=30) * 1e-9
    for lag, value in tlcc(ask(a, b, "tlcc", lag_start=-9, lag_end=12)).items():
        plain = [(a[i], b[i + lag]) for i in range(30) if 0 <= i + lag < 30]
        assert value == pytest.approx(np.corrcoef(np.array(plain).T)[0, 1], abs=1e-9)


def test_lags_that_say_nothing_are_left_out_and_said() -> None:
    answer = ask([1, 1, 1, 2], [1, 2, 3, 4], "tlcc", lag_start=-5, lag_end=5)
    assert list(tlcc(answer)) == [-2, -1, 0]
    assert "beyond 2 points" in answer.details["note"]
    assert "at 1, 2 one of the two is constant" in answer.details["note"]
    nothing = ask([4, 4, 4, 4], [1, 2, 3, 4], "tlcc")
    assert tlcc(nothing) == {} and "-1, 0, 1" in nothing.details["note"]
    assert ask([1, 2, 4, 3], [1, 2, 3, 4], "tlcc").details == {}


def test_missing_points_are_left_out_of_the_sums() -> None:
    found = tlcc(ask([1, 5, np.nan, 8, 3], [2, 4, 6, 9, 1], "tlcc", lag_start=0, lag_end=0))
    assert found[0] == pytest.approx(np.corrcoef([1, 5, 8, 3], [2, 4, 9, 1])[0, 1])


def test_lags_need_series_of_one_length() -> None:
    assert ask([1, 2, 3], [1, 2], "tlcc").status == "failed: needs two series of one length, got 3 and 2 points"


def test_lags_need_an_order() -> None:
    with pytest.raises(InvalidInput, match="lag_start"):
        ask([1, 2, 3], [3, 1, 2], "tlcc", lag_start=2)


def test_correlations_never_leave_their_range() -> None:
    a = np.array([0.1, 0.2, 0.3, 0.7])
    found = tlcc(ask(a, a * 3, "tlcc"))
    assert max(found.values()) <= 1
