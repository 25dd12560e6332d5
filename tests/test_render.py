"""Results as text and bytes."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest

from foretell.errors import InvalidInput
from foretell.render import MOST_ROWS, Format, checked_format, write

TABLE = pa.table(
    {
        "id": ["a", None],
        "ts": pa.array([0, 1_500], pa.timestamp("ms")),
        "x": [1.23456789, float("nan")],
        "n": pa.array([10, -3], pa.int64()),
    }
)


def text(table: pa.Table, format: Format) -> str:
    out = io.BytesIO()
    write(table, format, out)
    return out.getvalue().decode()


def test_a_table_aligns_numbers_and_times() -> None:
    assert text(TABLE, "table").splitlines() == [
        "id  ts                             x   n",
        "--  -----------------------  -------  --",
        "a   1970-01-01 00:00:00.000  1.23457  10",
        "    1970-01-01 00:00:01.500      nan  -3",
    ]


def test_whole_days_are_shown_as_dates() -> None:
    days = pa.table({"ds": pa.array([0, 86_400], pa.timestamp("s"))})
    assert text(days, "table").splitlines()[2:] == ["1970-01-01", "1970-01-02"]


def test_json_is_one_array_with_utc_times_and_null_for_what_is_missing() -> None:
    assert json.loads(text(TABLE, "json")) == [
        {"id": "a", "ts": "1970-01-01T00:00:00.000Z", "x": 1.23456789, "n": 10},
        {"id": None, "ts": "1970-01-01T00:00:01.500Z", "x": None, "n": -3},
    ]


def test_csv_keeps_every_digit() -> None:
    table = pa.table({"a,b": [0.1 + 0.2], "t": pa.array([1], pa.timestamp("ns"))})
    assert text(table, "csv") == '"a,b",t\n0.30000000000000004,1970-01-01T00:00:00.000000001Z\n'


def test_arrow_comes_back_as_it_was() -> None:
    out = io.BytesIO()
    write(TABLE, "arrow", out)
    assert pa.ipc.open_stream(out.getvalue()).read_all().schema == TABLE.schema


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    lines = text(pa.table({"n": list(range(1000))}), "table").splitlines()
    assert len(lines) == MOST_ROWS + 3
    assert "... 940 more rows (--format csv shows all)" in lines
    assert lines[-1].strip() == "999"


def test_an_empty_table_has_a_head() -> None:
    assert text(TABLE.slice(0, 0), "table").splitlines()[0].split() == ["id", "ts", "x", "n"]
    assert json.loads(text(TABLE.slice(0, 0), "json")) == []


def test_an_unknown_format_lists_the_known() -> None:
    with pytest.raises(InvalidInput, match="table, csv, json, arrow"):
        checked_format("xml")
