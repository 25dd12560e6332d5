"""Results as text and bytes."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from foretell.errors import InvalidInput
from foretell.render import MOST_ROWS, Format, checked_format, write
from foretell.sql.session import Session

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


def selected(what: str) -> pa.Table:
    with Session() as session:
        return session.sql(f"SELECT {what}").table


@pytest.mark.parametrize(
    ("value", "in_json", "in_csv", "in_table"),
    [
        ("1.50", "1.50", "1.50", "1.50"),
        ("sum(1520)", "1520", "1520", "1520"),
        ("-(2::HUGEINT ** 100)::HUGEINT", *["-1267650600228229401496703205376"] * 3),
        ("0.0000001", "1E-7", "0.0000001", "0.0000001"),
        ("3.1::FLOAT", "3.1", "3.1", "3.10000"),
        (
            "INTERVAL '14 months 1 day 1.5 seconds'",
            '"P1Y2M1DT1.5S"',
            "P1Y2M1DT1.5S",
            "1 year 2 months 1 day 1.5 seconds",
        ),
        ("INTERVAL '-90 minutes'", '"PT-1H-30M"', "PT-1H-30M", "-1 hour -30 minutes"),
        ("INTERVAL '-0.25 seconds'", '"PT-0.25S"', "PT-0.25S", "-0.25 seconds"),
        ("INTERVAL 0 DAY", '"PT0S"', "PT0S", "0 seconds"),
        ("[1.5, NULL]", "[1.5, null]", '"[1.5, null]"', "[1.5, null]"),
        ("NULL::INT[]", "null", "", ""),
        (
            "{'a': 1, 'b': [INTERVAL 1 DAY]}",
            '{"a": 1, "b": ["P1D"]}',
            '"{""a"": 1, ""b"": [""P1D""]}"',
            '{"a": 1, "b": ["P1D"]}',
        ),
        ("NULL::STRUCT(a INT)", "null", "", ""),
        ("MAP{1: [TIMESTAMP '2020-01-01']}", '{"1": ["2020-01-01T00:00:00Z"]}', None, None),
        ("'infinity'::DOUBLE", "null", "inf", "inf"),
        ("'-infinity'::DOUBLE", "null", "-inf", "-inf"),
        ("'nan'::DOUBLE", "null", "", "nan"),
        ("''", '""', '""', ""),
        ("NULL", "null", "", ""),
        (r"E'a\nb\tc\r'", r'"a\nb\tc\r"', '"a\nb\tc\r"', r"a\nb\tc\r"),
        ("'a \"b\"'", '"a \\"b\\""', '"a ""b"""', 'a "b"'),
        ("'\\xAAA'::BLOB", '"\\\\xAAA"', "\\xAAA", "\\xAAA"),
        ("DATE 'infinity'", '"infinity"', "infinity", "infinity"),
        ("TIMESTAMP '-infinity'", '"-infinity"', "-infinity", "-infinity"),
        ("TIMESTAMP '12020-01-01 00:00:01.25'", '"12020-01-01T00:00:01.250Z"', "12020-01-01T00:00:01.250Z", None),
        ("'101'::BIT", '"101"', "101", "101"),
        ("'12:30:00+02'::TIMETZ", '"12:30:00+02"', "12:30:00+02", "12:30:00+02"),
        ("TIME '12:30:00'", '"12:30:00"', "12:30:00", "12:30:00"),
        ("'x'::ENUM('x', 'y')", '"x"', "x", "x"),
    ],
)
def test_every_type_says_what_it_is(value: str, in_json: str, in_csv: str | None, in_table: str | None) -> None:
    table = selected(f"{value} AS v")
    assert text(table, "json") == f'[{{"v": {in_json}}}]\n'
    if in_csv is not None:
        assert text(table, "csv") == f"v\n{in_csv}\n"
    if in_table is not None:
        assert text(table, "table").splitlines()[2].strip() == in_table


def test_json_numbers_are_exact() -> None:
    kept: Any = json.loads(text(selected("1.10 AS v"), "json"), parse_float=Decimal)
    assert str(kept[0]["v"]) == "1.10"


def test_a_name_of_two_lines_is_one_in_a_table() -> None:
    assert text(selected('1 AS "a\nb"'), "table").splitlines()[0] == r"a\nb"


def test_columns_of_one_name_are_all_there() -> None:
    table = selected("1 AS a, 2 AS a, 3 AS a_1")
    assert json.loads(text(table, "json")) == [{"a": 1, "a_1": 2, "a_1_1": 3}]
    assert text(table, "csv") == "a,a,a_1\n1,2,3\n"
    assert text(table, "table").splitlines()[2].split() == ["1", "2", "3"]
