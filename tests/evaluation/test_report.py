"""Table, CSV, rows and picture of one small evaluation."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.image import imread

from foretell.errors import InvalidInput
from foretell.evaluation import Evaluation, draw, evaluate, summary_rows, summary_table, unanswered, window_table
from foretell.evaluation.report import COLUMNS
from foretell.series import Series
from tests.evaluation.fakes import engine


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(
        np.random.default_rng(0).normal(size=(4, 60)), ["flat"], horizon=6, windows=2, period=1, engine=engine()
    )


def test_the_best_model_comes_first(evaluation: Evaluation) -> None:
    titles, best, worst = summary_rows(evaluation)
    assert titles[:2] == ["model", "vs naive"]
    assert best[0] == "flat"
    assert worst[:2] == ["seasonal_naive", "1.000"]
    assert best[titles.index("answered")] == "8/8"


def test_at_a_prompt_it_is_one_line(evaluation: Evaluation) -> None:
    assert repr(evaluation).startswith("<Evaluation of 8 windows, 6 steps ahead; error over seasonal_naive: flat 0.")


def test_the_table_has_every_column_and_full_precision(evaluation: Evaluation) -> None:
    records = summary_table(evaluation).to_pylist()
    assert list(records[0]) == [c.name for c in COLUMNS]
    assert records[0]["mae"] == evaluation.answers[0].summary()["mae"]


def test_what_has_no_forecast_is_counted_and_named(evaluation: Evaluation) -> None:
    assert unanswered(evaluation) == []
    unlucky = [1.0, 2, 3, 13, 5]
    some = evaluate([np.arange(20.0), unlucky, [1.0, 2]], "flat", horizon=1, period=1, engine=engine())
    assert unanswered(some) == [
        "no window in 1 series, too short or empty at the end (horizon 1): 2",
        "flat: no forecast for 1 of 2 windows: failed: unlucky (1)",
    ]


def test_a_number_that_does_not_exist_is_a_dash_and_a_null() -> None:
    short = evaluate(np.arange(6.0), ["flat"], horizon=1, levels=(), engine=engine())
    titles, *rows = summary_rows(short)
    assert all(row[titles.index("in 80 %")] == "-" for row in rows)
    assert all(record["coverage80"] is None for record in summary_table(short).to_pylist())


def test_the_windows_explain_the_summary(evaluation: Evaluation) -> None:
    table = window_table(evaluation)
    records = [r for r in table.to_pylist() if r["model"] == "flat"]
    assert (len(table), {r["origin"] for r in records}) == (16, {48, 54})
    assert np.mean([r["mase"] for r in records]) == pytest.approx(evaluation.answers[0].summary()["mase"])


def test_windows_have_the_id_columns_of_the_data_and_their_times() -> None:
    days = np.arange("2024-01-01", "2024-01-21", dtype="M8[D]")
    table = pa.table({"shop": ["001"] * 20 + ["a/b"] * 20, "item": ["b/c"] * 20 + ["c"] * 20, "day": np.tile(days, 2)})
    table = table.append_column("y", pa.array(np.arange(40.0)))
    columns: dict[str, Any] = {"id_col": ["shop", "item"], "time_col": "day", "value_col": "y"}
    made = window_table(evaluate(table, ["flat"], 4, windows=2, engine=engine(), **columns))
    assert made.column_names[:7] == ["shop", "item", "window", "origin", "start", "model", "status"]
    first = made.slice(0, 4).to_pylist()
    assert [(r["shop"], r["item"], r["origin"], r["start"].day) for r in first] == [
        ("001", "b/c", 16, 17),
        ("001", "b/c", 12, 13),
        ("a/b", "c", 16, 17),
        ("a/b", "c", 12, 13),
    ]
    assert made.schema.field("start").type == table.schema.field("day").type
    with pytest.raises(InvalidInput, match="mase: is a column of the result"):
        columns = {**columns, "id_col": ["mase", "item"]}
        window_table(evaluate(table.rename_columns(["mase", "item", "day", "y"]), [], 4, engine=engine(), **columns))


def test_series_without_id_columns_are_unique_ids(evaluation: Evaluation) -> None:
    assert window_table(evaluation).column_names[:3] == ["unique_id", "window", "origin"]
    assert window_table(evaluation)["unique_id"].to_pylist()[:3] == ["0", "0", "1"]


def test_the_picture_is_drawn(evaluation: Evaluation, tmp_path: Path) -> None:
    figure = draw(evaluation)
    figure.savefig(tmp_path / "picture.svg")
    figure.savefig(tmp_path / "picture.png")
    assert imread(tmp_path / "picture.png").std() > 0.05


def test_its_titles_keep_apart_and_its_numbers_are_not_struck_through() -> None:
    rng = np.random.default_rng(0)
    data = [Series(rng.normal(size=60), id=f"ec2_disk_write_bytes_and_more_of_it_{i}") for i in range(9)]
    figure = draw(evaluate(data, ["flat"], horizon=6, period=1, engine=engine()))
    figure.canvas.draw()
    bars, _, *examples = figure.axes
    assert all(label.get_bbox_patch() is not None for label in bars.texts)
    spans = [axis.title.get_window_extent() for axis in examples]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(spans))
    assert spans[0].x0 >= 0 and spans[-1].x1 <= figure.bbox.x1


def test_the_picture_survives_one_step_failures_and_no_scale(tmp_path: Path) -> None:
    data = [np.array([1.0, 2.0, 3.0, 13.0, 5.0]), np.full(8, 2.0)]
    for case in (evaluate(data, ["flat"], 1, engine=engine()), evaluate(data[1:], [], 1, levels=(), engine=engine())):
        draw(case).savefig(tmp_path / "picture.png")
