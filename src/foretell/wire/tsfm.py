"""What TDgpt's model servers speak (protocol section 6), both ends of it.

`{"input", "next_len", ...}` asks for a forecast, `{"input", "ts", "precision", "freq"}` for the gaps of a series.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from foretell.errors import InvalidInput, ModelFailed
from foretell.series import FloatArray, IntArray

Number = int | float
USUAL_CONF = 0.95
PANDAS = {86_400_000_000_000: "D", 3_600_000_000_000: "H", 60_000_000_000: "T", 1_000_000_000: "S", 1_000_000: "L"}
PANDAS |= {1_000: "U", 1: "N"}
"""The letter that a server expects for a step of so many ns."""


class ForecastRequest(msgspec.Struct, omit_defaults=True):
    """`model` is ours: which model shall answer. `options` are what the SQL user gave beyond the protocol.

    `conf_interval` is None where no bounds are asked for; TDgpt's node always sends it, ours says `bounds` false then.
    """

    input: list[Number | None] | UnsetType = UNSET
    next_len: int = 10
    past_dynamic_real: list[list[Number | None]] = []
    dynamic_real: list[list[Number | None]] = []
    conf_interval: float | None = None
    bounds: bool = True
    model: str = ""
    options: dict[str, str] = {}


class ForecastReply(msgspec.Struct):
    status: str = "success"
    output: list[Number] = []
    lower: list[Number] | None = None
    upper: list[Number] | None = None
    error: str = ""


class ImputationReply(msgspec.Struct):
    status: str = "success"
    ts: list[Number] = []
    target: list[Number] = []
    mask: list[Number] = []
    error: str = ""


def write_forecast(
    values: FloatArray,
    horizon: int,
    past: FloatArray | None,
    future: FloatArray | None,
    conf: float | None,
    options: Mapping[str, str],
) -> bytes:
    """The body for `values` [T], covariates `past` [C, T] and `future` [C, T + H]; no bounds where `conf` is None."""
    body: dict[str, Any] = {
        "input": values.tolist(),
        "next_len": horizon,
        "past_dynamic_real": [] if past is None else past.tolist(),
        "dynamic_real": [] if future is None else future.tolist(),
        "conf_interval": USUAL_CONF if conf is None else conf,
    }
    ours: dict[str, Any] = ({"bounds": False} if conf is None else {}) | ({"options": dict(options)} if options else {})
    return msgspec.json.encode(body | ours)


def write_imputation(values: FloatArray, times: IntArray, step: int) -> bytes:
    """The body for `values` [T] seen at `times` [T], ns, of a series with a point every `step` ns."""
    unit, letter = max((u, x) for u, x in PANDAS.items() if step % u == 0)
    freq = letter if step == unit else f"{step // unit}{letter}"
    return msgspec.json.encode({"input": values.tolist(), "ts": times.tolist(), "precision": "ns", "freq": freq})


def read_forecast(text: bytes, horizon: int) -> tuple[FloatArray, FloatArray | None]:
    """`point` [H], and `bounds` [H, 2] where the server gives some that are more than copies of the point; those that
    cross are NaN: they are no interval, and nobody knows what the server meant."""
    reply = _decode(text, ForecastReply)
    point = _numbers("output", reply.output, horizon)
    if reply.lower is None or reply.upper is None:
        return point, None
    bounds = np.stack([_numbers("lower", reply.lower, horizon), _numbers("upper", reply.upper, horizon)], axis=1)
    if (bounds[:, 0] > bounds[:, 1]).any():
        bounds = np.full_like(bounds, np.nan)
    return point, None if bool((bounds == point[:, None]).all()) else bounds


def read_imputation(text: bytes) -> tuple[IntArray, FloatArray]:
    """Times [N] as they were sent and values [N] of the complete series."""
    reply = _decode(text, ImputationReply)
    return _array("ts", reply.ts, np.int64), _numbers("target", reply.target, len(reply.ts))


def read_request(text: bytes) -> ForecastRequest:
    try:
        return msgspec.json.decode(text, type=ForecastRequest)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidInput("body", str(error)) from None


def _decode(text: bytes, kind: type[Any]) -> Any:
    try:
        reply = msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ModelFailed(f"the model server's answer cannot be read: {error}") from None
    if reply.status != "success":
        raise ModelFailed(f"the model server says: {reply.error or reply.status}")
    return reply


def _numbers(name: str, values: list[Number], count: int) -> FloatArray:
    if len(values) != count:
        raise ModelFailed(f"the model server gave {len(values)} values of {name}, not {count}")
    return _array(name, values, np.float64)


def _array(name: str, values: list[Number], kind: type[Any]) -> NDArray[Any]:
    try:
        return np.array(values, dtype=kind)
    except OverflowError:
        raise ModelFailed(f"the model server gave a number in {name} that is too large") from None
