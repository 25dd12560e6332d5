"""What taosd asks of an analytics node: the bodies of TDgpt's protocol, sections 1.2 to 1.6, as questions.

Axes as in series.py: T rows of history, H rows to forecast, C covariates. Times stay integers in the unit that the
body is in; `tick` says how many ns one of them is.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from foretell.errors import InvalidInput, TooManyRows
from foretell.registry import Kind
from foretell.series import FloatArray, IntArray, Series, levels_of
from foretell.steps import Grid, Step, detect_step, find_grid
from foretell.wire.options import read_pairs

MIN_ROWS = 10
MAX_ROWS = 40_000
MAX_HORIZON = 1024
MAX_FILLED = 2048
DEFAULT_TIMEOUT = 60.0
USUAL_CONF = 0.95
MAX_TIMEOUT = 1200.0
TICKS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""ns of one tick of each precision, coarse to fine."""
FREQUENCIES = {
    "d": 86_400 * TICKS["s"],
    "h": 3_600 * TICKS["s"],
    "m": 60 * TICKS["s"],
    "t": 60 * TICKS["s"],
    "l": TICKS["ms"],
    "u": TICKS["us"],
    **TICKS,
}
"""ns of one unit of an imputation's `freq`; t, l and u are pandas' letters for m, ms and us."""
LONGEST_FREQ = 2**63 - 1
"""ns: what an integer of 64 bits holds."""
Number = int | float
T = TypeVar("T")


class Body(msgspec.Struct):
    """The JSON of a request. Columns are found by name; keys that are not read here are let pass."""

    data: list[list[Number | None]] | UnsetType = UNSET
    schema: list[tuple[str, str, Number]] | UnsetType = UNSET
    option: str = ""
    algo: str = ""
    prec: str = "ms"
    freq: str = "s"
    wncheck: Number = 1
    return_conf: Number | UnsetType = UNSET
    forecast_rows: Number | UnsetType = UNSET
    conf: Number | UnsetType = UNSET
    every: Number | None = None
    start: Number | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """What all questions have. `values` [T] and `times` [T] (ascending, distinct; None without a `ts` column).

    `spacing` is the difference between all neighbours of `times`, in ticks, 0 where they differ. `precision` is the
    unit of the times by its name. `option` is the text as it came, `params` what it holds; `timeout`
    in seconds is taosd's patience.
    """

    algo: str
    option: str
    params: Mapping[str, str]
    values: FloatArray
    times: IntArray | None
    spacing: int
    tick: int
    precision: str
    wncheck: bool
    timeout: float

    def points(self) -> Series:
        """The rows as they are, one point each; the step is the usual one."""
        if self.times is None:
            return Series(self.values)
        times = self.times * self.tick
        return Series(self.values, int(times[0]), self.regular_step or detect_step(times))

    @property
    def regular_step(self) -> Step | None:
        """The step of many times that are all as far apart: no calendar step is as regular."""
        if not self.spacing or len(self.values) < MIN_ROWS:
            return None
        return Step(ns=self.spacing * self.tick)


@dataclass(frozen=True, eq=False)
class ForecastQuestion(Question):
    """`rows` values from time `start` on, `every` ticks apart, with bounds at `conf` if `bounds`.

    `past` [C, T] are the covariates known up to now, `future` [C, T + H] those known ahead.
    """

    rows: int
    start: int
    every: int
    conf: float
    bounds: bool
    past: Mapping[str, FloatArray] = field(default_factory=dict)
    future: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def levels(self) -> tuple[float, float]:
        """The quantile levels of the lower and the upper bound."""
        return levels_of(self.conf)

    def times_ahead(self) -> list[int]:
        return [self.start + i * self.every for i in range(self.rows)]

    def series(self) -> Series:
        """The history on its grid, so that a missing timestamp is a missing value."""
        grid = self._grid()
        return Series(
            grid.place(self.values),
            None if self.times is None else grid.start,
            None if self.times is None else grid.step,
            past_covariates=grid.place(np.array(list(self.past.values()))) if self.past else None,
            future_covariates=self._future(grid) if self.future else None,
        )

    def _grid(self) -> Grid:
        if self.times is None:
            return Grid(0, Step(ns=max(1, self.every * self.tick)), len(self.values))
        if step := self.regular_step:
            return Grid(int(self.times[0]) * self.tick, step, len(self.times))
        grid = find_grid(self.times * self.tick)
        step = grid.step
        if step is not None and step.calendar and step.ns == self.every * self.tick:  # the times wanted are even
            return find_grid(self.times * self.tick, step.even)
        return grid

    def _future(self, grid: Grid) -> FloatArray:
        rows = np.array(list(self.future.values()))
        count = len(self.values)
        return np.concatenate([grid.place(rows[:, :count]), rows[:, count:]], axis=1)


