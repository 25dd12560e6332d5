"""The Python door: every kind of data in, the same kind out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import foretell
from foretell.errors import DeadlineExceeded, InvalidInput, UnknownName
from foretell.series import TOO_LATE

SEASON = np.tile([1.0, 5.0, 2.0, 8.0], 10)


def long_table() -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=40, freq="D")
    return pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": days, "y": SEASON * scale}) for name, scale in [("a", 1), ("b", 10)]],
        ignore_index=True,
    )


@pytest.mark.parametrize(
    ("data", "count"),
    [(SEASON, 1), (SEASON.tolist(), 1), (np.stack([SEASON, SEASON]), 2), ([SEASON, SEASON[:20], [1, None, 3]], 3)],
)
def test_arrays_give_a_forecast(data: Any, count: int) -> None:
    made = foretell.forecast(data, 4, "naive", levels=(0.9, 0.1))
    assert isinstance(made, foretell.Forecast)
    assert made.point.shape == (count, 4)
    assert made.quantiles is not None and made.quantiles.shape == (count, 4, 2)
    assert made.levels == (0.1, 0.9)
    assert made.model == "naive"
    assert made.status[-1] in ("ok", "repaired(1)")


def test_options_reach_the_model() -> None:
    made = foretell.forecast(SEASON, 4, "seasonal_naive", period=4)
    np.testing.assert_allclose(made.point[0], SEASON[:4])


@pytest.mark.parametrize("library", ["pandas", "polars", "lazy", "arrow"])
def test_tables_give_the_same_kind_of_table(library: str) -> None:
    frame = long_table()
    kinds: dict[str, Any] = {
        "pandas": frame,
        "polars": pl.from_pandas(frame),
        "lazy": pl.from_pandas(frame).lazy(),
        "arrow": pa.Table.from_pandas(frame),
    }
    data = kinds[library]
    made: Any = foretell.forecast(data, 3, "naive")
    assert type(made) is (pl.DataFrame if library == "lazy" else type(data))
    columns = list(made.column_names if isinstance(made, pa.Table) else made.columns)
    assert columns == ["unique_id", "ds", "point", "q0.1", "q0.5", "q0.9", "status", "model"]
    assert len(made) == 6


def test_columns_can_be_named() -> None:
    frame = long_table().rename(columns={"unique_id": "device", "ds": "when", "y": "load"})
    made = foretell.forecast(frame, 2, "naive", id_col="device", time_col="when", value_col="load")
    assert made["device"].tolist() == ["a", "a", "b", "b"]
    assert made["when"].iloc[0] == pd.Timestamp("2024-02-10")
    assert made["point"].iloc[-1] == 80


@pytest.mark.parametrize("name", ["when", None])
def test_times_that_are_the_index_of_a_pandas_table_are_taken(name: str | None) -> None:
    frame = long_table().query("unique_id == 'a'").set_index("ds").rename_axis(name)[["y"]]
    made = foretell.forecast(frame, 2, "naive")
    assert made[name or "ds"].iloc[0] == pd.Timestamp("2024-02-10")


def test_a_pandas_series_with_times_is_a_table() -> None:
    frame = long_table().query("unique_id == 'a'").set_index("ds")
    made = foretell.forecast(frame["y"], 2, "naive")
    pd.testing.assert_frame_equal(made, foretell.forecast(frame[["y"]], 2, "naive"))
    assert foretell.forecast(frame["y"].reset_index(drop=True), 2, "naive").point.shape == (1, 2)


@pytest.mark.parametrize("levels", [["unique_id", "ds"], ["unique_id"]])
def test_ids_and_times_in_a_pandas_index_are_taken(levels: list[str]) -> None:
    """The times of the two series do not repeat: as one series they would pass for one."""
    frame = long_table()
    frame.loc[40:, "ds"] += pd.Timedelta(days=40)
    indexed = frame.set_index(levels)
    expected = foretell.forecast(frame, 2, "naive")
    pd.testing.assert_frame_equal(foretell.forecast(indexed, 2, "naive"), expected)
    if len(levels) == 2:
        pd.testing.assert_frame_equal(foretell.forecast(indexed["y"], 2, "naive"), expected)


def test_periods_are_the_times_they_begin_at() -> None:
    months = pd.period_range("2024-01", periods=40, freq="M")
    made = foretell.forecast(pd.Series(SEASON, index=months), 2, "naive")
    assert made["ds"].tolist() == [pd.Timestamp("2027-05-01"), pd.Timestamp("2027-06-01")]
    assert foretell.forecast(pd.DataFrame({"ds": months, "y": SEASON}), 2, "naive").equals(made)


def test_days_of_a_time_zone_go_on_by_its_clock() -> None:
    days = pd.date_range("2024-09-20", periods=40, freq="D", tz="Europe/Berlin")
    made = foretell.forecast(pd.Series(SEASON, index=days, name="y").rename_axis("ds"), 3, "naive")
    assert [str(t) for t in made["ds"]] == [f"2024-10-{day} 00:00:00+01:00" for day in (30, 31)] + [
        "2024-11-01 00:00:00+01:00"
    ]


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_the_only_text_beside_times_that_repeat_tells_the_series_apart(dtype: str) -> None:
    frame = long_table().rename(columns={"unique_id": "shop"}).astype({"shop": dtype})
    assert foretell.forecast(frame, 1, "naive")["shop"].tolist() == ["a", "b"]
    one = frame[frame["shop"] == "a"]
    assert foretell.forecast(one, 1, "naive")["shop"].tolist() == ["a"]


def test_a_text_that_may_tell_series_apart_is_asked_about() -> None:
    frame = long_table().rename(columns={"unique_id": "shop"})
    frame.loc[40:, "ds"] += pd.Timedelta(days=40)
    with pytest.raises(InvalidInput, match="id_col: shop is text with 2 values; name it as id_col if"):
        foretell.forecast(frame, 2, "naive")
    assert len(foretell.forecast(frame, 2, "naive", id_col="shop")) == 4
    assert len(foretell.forecast(frame, 2, "naive", id_col=[])) == 2


def test_masked_values_are_missing() -> None:
    wild = np.ma.masked_greater(np.stack([SEASON, np.where(np.arange(40) > 37, 1e9, SEASON)]), 100)
    made = foretell.forecast(wild, 2, "naive")
    assert made.status == ("ok", "repaired(2)")
    assert made.point[1].tolist() == [5, 5]
    assert foretell.forecast(wild[1], 2, "naive").status == ("repaired(2)",)


def test_series_may_be_series() -> None:
    assert foretell.forecast([foretell.Series(SEASON), SEASON], 2, "naive").point.shape == (2, 2)


def test_weekdays_go_on_as_weekdays() -> None:
    days = pd.bdate_range("2024-01-01", periods=60)
    week = np.tile([5.0, 1, 2, 3, 9], 12)
    made = foretell.forecast(pd.DataFrame({"ds": days, "y": week}), 6, "seasonal_naive")
    assert made["ds"].tolist() == list(pd.bdate_range("2024-03-25", periods=6))
    assert made["point"].tolist() == [5, 1, 2, 3, 9, 5]


def test_whole_numbers_are_times_if_they_can_only_be_years() -> None:
    frame = pd.DataFrame({"year": [2003, 2001, 2002], "gdp": [3.0, 1.0, 2.0]})
    made = foretell.forecast(frame, 2, "drift")
    assert made["year"].astype(str).tolist() == ["2004-01-01", "2005-01-01"]
    assert made["point"].tolist() == [4, 5]
    with pytest.raises(InvalidInput, match="epoch: the time column must be a timestamp or a date, got int64; make"):
        foretell.forecast(pd.DataFrame({"epoch": [3, 1, 2], "y": [3.0, 1.0, 2.0]}), 2, "drift")


def test_times_that_are_text_are_not_taken_for_nothing() -> None:
    frame = long_table().query("unique_id == 'a'")[["ds", "y"]].rename(columns={"ds": "month"})
    with pytest.raises(InvalidInput, match="time_col: no column has times; month is text"):
        foretell.forecast(frame.assign(month=frame["month"].astype(str)), 2, "naive")
    with pytest.raises(InvalidInput, match="time_col: no column has times; shop, month are text"):
        foretell.forecast(pd.DataFrame({"shop": ["001"], "month": ["Jan 2022"], "y": [1.0]}), 2, "naive")


def test_a_table_whose_value_cannot_be_guessed_says_so() -> None:
    with pytest.raises(InvalidInput, match=r"value_col: say which column.*p, q"):
        foretell.forecast(pd.DataFrame({"p": [1, 2], "q": [3, 4]}), 2, "naive")
    text = pd.DataFrame({"day": pd.to_datetime(["2024-01-01"]), "sales": ["n/a"]})
    with pytest.raises(InvalidInput, match=r"value_col: no column is of numbers.*sales: (large_)?string"):
        foretell.forecast(text, 2, "naive")


def test_one_bad_series_leaves_the_others_alone() -> None:
    made = foretell.forecast([SEASON, [np.nan, np.nan], [1.0, np.inf, 2.0], [7.0] * 9], 2, "naive")
    assert made.status == ("ok", "all_missing", "non_finite", "constant")
    assert np.isnan(made.point[1:3]).all()
    assert made.point[3].tolist() == [7, 7]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"horizon": 0}, InvalidInput, "horizon"),
        ({"horizon": 2.5}, InvalidInput, "horizon"),
        ({"horizon": True}, InvalidInput, "horizon"),
        ({"data": [1.0, 10**400]}, InvalidInput, "data"),
        ({"model": "nave"}, UnknownName, "did you mean 'naive'"),
        ({"data": long_table(), "time_col": "zz"}, UnknownName, "unknown column 'zz' .known: ds, unique_id, y"),
        ({"levels": (0.5, 1.0)}, InvalidInput, "levels"),
        ({"levels": 0.9}, InvalidInput, "levels: must be several numbers"),
        ({"levels": None}, InvalidInput, "levels: must be several numbers"),
        ({"model": 5}, InvalidInput, "model: must be a name, got 5"),
        ({"colour": "red"}, UnknownName, "option of naive 'colour'"),
        ({"data": "text"}, InvalidInput, "data"),
        ({"data": [["a", "b"]]}, InvalidInput, "numbers"),
        ({"data": np.zeros((2, 2, 2))}, InvalidInput, "one axis"),
        ({"timeout": 1e-9}, DeadlineExceeded, "deadline"),
        ({"timeout": -1}, InvalidInput, "timeout: must be a positive number"),
        ({"data": long_table(), "value_col": ["y", "z"]}, InvalidInput, "value_col: must be the name of a column"),
        ({"data": pd.concat([long_table()] * 2, axis=1)}, InvalidInput, "unique_id: is the name of two columns"),
        ({"data": long_table().astype(object).assign(y=[1.0, "n/a"] * 40)}, InvalidInput, "failed for column y"),
        ({"data": long_table().set_index("ds", append=True).unstack()}, InvalidInput, "columns of several levels"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        usual: dict[str, Any] = {"data": SEASON, "horizon": 2, "model": "naive"}
        foretell.forecast(**usual | arguments)


def test_anomalies_of_a_table_are_a_row_for_each_of_its_rows() -> None:
    frame = long_table().drop(index=[7, 50])
    frame.loc[20, "y"] = 900.0
    made = foretell.detect(frame, "grubbs")
    assert list(made.columns) == ["unique_id", "ds", "label", "anomaly", "score", "status", "model"]
    assert made["ds"].tolist() == frame["ds"].tolist()
    assert frame["y"].to_numpy()[made["anomaly"]].tolist() == [900.0]


@pytest.mark.parametrize(
    ("ask", "name"),
    [(foretell.detect, "model"), (foretell.detect, "label"), (foretell.impute, "value"), (foretell.impute, "imputed")],
)
def test_an_id_column_of_a_name_that_the_answer_needs_is_refused(ask: Any, name: str) -> None:
    frame = long_table().rename(columns={"unique_id": name})
    with pytest.raises(InvalidInput, match=f"{name}: is a column of the result"):
        ask(frame, id_col=name, value_col="y")


def test_a_table_without_rows_keeps_its_columns() -> None:
    none = pa.Table.from_pandas(long_table().iloc[:0])
    assert foretell.detect(none).column_names == ["unique_id", "ds", "label", "anomaly", "score", "status", "model"]
    assert foretell.impute(none).schema.field("imputed").type == pa.bool_()


def test_gaps_of_a_table_are_filled_missing_times_too() -> None:
    frame = long_table().drop(index=7).assign(y=lambda f: f["y"].where(f.index != 50))
    made = foretell.impute(pl.from_pandas(frame), "linear")
    assert made.columns == ["unique_id", "ds", "value", "imputed", "status", "model"]
    assert made.filter(pl.col("imputed"))["value"].to_list() == [1.5, 65.0]
    assert len(made) == 80


def test_arrays_are_searched_and_filled() -> None:
    wild = np.where(np.arange(40) == 30, 99.0, SEASON)
    found = foretell.detect([wild, SEASON[:30]], "grubbs")
    assert np.argwhere(found.anomalies).tolist() == [[0, 30]]
    filled = foretell.impute([1.0, None, 3.0], "linear")
    assert filled.values.tolist() == [[1, 2, 3]]
    with pytest.raises(UnknownName, match="unknown anomaly model 'ets'"):
        foretell.detect(SEASON, "ets")
    with pytest.raises(InvalidInput, match="timeout"):
        foretell.impute(SEASON, timeout=0)


def test_it_works_inside_a_running_loop() -> None:
    async def cell() -> foretell.Forecast:
        made: foretell.Forecast = foretell.forecast(SEASON, 2, "naive")
        return made

    assert asyncio.run(cell()).point.shape == (1, 2)


def test_progress_ends_at_the_number_of_series() -> None:
    seen: list[tuple[int, int]] = []
    foretell.forecast([SEASON] * 5, 2, "naive", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)


def test_a_picture_of_arrays_and_of_tables(tmp_path: Path) -> None:
    frame = long_table()
    for history, made in [
        (SEASON, foretell.forecast(SEASON, 8, "naive")),
        (frame, foretell.forecast(frame, 8, "naive")),
        (pl.from_pandas(frame), foretell.forecast(pl.from_pandas(frame), 8, "naive")),
    ]:
        figure = foretell.plot(history, made, title="load")
        panel = figure.axes[0]
        lines = {str(line.get_label()): line for line in panel.lines}
        assert set(lines) == {"history", "naive"}
        np.testing.assert_allclose(np.asarray(lines["naive"].get_ydata(), float), [8.0] * 9)
        assert len(panel.collections) == 1
        figure.savefig(tmp_path / "picture.png")
    with pytest.raises(InvalidInput, match="what forecast\\(\\) returned"):
        foretell.plot(SEASON, frame)


def test_the_public_names_are_these() -> None:
    """A name added to or taken from the surface is a decision, not an accident."""
    public = [
        "AsyncClient",
        "Client",
        "Forecast",
        "ForetellError",
        "Series",
        "__version__",
        "connect",
        "detect",
        "evaluate",
        "forecast",
        "impute",
        "plot",
    ]
    assert sorted(dir(foretell)) == public
    assert all(getattr(foretell, name) is not None for name in public)
    with pytest.raises(AttributeError, match="no attribute 'forecats'"):
        _ = foretell.forecats


def test_only_the_series_whose_times_leave_the_range_fails() -> None:
    good = pd.DataFrame({"unique_id": "good", "ds": pd.date_range("2024-01-01", periods=9), "y": range(9)})
    late = good.assign(unique_id="late", ds=pd.date_range("2250-01-01", periods=9, freq="YS"))
    made = foretell.forecast(pd.concat([good, late]), 9, "naive")
    told = made.groupby("unique_id").agg(status=("status", "first"), times=("ds", "count"))
    assert told.loc["good"].tolist() == ["ok", 9]
    assert told.loc["late"].tolist() == [f"failed: {TOO_LATE}", 0]
