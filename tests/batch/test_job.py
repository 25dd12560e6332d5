"""A batch job gives what the library gives, whatever the layout, each series once; it goes on where it was."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretell.batch import Outcome, Request, Workers, forecast_files
from foretell.batch.folder import Folder
from foretell.batch.work import Work
from foretell.errors import ForetellError, InvalidInput, UnknownName
from tests.batch import inputs

HERE = Workers("local", 0)
LAYOUTS: dict[str, Callable[..., Path]] = {
    "by_series": inputs.by_series,
    "by_time": inputs.by_time,
    "by_folder": inputs.by_folder,
}


def request(
    model: str = "seasonal_naive", horizon: int = 3, levels: tuple[float, ...] = (0.1, 0.9), **options: Any
) -> Request:
    return Request.of(model, horizon, levels, options)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few thousand rows are many shards."""
    monkeypatch.setattr("foretell.batch.plan.LEAST_ROWS", 500)


def run(source: Path | str, target: Path | str, asked: Request | None = None, **more: Any) -> Outcome:
    return forecast_files(str(source), str(target), asked or request(), HERE, **more)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_as_in_memory(layout: str, tmp_path: Path) -> None:
    rows = inputs.table(30, 200)
    source = LAYOUTS[layout](rows, tmp_path / "in")
    outcome = run(source, tmp_path / "out")
    assert outcome.series == {"ok": 30}
    assert outcome.shards > 3
    inputs.check_equal(inputs.result(tmp_path / "out"), inputs.slow_twin(rows, 3, "seasonal_naive", (0.1, 0.9)))
    assert [p.name for p in (tmp_path / "out" / "_foretell").iterdir() if p.suffix == ".arrow"] == []


def test_processes_give_the_same(tmp_path: Path) -> None:
    rows = inputs.table(30, 200)
    source = inputs.by_time(rows, tmp_path / "in")
    outcome = forecast_files(str(source), str(tmp_path / "out"), request(), Workers("local", 2))
    assert outcome.series == {"ok": 30}
    inputs.check_equal(inputs.result(tmp_path / "out"), inputs.slow_twin(rows, 3, "seasonal_naive", (0.1, 0.9)))


def test_bounds_of_point_models_and_a_network(tmp_path: Path) -> None:
    rows = inputs.table(6, 120)
    for model in ("foretell-small", "drift"):
        run(inputs.by_series(rows, tmp_path / f"in-{model}"), tmp_path / model, request(model))
        inputs.check_equal(inputs.result(tmp_path / model), inputs.slow_twin(rows, 3, model, (0.1, 0.9)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=25),
    files=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
    group=st.sampled_from([7, 50, 1000]),
)
def test_every_series_exactly_once(lengths: list[int], files: int, seed: int, group: int, tmp_path: Path) -> None:
    """However rows are strewn over files and row groups."""
    folder = tmp_path / str(abs(hash((tuple(lengths), files, seed, group))))
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    random = np.random.default_rng(seed)
    names = np.repeat([f"id {i}" for i in range(len(lengths))], lengths)
    steps = np.concatenate([np.arange(n) for n in lengths])
    order = random.permutation(len(names))
    home = random.integers(0, files, len(names))
    rows = pa.table({"unique_id": names[order], "ds": pa.array(steps[order]).cast(pa.timestamp("s")), "y": order * 1.0})
    for file in range(files):
        pq.write_table(rows.filter(pa.array(home == file)), folder / "in" / f"{file}.parquet", row_group_size=group)
    run(folder / "in", folder / "out", request("naive", 2))
    found = inputs.result(folder / "out")
    counts = {row["unique_id"]: row["n"] for row in _per_series(found)}
    assert counts.keys() == {f"id {i}" for i in range(len(lengths))}
    expected = inputs.slow_twin(rows, 2, "naive", (0.1, 0.9))
    assert counts == {row["unique_id"]: row["n"] for row in _per_series(expected)}


