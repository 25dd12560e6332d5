"""The Ljung-Box test against statsmodels'."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from statsmodels.stats.diagnostic import acorr_ljungbox

from foretell.engine.whitenoise import CRITICAL, LAGS, is_white_noise, statistic


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_test_of_statsmodels(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=17 + 9 * seed) + (seed % 3) * np.sin(np.arange(17 + 9 * seed))
    expected = acorr_ljungbox(values, lags=[LAGS]).iloc[0]
    assert statistic(values) == pytest.approx(expected["lb_stat"], rel=1e-9)
    assert is_white_noise(values) == (expected["lb_pvalue"] >= 0.05)


def test_the_critical_value_is_that_of_chi_square() -> None:
    assert chi2.sf(CRITICAL, LAGS) == pytest.approx(0.05, abs=1e-12)


def test_noise_is_told_from_structure() -> None:
    random = np.random.default_rng(0)
    assert is_white_noise(random.normal(size=200))
    assert not is_white_noise(random.normal(size=200).cumsum())
    assert not is_white_noise(random.normal(size=LAGS))
    assert not is_white_noise(np.full(50, 3.0))
    gaps = random.normal(size=200)
    gaps[::7] = np.nan
    assert is_white_noise(gaps)