@dataclass(frozen=True, eq=False)
class ImputationQuestion(Question):
    """`freq` is the spacing of the series that is wanted, in ns; `freq_text` as it was sent."""

    freq: int
    freq_text: str

    @property
    def row_times(self) -> IntArray:
        if self.times is None:
            raise InvalidInput("schema", "has no column ts")
        return self.times

    def grid(self) -> IntArray:
        """Where each row lies [T] on the complete series, whose first place is 0."""
        times = self.row_times
        places: IntArray = (times - times[0]) * self.tick // self.freq
        rest = (times - times[0]) * self.tick - places * self.freq
        if rest.any():
            time = times[int(np.flatnonzero(rest)[0])]
            raise InvalidInput("freq", f"the time {time} is not a whole number of {self.freq_text} after the first one")
        filled = int(places[-1]) + 1 - len(places)
        if filled > MAX_FILLED:
            raise TooManyRows("freq", f"at most {MAX_FILLED} rows can be filled in, {self.freq_text} makes {filled}")
        return places

    def series(self) -> Series:
        """The complete series, NaN where a row is missing."""
        places = self.grid()
        values = np.full(int(places[-1]) + 1, np.nan)
        values[places] = self.values
        return Series(values, int(self.row_times[0]) * self.tick, Step(ns=self.freq))

    def complete_times(self) -> list[int]:
        """The times of `series`, in ticks; freq is a whole number of ticks or its times are rounded down."""
        first = int(self.row_times[0])
        return [first + i * self.freq // self.tick for i in range(int(self.grid()[-1]) + 1)]


@dataclass(frozen=True, eq=False)
class CorrelationQuestion(Question):
    """`second` [T] is compared with `values`."""

    second: FloatArray


def read_forecast(text: bytes) -> ForecastQuestion:
    """POST /forecast (section 1.3)."""
    body = read_body(text)
    params = _params(body.option)
    rows = _whole("forecast_rows", _number(body.forecast_rows, params, "rows", 10), 1, MAX_HORIZON)
    columns = _Columns.of(body, ahead=rows)
    common = _common(body, columns, "holtwinters")
    start, every = _times_ahead(body, params, common["times"])
    return ForecastQuestion(
        **common,
        rows=rows,
        start=start,
        every=every,
        conf=_conf(_number(body.conf, params, "conf", USUAL_CONF)),
        bounds=bool(_number(body.return_conf, params, "return_conf", 1)),
        past=columns.named("past_dynamic_real_"),
        future=columns.named("dynamic_real_"),
    )


def read_anomaly(text: bytes) -> Question:
    """POST /anomaly-detect (section 1.4)."""
    body = read_body(text)
    columns = _Columns.of(body)
    if len(columns.names) > 2:
        raise InvalidInput("data", f"too many columns: ts and val are wanted, got {', '.join(columns.names)}")
    return Question(**_common(body, columns, "ksigma", need_times=True))


def read_imputation(text: bytes) -> ImputationQuestion:
    """POST /imputation (section 1.5)."""
    body = read_body(text)
    common = _common(body, _Columns.of(body), "moment", need_times=True)
    text_of_freq = common["params"].get("freq", body.freq)
    return ImputationQuestion(**common, freq=read_freq(text_of_freq), freq_text=text_of_freq)


def read_correlation(text: bytes) -> CorrelationQuestion:
    """POST /correlation (section 1.6); a `ts` column may be there or not."""
    body = read_body(text)
    columns = _Columns.of(body, least=1)
    return CorrelationQuestion(**_common(body, columns, "dtw"), second=columns.floats("val1"))


Read = Callable[[bytes], Question]
READ: Mapping[Kind, Read] = {
    "forecast": read_forecast,
    "anomaly": read_anomaly,
    "imputation": read_imputation,
    "correlation": read_correlation,
}
"""How a question to a model of a kind is read."""


def read_body(text: bytes) -> Body:
    try:
        return _decode(text)
    except msgspec.ValidationError as error:
        raise InvalidInput("body", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("body", f"is not JSON{_hint(text)} ({error})") from None


_decode = msgspec.json.Decoder(Body).decode
_NOT_A_NUMBER = re.compile(rb"^-?(nan|inf)", re.IGNORECASE | re.MULTILINE)


def _hint(text: bytes) -> str:
    """The usual reasons why a body that taosd wrote is no JSON."""
    if _NOT_A_NUMBER.search(text):
        return ": a value is NaN or infinite; filter such rows in SQL"
    return "; is there a quote or a backslash in the SQL option?" if b'"option"' in text else ""


def read_freq(text: str) -> int:
    """ns of a frequency: a unit in either case, with or without a count before it (`s`, `S`, `5m`)."""
    match = re.fullmatch(r"(\d{0,9})\s*([a-z]+)", text.strip().lower())
    if match is None or match[2] not in FREQUENCIES or match[1] == "0":
        raise InvalidInput("freq", f"must be one of d, h, m, s, ms, us, got {text!r}")
    freq = int(match[1] or 1) * FREQUENCIES[match[2]]
    if freq > LONGEST_FREQ:
        raise InvalidInput("freq", f"must be at most {LONGEST_FREQ // FREQUENCIES['d']}d, got {text!r}")
    return freq


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns by name, checked in the order that section 1.7 gives; rows by ascending time.

    `times` are those of `ts`, None without it; `spacing` as in Question.
    """

    by_name: Mapping[str, list[Number | None]]
    times: IntArray | None = None
    spacing: int = 0

    @classmethod
    def of(cls, body: Body, ahead: int = 0, least: int = MIN_ROWS) -> _Columns:
        if body.data is UNSET:
            raise InvalidInput("data", "is missing")
        if len(body.data) < 2:
            raise InvalidInput("data", f"needs at least 2 columns, got {len(body.data)}")
        rows = len(body.data[0])
        if len(body.data[1]) != rows:
            raise InvalidInput("data", f"columns differ in length: {rows} and {len(body.data[1])} rows")
        if not least <= rows <= MAX_ROWS:
            raise TooManyRows("", f"number of rows should between {least} and {MAX_ROWS}, actual {rows} rows")
        if body.schema is UNSET:
            raise InvalidInput("schema", "is missing")
        names = [name for name, *_ in body.schema]
        if len(names) != len(body.data) or len(set(names)) != len(names):
            raise InvalidInput("schema", f"must name each of the {len(body.data)} columns once, got {', '.join(names)}")
        if "val" not in names:
            raise InvalidInput("schema", f"has no column val, got {', '.join(names)}")
        for name, column in zip(names, body.data, strict=True):
            wanted = rows + ahead if name.startswith("dynamic_real_") else rows
            if len(column) != wanted:
                raise InvalidInput(name, f"needs {wanted} values, got {len(column)}")
        columns = cls(dict(zip(names, body.data, strict=True)))
        return columns if "ts" not in names else columns.in_order(_read_times(columns.by_name["ts"]))

    @property
    def names(self) -> list[str]:
        return list(self.by_name)

    def floats(self, name: str) -> FloatArray:
        """A column as float64; null is a missing value."""
        if name not in self.by_name:
            raise InvalidInput("schema", f"has no column {name}, got {', '.join(self.names)}")
        try:
            return _floats(self.by_name[name])
        except OverflowError:
            raise InvalidInput(name, "has a value that is no float64") from None

    def in_order(self, times: IntArray) -> _Columns:
        """The rows by ascending time. taosd sends them as they were scanned; equal times are an error."""
        if spacing := _spacing(times):
            return _Columns(self.by_name, times, spacing)
        if int(times.max()) - int(times.min()) >= 2**63:
            raise InvalidInput("ts", "the times lie too far apart")
        if bool((times[1:] > times[:-1]).all()):
            return _Columns(self.by_name, times)
        double = len(times) - len(np.unique(times))
        if double:
            text = (
                f"{double} of the timestamps are there twice; are several tables in one series (PARTITION BY tbname)?"
            )
            raise InvalidInput("ts", text)
        order = np.argsort(times)
        by_name = {name: [c[i] for i in order] + c[len(order) :] for name, c in self.by_name.items()}
        return _Columns(by_name, times[order], _spacing(times[order]))

    def named(self, prefix: str) -> dict[str, FloatArray]:
        return {name: self.floats(name) for name in self.by_name if name.startswith(prefix)}


def _floats(column: list[Number | None]) -> FloatArray:
    try:
        return np.frombuffer(array("d", cast(list[float], column)))
    except TypeError:
        return np.array(column, dtype=np.float64)


def _read_times(column: list[Number | None]) -> IntArray:
    try:
        return np.frombuffer(array("q", _whole_numbers(column)), np.int64)
    except (TypeError, OverflowError):
        raise InvalidInput("ts", "must be integers of at most 64 bits") from None


def _spacing(times: IntArray) -> int:
    """The positive difference between all neighbours, 0 where there is none."""
    if len(times) < 2:
        return 0
    first, step = int(times[0]), int(times[1]) - int(times[0])
    all_of_it = int(times[-1]) - first  # as Python's integers, which know no overflow
    if step <= 0 or all_of_it != step * (len(times) - 1) or all_of_it >= 2**63:
        return 0
    return step if bool((times[1:] - times[:-1] == step).all()) else 0


def _whole_numbers(column: list[Number | None]) -> list[int]:
    """Times may be written as 1.5e12 or 10.0, where all are whole. What is no integer then, `array` refuses."""
    if type(column[0]) is float and all(type(t) is float and t.is_integer() for t in column):
        return [int(t) for t in column if t is not None]
    return cast(list[int], column)


def _common(body: Body, columns: _Columns, algo: str, need_times: bool = False) -> dict[str, Any]:
    """The fields of Question."""
    values, times = columns.floats("val"), columns.times
    if times is None and need_times:
        raise InvalidInput("schema", f"has no column ts, got {', '.join(columns.names)}")
    params = _params(body.option)
    return {
        "algo": (body.algo or params.get("algo") or algo).strip().lower(),
        "option": body.option,
        "params": params,
        "values": values,
        "times": times,
        "spacing": columns.spacing,
        "tick": _tick(body.prec, times),
        "precision": body.prec,
        "wncheck": bool(body.wncheck),
        "timeout": _timeout(params.get("timeout")),
    }


def _tick(prec: str, times: IntArray | None) -> int:
    """ns of one tick. taosd may name a coarser precision than the times are in (section 1.2): those would lie
    beyond the range of nanosecond timestamps (year 2262), so the next finer one is taken."""
    if prec not in TICKS:
        raise InvalidInput("prec", f"must be one of {', '.join(TICKS)}, got {prec!r}")
    largest = 0 if times is None else max(abs(int(times[0])), abs(int(times[-1])))
    tick = TICKS[prec]
    while tick > 1 and largest * tick >= 2**63:
        tick //= 1000
    return tick


def _times_ahead(body: Body, params: Mapping[str, str], times: IntArray | None) -> tuple[int, int]:
    """`start` and `every`, in ticks; what is not sent is what taosd would send (section 1.3)."""
    every, start = _number(body.every, params, "time_step", None), _number(body.start, params, "start_ts", None)
    if times is not None:
        every = (int(times[-1]) - int(times[0])) // (len(times) - 1) if every is None else every
        start = int(times[-1]) + int(every) if start is None else start
    if every is None or start is None:
        raise InvalidInput("start", "start and every are needed where there is no column ts")
    return _whole("start", start, -(2**62), 2**62), _whole("every", every, 1, 2**52)


def _params(option: str) -> Mapping[str, str]:
    """What an option holds. The usual short ones are few and come again and again."""
    return _remembered(option) if len(option) < 500 else read_pairs(option)[0]


@lru_cache(256)
def _remembered(option: str) -> Mapping[str, str]:
    return read_pairs(option)[0]


def _number(sent: Number | UnsetType | None, params: Mapping[str, str], key: str, usual: T) -> Number | T:
    """A value of the body; where there is none, what the option says (section 1.3), else the usual one."""
    if sent is not UNSET and sent is not None:
        return sent
    if key not in params:
        return usual
    try:
        return int(params[key]) if params[key].isdecimal() else float(params[key])
    except ValueError:
        raise InvalidInput(key, f"must be a number, got {params[key]!r}") from None


def _whole(name: str, value: Number, low: int, high: int) -> int:
    if value != value or not low <= value <= high or int(value) != value:
        raise InvalidInput(name, f"must be a whole number between {low} and {high}, got {value}")
    return int(value)


def _conf(value: Number) -> float:
    """Exactly 95 is what the oldest servers send for 0.95."""
    conf = USUAL_CONF if value == 95 else float(value)
    if not 0 < conf < 1:
        raise InvalidInput("conf", f"must lie between 0 and 1, got {value}")
    return conf


def _timeout(text: str | None) -> float:
    """Seconds; what is not in 1..1200 is 60, as taosd has it (section 1.1)."""
    try:
        seconds = float(text) if text else DEFAULT_TIMEOUT
    except ValueError:
        return DEFAULT_TIMEOUT
    return seconds if 1 <= seconds <= MAX_TIMEOUT else DEFAULT_TIMEOUT
