"""What a server asks of an analytics node, and how it reads the answers: taosd's side of TDgpt's protocol.

The node's side of the same bodies is tdgpt.py and tdgpt_answers.py. Axes as in series.py: T rows of history, H rows to
forecast. Times are integers, ns since the epoch; a body has them in the coarsest unit that says them exactly.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from foretell.errors import AnodeError, InvalidInput, ModelFailed, WhiteNoise
from foretell.registry import Kind
from foretell.series import FloatArray, IntArray
from foretell.steps import Step
from foretell.wire.tdgpt_answers import MAX_NAME, TYPES

Number = int | float
Keys = Sequence[tuple[str, Any]]
UNITS = {"ms": 1_000_000, "us": 1_000, "ns": 1}
"""ns of one tick of the units that a server has, coarse to fine."""
PATHS: Mapping[Kind, str] = {
    "forecast": "forecast",
    "anomaly": "anomaly-detect",
    "imputation": "imputation",
    "correlation": "correlation",
}
"""The last part of the URL that answers questions of a kind."""
MAX_URL = 128
FREQUENCIES = {"d": 86_400_000_000_000, "h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, **UNITS}
MESSAGE = 300
NO_JSON, PROTOCOL, VERSION, LONG_NAME = 0x8000011B, 0x80000433, 0x80000434, 0x80000437
NOTHING, FAILED = 0x80000440, 0x80000445


@dataclass(frozen=True, slots=True)
class Asked:
    """What all questions have: the algorithm's name, and the options that are for it."""

    algo: str
    options: Mapping[str, str]

    def text(self, algo_first: bool = True) -> str:
        """The options as a server has them from SQL; for a correlation it puts the name behind them."""
        rest = [f"{key}={value}" for key, value in self.options.items()]
        name = [f"algo={self.algo}"]
        return ",".join([*name, *rest] if algo_first else [*rest, *name])


def write_forecast(
    asked: Asked,
    times: IntArray,
    values: FloatArray,
    horizon: int,
    conf: float | None,
    future: FloatArray | None = None,
    past: FloatArray | None = None,
) -> bytes:
    """The body of /forecast (section 1.3). `conf` None asks for no bounds; `future` is [C, T + H], `past` [C, T]."""
    unit, ticks = _ticks(times)
    every = max(1, (int(ticks[-1]) - int(ticks[0])) // max(1, len(ticks) - 1))
    covariates = [(f"dynamic_real_{i}", row) for i, row in enumerate(() if future is None else future, 1)]
    covariates += [(f"past_dynamic_real_{i}", row) for i, row in enumerate(() if past is None else past, 1)]
    if not all(np.isfinite(row).all() for _, row in covariates):
        raise ModelFailed("a covariate has a missing value, which an anode cannot be told; fill it first")
    keys: list[tuple[str, Any]] = [
        ("option", asked.text()),
        ("algo", asked.algo),
        ("prec", unit),
        ("wncheck", 0),
        ("return_conf", 0 if conf is None else 1),
        ("forecast_rows", horizon),
        ("conf", float(np.float32(0.95 if conf is None else conf))),
        ("every", every),
        ("start", int(ticks[-1]) + every),
        *([("type", "covariate")] if covariates else []),
        ("rows", len(ticks)),
    ]
    return _body(ticks, [("val", values), *covariates], keys)


def write_anomaly(asked: Asked, times: IntArray, values: FloatArray) -> bytes:
    """The body of /anomaly-detect (section 1.4)."""
    unit, ticks = _ticks(times)
    keys = [("option", asked.text()), ("algo", asked.algo), ("prec", unit), ("wncheck", 0), ("rows", len(ticks))]
    return _body(ticks, [("val", values)], keys)


def write_imputation(asked: Asked, times: IntArray, values: FloatArray, step: Step) -> bytes:
    """The body of /imputation (section 1.5): the rows that are there, and the step of the series that is wanted."""
    unit, ticks = _ticks(times, step.ns)
    keys = [
        ("option", asked.text()),
        ("algo", asked.algo),
        ("freq", frequency(step)),
        ("prec", unit),
        ("wncheck", 0),
        ("rows", len(ticks)),
    ]
    return _body(ticks, [("val", values)], keys)


def write_correlation(asked: Asked, first: FloatArray, second: FloatArray) -> bytes:
    """The body of /correlation (section 1.6), which has no times."""
    keys = [("option", asked.text(algo_first=False)), ("algo", asked.algo), ("wncheck", 0), ("rows", len(first))]
    return _body(None, [("val", first), ("val1", second)], keys)


def frequency(step: Step) -> str:
    """A step as a unit, or a number of one, that a node can read."""
    for letter, size in FREQUENCIES.items():
        if step.ns and step.ns % size == 0 and (letter != "ns"):
            return letter if step.ns == size else f"{step.ns // size}{letter}"
    raise InvalidInput("freq", f"an anode takes a whole number of d, h, m, s, ms or us, got a step of {step}")


def _ticks(times: IntArray, step: int = 0) -> tuple[str, IntArray]:
    """The coarsest unit in which all times, and a step of so many ns, are whole; and the times in it."""
    for unit, size in UNITS.items():
        ticks, rest = np.divmod(times, size)
        if not rest.any() and step % size == 0:
            return unit, ticks
    raise AssertionError("every integer is a whole number of ns")


def _body(ticks: IntArray | None, columns: Sequence[tuple[str, FloatArray]], keys: Keys) -> bytes:
    """The text of section 1.2, a value on each line."""
    schema = [] if ticks is None else ['["ts", "TIMESTAMP", 8]']
    schema += [f'["{name}", "DOUBLE", 8]' for name, _ in columns]
    data = [] if ticks is None else [map(str, ticks.tolist())]
    data += [map(_number, values.tolist()) for _, values in columns]
    parts = ['{\n"schema": [\n  ', ",\n  ".join(schema), '\n],\n"data": [\n', ",\n".join(map(_column, data)), "\n],\n"]
    parts += [f'"{key}": {_value(value)},\n' for key, value in keys]
    return "".join([*parts, '"protocol": 1.0\n}']).encode()


def _column(cells: Iterable[str]) -> str:
    return "[\n" + ",\n".join(cells) + "\n]"


def _number(value: float) -> str:
    """Six decimals, as a server writes them; more where these would change the value."""
    text = f"{value:f}"
    return text if float(text) == value else repr(value)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:f}" if isinstance(value, float) else str(value)


