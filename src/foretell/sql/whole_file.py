"""A whole file as a table, as the command line takes it; what is wrong or doubtful is said in a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from glob import glob
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from foretell.errors import InvalidInput, SqlError
from foretell.sql.tokens import as_text

Ask = Callable[[str], pa.Table]
"""Runs a statement."""

PATTERN = frozenset("*?[:")
"""What a path has that is a pattern or a URL."""
ENDINGS = ("parquet", "csv", "json")
CSV = re.compile(r"\.(csv|tsv)(\.\w+)?$", re.I)
DAY_OR_MONTH_FIRST = re.compile(r"%[dm]([/-])%[dm]\1")
"""Formats that both orders are written in; with dots the day is first."""
FIRST = {"%d": "days", "%m": "months", "%y": "years"}


def read_file(path: str, name: str, ask: Ask, warn: Callable[[str], None]) -> pa.Table:
    """All of a CSV, Parquet or JSON file, or of all files that a pattern names; errors call it `name`."""
    if Path(path).is_dir():
        raise InvalidInput("file", f"{name} is a folder; name its files, such as '{_files_in(path, name)}'")
    if PATTERN.isdisjoint(path) and not Path(path).exists():
        raise InvalidInput("file", f"there is no {name}")
    try:
        table = ask(f"FROM {as_text(path)}")
    except SqlError as error:  # the statement is not the user's
        raise InvalidInput("file", _reason(error.message, path, name)) from None
    if not table.num_rows:
        raise InvalidInput("file", f"{name} has no rows")
    if CSV.search(path):
        _warn_of_dates(table, path, name, ask, warn)
    return _in_their_zones(table, path)


def _files_in(path: str, name: str) -> str:
    """The pattern that names the files of a folder, or those of the folders in it."""
    folder = Path(path)
    patterns = [f"{between}*.{ending}" for between in ("", "**/") for ending in ENDINGS]
    return f"{name.rstrip('/')}/{next((p for p in patterns if any(folder.glob(p))), patterns[0])}"


def _reason(message: str, path: str, name: str) -> str:
    """What DuckDB says, up to the pages of advice on how to call it."""
    said = message.partition("\n\n")[0].partition("\nPossible Solution")[0]
    if "not utf-8 encoded" in message:
        said = f"{said.strip().rstrip('.')}; if it is Latin-1, {_converted(name, 'encoding = ' + as_text('latin-1'))}"
    return " ".join(said.split()).replace(path, name)


def _converted(name: str, option: str) -> str:
    """How to bring a CSV file into a form that leaves no doubt; stdin is saved first, as DuckDB reads twice."""
    save, file = ("save it as data.csv and ", "data.csv") if name == "stdin" else ("", name)
    read = f"read_csv({as_text(file)}, {option})"
    return f"""{save}write it anew first: foretell sql "COPY (FROM {read}) TO 'new.parquet'\""""


def _warn_of_dates(table: pa.Table, path: str, name: str, ask: Ask, warn: Callable[[str], None]) -> None:
    """DuckDB cannot know whether 01/02/2024 is in January or February, nor whether 01/02/24 is in 2001 or in 2024."""
    times = [f for f in table.schema if pa.types.is_date(f.type) or pa.types.is_timestamp(f.type)]
    if not times:
        return
    sniffed = _sniffed(_first(path) or path, ask)
    for field in times:
        setting, kind = ("dateformat", "Date") if pa.types.is_date(field.type) else ("timestampformat", "Timestamp")
        read, seen = sniffed.get(f"{kind}Format") or "", table[field.name].drop_null()
        other = _other_order(read, seen) if len(seen) else None
        if other is not None:
            warn(
                f"{name}: {field.name} was read with the {FIRST[read[:2]]} first, such as {seen[0].as_py():%Y-%m-%d}, "
                f"though {other} fits too; if that is wrong, {_converted(name, f'{setting} = {as_text(other)}')}"
            )


def _other_order(read: str, times: pa.ChunkedArray) -> str | None:
    """Another format that the text of times that were read in one may have; None where nobody would think of one."""
    if DAY_OR_MONTH_FIRST.match(read) and pc.max(pc.day(times)).as_py() <= 12:
        return read.translate(str.maketrans("dm", "md"))
    years, months = pc.year(times), pc.month(times)
    if not read.startswith("%y") or pc.min(years).as_py() < 2001 or pc.max(years).as_py() > 2031:
        return None
    is_month_first = pc.count_distinct(months).as_py() > pc.count_distinct(years).as_py()  # days change most often
    return read.translate(str.maketrans("ymd", "mdy" if is_month_first else "dmy"))


def _sniffed(path: str, ask: Ask) -> dict[str, str | None]:
    """How DuckDB reads days and times in one CSV file; nothing where it cannot say, for the rows are read already."""
    try:
        formats: list[dict[str, str | None]] = ask(
            f"SELECT DateFormat, TimestampFormat FROM sniff_csv({as_text(path)})"
        ).to_pylist()
    except SqlError:
        return {}
    return formats[0]


def _first(path: str) -> str:
    """The first of the files that a pattern names; nothing where it names none here."""
    return min(glob(path, recursive=True), default="")  # noqa: PTH207  patterns may be absolute


def _in_their_zones(table: pa.Table, path: str) -> pa.Table:
    """The times of Parquet files in the time zones that the first of them names: DuckDB gives them in its own."""
    import pyarrow.parquet as pq

    first = _first(path)
    if not first.endswith(".parquet"):
        return table
    zones = {f.name: f.type.tz for f in pq.read_schema(first) if pa.types.is_timestamp(f.type) and f.type.tz}
    for i, column in enumerate(table.schema):
        if column.name in zones and pa.types.is_timestamp(column.type):
            kind = pa.timestamp(column.type.unit, zones[column.name])
            table = table.set_column(i, column.name, table[i].cast(kind))
    return table
