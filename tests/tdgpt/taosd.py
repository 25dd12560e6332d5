"""A taosd as far as an analytics node can tell: what it sends, how long it waits, how it reads what comes back.

Written from the protocol (sections 0 to 2) and from nothing of ours, so that both sides of the wire cannot be wrong in
the same way. Each request is a connection of its own, without keep-alive.
"""

from __future__ import annotations

import base64
import json
import math
import re
import socket
import ssl
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

GET_LIMIT = 0.1
"""Seconds that a GET may take, connect included."""
EXPECT_FROM, EXPECT_FOR = 1 << 20, 1.0
"""Bytes from which libcurl asks whether a body is wanted, and seconds that it waits; a node must not let it wait."""
TYPE_SIZES = {"BOOL": 1, "TINYINT": 1, "INT": 4, "BIGINT": 8, "FLOAT": 4, "DOUBLE": 8, "TIMESTAMP": 8}
TYPES = {"anomaly-detection": 0, "forecast": 1, "imputation": 2, "correlation": 3}

ALREADY_THERE, NOT_THERE, TOO_LONG = 0x80000430, 0x80000431, 0x80000432
PROTOCOL, VERSION, NAME = 0x80000433, 0x80000434, 0x80000437
NO_RESPONSE, NO_ACCESS, NO_ALGO, NOT_LOADED = 0x80000440, 0x80000441, 0x80000442, 0x80000443
ANODE_ERROR, TOO_MANY, WHITE_NOISE, BAD_JSON = 0x80000445, 0x80000446, 0x80000447, 0x8000011B


class TaosError(Exception):
    """What the user of taosd sees: a code and a text."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(f"0x{code:08x} {text}")
        self.code, self.text = code, text


@dataclass(frozen=True)
class Column:
    """A column of a request: its role, its type, its values."""

    name: str
    type: str
    values: Sequence[float | int]

    def text(self) -> str:
        """One value a line: integers in decimal, floats with six decimals, as C's %f has it."""
        real = self.type in ("FLOAT", "DOUBLE")
        return ",\n".join(f"{v:f}" if real else str(int(v)) for v in self.values)


def body(columns: Sequence[Column], keys: Sequence[tuple[str, Any]]) -> bytes:
    """The text of section 1.2; `protocol` is the last key, and `option` is not escaped."""
    schema = ",\n".join(f'  ["{c.name}", "{c.type}", {TYPE_SIZES[c.type]}]' for c in columns)
    data = ",\n".join(f"[\n{c.text()}\n]" for c in columns)
    rest = "".join(f'"{key}": {_value(value)},\n' for key, value in keys)
    return f'{{\n"schema": [\n{schema}\n],\n"data": [\n{data}\n],\n{rest}"protocol": 1.0\n}}'.encode()


def _value(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:f}" if isinstance(value, float) else str(value)


