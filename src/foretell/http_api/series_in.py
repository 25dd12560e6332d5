"""Series as they come to our door: JSON lists, or an Arrow table in long form; both become Groups.

JSON null means missing. Arrow IPC streams name their columns as the Python door does (unique_id, ds, y are recognised).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
import numpy as np
import pyarrow as pa

from foretell.errors import InvalidInput
from foretell.series import FloatArray, Series, as_covariates, as_values, parse_time
from foretell.steps import Step
from foretell.wire.frames import groups_of
from foretell.wire.ipc import read_arrow
from foretell.wire.options import read_step
from foretell.wire.table import Groups, groups_by_id, read_groups

MAX_SERIES = 100_000


class SeriesIn(msgspec.Struct, forbid_unknown_fields=True):
    """Values oldest first, null = missing; `start` is the ISO 8601 time of the first, `step` such as 1h, 15m, 1mo.

    Covariates are lists of lists: `past_covariates` as long as the values, `future_covariates` longer by the horizon.
    """

    values: list[float | None]
    id: str = ""
    start: str | None = None
    step: str | None = None
    past_covariates: list[list[float | None]] | None = None
    future_covariates: list[list[float | None]] | None = None


class PairIn(msgspec.Struct, forbid_unknown_fields=True):
    """Two series to compare."""

    first: list[float | None]
    second: list[float | None]
    id: str = ""


Many = Annotated[list[SeriesIn], msgspec.Meta(min_length=1, max_length=MAX_SERIES)]
ManyPairs = Annotated[list[PairIn], msgspec.Meta(min_length=1, max_length=MAX_SERIES)]


class Columns(msgspec.Struct):
    """Which columns of an Arrow table mean what; recognised by name where they are not given."""

    id_col: str | None = None
    time_col: str | None = None
    value_col: str | None = None

    @property
    def ids(self) -> list[str] | None:
        """None where they are to be recognised; none where the text is empty."""
        return None if self.id_col is None else [name.strip() for name in self.id_col.split(",") if name.strip()]


def groups_of_json(given: Sequence[SeriesIn], horizon: int = 0) -> Groups:
    """The series of a JSON body; errors name the place in it."""
    series = [_series(one, horizon, f"series[{i}]") for i, one in enumerate(given)]
    has_times = any(one.start is not None for one in series)
    return groups_by_id(series, pa.timestamp("ns", "UTC") if has_times else None)


def groups_of_arrow(body: bytes, columns: Columns, read: Callable[..., Groups] = read_groups) -> Groups:
    """The series of an Arrow IPC stream in long form."""
    return groups_of(read_arrow(body), columns.ids, columns.time_col, columns.value_col, read)


def pairs_of_json(given: Sequence[PairIn]) -> list[tuple[Series, Series]]:
    return [
        (
            Series(_values(p.first, f"pairs[{i}].first"), id=p.id),
            Series(_values(p.second, f"pairs[{i}].second"), id=p.id),
        )
        for i, p in enumerate(given)
    ]


def pairs_of_arrow(body: bytes, columns: Columns, first: str, second: str) -> list[tuple[Series, Series]]:
    """Pairs of an Arrow table: for each id, the columns `first` and `second`."""
    table = read_arrow(body)
    one, other = (groups_of(table, columns.ids, columns.time_col, name).series for name in (first, second))
    return list(zip(one, other, strict=True))


def _series(given: SeriesIn, horizon: int, name: str) -> Series:
    start = None if given.start is None else parse_time(given.start, f"{name}.start")
    step: Step | None = None if given.step is None else read_step(f"{name}.step", given.step)
    if step is not None and start is None:
        raise InvalidInput(f"{name}.start", "is needed with step")
    if start is not None and step is None:
        raise InvalidInput(f"{name}.step", "is needed with start, such as 1h")
    return Series(
        _values(given.values, f"{name}.values"),
        start,
        step,
        given.id,
        as_covariates(given.past_covariates, len(given.values), f"{name}.past_covariates"),
        as_covariates(given.future_covariates, len(given.values) + horizon, f"{name}.future_covariates"),
    )


def _values(given: Sequence[float | None], name: str) -> FloatArray:
    return as_values(np.array(given, dtype=np.float64), name)