class _Algorithm(msgspec.Struct):
    name: str


class _Detail(msgspec.Struct):
    type: str
    algo: list[_Algorithm]


class _List(msgspec.Struct):
    protocol: Number
    version: Number
    details: list[_Detail]


class _Status(msgspec.Struct):
    protocol: Number
    status: str


class Reply(msgspec.Struct):
    """What a POST is answered with; which keys are there depends on the question."""

    rows: Number
    msg: str = ""
    res: Any = None
    mask: list[Number] | None = None
    ts: list[Number] | UnsetType = UNSET
    target: list[Number] | UnsetType = UNSET
    distance: Number | None = None
    path: list[tuple[int, int]] | None = None
    lags: list[int] | None = None
    ccf_vals: list[Number] | None = None
    model_info: Any = None


def read_list(text: bytes) -> tuple[tuple[Kind, str], ...]:
    """The algorithms that /list names, in lower case; types that are not known are passed over (section 2.1)."""
    answer: _List = _decode(text, _List)
    _check_protocol(answer.protocol)
    if int(answer.version * 1000) <= 0:
        raise AnodeError(VERSION, str(answer.version))
    kinds: dict[str, Kind] = {name: kind for kind, name in TYPES.items()}  # type: ignore[misc]
    found = []
    for detail in answer.details:
        for algorithm in detail.algo:
            if len(algorithm.name.encode()) > MAX_NAME:
                raise AnodeError(LONG_NAME, algorithm.name[:MAX_NAME])
            if (kind := kinds.get(detail.type.lower())) is not None:
                found.append((kind, algorithm.name.lower()))
    return tuple(dict.fromkeys(found))


def read_status(text: bytes) -> str:
    """The word that /status has for a node (section 2.2)."""
    answer: _Status = _decode(text, _Status)
    _check_protocol(answer.protocol)
    if not answer.status:
        raise AnodeError(NO_JSON, "status is empty")
    return answer.status


def read_reply(text: bytes) -> Reply:
    """The answer to a POST, whatever its HTTP status was; an error of the node is ModelFailed with its words."""
    try:
        reply: Reply = _decode(text, Reply)
    except AnodeError as error:
        raise ModelFailed(str(error)) from None
    if reply.rows < 0 or (reply.rows == 0 and reply.msg and not reply.res):
        raise ModelFailed(_reason(reply.msg))
    return reply


def _reason(message: str) -> str:
    words = " ".join(message.split())[:MESSAGE]
    return str(WhiteNoise()) if "white" in words and "noise" in words else f"the anode says: {words or 'no reason'}"


