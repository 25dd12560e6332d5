"""Every metric against a sum on paper, and its edges."""

from __future__ import annotations

import numpy as np
import pytest

from foretell.evaluation import metrics

NAN = float("nan")
TRUTH = np.array([[1.0, 2.0, 3.0], [4.0, NAN, 0.0], [NAN, NAN, NAN]])
POINT = np.array([[2.0, 2.0, 1.0], [2.0, 9.0, 0.0], [1.0, 1.0, 1.0]])


def test_errors_skip_missing_truth() -> None:
    np.testing.assert_allclose(metrics.mae(TRUTH, POINT), [1.0, 1.0, NAN])
    np.testing.assert_allclose(metrics.mse(TRUTH, POINT), [5 / 3, 2.0, NAN])


def test_a_missing_forecast_is_not_skipped() -> None:
    assert np.isnan(metrics.mae(np.array([[1.0, 2.0]]), np.array([[1.0, NAN]]))).all()


def test_bias_is_of_the_sums() -> None:
    truth = np.array([[0.0, 4, np.nan], [0, 0, 0], [-2, -2, 0]])
    point = np.array([[1.0, 1, 9], [1, 1, 1], [-1, -1, 0]])
    np.testing.assert_allclose(metrics.bias(truth, point), [-0.5, np.nan, 0.5])


def test_smape_is_from_0_to_200_and_0_where_both_are_0() -> None:
    np.testing.assert_allclose(metrics.smape(TRUTH, POINT), [(200 / 3 + 0 + 100) / 3, (200 / 3 + 0) / 2, NAN])
    assert metrics.smape(np.array([[1.0]]), np.array([[-1.0]]))[0] == 200


def test_seasonal_scale_skips_padding_and_gaps() -> None:
    history = np.array([[NAN, NAN, 1.0, 2.0, 4.0, 8.0], [1.0, 2.0, NAN, 3.0, 1.0, 2.0]])
    np.testing.assert_allclose(metrics.seasonal_scale(history, 2), [(3 + 6) / 2, (1 + 1) / 2])


def test_scale_is_undefined_for_short_and_for_repeating_histories() -> None:
    assert np.isnan(metrics.seasonal_scale(np.array([[1.0, 2.0]]), 2)).all()
    repeating = np.tile([0.1, 0.2, 0.3], 5)[None] * 1e8 + np.arange(15) * 1e-9
    assert np.isnan(metrics.seasonal_scale(repeating, 3)).all()
    assert np.isnan(metrics.mase(TRUTH[:1], POINT[:1], np.array([NAN]))).all()


def test_mase_of_the_naive_forecast_inside_its_history_is_one() -> None:
    history = np.random.default_rng(0).normal(size=(3, 50))
    scale = metrics.seasonal_scale(history, 7)
    np.testing.assert_allclose(metrics.mase(history[:, 7:], history[:, :-7], scale), 1.0)


def test_quantile_loss_at_the_median_is_the_absolute_error() -> None:
    np.testing.assert_allclose(metrics.quantile_loss(TRUTH, POINT[:, :, None], (0.5,)), metrics.mae(TRUTH, POINT))


def test_quantile_loss_equals_the_obvious_loops() -> None:
    random = np.random.default_rng(1)
    truth, quantiles, levels = random.normal(size=(4, 5)), random.normal(size=(4, 5, 3)), (0.1, 0.5, 0.8)

    def pinball(y: float, q: float, level: float) -> float:
        return level * (y - q) if y >= q else (1 - level) * (q - y)

    expected = [
        np.mean([2 * pinball(truth[b, h], quantiles[b, h, i], p) for h in range(5) for i, p in enumerate(levels)])
        for b in range(4)
    ]
    np.testing.assert_allclose(metrics.quantile_loss(truth, quantiles, levels), expected)
    np.testing.assert_allclose(
        metrics.weighted_quantile_loss(truth, quantiles, levels), expected / np.abs(truth).mean(1)
    )


def test_quantile_loss_approximates_the_crps() -> None:
    """The CRPS of a standard normal forecast at 0 is 2 phi(0) - 1 / sqrt(pi) = 0.2337."""
    stats = pytest.importorskip("scipy.stats")
    levels = tuple((np.arange(999) + 1) / 1000)
    quantiles = stats.norm.ppf(levels)[None, None]
    assert metrics.quantile_loss(np.zeros((1, 1)), quantiles, levels)[0] == pytest.approx(0.2337, abs=1e-3)


def test_pooled_loss_weighs_every_known_point_alike() -> None:
    """Two rows pooled by their sizes are one row of all their points, whatever is missing."""
    truth = np.array([[3.0, 5.0, NAN, NAN], [10.0, 2.0, 4.0, 1.0]])
    quantiles, levels = np.random.default_rng(2).normal(5, 3, (2, 4, 1)), (0.3,)
    each, sizes = metrics.weighted_quantile_loss(truth, quantiles, levels), metrics.size(truth)
    flat = metrics.weighted_quantile_loss(truth.reshape(1, 8), quantiles.reshape(1, 8, 1), levels)
    assert (each * sizes).sum() / sizes.sum() == pytest.approx(flat[0])


def test_weighted_quantile_loss_of_an_all_zero_truth_is_undefined() -> None:
    assert np.isnan(metrics.weighted_quantile_loss(np.zeros((1, 2)), np.ones((1, 2, 1)), (0.5,))).all()


def test_coverage_counts_the_ends_and_skips_missing_truth() -> None:
    lower, upper = np.full((3, 3), 1.0), np.full((3, 3), 2.0)
    np.testing.assert_allclose(metrics.coverage(TRUTH, lower, upper), [2 / 3, 0.0, NAN])
    assert np.isnan(metrics.coverage(TRUTH[:1], lower[:1] * NAN, upper[:1])).all()


def test_relative_error_is_bounded_and_even_when_both_are_perfect() -> None:
    ours, theirs = np.array([0.0, 0.0, 1.0, 1.0, NAN]), np.array([0.0, 1.0, 0.0, 2.0, 1.0])
    np.testing.assert_allclose(metrics.relative_error(ours, theirs), [1.0, 0.01, 100.0, 0.5, NAN])


def test_geometric_mean() -> None:
    assert metrics.geometric_mean(np.array([0.5, 2.0, NAN])) == pytest.approx(1.0)
    assert np.isnan(metrics.geometric_mean(np.array([NAN])))
