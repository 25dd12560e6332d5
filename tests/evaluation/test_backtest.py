"""Models answer through the Engine; the summaries are what a pencil gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars
import pyarrow as pa
import pytest

from foretell.errors import InvalidInput, UnknownName
from foretell.evaluation import evaluate
from foretell.series import Series
from foretell.steps import Step
from tests.evaluation.fakes import engine

SEASON = np.array([0.0, 4.0, 8.0, 4.0])


def test_errors_by_hand() -> None:
    """History 1 2 3 4 5 6, truth 7 8: naive says 6 6 (scale 1), the mean 3.5."""
    result = evaluate(np.arange(1.0, 9.0), ["flat"], horizon=2, engine=engine())
    flat, naive = result.answers
    assert (flat.model, naive.model) == ("flat", "seasonal_naive")
    assert naive.summary()["mase"] == pytest.approx(1.5)
    assert flat.summary()["mase"] == pytest.approx(4.0)
    assert result.relative(flat) == pytest.approx(4.0 / 1.5)
    assert result.relative(naive) == 1.0


def test_interval_metrics_by_hand() -> None:
    """Flat says 4 with bounds of 0.8 and 0.95 around it; the truth is 4.5 and 4.9."""
    data = np.array([3.0, 5.0, 4.0, 4.0, 4.5, 4.9])
    flat = evaluate(data, ["flat"], horizon=2, engine=engine()).answers[0].summary()
    assert (flat["coverage80"], flat["coverage95"]) == (0.5, 1.0)
    assert 0 < flat["wql"] < flat["mae"] / 4.7


def test_bias_is_pooled_and_counts_windows_without_demand() -> None:
    """Flat says 1 of 0 1 2 and of 2 1 0, where 0 and 4 come: 2 in sum, 1 too few on 4 and 1 too much on 0."""
    flat = evaluate([[0.0, 1, 2, 0], [2.0, 1, 0, 4]], ["flat"], horizon=1, engine=engine()).answers[0]
    assert flat.summary()["bias"] == pytest.approx(-0.5)
    np.testing.assert_allclose(flat.errors["bias"], [np.nan, -0.75])


def test_a_given_period_is_told_to_every_model() -> None:
    result = evaluate(np.tile(SEASON, 6), ["flat"], horizon=8, period=4, engine=engine())
    assert result.baseline.summary()["mae"] == 0.0
    assert np.isnan(result.baseline.summary()["mase"])  # the history repeats itself exactly: no scale
    np.testing.assert_allclose(result.answers[0].forecast.point, 4.0 + 4)


def test_a_period_from_the_times_is_told_to_the_baseline_alone() -> None:
    months = Series(np.tile(np.arange(12.0), 4), start=0, step=Step(months=1))
    result = evaluate([months], ["flat"], horizon=12, engine=engine())
    assert result.baseline.summary()["mae"] == 0.0
    np.testing.assert_allclose(result.answers[0].forecast.point, 5.5)


def test_a_model_that_fails_on_a_series_is_scored_on_the_others_and_says_so() -> None:
    lucky, unlucky = np.arange(10.0), np.concatenate([np.arange(7.0), [13.0, 14.0, 15.0]])
    result = evaluate([lucky, unlucky], ["flat"], horizon=2, engine=engine())
    flat = result.answers[0]
    assert flat.answered == 1
    assert flat.forecast.status[1] == "failed: unlucky"
    assert np.isnan(flat.errors["mae"][1])
    alone = evaluate([lucky], ["flat"], horizon=2, engine=engine())
    assert result.relative(flat) == alone.relative(alone.answers[0])


def test_windows_of_one_series_count_as_one_in_the_relative_error() -> None:
    random = np.random.default_rng(2)
    long, short = random.normal(size=40), random.normal(size=9)
    both = evaluate([long, short], ["flat"], horizon=4, windows=5, engine=engine())
    singles = [evaluate([x], ["flat"], horizon=4, windows=5, engine=engine()) for x in (long, short)]
    expected = np.sqrt(np.prod([s.relative(s.answers[0]) for s in singles]))
    assert both.relative(both.answers[0]) == pytest.approx(expected)


def test_options_go_to_their_model_and_aliases_are_one_model() -> None:
    for options in ({"Flat": {"plus": 100.0}}, {"Flat.plus": 100.0}):
        result = evaluate(np.arange(12.0), ["flat", "SNAIVE"], 2, options=options, engine=engine())
        assert [a.model for a in result.answers] == ["flat", "seasonal_naive"]
        assert result.answers[0].summary()["mae"] > 90


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"plus": 1.0}, "name the model, as in theta.period=7, got 'plus'"),
        ({"flat": {"plus": 1.0}, "flat.plus": 2.0}, "flat.plus is there twice"),
        ([("flat.plus", 1.0)], "must be by model"),
    ],
)
def test_options_without_a_model_or_twice_are_refused(options: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        evaluate(np.arange(12.0), ["flat"], 2, options=options, engine=engine())


def test_unknown_names_and_bad_arguments_are_errors() -> None:
    with pytest.raises(UnknownName, match="known: flat, seasonal_naive"):
        evaluate(np.arange(12.0), ["oracle"], 2, engine=engine())
    with pytest.raises(UnknownName, match="'oracle'"):  # one name, not its letters
        evaluate(np.arange(12.0), "oracle", 2, engine=engine())
    with pytest.raises(InvalidInput, match="period"):
        evaluate(np.arange(12.0), ["flat"], 2, period=0, engine=engine())
    with pytest.raises(InvalidInput, match="pass a table or arrays"):
        evaluate("sales.csv", ["flat"], 2, engine=engine())


def test_progress_counts_the_windows_of_each_model() -> None:
    seen: list[tuple[str, int, int]] = []
    evaluate(np.arange(20.0), ["flat"], 2, windows=3, engine=engine(), progress=lambda *call: seen.append(call))
    assert seen[-1] == ("seasonal_naive", 3, 3)
    assert ("flat", 3, 3) in seen


def test_tables_of_any_kind_give_the_same_windows() -> None:
    arrow = pa.table(
        {
            "unique_id": ["a"] * 30 + ["b"] * 30,
            "ds": list(np.tile(np.arange("2024-01-01", "2024-01-31", dtype="M8[D]").astype("M8[us]"), 2)),
            "y": np.arange(60.0),
        }
    )
    renamed = evaluate(
        arrow.rename_columns(["shop", "day", "sold"]),
        ["flat"],
        4,
        id_col="shop",
        time_col="day",
        value_col="sold",
        engine=engine(),
    )
    assert renamed.task.ids == ("a", "b")
    for table in (arrow, arrow.to_pandas(), polars.DataFrame(arrow)):
        task = evaluate(table, ["flat"], 4, engine=engine()).task
        np.testing.assert_array_equal(task.truth, renamed.task.truth)


def test_the_season_comes_from_the_times_if_there_are_two_of_it() -> None:
    days = np.arange("2024-01-01", "2024-03-01", dtype="M8[D]").astype("M8[us]")
    table = pa.table({"ds": days, "y": np.sin(np.arange(60.0))})
    assert evaluate(table, ["flat"], 7, engine=engine()).task.period == 7
    assert evaluate(table.slice(0, 20), ["flat"], 7, engine=engine()).task.period == 1


def test_series_without_a_name_are_numbered() -> None:
    count = np.arange(9.0)
    assert evaluate([Series(count, id="x"), Series(count)], ["flat"], 2, engine=engine()).task.ids == ("x", "1")
    assert evaluate(np.zeros((2, 9)), ["flat"], 2, engine=engine()).task.ids == ("0", "1")
