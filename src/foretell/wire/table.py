"""Arrow tables in long form (one row per series and time) to Series, and forecasts back.

Everything here works on whole columns: 10,000 series cost little more than one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foretell.errors import InvalidInput, RepeatedTime, UnknownName
from foretell.series import FloatArray, Forecast, IntArray, Series, has_forecast
from foretell.steps import DAY, Grid, Step, detect_step, find_grid

YEARS = 1678, 2262
"""Whole numbers within these are years where times are wanted, and no nanosecond timestamp lies outside."""
UTC = (None, "", "UTC", "Etc/UTC", "GMT", "Z", "+00:00")
NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)


@dataclass(frozen=True, slots=True)
class Groups:
    """The series of a table. `keys` has one row per series with the id columns; `time_type` is the time column's.

    `times` [T] of each series are those of its rows, where these were taken as points (`read_points`).
    """

    series: list[Series]
    keys: pa.Table
    time_name: str = ""
    time_type: pa.DataType | None = None
    times: list[IntArray] | None = None

    def __len__(self) -> int:
        return len(self.series)


def groups_by_id(series: Sequence[Series], time_type: pa.DataType | None = None) -> Groups:
    """Series that come from no table: their ids are the one id column."""
    keys = pa.table({"unique_id": pa.array([one.id for one in series], pa.string())})
    return Groups(list(series), keys, "" if time_type is None else "ds", time_type)


def read_groups(
    table: pa.Table, value: str, time: str | None = None, ids: Sequence[str] = (), past: Sequence[str] = ()
) -> Groups:
    """The series of `table`: one for each combination of the id columns, in order of first appearance.

    `value` is the column to forecast, `past` columns are covariates known up to now. Without `time` the rows are
    taken in their order, evenly spaced. Unsorted times are sorted; two equal times of one series are an error.
    """
    rows = _sorted_rows(table, (value, *past), time, ids)
    return Groups(_series(rows), rows.keys, time or "", rows.time_type)


def read_points(
    table: pa.Table, value: str, time: str | None = None, ids: Sequence[str] = (), past: Sequence[str] = ()
) -> Groups:
    """As `read_groups`, but each row is a point whatever its time is; the step is the usual one."""
    rows = _sorted_rows(table, (value, *past), time, ids)
    steps = [None] * len(rows.names) if rows.times is None else _steps(rows.times, rows.bounds, rows.zone)
    series, times = [], []
    for (a, b, name), step in zip(rows.spans, steps, strict=True):
        behind = np.stack([c[a:b] for c in rows.columns[1:]]) if past else None
        start = None if rows.times is None else int(rows.times[a])
        series.append(Series(rows.columns[0][a:b], start, step, name, behind))
        times.append(np.arange(b - a) if rows.times is None else rows.times[a:b])
    return Groups(series, rows.keys, time or "", rows.time_type, times)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a table by series, then by time. `columns` [N] each; series i has the rows bounds[i]:bounds[i+1]."""

    columns: list[FloatArray]
    times: IntArray | None
    bounds: IntArray
    names: list[str]
    keys: pa.Table
    time_type: pa.DataType | None

    @property
    def zone(self) -> str | None:
        """Where the days of the times are counted; None in UTC."""
        zone = self.time_type.tz if self.time_type is not None and pa.types.is_timestamp(self.time_type) else None
        return None if zone in UTC else zone

    @property
    def spans(self) -> list[tuple[int, int, str]]:
        return list(zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), self.names, strict=True))


def _sorted_rows(table: pa.Table, wanted: Sequence[str], time: str | None, ids: Sequence[str]) -> _Rows:
    for name in (*wanted, *ids, *([time] if time else [])):
        if name not in table.column_names:
            raise UnknownName("column", name, table.column_names)
    if time is not None:
        table = _with_years(table, time)
    codes = codes_of(table, ids)
    times = None if time is None else _nanoseconds(table[time], time)
    order = _order(codes, times)
    if order is not None:
        codes = codes[order]
        times = None if times is None else times[order]
    first = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]])) if len(codes) else np.zeros(0, np.int64)
    bounds = np.append(first, len(codes))
    keys = table.select(list(ids)).take(pa.array(first if order is None else order[first]))
    names = _names(keys, len(first))
    if times is not None:
        _refuse_duplicates(times, codes, names, bounds, time or "")
    columns = [_numbers(table[name], name) for name in wanted]
    columns = columns if order is None else [column[order] for column in columns]
    return _Rows(columns, times, bounds, names, keys, None if time is None else table.schema.field(time).type)


