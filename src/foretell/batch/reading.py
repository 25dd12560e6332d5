"""Row groups of the input as tables of one schema, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foretell.batch.folder import Folder
from foretell.batch.plan import Place
from foretell.batch.survey import hive_keys
from foretell.errors import ForetellError

ROWS_AT_ONCE = 250_000


class Reader:
    """Reads the columns of `schema`. `broken`: the files that could not be read to their end, and why.

    Trouble with a disk or a network is another error: it says nothing about the file.
    """

    def __init__(self, folder: Folder, schema: pa.Schema) -> None:
        self.broken: dict[str, str] = {}
        self._folder, self._schema = folder, schema

    def tables(self, places: Sequence[Place]) -> Iterator[pa.Table]:
        for path, group in groupby(places, key=lambda place: place[0]):
            try:
                yield from self._file(path, [number for _, number in group])
            except (pa.ArrowException, OSError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise ForetellError(f"cannot read {path}: {error.strerror}") from None
                self.broken[path] = str(error).strip().partition("\n")[0]

    def _file(self, path: str, groups: list[int]) -> Iterator[pa.Table]:
        with self._folder.source(path) as source:
            file = pq.ParquetFile(source)
            inside = [name for name in self._schema.names if name in file.schema_arrow.names]
            for batch in file.iter_batches(ROWS_AT_ONCE, groups, inside, use_threads=False):
                yield self._like_all(pa.Table.from_batches([batch]), hive_keys(path))

    def _like_all(self, table: pa.Table, keys: dict[str, str]) -> pa.Table:
        columns: list[Any] = []
        for field in self._schema:
            if field.name in table.column_names:
                columns.append(table[field.name].cast(field.type))
            else:
                columns.append(pa.repeat(pa.scalar(keys[field.name], field.type), len(table)))
        return pa.table(columns, schema=self._schema)