def _per_series(rows: pa.Table) -> Any:
    return rows.group_by("unique_id").aggregate([([], "count_all")]).rename_columns(["unique_id", "n"]).to_pylist()


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    source = inputs.by_time(inputs.table(30, 200), tmp_path / "in")
    out = tmp_path / "out"
    first = run(source, out)
    whole = inputs.result(out)
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    (out / "part-00002.parquet").unlink()
    told: list[tuple[str, int, int]] = []
    second = run(source, out, progress=lambda *args: told.append(args))
    assert second.before == first.shards - 1
    assert second.series == first.series
    assert inputs.result(out).equals(whole)
    after = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert {name for name in times if times[name] != after[name]} == {"part-00002.parquet"}
    assert told[-1][1] == told[-1][2]
    assert run(source, out).before == first.shards  # nothing left to do, nothing is sorted


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (request("naive"), "another model: 'seasonal_naive', not 'naive'"),
        (request(horizon=4), "another horizon: 3, not 4"),
        (request(levels=(0.5,)), "another levels"),
        (request(period=12), "another option period: none, not 12"),
    ],
)
def test_another_request_is_refused(asked: Request, says: str, tmp_path: Path) -> None:
    source = inputs.by_series(inputs.table(5, 100), tmp_path / "in")
    run(source, tmp_path / "out")
    before = inputs.result(tmp_path / "out")
    with pytest.raises(InvalidInput, match=says):
        run(source, tmp_path / "out", asked)
    assert inputs.result(tmp_path / "out").equals(before)


def test_another_input_is_refused(tmp_path: Path) -> None:
    source = inputs.by_series(inputs.table(5, 100), tmp_path / "in")
    run(source, tmp_path / "out")
    pq.write_table(inputs.table(1, 10), source / "new.parquet")
    with pytest.raises(InvalidInput, match=r"another size in bytes of the input file .*new.parquet: none, not \d+"):
        run(source, tmp_path / "out")
    (source / "new.parquet").unlink()
    pq.write_table(inputs.table(1, 10), source / "f000.parquet")
    with pytest.raises(InvalidInput, match=r"another size in bytes of the input file .*f000.parquet: \d+, not \d+"):
        run(source, tmp_path / "out")


def test_a_column_that_is_named_twice_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = inputs.by_series(inputs.table(5, 100), tmp_path / "in")
    with pytest.raises(InvalidInput, match="--id: the column 'unique_id' is named twice"):
        run(source, tmp_path / "out", id_col=["unique_id", "unique_id"])
    assert not (tmp_path / "out").exists()