def forecast_of(reply: Reply, horizon: int, bounds: bool) -> tuple[FloatArray, FloatArray | None]:
    """`point` [H] and, where asked for, `bounds` [H, 2]; None where they are copies of the point."""
    rows = reply.res if isinstance(reply.res, list) else []
    if len(rows) != (4 if bounds else 2) or reply.rows != horizon:
        raise _malformed(f"{len(rows)} arrays of {reply.rows} rows")
    point = _floats("values", rows[1], horizon)
    if not bounds:
        return point, None
    low, high = _floats("low", rows[2], horizon), _floats("high", rows[3], horizon)
    same = bool((low == point).all() and (high == point).all())
    return point, None if same else np.sort(np.stack([low, high], axis=1), axis=1)


def windows_of(reply: Reply) -> tuple[IntArray, IntArray]:
    """Windows [N, 2] as first and last time, in the unit that was sent, and their labels [N], -1 without masks."""
    if reply.rows == 0:
        return np.empty((0, 2), np.int64), np.empty(0, np.int64)
    windows = reply.res if isinstance(reply.res, list) else []
    labels = [-1] * len(windows) if reply.mask is None else reply.mask
    if not len(windows) == len(labels) == reply.rows:
        raise _malformed(f"{len(windows)} windows and {len(labels)} masks for {reply.rows} rows")
    pairs, marks = _array("windows", windows, np.int64, (-1, 2)), _array("masks", labels, np.int64)
    if (np.abs(marks) >= 2**31).any():
        raise _malformed("a mask is no INT")
    return pairs, marks


def completed_of(reply: Reply) -> tuple[IntArray, FloatArray]:
    """Times [N], in the unit that was sent, and values [N] of the complete series."""
    if reply.ts is UNSET or reply.target is UNSET or reply.mask is None:
        raise _malformed("ts, target or mask is missing")
    count = len(reply.ts)
    if not count == len(reply.target) == len(reply.mask) == reply.rows:
        raise _malformed(f"{count} times and {len(reply.target)} values for {reply.rows} rows")
    return _array("ts", reply.ts, np.int64), _array("target", reply.target, np.float64)


def path_of(reply: Reply) -> IntArray | None:
    """The pairs [L, 2] of a warping; None where the answer is something else."""
    if reply.path is None:
        return None
    if len(reply.path) != reply.rows or reply.distance is None:
        raise _malformed(f"{len(reply.path)} pairs for {reply.rows} rows")
    return _array("path", reply.path, np.int64, (-1, 2))


def lags_of(reply: Reply) -> tuple[IntArray, FloatArray] | None:
    """Lags [L] and their correlations [L]; None where the answer is something else."""
    if reply.lags is None or reply.ccf_vals is None:
        return None
    if not len(reply.lags) == len(reply.ccf_vals) == reply.rows:
        raise _malformed(f"{len(reply.lags)} lags and {len(reply.ccf_vals)} values for {reply.rows} rows")
    return _array("lags", reply.lags, np.int64), _array("ccf_vals", reply.ccf_vals, np.float64)


def ticks_of(times: IntArray) -> IntArray:
    """The times as the body of a question has them."""
    return _ticks(times)[1]


def from_ticks(ticks: IntArray, asked: IntArray, step: Step) -> IntArray:
    """Times of an answer, in ns, to an imputation's question that was about the times `asked`."""
    return ticks * UNITS[_ticks(asked, step.ns)[0]]


def _decode(text: bytes, kind: type[Any]) -> Any:
    if not text:
        raise AnodeError(NOTHING)
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AnodeError(FAILED if text[:1] == b"<" else NO_JSON, "" if text[:1] == b"<" else str(error)) from None


def _check_protocol(value: Number) -> None:
    if round(value, 3) not in (1.0, 0.1):
        raise AnodeError(PROTOCOL, str(value))


def _malformed(detail: str) -> ModelFailed:
    return ModelFailed(str(AnodeError(NO_JSON, detail)))


def _floats(name: str, values: Any, count: int) -> FloatArray:
    if not isinstance(values, list) or len(values) != count or not all(type(v) in (int, float) for v in values):
        raise _malformed(f"{name} are not {count} numbers")
    return _array(name, values, np.float64)


def _array(name: str, values: Any, kind: type[Any], shape: tuple[int, ...] = (-1,)) -> NDArray[Any]:
    """What was sent as numbers of one kind; ModelFailed where a number is too large for it or the shape is another."""
    try:
        return np.array(values, dtype=kind).reshape(shape)
    except (TypeError, ValueError, OverflowError):
        raise _malformed(f"{name} cannot be read") from None
