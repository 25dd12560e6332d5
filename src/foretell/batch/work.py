"""What a worker of a batch job does: sort a part of the input into buckets, or forecast a shard.

Both write one file, complete or not at all, and do nothing where it is there. So whatever is killed may be done again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretell.batch.buckets import read_bucket, write_buckets
from foretell.batch.folder import Folder
from foretell.batch.long_form import Forecaster, result_schema
from foretell.batch.plan import Shard, Sorting
from foretell.batch.reading import Reader
from foretell.batch.request import Columns, Request
from foretell.engine.engine import Engine
from foretell.errors import ForetellError, ModelFailed
from foretell.series import has_forecast

NOTES = "_foretell"
NOTE = b"foretell"


@dataclass(frozen=True, slots=True)
class Task:
    """What is common to all parts of a job. `buckets` names the sorted files; without any, shards are ranges."""

    source: str
    target: str
    request: Request
    columns: Columns
    schema: pa.Schema
    shards: int
    buckets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a shard: series by status (`failed` without its reason), rows written, files found broken."""

    series: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    broken: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        return json.dumps({"series": dict(self.series), "rows": self.rows, "broken": dict(self.broken)}).encode()

    @classmethod
    def decode(cls, text: bytes) -> Report:
        return cls(**json.loads(text))


class Work:
    """A Caller of engine/worker.py: `sort` and `forecast` are its verbs, a Task and a part of it their arguments."""

    def call(self, name: str, verb: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ARG002
        try:
            return self.sort(*arguments) if verb == "sort" else self.forecast(*arguments)
        except ForetellError:
            raise
        except Exception as error:
            raise ModelFailed(f"{type(error).__name__}: {error}") from error

    @cached_property
    def _engine(self) -> Engine:
        pa.set_cpu_count(1)  # the cores are shared out among the workers already
        return Engine()

    def sort(self, task: Task, sorting: Sorting) -> Report:
        folder = Folder(task.target, "OUT").inner(NOTES)
        note = sorting.name.replace(".arrow", ".json")
        if folder.exists(sorting.name):
            return Report(**folder.read_json(note))
        reader = Reader(Folder(task.source, "IN"), task.schema)

        def fill(out: IO[bytes]) -> None:
            write_buckets(reader.tables(sorting.places), task.schema, task.columns.ids, task.shards, out)
            folder.write_json(note, {"broken": reader.broken})

        folder.write(sorting.name, fill)
        return Report(broken=reader.broken)

    def forecast(self, task: Task, shard: Shard) -> Report:
        folder = Folder(task.target, "OUT")
        if folder.exists(shard.name):
            return read_report(folder, shard.name)
        rows, broken = self._rows(task, shard)
        made: list[Report] = []
        folder.write(shard.name, lambda out: made.append(self._write(task, rows, broken, out)))
        return made[0]

    def _rows(self, task: Task, shard: Shard) -> tuple[pa.Table, Mapping[str, str]]:
        """The rows of a shard in memory, and the files that could not be read."""
        if task.buckets:
            notes = Folder(task.target, "OUT").inner(NOTES)
            batches = []
            for name in task.buckets:
                try:
                    with notes.source(notes.at(name)) as source:
                        batches += read_bucket(source, shard.number, task.shards)
                except FileNotFoundError:
                    raise notes.disturbed() from None
            return pa.Table.from_batches(batches, task.schema), {}
        reader = Reader(Folder(task.source, "IN"), task.schema)
        tables = [_inside(table, shard) for table in reader.tables(shard.places)]
        return pa.concat_tables([task.schema.empty_table(), *tables]), reader.broken

    def _write(self, task: Task, rows: pa.Table, broken: Mapping[str, str], out: IO[bytes]) -> Report:
        forecaster = Forecaster(self._engine, task.request, task.columns)
        schema = result_schema(task.schema, task.request, task.columns)
        series: Counter[str] = Counter()
        count = 0
        with pq.ParquetWriter(out, schema) as writer:
            for table in forecaster.tables(rows):
                writer.write_table(_like(table, schema))
                series += _statuses(table, task.request.horizon)
                count += len(table)
            report = Report(series, count, broken)
            writer.add_key_value_metadata({NOTE: report.encode()})
        return report


def read_report(folder: Folder, name: str) -> Report:
    """What the file of a finished shard says of itself."""
    with folder.source(folder.at(name)) as source:
        return Report.decode(pq.read_metadata(source).metadata[NOTE])


def _inside(table: pa.Table, shard: Shard) -> pa.Table:
    """The rows whose id is in the range of the shard."""
    for bound, keep in ((shard.low, pc.greater_equal), (shard.high, pc.less)):
        if bound is not None:
            table = table.filter(keep(table[shard.column], pa.scalar(bound, table.schema.field(shard.column).type)))
    return table


def _like(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return pa.table([table[f.name].cast(f.type, safe=False) for f in schema], schema=schema)


def _statuses(table: pa.Table, horizon: int) -> Counter[str]:
    """How many series have which status: each has `horizon` rows, or one without a forecast."""
    counts: Counter[str] = Counter()
    for pair in pc.value_counts(table["status"]).to_pylist():
        status, rows = pair["values"], pair["counts"]
        counts[re.split("[(:]", status)[0]] += rows // horizon if has_forecast(status) else rows
    return counts
