"""Long tables to series and forecasts back."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.errors import InvalidInput, UnknownName
from foretell.series import Forecast
from foretell.steps import DAY, SECOND, Step
from foretell.wire.table import forecast_table, level_name, read_forecast, read_groups
from tests.fakes import regular_series

HOUR = 3600 * SECOND


def hours(*numbers: int) -> pa.Array:
    return pa.array([n * HOUR for n in numbers]).cast(pa.timestamp("ns"))


def test_groups_are_told_apart_and_sorted() -> None:
    table = pa.table({"id": ["b", "a", "b", "a"], "t": hours(1, 5, 0, 4), "v": [1, 50, 0, 40]})
    groups = read_groups(table, "v", "t", ["id"])
    assert groups.keys["id"].to_pylist() == ["b", "a"]
    assert [s.values.tolist() for s in groups.series] == [[0, 1], [40, 50]]
    assert [s.start for s in groups.series] == [0, 4 * HOUR]
    assert all(s.step == Step(ns=HOUR) for s in groups.series)


def test_two_id_columns_and_null_ids_make_their_own_series() -> None:
    table = pa.table({"x": ["a", "a", None, None], "y": [1, 2, 1, 1], "t": hours(0, 0, 0, 1), "v": [1.0, 2, 3, 4]})
    groups = read_groups(table, "v", "t", ["x", "y"])
    assert [s.id for s in groups.series] == ["a/1", "a/2", "NULL/1"]
    assert groups.series[2].values.tolist() == [3, 4]


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_fast_reading_equals_one_group_at_a_time(data: st.DataObject) -> None:
    """The plain twin: filter each group by hand, sort it, and put it on its grid."""
    count = data.draw(st.integers(1, 30))
    rows = st.tuples(st.sampled_from("abc"), st.integers(-50, 50))
    pairs = data.draw(st.lists(rows, min_size=count, max_size=count, unique=True))
    ids, times = [p[0] for p in pairs], np.array([p[1] * HOUR for p in pairs])
    values = np.arange(count, dtype=float)
    table = pa.table({"id": ids, "t": pa.array(times).cast(pa.timestamp("ns")), "v": values})
    groups = read_groups(table, "v", "t", ["id"])
    assert [s.id for s in groups.series] == list(dict.fromkeys(ids))
    for series in groups.series:
        mine = np.flatnonzero(np.array(ids) == series.id)
        mine = mine[np.argsort(times[mine])]
        plain = regular_series(times[mine], values[mine], series.id)
        np.testing.assert_array_equal(series.values, plain.values)
        assert (series.start, series.step) == (plain.start, plain.step)


def test_missing_timestamps_become_missing_values() -> None:
    groups = read_groups(pa.table({"t": hours(0, 1, 2, 4), "v": [1, 2, 3, 5]}), "v", "t")
    np.testing.assert_array_equal(groups.series[0].values, [1, 2, 3, np.nan, 5])


def test_covariates_share_the_grid_of_the_target() -> None:
    table = pa.table({"t": hours(0, 1, 3), "v": [1, 2, 4], "c": [10, None, 40]})
    series = read_groups(table, "v", "t", past=["c"]).series[0]
    assert series.past_covariates is not None
    np.testing.assert_array_equal(series.past_covariates, [[10, np.nan, np.nan, 40]])


def test_months_stay_months_before_1970_too() -> None:
    dates = [dt.date(1969, m, 28) for m in (10, 11, 12)]
    series = read_groups(pa.table({"t": dates, "v": [1, 2, 3]}), "v", "t").series[0]
    assert series.step == Step(months=1)
    ahead = series.future_times(2)
    assert ahead is not None
    assert ahead.astype("M8[ns]").astype("M8[D]").tolist() == [dt.date(1970, 1, 28), dt.date(1970, 2, 28)]


@pytest.mark.parametrize(
    ("table", "field", "says"),
    [
        (pa.table({"t": hours(0, 0), "v": [1, 2]}), "t", "stands twice"),
        (pa.table({"t": pa.array(["x", "y"]), "v": [1, 2]}), "t", "timestamp or a date"),
        (pa.table({"t": pa.array([0, None], pa.timestamp("s")), "v": [1, 2]}), "t", "no time"),
        (pa.table({"t": pa.array([10**12], pa.timestamp("s")), "v": [1]}), "t", "1678 to 2262"),
        (pa.table({"t": hours(0, 1), "v": ["a", "b"]}), "v", "numbers"),
    ],
)
def test_bad_columns_are_named(table: pa.Table, field: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        read_groups(table, "v", "t")
    assert caught.value.field == field


def test_an_unknown_column_lists_the_known() -> None:
    with pytest.raises(UnknownName, match=r"'w'.*known: t, v"):
        read_groups(pa.table({"t": hours(0), "v": [1]}), "w", "t")


@pytest.mark.parametrize("ids", [[], ["id"]])
def test_an_empty_table_has_no_series(ids: list[str]) -> None:
    table = pa.table({"id": pa.array([], pa.string()), "t": hours(), "v": pa.array([], pa.float64())})
    groups = read_groups(table, "v", "t", ids)
    assert len(groups) == 0
    assert forecast_table(groups, Forecast(np.zeros((0, 2)), None, (), (), "fake")).num_rows == 0


def forecast_of(count: int, status: tuple[str, ...]) -> Forecast:
    point = np.arange(count * 2, dtype=float).reshape(count, 2)
    return Forecast(point, np.stack([point - 1, point + 1], axis=-1), (0.1, 0.9), status, "fake")


def test_the_long_form_has_the_columns_of_the_contract() -> None:
    table = pa.table({"unique_id": ["a", "a", "b"], "ds": hours(0, 1, 7), "y": [1, 2, 3]})
    groups = read_groups(table, "y", "ds", ["unique_id"])
    made = forecast_table(groups, forecast_of(2, ("ok", "too_short")))
    assert made.column_names == ["unique_id", "ds", "point", "q0.1", "q0.9", "status", "model"]
    assert made["unique_id"].to_pylist() == ["a", "a", "b"]
    assert made["ds"].cast(pa.int64()).to_pylist() == [2 * HOUR, 3 * HOUR, None]
    assert made["point"].to_pylist()[:2] == [0, 1]
    assert made["status"].to_pylist() == ["ok", "ok", "too_short"]
    assert made.schema.field("ds").type == table.schema.field("ds").type


def test_reading_a_long_form_gives_the_forecast_back() -> None:
    table = pa.table({"id": ["a", "b", "a", "b"], "t": hours(0, 0, 1, 1), "v": [1, 2, 3, 4]})
    groups = read_groups(table, "v", "t", ["id"])
    forecast = forecast_of(2, ("ok", "repaired(3)"))
    back = read_forecast(forecast_table(groups, forecast), groups)
    np.testing.assert_array_equal(back.point, forecast.point)
    assert back.quantiles is not None and forecast.quantiles is not None
    np.testing.assert_array_equal(back.quantiles, forecast.quantiles)
    assert (back.levels, back.status, back.model) == (forecast.levels, forecast.status, forecast.model)


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("s"), pa.timestamp("us", "UTC"), pa.timestamp("ns")])
def test_times_come_back_in_the_type_they_had(kind: pa.DataType) -> None:
    times = pa.array([0, DAY, 2 * DAY]).cast(pa.timestamp("ns")).cast(pa.timestamp("s")).cast(kind)
    groups = read_groups(pa.table({"t": times, "v": [1, 2, 3]}), "v", "t")
    made = forecast_table(groups, forecast_of(1, ("ok",)))
    assert made["t"].type == kind
    assert made["t"].cast(pa.timestamp("s")).cast(pa.int64()).to_pylist() == [3 * 86400, 4 * 86400]


def test_an_id_column_that_the_result_needs_is_refused() -> None:
    groups = read_groups(pa.table({"status": ["a"], "t": hours(0), "v": [1]}), "v", "t", ["status"])
    with pytest.raises(InvalidInput, match="status: is a column of the result"):
        forecast_table(groups, forecast_of(1, ("ok",)))


def test_a_time_column_that_the_result_needs_is_refused_and_a_level_may_be_an_id() -> None:
    table = pa.table({"q0.5": ["a"], "point": hours(0), "v": [1]})
    with pytest.raises(InvalidInput, match="point: is a column of the result"):
        forecast_table(read_groups(table, "v", "point", ["q0.5"]), forecast_of(1, ("ok",)))
    groups = read_groups(table.rename_columns(["q0.5", "t", "v"]), "v", "t", ["q0.5"])
    assert read_forecast(forecast_table(groups, forecast_of(1, ("ok",))), groups).levels == (0.1, 0.9)


LEVELS = (1e-5, 0.1234561, 0.1234562, 0.9, 1 - 1e-16)


def test_every_level_has_a_column_of_its_own_that_reads_back_exactly() -> None:
    assert [level_name(level) for level in LEVELS[:4]] == ["0.00001", "0.1234561", "0.1234562", "0.9"]
    groups = read_groups(pa.table({"v": [1]}), "v")
    point = np.zeros((1, 2))
    made = forecast_table(groups, Forecast(point, np.zeros((1, 2, len(LEVELS))), LEVELS, ("ok",), "fake"))
    assert read_forecast(made, groups).levels == LEVELS


def test_series_whose_ids_look_alike_when_joined_keep_apart() -> None:
    table = pa.table({"x": ["a/b", "a", None, "NULL"], "y": ["c", "b/c", "c", "c"], "v": [1, 2, 3, 4]})
    groups = read_groups(table, "v", None, ["x", "y"])
    assert [s.id for s in groups.series] == ["'a/b'/'c'", "'a'/'b/c'", "NULL/'c'", "'NULL'/'c'"]
    forecast = forecast_of(4, ("ok", "ok", "ok", "too_short"))
    back = read_forecast(forecast_table(groups, forecast), groups)
    np.testing.assert_array_equal(back.point[:3], forecast.point[:3])
    assert back.status == forecast.status


def test_many_id_columns_of_many_values_do_not_overflow() -> None:
    count = 3_000
    numbers = np.arange(count)
    columns = {f"x{i}": np.roll(numbers, i * 7) for i in range(6)}
    table = pa.table({**columns, "t": hours(*([0] * count)), "v": numbers})
    groups = read_groups(table, "v", "t", list(columns))
    assert sorted(s.values[0] for s in groups.series) == numbers.tolist()
