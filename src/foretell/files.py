"""Files in, files out, for the command line. Nothing is written over unless that is asked for."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from foretell.engine.engine import Control, Engine
from foretell.errors import InvalidInput, ModelFailed
from foretell.render import write
from foretell.series import Forecast, has_forecast
from foretell.sql.analysis import WARNINGS_SHOWN, all_without
from foretell.sql.session import Session
from foretell.wire.frames import groups_of
from foretell.wire.table import Groups, forecast_table

OUT_FORMATS: dict[str, Literal["csv", "json", "arrow"]] = {".csv": "csv", ".json": "json", ".arrow": "arrow"}
TABLE_ENDINGS = (*OUT_FORMATS, ".parquet")
STDIN = ("-", "/dev/stdin")
PARQUET = b"PAR1"
"""What a Parquet file begins with."""
PICTURE_ENDINGS = (".png", ".svg", ".pdf")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A forecast of a file's series, as arrays and in long form."""

    groups: Groups
    forecast: Forecast
    table: pa.Table


def forecast_table_of(
    engine: Engine,
    table: pa.Table,
    horizon: int,
    model: str,
    levels: Sequence[float],
    columns: Mapping[str, Any],
    options: Mapping[str, str],
    control: Control,
) -> Made:
    """Forecast a long table; `columns` are id_col, time_col and value_col."""
    groups = groups_of(table, **columns)
    forecast = engine.forecast_sync(groups.series, horizon, model, levels, options, control)
    return Made(groups, forecast, forecast_table(groups, forecast))


def read_input(session: Session, path: str) -> pa.Table:
    """All rows of a file, or of stdin: CSV or Parquet, kept in a file meanwhile, since DuckDB reads twice."""
    if path not in STDIN:
        return session.read_file(path)
    stdin = sys.stdin.buffer
    with tempfile.TemporaryDirectory() as folder:
        head = stdin.read(len(PARQUET))
        copy = Path(folder, "stdin.parquet" if head == PARQUET else "stdin.csv")
        with copy.open("wb") as out:
            out.write(head)
            shutil.copyfileobj(stdin, out)
        return session.read_file(str(copy), "stdin")


def check_answered(made: Made) -> None:
    """Warns of series without a forecast; if there is no other, that is an error."""
    status = made.forecast.status
    bad = [i for i, one in enumerate(status) if not has_forecast(one)]
    if bad and len(bad) == len(status):
        raise ModelFailed(all_without("a forecast", [one.removeprefix("failed: ") for one in status]))
    for i in bad[:WARNINGS_SHOWN]:
        log.warning("no forecast for %s: %s", made.groups.series[i].id, status[i])
    if len(bad) > WARNINGS_SHOWN:
        log.warning("no forecast for %d other series; see the column status", len(bad) - WARNINGS_SHOWN)


def check_out(path: Path | None, flag: str, endings: Sequence[str], overwrite: bool) -> None:
    """Refuse a path that cannot be written, before any work is done."""
    if path is None:
        return
    if path.suffix.lower() not in endings:
        raise InvalidInput(flag, f"{path} must end in one of {', '.join(endings)}")
    if path.exists() and not overwrite:
        raise InvalidInput(flag, f"{path} exists; choose another name or add --overwrite")
    if not path.parent.is_dir():
        raise InvalidInput(flag, f"there is no folder {path.parent}")


def write_file(table: pa.Table, path: Path) -> None:
    """Write `table` in the format of the path's ending: .csv, .json, .arrow or .parquet."""
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path)
        return
    with path.open("wb") as out:
        write(table, OUT_FORMATS[path.suffix.lower()], out)
