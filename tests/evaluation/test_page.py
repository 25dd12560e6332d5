"""The guide's example runs; the score table's means are those of a pencil."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.score_page import geometric_mean, page
from benchmarks.score_sets import SETS, THIN, thinned

from foretell.evaluation.task import Task, Window
from foretell.series import Series

ROOT = Path(__file__).parents[2]


def test_the_example_of_the_guide_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "evaluation.md").read_text("utf-8"), re.S)
    exec(example, {})
    titles, *rows = capsys.readouterr().out.splitlines()
    assert "vs naive" in titles
    assert len(rows) == 3
    assert (tmp_path / "evaluation.png").stat().st_size > 10_000


def record(mase: float, **more: Any) -> dict[str, Any]:
    return {"version": "1", "mase": mase, "coverage80": 0.8, **more}


def test_the_score_page_computes_means_and_says_what_did_not_end() -> None:
    first, second, *_ = [s.name for s in SETS]
    scores = {
        "seasonal_naive": {s.name: record(2.0) for s in SETS},
        "good": {s.name: record(1.0 if s.name == first else 2.0) for s in SETS},
        "slow": {first: record(4.0), second: {"version": "1", "skipped": "did not end in 3 minutes", "minutes": 3}},
    }
    assert geometric_mean(scores, "good", [first, second]) == pytest.approx(0.5**0.5)
    text = page(scores)
    assert f"* `slow` on {second}: did not end in 3 minutes" in text
    assert "| seasonal_naive | 1.000 | 1.000 (16) | 1.000 | 80.0 | - |" in text
    assert "| slow | - | 2.000 (1) | - | - | - |" in text
    assert f"| {first} | 2.000 | 1.000 | 4.000 |" in text


def test_the_score_page_has_our_model_against_each_other_on_the_same_series() -> None:
    one, two, *_ = [s.name for s in SETS if s.group == "thin"]
    scores = {
        "foretell-small": {one: record(1.0), two: record(3.0), "M3 other": record(4.5)},
        "arima": {one: record(2.0), two: record(2.0), "M3 other": record(9.0)},
        "ets": {two: record(1.0)},
        "seasonal_naive": {},
    }
    text = page(scores)
    assert "| arima | 0.866 | 1 of 2 | 0.500 | 1 of 1 |" in text
    assert "| ets | 3.000 | 0 of 1 | - | - |" in text


def test_a_thin_set_has_every_so_many_th_window() -> None:
    windows = tuple(Window(Series(np.arange(float(n))), 5, 5) for n in range(10, 210))
    task = thinned(Task("many", windows, 5, 1))
    assert [len(w.series) for w in task.windows] == list(range(10, 210, 4))
    assert THIN <= len(task) < 2 * THIN
