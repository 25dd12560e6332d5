"""`timemoe-mini`, built in: without torch, without network, as `timemoe-fc` too. Imports no torch: it tests wheels."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from foretell.models.checkpoint import fingerprint
from foretell.models.time_moe_model import MINI, MINI_CONTEXT, TimeMoeMini
from foretell.series import Forecast, Series, batch_of

ALONE = """
import socket, sys
sys.modules["torch"] = None
def refuse(*_): raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
from foretell.cli import main
sys.argv = ["foretell", "sql", *sys.argv[1:]]
main()
"""
"""The command line where there is neither torch nor a network."""


def ask(*rows: ArrayLike, horizon: int = 24, norm: str = "cycles") -> Forecast:
    series = [Series(np.asarray(row, np.float64)) for row in rows]
    return TimeMoeMini().forecast(batch_of(series), horizon, (), {"norm": norm, "head": "greedy"})


def days(points: int, period: int, noise: float = 0.3) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A season that is no sine, and noise."""
    phase = 2 * np.pi * np.arange(points) / period
    shape = np.sin(phase) + 0.5 * np.cos(2 * phase + 1)
    return 40 + 10 * (shape + noise * np.random.default_rng(period).normal(size=points))


def test_sql_by_tdgpts_name_without_torch_and_network(tmp_path: Path) -> None:
    rows = "\n".join(f"2026-01-{1 + i // 24:02} {i % 24:02}:00:00,{v}" for i, v in enumerate(days(240, 24)))
    (tmp_path / "foo.csv").write_text(f"ts,i32\n{rows}\n")
    query = "SELECT _frowts, FORECAST(i32, 'algo=timemoe-fc,rows=12') AS f, _flow, _fmodel FROM 'foo.csv'"
    environment = {"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": ":".join(p for p in sys.path if p)}
    for text, expected in {
        query: f"timemoe-mini@{fingerprint(MINI)}",
        f"EXPLAIN {query}": "timemoe-fc (timemoe-mini)",
    }.items():
        command = [sys.executable, "-c", ALONE, text]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


@pytest.mark.parametrize("period", [24, 96])
def test_a_season_is_continued_better_than_by_its_last_cycle(period: int) -> None:
    values = days(MINI_CONTEXT + 96, period)
    past, truth = values[:MINI_CONTEXT], days(MINI_CONTEXT + 96, period, noise=0)[MINI_CONTEXT:]
    naive = past[-period:][np.arange(96) % period]
    assert np.abs(ask(past, horizon=96).point[0] - truth).mean() < np.abs(naive - truth).mean()


@pytest.mark.parametrize("norm", ["cycles", "instance"])
def test_a_series_that_hardly_changes_from_day_to_day(norm: str) -> None:
    """In units of its spread the changes are too small to see; from cycle to cycle they are not."""
    values = days(MINI_CONTEXT + 48, 24, noise=0.01) + 0.02 * np.arange(MINI_CONTEXT + 48)
    miss = np.abs(ask(values[:MINI_CONTEXT], horizon=48, norm=norm).point[0] - values[MINI_CONTEXT:]).mean()
    assert (miss < 0.3) == (norm == "cycles")


def test_the_newest_points_count() -> None:
    values = days(700, 24)
    engine_cut = values[-MINI_CONTEXT:]
    assert TimeMoeMini.limits.max_context == MINI_CONTEXT
    assert np.isfinite(ask(engine_cut, horizon=1024).point).all()


@pytest.mark.parametrize(("size", "shift"), [(1e-30, 0.0), (1e30, 0.0), (1.0, 2.0**54), (1.0, -1e9)])
def test_units_do_not_matter(size: float, shift: float) -> None:
    values = np.round(days(200, 24) * 1024)
    moved = (ask(values * size + shift).point - shift) / size
    np.testing.assert_allclose(moved, ask(values).point, atol=1e-3 * values.std() + 8 * (shift > 1e12))


@pytest.mark.parametrize(
    "row",
    [
        np.append(np.zeros(60), 1e12 + np.arange(40.0)),
        np.where(np.arange(90) == 70, 1e9, 1.0),
        np.where(np.arange(90) % 17 == 0, 3.0, 0.0),
        np.array([1.0, 2.0]),
    ],
    ids=["jump", "spike", "zeros", "two points"],
)
def test_hard_series_have_finite_forecasts(row: ArrayLike) -> None:
    found = ask(row)
    assert found.status == ("ok",)
    assert np.isfinite(found.point).all()


def test_states_of_what_cannot_be_forecast() -> None:
    found = ask([np.nan] * 5, [7] * 9, [1, np.inf, 2, 3], [5], [1, 2, 4])
    assert found.status == ("all_missing", "constant", "non_finite", "constant", "ok")


def test_a_row_is_the_same_alone_and_among_others() -> None:
    rows = [days(n, 24) for n in (5, 40, 40, 100, 512)]
    together = ask(*rows).point
    for i, row in enumerate(rows):
        np.testing.assert_allclose(together[i], ask(row).point[0], atol=1e-4 * row.std())


def test_what_ships_beside_the_weights() -> None:
    assert (MINI / "model.safetensors").stat().st_size <= 4_000_000
    recipe = json.loads((MINI / "recipe.json").read_text())
    assert {"commit", "command", "data", "seed", "steps_done", "seconds_spent"} <= set(recipe)
    card = " ".join((MINI / "CARD.md").read_text("utf-8").split())
    assert "is not the published Time-MoE" in card
    assert "Apache-2.0" in card
