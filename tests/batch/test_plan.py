"""Ranges where files are sorted by id, buckets where they are not; each row is in one shard."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretell.batch import Ticker
from foretell.batch.buckets import bucket_of, read_bucket, write_buckets
from foretell.batch.plan import plan
from foretell.batch.survey import Piece


def pieces(*spans: tuple[object, object] | None, rows: int = 1000) -> list[Piece]:
    return [Piece(f"{i}.parquet", 0, rows, (span,)) for i, span in enumerate(spans)]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretell.batch.plan.LEAST_SHARDS", 1)


def test_files_of_whole_series_are_ranges() -> None:
    made = plan(pieces(("a", "b"), ("c", "d"), ("e", "f")), ["id"], 1000)
    assert made.sortings == ()
    assert [(shard.low, shard.high, len(shard.places)) for shard in made.shards] == [
        (None, "c", 1),
        ("c", "e", 1),
        ("e", None, 1),
    ]


def test_a_series_in_two_neighbouring_row_groups_belongs_to_one_shard() -> None:
    spans = [(10 * i, 10 * i + 10) for i in range(40)]  # each begins with the id that the one before ends with
    made = plan(pieces(*spans), ["id"], 10_000)
    assert made.sortings == ()
    cuts = [shard.low for shard in made.shards][1:]
    assert cuts == sorted(set(cuts))
    for shard, after in zip(made.shards, made.shards[1:], strict=False):
        assert shard.high == after.low
        assert set(shard.places) & set(after.places)  # the row group with the id of the cut is read by both


@pytest.mark.parametrize(
    "spans",
    [
        [("a", "z")] * 5,  # order of time
        [("a", "b"), None, ("c", "d")],  # one footer says nothing
        [("a", "b"), (1, 2), ("c", "d")],  # ids of two types
    ],
)
def test_everything_else_is_sorted_first(spans: list[tuple[object, object] | None]) -> None:
    made = plan(pieces(*spans), ["id"], 1000)
    assert sum(len(sorting.places) for sorting in made.sortings) == len(spans)
    assert all(sorting.rows <= 1000 for sorting in made.sortings)
    assert all(shard.column is None for shard in made.shards)
    assert len(made.shards) == len(spans)


def test_little_input_is_one_shard_and_none_is_one_too() -> None:
    assert len(plan(pieces(("a", "b"), ("c", "d"), rows=5), ["id"]).shards) == 1
    assert len(plan([], ["id"]).shards) == 1


ids = st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["a", "b", "c"]))


@given(st.lists(st.tuples(ids, st.integers(-5, 5)), max_size=60), st.integers(1, 7), st.integers(1, 20))
def test_each_row_is_in_one_bucket_with_its_series_in_order(
    rows: list[tuple[str | None, int]], count: int, cut: int
) -> None:
    schema = pa.schema([("name", pa.string()), ("number", pa.int64()), ("row", pa.int64())])
    columns = [[name for name, _ in rows], [number for _, number in rows], list(range(len(rows)))]
    table = pa.table(columns, schema=schema)
    out = io.BytesIO()
    parts = [table.slice(i, cut) for i in range(0, len(table), cut)]
    write_buckets(parts, schema, ["name", "number"], count, out)
    seen: dict[object, int] = {}
    found = []
    for bucket in range(count):
        inside = pa.Table.from_batches(read_bucket(pa.BufferReader(out.getvalue()), bucket, count), schema).to_pylist()
        assert [row["row"] for row in inside] == sorted(row["row"] for row in inside)
        for row in inside:
            assert seen.setdefault((row["name"], row["number"]), bucket) == bucket
        found += inside
    assert sorted(row["row"] for row in found) == list(range(len(rows)))


def test_the_type_of_an_id_does_not_move_it() -> None:
    for kinds in ([pa.int8(), pa.int64()], [pa.string(), pa.large_string()]):
        tables = [pa.table({"id": pa.array(range(100)).cast(kind)}) for kind in kinds]
        first, second = (bucket_of(table, ["id"], 8) for table in tables)
        np.testing.assert_array_equal(first, second)
    assert len(set(first.tolist())) == 8


def test_progress_tells_the_time_that_is_left() -> None:
    said: list[str] = []
    now = iter([0.0, 5.0, 20.0, 21.0, 4000.0])
    ticker = Ticker(said.append, clock=lambda: next(now))
    for done in (100, 150, 300, 310, 1000):
        ticker("forecast", done, 1000)
    assert said == [
        "forecast 900 rows, 100 are done",
        "forecast: 300 of 1,000 rows, 30 %, 1:10 left",
        "forecast: 1,000 of 1,000 rows, 100 %",
    ]
