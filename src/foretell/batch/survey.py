"""What the footers of the input say: its columns, its rows, and which ids lie where. No data is read."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from foretell.batch.folder import Folder
from foretell.batch.request import Columns
from foretell.errors import InvalidInput, listed
from foretell.wire.frames import columns_of
from foretell.wire.table import NUMBERS

READERS = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """A row group of a file. `span`: the least and the greatest value of each id column, None where unknown."""

    path: str
    group: int
    rows: int
    spans: tuple[tuple[Any, Any] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """All files with their sizes, those that cannot be read with the reason, and the row groups of the others."""

    columns: Columns
    schema: pa.Schema
    files: list[tuple[str, int]]
    broken: dict[str, str]
    pieces: list[Piece]

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)


def survey(folder: Folder, id_col: Sequence[str] | None, time_col: str | None, value_col: str | None) -> Survey:
    """Raise InvalidInput where there is nothing to forecast; files that are broken are noted."""
    files = folder.parquet_files()
    if not files:
        raise InvalidInput(folder.field, f"there is no Parquet file in {folder.url}")
    with ThreadPoolExecutor(READERS) as pool:
        footers = list(pool.map(partial(_footer, folder), [path for path, _ in files]))
    broken = {path: text for (path, _), text in zip(files, footers, strict=True) if isinstance(text, str)}
    read = [(path, f) for (path, _), f in zip(files, footers, strict=True) if not isinstance(f, str)]
    if not read:
        raise InvalidInput(
            folder.field, f"none of {len(files)} files can be read; {files[0][0]}: {broken[files[0][0]]}"
        )
    schema = _schema(*read[0])
    columns = _columns(schema, id_col, time_col, value_col)
    schema = pa.schema([schema.field(name) for name in columns.names])
    pieces = []
    for path, footer in read:
        missing = [n for n in columns.names if n not in _schema(path, footer).names]
        if missing:
            broken[path] = f"has no column {missing[0]!r}"
            continue
        pieces += _pieces(path, footer, columns.ids)
    return Survey(columns, schema, files, broken, pieces)


def _footer(folder: Folder, path: str) -> pq.FileMetaData | str:
    """The footer of a file, or what is wrong with it."""
    try:
        with folder.source(path) as file:
            return pq.read_metadata(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        return _one_line(error)


def _one_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def _schema(path: str, footer: pq.FileMetaData) -> pa.Schema:
    """The columns of a file, and those that the names of its folders bring (`key=value`), as text."""
    schema = footer.schema.to_arrow_schema()
    fields = [pa.field(f.name, _plain(f.type)) for f in schema]
    return pa.schema(fields + [pa.field(key, pa.string()) for key in hive_keys(path) if key not in schema.names])


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def hive_keys(path: str) -> dict[str, str]:
    """`.../store=7/day=1/x.parquet` -> store 7, day 1."""
    pairs = [part.partition("=") for part in path.split("/")[:-1]]
    return {unquote(key): unquote(value) for key, equals, value in pairs if equals and key}


def _columns(schema: pa.Schema, id_col: Sequence[str] | None, time_col: str | None, value_col: str | None) -> Columns:
    ids, time, value = columns_of(schema, id_col, time_col, value_col)
    if not ids:
        raise InvalidInput("--id", f"say which column tells the series apart; the columns are {listed(schema.names)}")
    if not any(is_number(schema.field(value).type) for is_number in NUMBERS):
        raise InvalidInput(value, f"must be a column of numbers, got {schema.field(value).type}")
    if time and not any(is_time(schema.field(time).type) for is_time in (pa.types.is_timestamp, pa.types.is_date)):
        raise InvalidInput(time, f"the time column must be a timestamp or a date, got {schema.field(time).type}")
    found = Columns(tuple(ids), time, value)
    if twice := sorted(name for name in set(found.names) if found.names.count(name) > 1):
        raise InvalidInput("--id", f"the column {twice[0]!r} is named twice")
    return found


def _pieces(path: str, footer: pq.FileMetaData, ids: Sequence[str]) -> list[Piece]:
    keys = hive_keys(path)
    place = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
    found = []
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        spans = tuple(
            _span(group.column(place[name]).statistics) if name in place else (keys[name], keys[name]) for name in ids
        )
        found.append(Piece(path, number, group.num_rows, spans))
    return found


def _span(statistics: pq.Statistics | None) -> tuple[Any, Any] | None:
    """Least and greatest, where the footer knows them and no id is missing."""
    if statistics is None or not statistics.has_min_max or statistics.null_count != 0:
        return None
    low, high = statistics.min, statistics.max
    return (low, high) if type(low) in (int, str) else None