@dataclass
class Taosd:
    """A server with one or no anode. `get_limit` may be longer where a test is not about time."""

    get_limit: float = GET_LIMIT
    algorithms: dict[tuple[int, str], str] = field(default_factory=dict)
    url: str = ""
    trusted: str | None = None
    """File of certificates, where the anode speaks https."""

    # anode management (section 2)

    def create_anode(self, url: str) -> None:
        """CREATE ANODE 'host:port' or 'host:port/path', without a scheme."""
        if len(url) > 128:
            raise TaosError(TOO_LONG)
        if self.url == url:
            raise TaosError(ALREADY_THERE)
        self.algorithms = self._list(url)
        self.url = url

    def update_anode(self) -> None:
        self.algorithms = self._list(self.url)

    def show_anodes(self) -> str:
        """The status column: what /status says, or offline."""
        try:
            answer = _json(self._exchange(self.url, "GET", "/status", b"", self.get_limit))
            _check_protocol(answer)
        except TaosError:
            return "offline"
        status = answer.get("status")
        return status if isinstance(status, str) and status else "offline"

    def show_anodes_full(self) -> list[tuple[str, str]]:
        names = {number: name for name, number in TYPES.items()}
        return [(names[number], algo) for number, algo in sorted(self.algorithms)]

    def _list(self, url: str) -> dict[tuple[int, str], str]:
        answer = _json(self._exchange(url, "GET", "/list", b"", self.get_limit))
        _check_protocol(answer)
        if not _is_number(answer.get("version")):
            raise TaosError(BAD_JSON)
        if int(answer["version"] * 1000) <= 0:
            raise TaosError(VERSION)
        found = {}
        for detail in _need(answer, "details", list):
            number = TYPES.get(_need(detail, "type", str).lower())
            for algo in _need(detail, "algo", list):
                name = _need(algo, "name", str)
                if len(name) >= 64:
                    raise TaosError(NAME)
                if number is not None:
                    found[number, name.lower()] = url
        return found

    # SQL functions (section 3)

    def forecast(
        self,
        times: Sequence[int],
        values: Sequence[float],
        option: str = "algo=holtwinters",
        *,
        bounds: bool = False,
        prec: str = "ms",
        type: str = "DOUBLE",
        past: Sequence[Sequence[float]] = (),
        future: Sequence[Sequence[float]] = (),
    ) -> list[tuple[float, ...]]:
        """SELECT [_frowts,] FORECAST(val, ..., 'option'): rows of (ts, value[, low, high])."""
        options = _options(option)
        self._loaded(1, options)
        rows = int(options.get("rows", 10))
        if rows > 1024:
            raise TaosError(TOO_MANY)
        every = int(options.get("every", (max(times) - min(times)) // (len(times) - 1)))
        start = int(options.get("start", max(times) + every))
        columns = [Column("ts", "TIMESTAMP", times), Column("val", type, values)]
        columns += [Column(f"dynamic_real_{i}", "DOUBLE", c) for i, c in enumerate(future, 1)]
        columns += [Column(f"past_dynamic_real_{i}", "DOUBLE", c) for i, c in enumerate(past, 1)]
        keys: list[tuple[str, Any]] = [
            ("option", option),
            ("algo", options["algo"]),
            ("prec", prec),
            ("wncheck", int(options.get("wncheck", 1))),
            ("return_conf", int(bounds)),
            ("forecast_rows", rows),
            ("conf", _float32(float(options.get("conf", 0.95)))),
            ("every", every),
            ("start", start),
            *([("type", "covariate")] if past or future else []),
            ("rows", len(times)),
        ]
        answer = self._ask("/forecast", body(columns, keys), options)
        res = _need(answer, "res", list)
        if len(res) != (4 if bounds else 2) or any(len(c) != answer["rows"] for c in res):
            raise TaosError(BAD_JSON, "wrong number of arrays")
        if not all(_is_number(v) for column in res for v in column):
            raise TaosError(BAD_JSON, "not a number")
        return list(zip(*res, strict=True))

    def anomaly_window(
        self, times: Sequence[int], values: Sequence[float], option: str = "algo=iqr", *, prec: str = "ms"
    ) -> list[tuple[int, int, int]]:
        """ANOMALY_WINDOW(val, 'option'): windows (start, end, mask)."""
        options = _options(option)
        self._loaded(0, options)
        columns = [Column("ts", "TIMESTAMP", times), Column("val", "DOUBLE", values)]
        keys = [("option", option), ("algo", options["algo"]), ("prec", prec), *_checked(options, len(times))]
        answer = self._ask("/anomaly-detect", body(columns, keys), options)
        if answer["rows"] == 0:
            return []
        windows = _need(answer, "res", list)
        masks = answer.get("mask", [-1] * len(windows))
        if len(windows) != answer["rows"] or len(masks) != answer["rows"]:
            raise TaosError(BAD_JSON, "rows")
        return [(a, b if a < b else a + 1, mask) for (a, b), mask in zip(windows, masks, strict=True)]

    def imputation(
        self, times: Sequence[int], values: Sequence[float], option: str = "algo=moment,freq=s", *, prec: str = "ms"
    ) -> list[tuple[int, float, int]]:
        """IMPUTATION(val, 'option'): rows (ts, value, mask)."""
        options = _options(option)
        self._loaded(2, options)
        columns = [Column("ts", "TIMESTAMP", times), Column("val", "DOUBLE", values)]
        freq = options.get("freq", "S")
        keys = [("option", option), ("algo", options["algo"]), ("freq", freq), ("prec", prec)]
        answer = self._ask("/imputation", body(columns, [*keys, *_checked(options, len(times))]), options)
        parts = [_need(answer, key, list) for key in ("ts", "target", "mask")]
        if len(parts[1]) != answer["rows"]:
            raise TaosError(BAD_JSON, "rows")
        return list(zip(*parts, strict=True))

    def dtw(self, first: Sequence[float], second: Sequence[float], option: str = "") -> float:
        return float(self._correlation(first, second, option, "dtw")["distance"])

    def dtw_path(self, first: Sequence[float], second: Sequence[float], option: str = "") -> list[list[int]]:
        answer = self._correlation(first, second, option, "dtw")
        path: list[list[int]] = _need(answer, "path", list)
        if len(path) != answer["rows"]:
            raise TaosError(BAD_JSON, "rows")
        return path

    def tlcc(self, first: Sequence[float], second: Sequence[float], option: str = "") -> list[tuple[int, float]]:
        answer = self._correlation(first, second, option, "tlcc")
        lags, values = _need(answer, "lags", list), _need(answer, "ccf_vals", list)
        if not len(lags) == len(values) == answer["rows"]:
            raise TaosError(BAD_JSON, "rows")
        return list(zip(lags, values, strict=True))

    def _correlation(self, first: Sequence[float], second: Sequence[float], option: str, algo: str) -> dict[str, Any]:
        option = f"{option},algo={algo}" if option else f"algo={algo}"
        options = _options(option)
        self._loaded(3, options)
        columns = [Column("val", "DOUBLE", first), Column("val1", "DOUBLE", second)]
        keys = [("option", option), ("algo", algo), *_checked(options, len(first))]
        return self._ask("/correlation", body(columns, keys), options)

    def _loaded(self, number: int, options: dict[str, str]) -> None:
        if "algo" not in options:
            raise TaosError(NO_ALGO)
        if (number, options["algo"].lower()) not in self.algorithms:
            raise TaosError(NOT_LOADED, options["algo"])

    def _ask(self, path: str, text: bytes, options: dict[str, str]) -> dict[str, Any]:
        seconds = float(options.get("timeout", 60))
        answer = self.post(path, text, seconds if 1 <= seconds <= 1200 else 60)
        rows = answer.get("rows")
        if rows is None or not _is_number(rows):
            raise TaosError(BAD_JSON, "no rows")
        if rows < 0:
            message = answer.get("msg", "")
            raise TaosError(WHITE_NOISE if "white noise" in message else ANODE_ERROR, message)
        return answer

    def post(self, path: str, text: bytes, seconds: float = 60) -> dict[str, Any]:
        """The JSON object that a POST is answered with, whatever its HTTP status."""
        return _json(self._exchange(self.url, "POST", path, text, seconds))

    def _exchange(self, url: str, method: str, path: str, text: bytes, seconds: float) -> bytes:
        """The body of the answer; the whole exchange may take `seconds`."""
        parts = urlsplit((url if "://" in url else f"http://{url}") + path)
        head = f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.hostname}:{parts.port}\r\nAccept: */*\r\n"
        if parts.username:
            head += f"Authorization: Basic {_basic(parts.username, parts.password or '')}\r\n"
        if method == "POST":
            head += f"Content-Type:application/json;charset=UTF-8\r\nContent-Length: {len(text)}\r\n"
        end = time.monotonic() + seconds
        try:
            with self._connect(parts.hostname or "", parts.port or 6035, parts.scheme, seconds) as connection:
                received = _send(connection, head, text)
                return _read_answer(connection, end, received)
        except OSError as error:
            raise TaosError(NO_ACCESS, str(error)) from None

    def _connect(self, host: str, port: int, scheme: str, seconds: float) -> socket.socket:
        """As libcurl does for the scheme of the anode's URL; a certificate is checked."""
        plain = socket.create_connection((host, port), timeout=seconds)
        if scheme == "http":
            return plain
        return ssl.create_default_context(cafile=self.trusted).wrap_socket(plain, server_hostname=host)


def _send(connection: socket.socket, head: str, text: bytes) -> bytes:
    """Send a request; what has come back already. Where the body is large, libcurl waits a second for a 100."""
    if len(text) <= EXPECT_FROM:
        connection.sendall(head.encode() + b"\r\n" + text)
        return b""
    connection.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
    connection.settimeout(EXPECT_FOR)
    received = connection.recv(1 << 16)
    if not received.startswith(b"HTTP/1.1 100"):
        return received
    connection.sendall(text)
    return received.partition(b"\r\n\r\n")[2]


def _read_answer(connection: socket.socket, end: float, received: bytes) -> bytes:
    """The body of an HTTP answer with a Content-Length."""
    while b"\r\n\r\n" not in received:
        received += _receive(connection, end)
    head, _, rest = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    while length and len(rest) < int(length[1]):
        rest += _receive(connection, end)
    return rest


def _receive(connection: socket.socket, end: float) -> bytes:
    connection.settimeout(max(0.0001, end - time.monotonic()))
    part = connection.recv(1 << 16)
    if not part:
        raise ConnectionError("closed before the answer was complete")
    return part


def _json(text: bytes) -> dict[str, Any]:
    """As cJSON reads it: strictly, but for what follows the value. An HTML page has a code of its own."""
    if not text:
        raise TaosError(NO_RESPONSE)
    try:
        answer = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except ValueError as error:
        raise TaosError(ANODE_ERROR if text[:1] == b"<" else BAD_JSON, str(error)) from None
    if not isinstance(answer, dict):
        raise TaosError(BAD_JSON, "no object")
    return answer


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is too large")
    return value


def _need(answer: Any, key: str, kind: type) -> Any:
    value = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(value, kind):
        raise TaosError(BAD_JSON, f"{key} is missing")
    return value


def _check_protocol(answer: dict[str, Any]) -> None:
    if not _is_number(answer.get("protocol")):
        raise TaosError(BAD_JSON)
    if round(answer["protocol"] * 1000) not in (1000, 100):
        raise TaosError(PROTOCOL)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _options(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {key.strip(): value.strip() for key, sign, value in pairs if sign}


def _checked(options: dict[str, str], rows: int) -> list[tuple[str, Any]]:
    return [("wncheck", int(options.get("wncheck", 1))), ("rows", rows)]


def _float32(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()
