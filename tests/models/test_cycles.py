"""Series that repeat themselves closely: found, and taken apart so that it undoes itself."""

from __future__ import annotations

import numpy as np
import pytest

from foretell.models.cycles import Changes, close_cycle
from tests.fakes import walk, wave


def repeating(period: int, noise: float, points: int = 400) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    random = np.random.default_rng(period)
    shape = random.normal(size=period)
    return np.tile(shape, -(-points // period))[:points] + noise * random.normal(size=points)


@pytest.mark.parametrize("period", [4, 7, 24, 96])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_close_cycle_is_found(period: int, noise: float) -> None:
    values = repeating(period, noise)
    assert close_cycle(values) % period == 0
    assert 0 < close_cycle(values) <= len(values) // 3
    assert close_cycle(1e6 + 1e-3 * values) == close_cycle(values)


@pytest.mark.parametrize(
    "values",
    [
        repeating(24, 0.5),
        walk(400).values,
        np.arange(400.0),
        wave(60, noise=3).values,
        np.ones(50),
        np.array([1.0, 2.0]),
    ],
    ids=["noisy", "walk", "line", "noise", "constant", "two points"],
)
def test_what_has_none(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    assert close_cycle(values) == 0


def test_changes_undo_themselves_over_several_cycles() -> None:
    values = walk(90).values
    past, future = values[:60], values[60:]
    changes = Changes.of(past, 7)
    scaled = changes.apply(values)[-30:]
    np.testing.assert_allclose(changes.undo(scaled), future)
    assert changes.apply(past).std(ddof=1) == pytest.approx(1)


def test_a_series_that_repeats_itself_exactly_goes_on_so() -> None:
    values = np.tile([1.0, 5.0, 2.0, 0.0], 20)
    changes = Changes.of(values, 4)
    assert (changes.apply(values) == 0).all()
    np.testing.assert_array_equal(changes.undo(np.full(10, 3.0)), values[:10])