def test_a_second_command_that_ends_first_is_said_to_have_done_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = inputs.by_time(inputs.table(20, 100), tmp_path / "in")
    folder = Folder(str(tmp_path / "new"), "OUT")
    with pytest.raises(InvalidInput, match="another command ended there at the same time"):
        folder.write("part", lambda _: folder.drop_unfinished())
    original = Work._rows

    def undermined(self: Work, task: Any, shard: Any) -> Any:
        for path in (tmp_path / "out" / "_foretell").glob("sorted-*"):
            path.unlink()
        return original(self, task, shard)

    monkeypatch.setattr(Work, "_rows", undermined)
    with pytest.raises(InvalidInput, match="another command ended there at the same time"):
        run(source, tmp_path / "out")


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    source = inputs.by_series(inputs.table(2, 50), tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.parquet").touch()
    with pytest.raises(InvalidInput, match=r"is not empty \(mine.parquet\)"):
        run(source, tmp_path / "out")
    with pytest.raises(InvalidInput, match="inside of the input"):
        run(source, source / "out")


def test_what_is_wrong_with_a_series_is_a_row(tmp_path: Path) -> None:
    rows = inputs.table(12, 60)
    values, times, names = (rows[name].to_numpy(zero_copy_only=False).copy() for name in ("y", "ds", "unique_id"))
    values[0] = np.inf  # s00000
    times[61] = times[60]  # s00001 has a time twice
    values[120:180] = np.nan  # s00002
    values[180:240] = 7.0  # s00003
    keep = np.ones(len(values), bool)
    keep[241:300] = False  # s00004 has one point
    rows = pa.table({"unique_id": names, "ds": times, "y": values}).filter(pa.array(keep))
    rows = pa.concat_tables(
        [rows, pa.table({"unique_id": pa.array([None] * 9, pa.string()), "ds": times[:9], "y": values[9:18]})]
    )
    outcome = run(inputs.by_time(rows, tmp_path / "in"), tmp_path / "out", request("seasonal_naive"))
    found = {row["unique_id"]: row for row in inputs.result(tmp_path / "out").to_pylist()}
    assert found["s00000"]["status"] == "non_finite"
    assert found["s00001"]["status"].startswith("failed: ds: the time 1970-01-01T00:00:00")
    assert found["s00001"]["point"] is None
    assert found["s00002"]["status"] == "all_missing"
    assert found["s00003"]["status"] == "constant"
    assert {found[f"s{i:05}"]["status"] for i in range(5, 12)} == {"ok"}
    assert None in found
    assert outcome.series.total() == 13
    assert outcome.problem() == ""


def test_a_broken_file_in_the_middle_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    source = inputs.by_series(inputs.table(20, 100), tmp_path / "in")
    (source / "f001.parquet").write_bytes(b"PAR1 not really PAR1")
    outcome = run(source, tmp_path / "out")
    assert outcome.series == {"ok": 15}
    assert "f001.parquet" in outcome.problem()
    assert "f001.parquet" in run(source, tmp_path / "out").problem()  # a second run says so too


def test_all_broken_files_are_named_until_there_are_too_many() -> None:
    said = Outcome(1, broken={f"f{i:02}": "no" for i in range(3)}).problem().splitlines()
    assert said == ["3 problems:", *(f"  cannot read f{i:02}: no" for i in range(3))]
    said = Outcome(1, broken={f"f{i:02}": "no" for i in range(30)}).problem().splitlines()
    assert (len(said), said[-1]) == (22, "  and 10 more")


@pytest.mark.parametrize("layout", ["by_series", "by_time"])
def test_broken_pages_are_found_when_they_are_read(layout: str, tmp_path: Path) -> None:
    source = LAYOUTS[layout](inputs.table(20, 100), tmp_path / "in")
    path = source / "f001.parquet"
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    outcome = run(source, tmp_path / "out")
    assert "f001.parquet" in outcome.problem()
    assert outcome.series.total() >= 15
    assert "f001.parquet" in run(source, tmp_path / "out").problem()


def test_empty_input(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InvalidInput, match="IN: there is no Parquet file in"):
        run(tmp_path / "in", tmp_path / "out")
    with pytest.raises(InvalidInput, match="IN: there is no Parquet file in"):
        run(tmp_path / "nothing", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    pq.write_table(inputs.table(0, 1), tmp_path / "in" / "none.parquet")
    assert run(tmp_path / "in", tmp_path / "out").rows == 0
    made = inputs.result(tmp_path / "out")
    assert made.column_names == ["unique_id", "ds", "point", "q0.1", "q0.9", "status", "model"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"id_col": ["shop"]}, "unknown column 'shop'"),
        ({"value_col": "unique_id"}, "must be a column of numbers"),
        ({"time_col": "y"}, "must be a timestamp or a date"),
    ],
)
def test_columns_are_checked_first(more: dict[str, Any], says: str, tmp_path: Path) -> None:
    source = inputs.by_series(inputs.table(2, 50), tmp_path / "in")
    with pytest.raises(ForetellError, match=says):
        run(source, tmp_path / "out", **more)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(InvalidInput, match="horizon"):
        request(horizon=0)
    with pytest.raises(InvalidInput, match="levels"):
        request(levels=(1.5,))
    with pytest.raises(UnknownName, match="local"):
        Workers.of("spark", 1, None)


