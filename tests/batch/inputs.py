"""Series in Parquet files, laid out in every way that people have them, and what must come out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import foretell

HOUR = 3_600_000_000


def table(series: int, length: int, seed: int = 0) -> pa.Table:
    """`series` hourly series in the order of their names, each in order of time."""
    random = np.random.default_rng(seed)
    steps = np.tile(np.arange(length), series)
    names = [f"s{i:05}" for i in range(series) for _ in range(length)]
    values = np.sin(2 * np.pi * steps / 24) + np.repeat(random.normal(size=series), length)
    values += random.normal(0, 0.1, series * length)
    times = pa.array(steps * HOUR).cast(pa.timestamp("us"))
    return pa.table({"unique_id": names, "ds": times, "y": values})


def by_series(rows: pa.Table, folder: Path, files: int = 4) -> Path:
    """Each file has whole series."""
    return _write(rows, folder, files)


def by_time(rows: pa.Table, folder: Path, files: int = 4) -> Path:
    """Each file has a stretch of time of all series."""
    return _write(rows.sort_by([("ds", "ascending"), ("unique_id", "descending")]), folder, files)


def by_folder(rows: pa.Table, folder: Path, files: int = 4) -> Path:
    """Names of folders are the ids: unique_id=.../x.parquet."""
    for name in pc.unique(rows["unique_id"]).to_pylist():
        one = rows.filter(pc.equal(rows["unique_id"], name)).drop_columns("unique_id")
        _write(one, folder / f"unique_id={name}", 2)
    return folder


def _write(rows: pa.Table, folder: Path, files: int) -> Path:
    folder.mkdir(parents=True)
    ends = [len(rows) * i // files for i in range(files + 1)]
    for i, (begin, end) in enumerate(pairwise(ends)):
        pq.write_table(rows.slice(begin, end - begin), folder / f"f{i:03}.parquet", row_group_size=1000)
    return folder


def result(folder: Path) -> pa.Table:
    """Everything in the files of results, by series and time."""
    return sorted_rows(pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))]))


def sorted_rows(rows: pa.Table) -> pa.Table:
    return rows.sort_by([("unique_id", "ascending"), ("ds", "ascending")]).combine_chunks()


def slow_twin(rows: pa.Table, horizon: int, model: str, levels: Sequence[float] = (0.1, 0.5, 0.9)) -> pa.Table:
    """The same by `foretell.forecast`, in memory and at once."""
    made: pa.Table = foretell.forecast(rows, horizon, model, levels)
    return sorted_rows(made)


def check_equal(made: pa.Table, expected: pa.Table) -> None:
    """The same rows, to 1e-5, near zero to 1e-7."""
    assert made.column_names == expected.column_names
    for name in expected.column_names:
        if pa.types.is_floating(expected[name].type):
            np.testing.assert_allclose(made[name].to_numpy(), expected[name].to_numpy(), rtol=1e-5, atol=1e-7)
        else:
            assert made[name].to_pylist() == expected[name].to_pylist()