def codes_of(table: pa.Table, ids: Sequence[str]) -> IntArray:
    """One number per row [N]: rows of one series have the same; numbered by first appearance, column by column."""
    codes = np.zeros(len(table), np.int64)
    span = 1
    for name in ids:
        column = table[name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # an empty column has no chunk to combine
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
        if not pa.types.is_dictionary(column.type):
            column = pc.dictionary_encode(column, null_encoding="encode")
        size = len(column.dictionary) + 1
        code = pc.fill_null(column.indices, size - 1).to_numpy(zero_copy_only=False)
        if span * size >= 2**62:
            codes = np.unique(codes, return_inverse=True)[1]
            span = int(codes.max(initial=0)) + 1
        span *= size
        codes *= size
        codes += code
    return codes


def _order(codes: IntArray, times: IntArray | None) -> IntArray | None:
    """The rows by series, then by time; None where they are so already."""
    ascending = codes[1:] >= codes[:-1]
    if times is not None:
        ascending &= (codes[1:] > codes[:-1]) | (times[1:] >= times[:-1])
    if ascending.all():
        return None
    if times is None or bool((times[1:] >= times[:-1]).all()):
        return np.argsort(codes, kind="stable")
    return np.lexsort((times, codes))


def _refuse_duplicates(times: IntArray, codes: IntArray, names: Sequence[str], bounds: IntArray, field: str) -> None:
    equal = np.flatnonzero((times[1:] == times[:-1]) & (codes[1:] == codes[:-1]))
    if len(equal):
        series = names[int(np.searchsorted(bounds, equal[0], side="right")) - 1]
        raise RepeatedTime(field, np.datetime64(int(times[equal[0]]), "ns"), series)


def _series(rows: _Rows) -> list[Series]:
    times, columns = rows.times, rows.columns
    grids = [Grid(0, None, b - a) for a, b, _ in rows.spans] if times is None else _grids(times, rows.bounds, rows.zone)
    result = []
    for (a, b, name), grid in zip(rows.spans, grids, strict=True):
        values = grid.place(columns[0][a:b])
        past = grid.place(np.stack([c[a:b] for c in columns[1:]])) if len(columns) > 1 else None
        result.append(Series(values, None if times is None else grid.start, grid.step, name, past))
    return result


def _grids(times: IntArray, bounds: IntArray, zone: str | None) -> list[Grid]:
    """The grid of each series."""
    return [
        Grid(int(times[a]), Step(ns=gap), int(b - a)) if gap else find_grid(times[a:b], zone=zone)
        for a, b, gap in zip(bounds[:-1], bounds[1:], _even_gaps(times, bounds, zone), strict=True)
    ]


def _steps(times: IntArray, bounds: IntArray, zone: str | None) -> list[Step | None]:
    """The step of each series, whether its times lie on a grid or not."""
    return [
        Step(ns=gap) if gap else detect_step(times[a:b], zone)
        for a, b, gap in zip(bounds[:-1], bounds[1:], _even_gaps(times, bounds, zone), strict=True)
    ]


def _even_gaps(times: IntArray, bounds: IntArray, zone: str | None) -> list[int]:
    """The one gap of each series that is evenly spaced, 0 for others; all series at once.

    Gaps of months are no gaps of nanoseconds, those of days only in UTC.
    """
    most_even = 28 * DAY if zone is None else DAY
    starts, ends = bounds[:-1], bounds[1:]
    if not len(starts):
        return []
    gaps = np.diff(times, append=times[-1])
    gaps[ends - 1] = np.iinfo(np.int64).max  # from one series to the next: no gap
    least = np.minimum.reduceat(gaps, starts)
    gaps[ends - 1] = 0
    most = np.maximum.reduceat(gaps, starts)
    even: list[int] = np.where((least == most) & (least > 0) & (least < most_even), least, 0).tolist()
    return even


def _with_years(table: pa.Table, time: str) -> pa.Table:
    """`table` in which a time column of whole numbers that can only be years is one of dates."""
    column = table[time]
    if not pa.types.is_integer(column.type) or not len(column) or column.null_count:
        return table
    bounds = pc.min_max(column).as_py()
    if bounds["min"] < YEARS[0] or bounds["max"] >= YEARS[1]:
        return table
    years = column.to_numpy().astype(np.int64)
    dates = pa.array((years - 1970).astype("M8[Y]").astype("M8[D]"))
    return table.set_column(table.column_names.index(time), time, dates)


def _nanoseconds(column: pa.ChunkedArray, name: str) -> IntArray:
    """Times as ns since the epoch, UTC."""
    kind = column.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        advice = "make times of it first, such as by pandas.to_datetime, or by a cast in SQL"
        raise InvalidInput(name, f"the time column must be a timestamp or a date, got {kind}; {advice}")
    if column.null_count:
        raise InvalidInput(name, f"{column.null_count} rows have no time")
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    try:
        nanoseconds = column.cast(pa.timestamp("ns", zone)).cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise InvalidInput(name, f"times must lie in the years 1678 to 2262 ({error})") from None
    result: IntArray = nanoseconds.to_numpy()
    return result


def _numbers(column: pa.ChunkedArray, name: str) -> FloatArray:
    """float64 [N]; null becomes NaN."""
    kind = column.type
    if not any(is_number(kind) for is_number in NUMBERS):
        raise InvalidInput(name, f"must be a column of numbers, got {kind}")
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    result: FloatArray = column.cast(pa.float64(), safe=False).to_numpy()
    return result


def _names(keys: pa.Table, count: int) -> list[str]:
    """One text per row: its id values, joined by a slash, NULL where there is none; empty without id columns.

    Where that would give two series one name, they are quoted.
    """
    rows = _identities(keys, count)
    names = ["/".join("NULL" if part is None else part for part in row) for row in rows]
    if len(set(names)) == len(set(rows)):
        return names
    return ["/".join("NULL" if part is None else repr(part) for part in row) for row in rows]


def _identities(keys: pa.Table, count: int) -> list[tuple[str | None, ...]]:
    """The id values of each row as texts, the same whatever types the columns have; None where there is none."""
    columns = [[None if v is None else str(v) for v in keys[name].to_pylist()] for name in keys.column_names]
    return list(zip(*columns, strict=True)) if columns else [()] * count


RESERVED = ("point", "status", "model")
LEVEL = re.compile(r"q(0\.\d+)")


def level_name(level: float) -> str:
    """A level as text that reads back as the same number: 0.1, 0.00001."""
    return np.format_float_positional(level, trim="-")


def level_column(level: float) -> str:
    """The column of the quantiles at a level: q0.1."""
    return f"q{level_name(level)}"


def level_of(column: str) -> float | None:
    """The level whose quantiles a column holds; None of another column."""
    found = LEVEL.fullmatch(column)
    return None if found is None else float(found[1])


def with_answers(named: Mapping[str, pa.Array], answers: Mapping[str, pa.Array]) -> pa.Table:
    """The columns of ids and times with those of an answer; InvalidInput where they share a name."""
    for name in named:
        if name in answers:
            raise InvalidInput(name, "is a column of the result; rename this column of the data first")
    return pa.table({**named, **answers})


def forecast_table(groups: Groups, forecast: Forecast) -> pa.Table:
    """A forecast in long form: id columns, time, point, one column per level (q0.1), status, model.

    A series without a forecast is one row whose time and numbers are null.
    """
    rows = forecast_rows(forecast)
    keys = groups.keys.take(pa.array(rows.series))
    columns = {name: keys[name] for name in keys.column_names}
    columns[groups.time_name or "ds"] = rows.times(groups)
    answers = {"point": rows.numbers(forecast.point)}
    for q, level in enumerate(forecast.levels):
        answers[level_column(level)] = (
            pa.nulls(len(rows.series), pa.float64())
            if forecast.quantiles is None
            else rows.numbers(forecast.quantiles[:, :, q])
        )
    answers["status"] = pa.array(np.array(forecast.status, dtype=object)[rows.series], pa.string())
    answers["model"] = pa.array([forecast.model] * len(rows.series), pa.string())
    return with_answers(columns, answers)


def read_forecast(table: pa.Table, groups: Groups, horizon: int = 0) -> Forecast:
    """The Forecast [B, H] that `forecast_table` wrote for the same groups, whatever the order of its rows.

    Where every series failed, the table does not know the `horizon`.
    """
    missing = [name for name in (*groups.keys.column_names, *RESERVED) if name not in table.column_names]
    if missing:
        raise UnknownName("column", missing[0], table.column_names)
    rank = {key: i for i, key in enumerate(_identities(groups.keys, len(groups)))}
    members: list[list[int]] = [[] for _ in rank]
    for row, key in enumerate(_identities(table.select(groups.keys.column_names), len(table))):
        if key not in rank:
            raise UnknownName("series", "/".join(map(str, key)), (one.id for one in groups.series))
        members[rank[key]].append(row)
    named = (*groups.keys.column_names, groups.time_name)
    levels = sorted((level, n) for n in table.column_names if n not in named and (level := level_of(n)) is not None)
    horizon = max([horizon, *map(len, members)])
    numbers = np.full((len(members), horizon, 1 + len(levels)), np.nan)
    columns = np.stack([_numbers(table[name], name) for name in ("point", *(name for _, name in levels))], axis=-1)
    for i, member in enumerate(members):
        numbers[i, : len(member)] = columns[member]
    status = table["status"].to_pylist()
    return Forecast(
        numbers[:, :, 0],
        numbers[:, :, 1:] if levels else None,
        tuple(level for level, _ in levels),
        tuple(status[m[0]] if m else "failed: not in the forecast" for m in members),
        next((m for m in table["model"].to_pylist() if m), ""),
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a long form: `series` [N] and `step` [N] are indices into [B, H]; `known` [N]: has numbers."""

    series: NDArray[np.int64]
    step: NDArray[np.int64]
    known: NDArray[np.bool_]
    horizon: int

    def numbers(self, values: FloatArray) -> pa.Array:
        """`values` [B, H] as a column; null where there is no number."""
        column = values[self.series, self.step]
        return pa.array(column, pa.float64(), mask=np.isnan(column))

    def times(self, groups: Groups) -> pa.Array:
        """The time of each row, in the type of the input's time column; without one, the step ahead from 1."""
        if groups.time_type is None:
            return pa.array(self.step + 1, mask=~self.known)
        ahead = np.zeros((len(groups), self.horizon), np.int64)
        known = self.known.copy()
        for i, series in enumerate(groups.series):
            times = series.future_times(self.horizon)
            if times is None:
                known[self.series == i] = False
            else:
                ahead[i] = times
        whole_days = pa.types.is_date(groups.time_type) and bool((ahead % DAY == 0).all())
        kind = pa.timestamp("ms") if pa.types.is_date(groups.time_type) and not whole_days else groups.time_type
        return times_as(kind, ahead[self.series, self.step], known)


def times_as(kind: pa.DataType, times: IntArray, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """`times` [N], ns, as a column of the type `kind`, rounded towards the past; null where not `known`."""
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    column = pa.array(times, mask=None if known is None else ~known).cast(pa.timestamp("ns", zone))
    return column.cast(kind, safe=False)


def forecast_rows(forecast: Forecast) -> Rows:
    """H rows for each series with a forecast, one for each without."""
    known = np.array([has_forecast(s) for s in forecast.status], dtype=bool)
    counts = np.where(known, forecast.horizon, 1)
    series = np.repeat(np.arange(len(forecast)), counts)
    step = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Rows(series, step, known[series], forecast.horizon)
