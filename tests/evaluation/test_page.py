"""The guide's example runs; the score table's means are those of a pencil."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from benchmarks.score_page import geometric_mean, page
from benchmarks.score_sets import SETS

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
