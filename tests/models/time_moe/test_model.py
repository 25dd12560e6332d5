"""The names in the registry: found or not, what they need, how they treat series."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foretell import registry
from foretell.engine import Engine
from foretell.errors import InvalidInput, NotAvailable, UnknownName
from foretell.models import time_moe_model
from foretell.models.layers import can_quantise
from foretell.models.published import Published, hub_cache
from foretell.models.time_moe_model import (
    LARGE,
    SMALL,
    TimeMoe50M,
    TimeMoe200M,
    TimeMoeFc,
    TimeMoeMini,
    loaded,
    together,
)
from foretell.registry import Entry, Registry
from foretell.series import ALL_MISSING, CONSTANT, NON_FINITE, OK, FloatArray, Series, batch_of, has_forecast
from foretell.settings import settings
from tests.fakes import Fake
from tests.models.time_moe.golden import TINY, TOLERANCE, read

NAMES = (TimeMoe50M, TimeMoe200M, TimeMoeMini, TimeMoeFc)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without weights: an empty model directory, which is given, and an empty cache."""
    directory = tmp_path / "models"
    directory.mkdir()
    monkeypatch.setenv("FORETELL_MODEL_DIR", str(directory))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return directory


@pytest.fixture
def small(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny checkpoint as if it were the 50M one."""
    use_tiny(monkeypatch)
    return place(machine / "timemoe-50m")


def use_tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = replace(SMALL, config={"model_type": "time_moe", "hidden_size": 32})
    monkeypatch.setattr(time_moe_model, "SMALL", tiny)
    monkeypatch.setattr(TimeMoe50M, "published", tiny)


@pytest.fixture
def without_mini(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that lost the weights of timemoe-mini."""
    monkeypatch.setattr(time_moe_model, "MINI", machine / "nowhere")


def place(folder: Path, **config: Any) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(TINY / "model.safetensors", folder)
    written = json.loads((TINY / "config.json").read_text()) | config
    (folder / "config.json").write_text(json.dumps(written))
    return folder


def models() -> Registry:
    found = Registry()
    for model in NAMES:
        found.register(model)
    return found


def options(**given: Any) -> dict[str, Any]:
    entry: Entry = models().lookup("timemoe-50m")
    return entry.read_options(given)


def forecast(rows: list[FloatArray], horizon: int = 9, **given: Any) -> Any:
    return TimeMoe50M().forecast(batch_of([Series(r) for r in rows]), horizon, (), options(**given))


def walk(length: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=length).cumsum() * 10 + 100


def test_without_weights_no_name_is_listed_and_asking_says_what_to_do(without_mini: None) -> None:
    assert models().entries() == []
    for name in ("timemoe-50m", "TimeMoE-200M", "timemoe-fc"):
        with pytest.raises(
            NotAvailable, match=r"cannot run here: .*foretell models pull timemoe-\d+m.*FORETELL_MODEL_DIR"
        ):
            models().find(name)
    with pytest.raises(UnknownName, match="known: none"):
        models().find("timemoe-1b")
    assert models().lookup("timemoe-50m").name == "timemoe-50m"


def test_without_torch(monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(NotAvailable, match=r"torch is not installed; pip install 'foretell\[torch\]'"):
        models().find("timemoe-50m")


def test_names_are_listed_without_torch() -> None:
    code = "import foretell.models.time_moe_model, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_with_weights_the_name_is_listed(small: Path) -> None:
    assert [e.name for e in models().entries()] == ["timemoe-50m", "timemoe-fc", "timemoe-mini"]
    assert models().find("timemoe-50m").missing() is None


def test_a_folder_without_the_setting_is_found_in_the_cache_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny(monkeypatch)
    monkeypatch.delenv("FORETELL_MODEL_DIR")
    cached = hub_cache() / "models--Maple728--TimeMoE-50M"
    folder = place(cached / "snapshots" / "bbb")
    assert TimeMoe50M.source().folder() == folder
    newer = place(cached / "snapshots" / "aaa")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("aaa")
    assert TimeMoe50M.source().folder() == newer


def test_the_folder_of_tdgpt_holds_one_size(machine: Path) -> None:
    folder = place(machine / "timemoe", hidden_size=768)
    assert SMALL.folder() is None
    assert LARGE.folder() == folder


def test_half_a_folder_is_none(small: Path) -> None:
    (small / "model.safetensors").unlink()
    assert [e.name for e in models().entries()] == ["timemoe-fc", "timemoe-mini"]


def test_a_damaged_folder_is_called_damaged(small: Path) -> None:
    (small / "config.json").write_text("{")
    with pytest.raises(NotAvailable, match=r"are damaged \(weights: .*timemoe-50m/config.json is not JSON"):
        models().find("timemoe-50m")


def behind_fc() -> str:
    return models().lookup("timemoe-fc").stands_for


def test_timemoe_fc_is_the_largest_that_can_run_here(
    small: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert behind_fc() == "timemoe-50m"
    place(machine / "timemoe-200m", hidden_size=768)
    assert behind_fc() == "timemoe-200m"
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert behind_fc() == "timemoe-mini"


def test_timemoe_fc_is_settled_at_the_start_and_at_a_reload(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny(monkeypatch)
    found = models()
    assert found.find("timemoe-fc").stands_for == "timemoe-mini"
    place(machine / "timemoe-50m")
    assert found.find("timemoe-fc").stands_for == "timemoe-mini"
    found.resolve()
    assert found.find("timemoe-fc").stands_for == "timemoe-50m"
    monkeypatch.setenv("FORETELL_TIMEMOE_FC", "mini")
    found.resolve()
    assert found.find("timemoe-fc").stands_for == "timemoe-mini"


def test_timemoe_fc_says_what_it_stands_for_and_is_that(small: Path) -> None:
    entry = models().find("timemoe-fc")
    assert "(setting timemoe_fc): timemoe-50m, Time-MoE base" in entry.description
    assert entry.target == models().find("timemoe-50m").target
    assert entry.limits is TimeMoe50M.limits
    assert set(entry.options) == {"norm", "head", "precision", "execution"}


def test_timemoe_fc_follows_its_setting(small: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(machine / "timemoe-200m", hidden_size=768)
    for setting, name in {"50M": "timemoe-50m", "mini": "timemoe-mini", "200m": "timemoe-200m"}.items():
        monkeypatch.setenv("FORETELL_TIMEMOE_FC", setting)
        settings.cache_clear()
        assert behind_fc() == name


@pytest.mark.parametrize("setting", ["1b", "http://127.0.0.1:6037/ds_predict"])
def test_a_setting_that_names_no_weights(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_TIMEMOE_FC", setting)
    assert "timemoe-fc" not in [e.name for e in models().entries()]
    with pytest.raises(NotAvailable, match=f"timemoe_fc is '{setting}'; known here: auto, 200m, 50m, mini"):
        models().find("timemoe-fc")


def test_pull_of_timemoe_fc_is_the_size_that_is_meant(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("foretell.models.hub.pull", lambda published, _progress: asked.append(published.name))
    TimeMoeFc.pull()
    shutil.rmtree(small)
    TimeMoeFc.pull()
    assert asked == ["timemoe-50m", "timemoe-200m"]


def test_the_answer_names_the_weights(small: Path) -> None:
    assert forecast([walk(30)]).model == "timemoe-50m@a142c84e"
    engine = Engine(models=models())
    assert engine.forecast_sync([Series(walk(30))], 3, "timemoe-fc").model == "timemoe-50m@a142c84e"
    engine.close()


def test_weights_that_went_away(small: Path) -> None:
    model = TimeMoe50M()
    shutil.rmtree(small)
    with pytest.raises(NotAvailable, match="not on this machine"):
        model.forecast(batch_of([Series(walk(30))]), 3, (), options())


def test_server_pairs(small: Path) -> None:
    for name, case in read(TINY, "server.json")["cases"].items():
        answer = forecast([np.array(case["request"]["input"])], case["request"]["next_len"])
        np.testing.assert_allclose(answer.point[0], case["output"], rtol=TOLERANCE, err_msg=name)


def test_each_row_has_its_status(small: Path) -> None:
    rows = [walk(40), np.full(12, 7.0), np.array([1.0, np.inf, 2.0]), np.full(3, np.nan), np.array([42.0]), walk(55, 1)]
    answer = forecast(rows)
    assert answer.status == (OK, CONSTANT, NON_FINITE, ALL_MISSING, CONSTANT, OK)
    assert np.isfinite(answer.point).all(1).tolist() == [has_forecast(s) for s in answer.status]
    np.testing.assert_allclose(answer.point[5], forecast([walk(55, 1)]).point[0], rtol=1e-6)
    assert answer.quantiles is None


def test_units_do_not_matter(small: Path) -> None:
    plain, moved = forecast([walk(60)]).point, forecast([1000 * walk(60) + 5]).point
    np.testing.assert_allclose(moved, 1000 * plain + 5, rtol=1e-4)


def test_norm_none_feeds_the_series_as_it_is(small: Path) -> None:
    case = read(TINY, "generate.json")["cases"]["L7_B3.n9.plain"]
    rows = read(TINY, "inputs.json")["cases"]["L7_B3"]["unit"]
    answer = forecast([np.array(r) for r in rows], 9, norm="none")
    np.testing.assert_allclose(answer.point, case["output"], atol=TOLERANCE)


def test_head_covering_takes_fewer_steps_and_gives_other_numbers(small: Path) -> None:
    greedy, covering = forecast([walk(60)], 24).point, forecast([walk(60)], 24, head="covering").point
    assert greedy.shape == covering.shape
    np.testing.assert_allclose(covering, forecast([walk(60)], 32).point[:, :24], rtol=1e-6)
    assert np.abs(greedy - covering).max() > 0.1


def test_bf16_is_near(small: Path) -> None:
    exact, rough = forecast([walk(60)]).point, forecast([walk(60)], precision="bf16").point
    np.testing.assert_allclose(rough, exact, atol=0.05 * walk(60).std())


@pytest.mark.skipif(not can_quantise(), reason="this PyTorch has no eight-bit products")
def test_int8_is_near_and_the_same_in_a_batch(small: Path) -> None:
    exact, rough = forecast([walk(60)]).point[0], forecast([walk(60), walk(45, 1)], precision="int8").point[0]
    np.testing.assert_allclose(rough, exact, atol=0.1 * walk(60).std())
    np.testing.assert_allclose(forecast([walk(60)], precision="int8").point[0], rough, rtol=1e-6)


def test_int8_where_there_is_none(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretell.models.layers.can_quantise", lambda: False)
    loaded.cache_clear()
    with pytest.raises(NotAvailable, match="int8 needs a CPU"):
        forecast([walk(60)], precision="int8")


def test_bounds_come_from_the_errors_in_the_context(small: Path) -> None:
    engine = Engine(models=models())
    answer = engine.forecast_sync([Series(walk(120)), Series(walk(4))], 9, "timemoe-50m", levels=(0.1, 0.9))
    assert answer.status == (OK, "no_interval")
    assert answer.quantiles is not None
    assert (answer.quantile(0.1)[0] < answer.point[0]).all()
    assert (answer.quantile(0.9)[0] > answer.point[0]).all()
    engine.close()


def test_a_bound_costs_a_bounded_number_of_forecasts(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = TimeMoe50M.forecast

    def counted(self: TimeMoe50M, batch: Any, *rest: Any) -> Any:
        asked.append(len(batch))
        return real(self, batch, *rest)

    monkeypatch.setattr(TimeMoe50M, "forecast", counted)
    engine = Engine(models=models())
    engine.forecast_sync([Series(walk(300))], 9, "timemoe-50m", levels=(0.1, 0.9))
    engine.close()
    assert asked == [1, 8]


def test_pull_by_name(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = models()
    known.register(Fake)
    monkeypatch.setattr(registry, "registry", lambda: known)
    assert registry.pull("timemoe-50m") == small
    with pytest.raises(InvalidInput, match="repeat has no weights to fetch"):
        registry.pull("repeat")


def test_one_network_a_folder(small: Path) -> None:
    assert loaded(small, "fp32") is loaded(small, "fp32")


def test_rows_run_together_up_to_a_budget() -> None:
    assert list(together([0, 1, 2, 3], [50, 10, 200, 40], 100)) == [[1, 3, 0], [2]]
    assert list(together([], [], 100)) == []


@pytest.mark.parametrize("published", [SMALL, LARGE], ids=lambda p: p.name)
def test_how_to_place_names_repository_and_folder(published: Published) -> None:
    assert published.repository in published.how_to_place()
    assert published.name in published.how_to_place()