def test_ids_of_several_columns_and_other_types(tmp_path: Path) -> None:
    rows = inputs.table(12, 60)
    number = np.repeat(np.arange(12), 60)
    rows = rows.append_column("shop", pa.array(number // 3)).append_column("item", pa.array(number % 3, pa.int8()))
    source = inputs.by_time(rows, tmp_path / "in").rename(tmp_path / "source")
    outcome = run(source, tmp_path / "out", id_col=["shop", "item"])
    assert outcome.series == {"ok": 12}
    made = pa.concat_tables([pq.read_table(path) for path in (tmp_path / "out").glob("*.parquet")])
    assert made.column_names[:3] == ["shop", "item", "ds"]
    assert len(made.group_by(["shop", "item"]).aggregate([])) == 12


def test_memory_is_bounded_by_the_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows there are, no worker reads, sorts or forecasts more than a few shards' worth at once."""
    seen: list[int] = []
    monkeypatch.setattr("foretell.batch.buckets.ROWS_IN_MEMORY", 1000)
    monkeypatch.setattr("foretell.batch.reading.ROWS_AT_ONCE", 300)
    original = Work._rows

    def watched(self: Work, *args: Any) -> Any:
        rows, broken = original(self, *args)
        seen.append(len(rows))
        return rows, broken

    monkeypatch.setattr(Work, "_rows", watched)
    rows = inputs.table(100, 200)
    run(inputs.by_time(rows, tmp_path / "in"), tmp_path / "out", shard_rows=1000)
    assert sum(seen) == len(rows)
    assert max(seen) < 2500
    inputs.check_equal(inputs.result(tmp_path / "out"), inputs.slow_twin(rows, 3, "seasonal_naive", (0.1, 0.9)))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A server of the files of `tmp_path`, with ranges as object stores have them."""

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path))

        def do_GET(self) -> None:
            path = Path(self.translate_path(self.path))
            asked = self.headers.get("Range")
            if asked is None or not path.is_file():
                super().do_GET()
                return
            first, last = (int(n) for n in asked.removeprefix("bytes=").split("-"))
            content = path.read_bytes()
            part = content[first : last + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_input_over_http(web: str, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="fsspec speaks http by aiohttp")
    rows = inputs.table(10, 100)
    inputs.by_time(rows, tmp_path / "in")
    outcome = forecast_files(f"{web}/in/", str(tmp_path / "out"), request(), Workers("local", 1))
    assert outcome.series == {"ok": 10}
    inputs.check_equal(inputs.result(tmp_path / "out"), inputs.slow_twin(rows, 3, "seasonal_naive", (0.1, 0.9)))


def test_urls_of_fsspec(tmp_path: Path) -> None:
    rows = inputs.table(10, 100)
    source = inputs.by_time(rows, tmp_path / "in")
    memory = fsspec.filesystem("memory")
    run(source.as_uri(), "memory://batch/out")
    names = sorted(path for path in memory.find("/batch/out") if path.endswith(".parquet"))
    made = inputs.sorted_rows(pa.concat_tables([pq.read_table(memory.open(path)) for path in names]))
    inputs.check_equal(made, inputs.slow_twin(rows, 3, "seasonal_naive", (0.1, 0.9)))
    assert run(source.as_uri(), "memory://batch/out").before == len(names)
    memory.rm("/batch", recursive=True)
    with pytest.raises(InvalidInput, match="add --workers 0"):
        forecast_files(str(source), "memory://batch/out", request(), Workers("local", 2))
    with pytest.raises(InvalidInput, match=r"OUT: .*nosuch"):
        run(source, "nosuch://x")
    with pytest.raises(InvalidInput, match="nosuch"):
        run("nosuch://x", tmp_path / "out")


def test_a_pattern_and_a_file(tmp_path: Path) -> None:
    source = inputs.by_series(inputs.table(20, 100), tmp_path / "in")
    assert run(f"{source}/f00[01].parquet", tmp_path / "two").series == {"ok": 10}
    assert run(source / "f003.parquet", tmp_path / "one").series == {"ok": 5}
    assert pc.unique(inputs.result(tmp_path / "one")["unique_id"]).to_pylist() == [f"s{i:05}" for i in range(15, 20)]
