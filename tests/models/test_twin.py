"""The fast path has a twin: features in NumPy and torch, the network in NumPy and torch, parts and slow formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foretell.models.foretell_small import WEIGHTS, built_in
from foretell.models.foretell_small_torch import Network, to_torch
from foretell.models.hybrid.arrays import NUMPY, Arrays
from foretell.models.hybrid.arrays_torch import TorchArrays
from foretell.models.hybrid.autoregression import fit_autoregression, forecast_autoregression
from foretell.models.hybrid.candidates import COUNT, NAMES
from foretell.models.hybrid.features import PATCH, Features, make_features
from foretell.models.hybrid.levels import fit_lines, level_forecasts
from foretell.models.hybrid.past import past
from foretell.models.hybrid.periods import detrended, find_periods
from foretell.models.hybrid.seasons import joint_profile
from foretell.series import FloatArray


def series(rows: int, length: int, seed: int = 0) -> np.ndarray:
    """[rows, length] float32, standardised: seasons, walks and noise in random shares."""
    random = np.random.default_rng(seed)
    period = random.choice([7, 12, 24, 48], rows)[:, None]
    wave = np.sin(2 * np.pi * (np.arange(length) / period + random.random((rows, 1)))) * random.uniform(0, 2, (rows, 1))
    walk = random.normal(size=(rows, length)).cumsum(1) * random.uniform(0, 0.2, (rows, 1))
    x = wave + walk + 0.3 * random.normal(size=(rows, length))
    scaled: np.ndarray = ((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)).astype(np.float32)
    return scaled


def both(z: np.ndarray, known: np.ndarray, patches: int) -> tuple[Features, Features]:
    """Every other row is told a season."""
    reach = patches * PATCH
    usual = np.array([[24, 168], [1, 1]])[np.arange(len(z)) % 2]
    torch_z, torch_known, torch_usual = torch.from_numpy(z), torch.from_numpy(known), torch.from_numpy(usual)
    return (
        make_features(NUMPY, z, known, np.arange(patches), reach, usual),
        make_features(TorchArrays(), torch_z, torch_known, torch.arange(patches), reach, torch_usual),
    )


@pytest.mark.parametrize(("context", "patches", "gaps"), [(64, 1, 0.0), (128, 3, 0.2), (512, 6, 0.0), (2048, 12, 0.1)])
def test_features_are_equal(context: int, patches: int, gaps: float) -> None:
    random = np.random.default_rng(1)
    z = series(12, context)
    known = random.random(z.shape) >= gaps
    known[:4, : context // 3] = False
    known[:, -1] = True
    ours, twins = both(np.where(known, z, 0).astype(np.float32), known, patches)
    for name, value in vars(ours).items():
        twin = np.asarray(getattr(twins, name))
        away = np.abs(value.astype(np.float64) - twin.astype(np.float64)).reshape(len(value), -1)
        typical = np.median(away.max(1)) if away.size else 0.0
        assert typical < 3e-4, name
        assert away.size == 0 or away.max() < 5e-3, name


def test_networks_are_equal() -> None:
    z = series(9, 512)
    features = make_features(NUMPY, z, np.ones_like(z, bool), np.arange(6), 96)
    network = Network(built_in().shape)
    from safetensors.torch import load_file

    network.load_state_dict(load_file(WEIGHTS / "model.safetensors"))
    with torch.no_grad():
        twin = network(to_torch(features), adjacent=True).numpy()
    np.testing.assert_allclose(built_in()(features), twin, atol=1e-4)


def test_an_empty_context_token_changes_nothing() -> None:
    z = series(3, 128)
    wide = np.concatenate([np.zeros_like(z), z], 1)
    known = np.concatenate([np.zeros_like(z, bool), np.ones_like(z, bool)], 1)
    narrow = make_features(NUMPY, z, np.ones_like(z, bool), np.arange(2), 32)
    padded = make_features(NUMPY, wide, known, np.arange(2), 32)
    np.testing.assert_allclose(built_in()(padded), built_in()(narrow), atol=1e-4)


def test_candidates_have_names() -> None:
    assert len(set(NAMES)) == COUNT == 44


def newest_first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[:, ::-1])


def test_lines_are_least_squares() -> None:
    x = series(4, 64)
    now = past(NUMPY, newest_first(x), np.full((4, 1), 64))
    steps = np.arange(1, 9)[None].repeat(4, 0)
    line = level_forecasts(NUMPY, now, fit_lines(NUMPY, now), steps)[5]
    for row, values in enumerate(x):
        slope, start = np.polyfit(np.arange(64), values, 1)
        np.testing.assert_allclose(line[row], start + slope * np.arange(64, 72), atol=2e-2)


@pytest.mark.parametrize("k", [-0.05, 0.02, 0.05])
def test_the_curve_goes_on_bending(k: float) -> None:
    values = np.exp(k * np.arange(48))[None].astype(np.float32)
    z = (values - values.mean()) / values.std()
    now = past(NUMPY, newest_first(z[:, :40]), np.full((1, 1), 40))
    found = level_forecasts(NUMPY, now, fit_lines(NUMPY, now), np.arange(1, 9)[None])
    miss = dict(zip(NAMES, [np.abs(x[0] - z[0, 40:]).mean() for x in found], strict=False))
    assert miss["curve"] < 0.45 * min(miss["line"], miss["trend_fast"], miss["drift"])


def least_squares(x: FloatArray, order: int) -> FloatArray:
    """The slow twin of the fit: a row of the regression per value, the history faded in, then the normal equations."""
    fade = np.clip((np.arange(len(x)) + 0.5) / min(order, len(x) / 2), 0, 1)
    x = np.concatenate([np.zeros(order), x * fade**2 * (3 - 2 * fade)])
    rows = np.array([x[t - order : t][::-1] for t in range(order, len(x))])
    wanted = x[order:]
    variance = wanted @ wanted / len(wanted) + 1e-6
    penalty = np.diag(1e-3 * len(wanted) + 2.0 * np.arange(1, order + 1)) * variance
    solved: FloatArray = np.linalg.solve(rows.T @ rows + penalty, rows.T @ wanted)
    return solved


@pytest.mark.parametrize("length", [128, 90, 11])
def test_autoregression_is_plain_least_squares(length: int) -> None:
    x = series(3, length)
    padded = np.concatenate([newest_first(x), np.zeros((3, 128 - length), np.float32)], 1)
    fitted = fit_autoregression(NUMPY, [padded], np.full((3, 1), length, np.float32))
    fast = forecast_autoregression(NUMPY, fitted, [padded[:, :24]], 60)[0]
    for row, values in enumerate(x):
        phi = least_squares(values.astype(np.float64), 24)
        path = [0.0] * 24 + list(values.astype(np.float64))
        for _ in range(60):
            path.append(float(phi @ np.array(path[:-25:-1])))
        np.testing.assert_allclose(fast[row], path[24 + length :], atol=2e-3)


@pytest.mark.parametrize("growth", [1.01, 1.03])
def test_autoregression_goes_on_growing(growth: float) -> None:
    """What Yule-Walker cannot: it foretells the zeros after the end too."""
    values = (growth ** np.arange(140)).astype(np.float32)[None]
    z = (values - values[:, :128].mean()) / values[:, :128].std()
    change = np.diff(z, axis=1, prepend=0.0).astype(np.float32)
    fitted = fit_autoregression(NUMPY, [newest_first(change[:, :128])], np.full((1, 1), 128.0, np.float32))
    found = forecast_autoregression(NUMPY, fitted, [newest_first(change[:, 104:128])], 12)[0]
    np.testing.assert_allclose(found.sum(), change[:, 128:].sum(), rtol=0.1)


def test_joint_profile_finds_two_seasons_in_noise() -> None:
    random = np.random.default_rng(4)
    age = np.arange(512)[None]
    season = np.sin(2 * np.pi * age / 24) + 0.7 * np.sign(np.sin(2 * np.pi * age / 168))
    x = (season + random.normal(0, 0.5, (1, 512))).astype(np.float32)
    now = past(NUMPY, x, np.array([[512]]))
    joint = joint_profile(NUMPY, now, x, np.array([[24]]), np.array([[168]]))
    found = joint.at(NUMPY, -np.arange(1, 169)[None])
    truth = np.sin(-2 * np.pi * np.arange(1, 169) / 24) + 0.7 * np.sign(np.sin(-2 * np.pi * np.arange(1, 169) / 168))
    assert np.abs(found[0] - truth).mean() < 0.25
    assert joint.strength.min() > 0.5
    noise = random.normal(size=(1, 512)).astype(np.float32)
    nothing = joint_profile(NUMPY, past(NUMPY, noise, np.array([[512]])), noise, np.array([[24]]), np.array([[168]]))
    assert np.abs(nothing.at(NUMPY, -np.arange(1, 169)[None])).max() < 0.25


def test_a_joint_profile_follows_a_season_that_grows() -> None:
    age = np.arange(480)[None]
    wave = np.sin(2 * np.pi * age / 12)
    x = (wave * (1 - age / 480)).astype(np.float32)
    joint = joint_profile(NUMPY, past(NUMPY, x, np.array([[480]])), x, np.array([[12]]), np.array([[1]]))
    found = joint.at(NUMPY, -np.arange(1, 13)[None])[0]
    size = found @ -wave[0, 1:13] / (wave[0, 1:13] @ wave[0, 1:13])
    assert 0.7 < size < 1


@pytest.mark.parametrize("period", [22, 23, 24, 25, 47])
def test_a_period_is_found_to_the_step_in_noise(period: int) -> None:
    random = np.random.default_rng(period)
    wave = np.sin(2 * np.pi * np.arange(1024) / period + random.uniform(0, 6, (40, 1)))
    x = (wave + random.normal(0, 0.8, (40, 1024))).astype(np.float32)
    now = past(NUMPY, x, np.full((40, 1), 1024))
    found = find_periods(NUMPY, now, detrended(NUMPY, now, fit_lines(NUMPY, now))).periods[:, 1]
    near = found[abs(found - period) <= 2]
    assert len(near) >= 8
    assert (near == period).mean() > 0.9, near


def test_features_on_another_device_are_those_of_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    from foretell.models.foretell_small_torch import features

    x = torch.from_numpy(series(8, 256))
    here, there = (features(x.to(d), torch.arange(2, device=d), 32)[0] for d in ("cpu", "cuda"))
    torch.testing.assert_close(there.candidates.cpu(), here.candidates, atol=5e-3, rtol=1e-3)


@pytest.mark.parametrize("xp", [NUMPY, TorchArrays()], ids=["numpy", "torch"])
def test_phases_and_sums_are_the_plain_ones(xp: Arrays) -> None:
    """The vocabulary's quick ways against division, a loop and slices, in both backends."""
    random = np.random.default_rng(3)
    period = np.array([[1], [2], [7], [7], [24], [513]])
    x = random.normal(size=(6, 1000)).astype(np.float32)
    given = (lambda v: torch.from_numpy(v)) if isinstance(xp, TorchArrays) else (lambda v: v)
    steps = np.concatenate([np.arange(-3000, 3000), [-99_999, 99_999]])[None]
    np.testing.assert_array_equal(np.asarray(xp.phase(given(steps), given(period))), steps % period)
    sums = np.asarray(xp.phase_sums(given(x), given(np.arange(1000)[None] % period), 514))
    for row, p, found in zip(x, period[:, 0], sums, strict=True):
        np.testing.assert_allclose(found[:p], [row[i::p].sum() for i in range(p)], atol=1e-4)
        assert (found[p:] == 0).all()
    running = np.concatenate([np.zeros((6, 1), np.float32), x.cumsum(1, dtype=np.float32)], 1)
    for window in (np.full((6, 2), (24, 72)), random.integers(1, 90, (6, 2))):
        found = np.asarray(xp.window_sums(given(running), given(window)))
        for row, widths, ours in zip(x, window, found, strict=True):
            plain = [[row[t : t + w].sum() for t in range(1000)] for w in widths]
            np.testing.assert_allclose(ours, plain, atol=1e-4)


def test_the_past_of_a_joint_profile_is_what_it_says_at_past_ages() -> None:
    now = past(NUMPY, series(5, 256), np.array([[256], [256], [100], [30], [256]]))
    periods = np.array([[24], [7], [12], [40], [1]]), np.array([[120], [1], [24], [3], [96]])
    joint = joint_profile(NUMPY, now, now.z, *periods)
    ages = np.arange(256)[None] + np.zeros((5, 1), int)
    np.testing.assert_allclose(joint.here, joint.at(NUMPY, ages), atol=1e-6)


def test_a_series_with_gaps_leaves_its_neighbours_as_they_are() -> None:
    z = series(2, 128)
    known = np.ones_like(z, bool)
    known[1, 40:60] = False
    alone = make_features(NUMPY, z[:1], known[:1], np.arange(2), 32)
    together = make_features(NUMPY, z * known, known, np.arange(2), 32)
    np.testing.assert_allclose(together.fine[:1], alone.fine, atol=1e-5)
    np.testing.assert_allclose(together.candidates[:1], alone.candidates, atol=1e-5)
