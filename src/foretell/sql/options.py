"""The options of a call of our functions: `'algo=arima,rows=24,conf=0.9'`.

They come from TDengine (protocol sections 3.1 to 3.4), which reads some itself and hands the others to the algorithm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from foretell.errors import InvalidInput
from foretell.registry import Kind
from foretell.series import levels_of, parse_time
from foretell.sql.blocks import Call
from foretell.sql.durations import in_either_case
from foretell.sql.statement import Statement
from foretell.sql.tokens import unquote
from foretell.steps import SECOND, Step
from foretell.wire.options import read_pairs, read_step

MILLISECOND = SECOND // 1000
MAX_TIMEOUT = 1200
DIGITS = 19
"""Of a number of rows; more are too many whatever follows."""
LONGEST = 99
"""Digits of a time; no text with more is read as a number."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a call asks for. `start` in ns since the epoch; `future` holds dynamic_real_N, by the covariate's name.

    `freq` is the spacing of an imputed series; `has_algo`: the text named the model itself.
    """

    algo: str = "holtwinters"
    rows: int = 10
    conf: float = 0.95
    wncheck: bool = False
    start: int | None = None
    every: Step | None = None
    freq: Step | None = None
    timeout: float | None = None
    ts: str | None = None
    future: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    model: Mapping[str, str] = field(default_factory=dict)
    has_algo: bool = False

    @property
    def levels(self) -> tuple[float, float]:
        """The quantile levels of the lower and the upper bound."""
        return levels_of(self.conf)


def read_options(text: str, defaults: Options = Options(), unit: int = MILLISECOND, kind: Kind = "forecast") -> Options:
    """The options in `text`, for a function that asks models of `kind`.

    Keys may be in any case. Raw times are in `unit` ns; keys that are not SQL's own go to the model, unchecked.
    """
    given = _pairs(text, kind)
    own = {key: READERS[key](key, value, unit) for key, value in given.items() if key in KEYS[kind]}
    rest = {key: value for key, value in given.items() if key not in KEYS[kind]}
    future = _future(rest, own.get("rows", defaults.rows)) if kind == "forecast" else {}
    model = {key: value for key, value in rest.items() if kind != "forecast" or not key.startswith(DYNAMIC)}
    return replace(defaults, **own, future=future, model=model, has_algo="algo" in own)


def place_of(key: str, text: str) -> int:
    """Where a key stands in the text of the options; 0 where it does not."""
    match = re.search(rf"(?:^|[,\s]){re.escape(key)}\s*(?==)", text, re.IGNORECASE)
    return match.end() - len(match.group().lstrip(", \t\n")) if match else 0


def place_in(statement: Statement, call: Call, key: str) -> int:
    """Where an option of a call stands in the source; the call where it is not written."""
    if call.options is None or not key:
        return statement.place(call.span)[0]
    token = statement.tokens[call.options]
    text = unquote(token, statement.source.text)
    shift = statement.source.text.index(text[:1], token.start) if text else token.start
    return shift + place_of(key, text)


def _pairs(text: str, kind: Kind) -> dict[str, str]:
    """Keys and values: SQL's own keys in lower case, those of models as they are, since other nodes may mind."""
    found, stray = read_pairs(text)
    for part in stray:
        key, _, value = (word.strip() for word in part.partition("="))
        if value and key in found:
            raise InvalidInput(key, "is given twice")
        raise InvalidInput("options", f"{part!r} is not of the form key=value")
    pairs: dict[str, str] = {}
    for key, value in found.items():
        is_own = key.lower() in KEYS[kind] or key.lower().startswith(DYNAMIC)
        name = key.lower() if is_own else key
        if name in pairs:
            raise InvalidInput(name, "is given twice")
        pairs[name] = value
    return pairs


DYNAMIC = "dynamic_real_"


def _future(rest: Mapping[str, str], rows: int) -> dict[str, tuple[float, ...]]:
    """`dynamic_real_N=[...]` with `dynamic_real_N_col=name`: the name's values for the steps ahead."""
    future: dict[str, tuple[float, ...]] = {}
    for key, value in rest.items():
        if not key.startswith(DYNAMIC):
            continue
        if key.endswith("_col"):
            if key.removesuffix("_col") not in rest:
                raise InvalidInput(key, f"needs {key.removesuffix('_col')}=[...], its values for the steps ahead")
            continue
        name = rest.get(f"{key}_col")
        if name is None:
            raise InvalidInput(key, f"needs {key}_col=NAME, one of the covariates of the call")
        values = tuple(_number(key, word) for word in value.strip("[] ").replace(",", " ").split())
        if len(values) != rows:
            raise InvalidInput(key, f"needs one value for each of the {rows} rows, got {len(values)}")
        future[name] = values
    return future


def _text(_key: str, value: str, _unit: int) -> str:
    return value


def _rows(key: str, value: str, _unit: int) -> int:
    rows = int(value[:DIGITS]) if re.fullmatch(r"\+?\d+", value) else 0
    if rows < 1:
        raise InvalidInput(key, f"must be a whole number of at least 1, got {value}")
    return rows


def _conf(key: str, value: str, _unit: int) -> float:
    conf = _number(key, value)
    if 1 < conf < 100:
        raise InvalidInput(key, f"must lie between 0 and 1, got {value}; write {key}={conf / 100:g}")
    if not 0 < conf < 1:
        raise InvalidInput(key, f"must lie between 0 and 1, got {value}")
    return conf


def _flag(key: str, value: str, _unit: int) -> bool:
    if value not in ("0", "1"):
        raise InvalidInput(key, f"must be 0 or 1, got {value}")
    return value == "1"


def _timeout(key: str, value: str, _unit: int) -> float:
    seconds = _number(key, value)
    if not 1 <= seconds <= MAX_TIMEOUT:
        raise InvalidInput(key, f"must be between 1 and {MAX_TIMEOUT} seconds, got {value}")
    return seconds


def _start(key: str, value: str, unit: int) -> int:
    start = int(value) * unit if re.fullmatch(rf"[+-]?\d{{1,{LONGEST}}}", value) else _iso(key, value)
    if not -(2**63) <= start < 2**63:
        raise InvalidInput(key, f"must lie in the years 1678 to 2262, got {value}")
    return start


def _iso(key: str, value: str) -> int:
    try:
        return parse_time(value)
    except InvalidInput:
        raise InvalidInput(key, f"must be a whole number of milliseconds or an ISO 8601 time, got {value!r}") from None


def _every(key: str, value: str, unit: int) -> Step:
    return read_step(key, value, Step(ns=unit))


def _freq(key: str, value: str, _unit: int) -> Step:
    """A duration, or its unit alone, in either case."""
    return in_either_case(key, value if value[:1].isdigit() else f"1{value}")


def _number(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InvalidInput(key, f"must be a number, got {value!r}") from None


READERS: Mapping[str, Callable[[str, str, int], Any]] = {
    "algo": _text,
    "rows": _rows,
    "conf": _conf,
    "wncheck": _flag,
    "start": _start,
    "every": _every,
    "freq": _freq,
    "timeout": _timeout,
    "ts": _text,
}
"""The keys that SQL reads itself."""

KEYS: Mapping[Kind, tuple[str, ...]] = {
    "forecast": ("algo", "rows", "conf", "wncheck", "start", "every", "timeout", "ts"),
    "anomaly": ("algo", "wncheck", "timeout", "ts"),
    "imputation": ("algo", "freq", "wncheck", "timeout", "ts"),
    "correlation": ("algo", "wncheck", "timeout", "ts"),
}
"""Those that a function reads, by the kind of model that it asks."""
