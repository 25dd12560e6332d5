"""The tools of TDgpt 3.4 that its industrial data platform calls (protocol section 1, table and the lines below it).

Three bodies of their own; errors are `rows: -1` as everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import msgspec
import numpy as np

from foretell.engine.loop import MANY, beside
from foretell.errors import DeadlineExceeded, InvalidInput, TooManyRows
from foretell.series import FloatArray, IntArray, Series
from foretell.tdgpt.node import Node
from foretell.wire import tdgpt
from foretell.wire.tdgpt_answers import Answer, check_status, finite, number

MAX_MATCHES = 500
MAX_WINDOWS = 20_000
BAND = 3.0
"""Standard deviations between the centre of a golden batch and its bounds, unless `config.sigma` says otherwise."""
BLOCK = 1 << 18
"""Points that are worked on at once: so memory does not grow with windows x points."""
MUCH = 1 << 14
"""Points from which on work is done beside the loop."""
Number = int | float
Window = tuple[int, int]
"""First and last point."""
Shape = Callable[[FloatArray], FloatArray]
T = TypeVar("T")


Most = msgspec.Meta(max_length=tdgpt.MAX_ROWS)


class Points(msgspec.Struct):
    ts: Annotated[list[int], Most]
    data: Annotated[list[Number], Most]

    def read(self, name: str) -> tuple[IntArray, FloatArray]:
        if not self.ts or len(self.ts) != len(self.data):
            raise InvalidInput(name, f"needs 1 to {tdgpt.MAX_ROWS} times and as many values")
        try:
            times, values = np.array(self.ts, dtype=np.int64), np.array(self.data, dtype=np.float64)
        except OverflowError:
            raise InvalidInput(name, "a number is too large") from None
        if bool((np.diff(times) <= 0).any()):
            raise InvalidInput(name, "times must ascend")
        return times, values


class BatchConfig(msgspec.Struct):
    sigma: Number = BAND


class BatchBody(Points):
    window: Annotated[list[tuple[int, int]], Most] = []
    config: BatchConfig = msgspec.field(default_factory=BatchConfig)


async def golden_batch(node: Node, body: bytes) -> Answer:
    """The usual course of a process and its band, from the windows of time in which it ran well.

    Each window is resampled to the median length; centre and bounds are mean and standard deviations at each point.
    """
    request = await node.reader.read(_read_batch, body)
    sigma, (times, values) = _sigma(request.config.sigma), request.read("data")
    firsts, lengths = _runs(times, request.window)
    much = len(lengths) * int(lengths.max()) >= MUCH
    centre, spread = await beside(much, _resampled, values, firsts, lengths, _deadline(node))
    width = sigma * spread
    bounds = {"lower": finite(centre - width), "upper": finite(centre + width)}
    return {"rows": len(centre), "center": finite(centre), **bounds}


def _runs(times: IntArray, windows: Sequence[tuple[int, int]]) -> tuple[IntArray, IntArray]:
    """The first point of each window and how many points it has."""
    try:
        bounds = np.array(windows, dtype=np.int64).reshape(-1, 2)
    except OverflowError:
        raise InvalidInput("window", "a number is too large") from None
    firsts = np.searchsorted(times, bounds[:, 0])
    lengths = np.searchsorted(times, bounds[:, 1], "right") - firsts
    if not len(lengths) or lengths.min() < 2:
        raise InvalidInput("window", "needs windows [start, end] with at least 2 points each")
    return firsts, lengths


def _resampled(
    values: FloatArray, firsts: IntArray, lengths: IntArray, deadline: float
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the runs at each point of the median length; a few points of all runs at once."""
    length = int(np.median(lengths))
    grid, centre, spread = np.linspace(0, 1, length), np.empty(length), np.empty(length)
    for part in _slices(length, max(1, BLOCK // len(lengths))):
        _check(deadline)
        at = grid[part, None] * (lengths - 1)
        left = np.minimum(at.astype(np.int64), lengths - 2)
        before, after = values[firsts + left], values[firsts + left + 1]
        same = before + (after - before) * (at - left)
        centre[part], spread[part] = same.mean(axis=1), same.std(axis=1)
    return centre, spread


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(begin, begin + size) for begin in range(0, count, size))


def _deadline(node: Node) -> float:
    return time.monotonic() + min(tdgpt.DEFAULT_TIMEOUT, node.settings.request_timeout)


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise DeadlineExceeded


def _sigma(sigma: Number) -> float:
    if not 0 < sigma < 1e6:
        raise InvalidInput("config.sigma", f"must be a positive number, got {sigma!r}")
    return float(sigma)


async def pearson(node: Node, body: bytes) -> Answer:
    """Pearson's correlation of val and val1 with its two-sided p-value; 0 and 1 where it is undefined."""
    from scipy.special import stdtr

    question = await node.reader.read(tdgpt.read_correlation, body)
    first, second, count = question.values, question.second, len(question.values)
    a, b = first - first.mean(), second - second.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    if count < 2 or not np.isfinite(size) or size == 0:
        r, p = 0.0, 1.0
    else:
        r = float(np.clip(a @ b / size, -1, 1))
        freedom = count - 2
        rest = 1 - r * r
        p = 1.0 if not freedom else 0.0 if rest <= 0 else float(2 * stdtr(freedom, -abs(r) * np.sqrt(freedom / rest)))
    return {"rows": 1, "correlation_coefficient": r, "p_value": number(p), "option": question.option}


class Params(msgspec.Struct):
    radius: int = 1
    min_window: int | None = None
    max_window: int | None = None
    window_size_step: int = 1
    window_sliding_step: int = 1


class Algo(msgspec.Struct):
    type: Literal["dtw", "cosine"] = "dtw"
    params: Params = msgspec.field(default_factory=Params)


class Wanted(msgspec.Struct):
    num: int | None = None
    threshold: float | None = None
    exclude_contained: bool = False
    exclude_source: bool = False


class SearchBody(msgspec.Struct):
    source_data: Points
    target_data: Points
    normalization: Literal["z-score", "min-max", "centering", "none"] = "z-score"
    algo: Algo = msgspec.field(default_factory=Algo)
    result: Wanted = msgspec.field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class Match:
    """A window of the target, points `first` to `last`, and how far or near it is."""

    first: int
    last: int
    criteria: float

    def contains(self, other: Match) -> bool:
        return self.first <= other.first and other.last <= self.last


async def profile_search(node: Node, body: bytes) -> Answer:
    """Where in the target a piece like the source is: by DTW distance, or cosine similarity at the source's length."""
    request = await node.reader.read(_read_search, body)
    source_times, source = request.source_data.read("source_data")
    times, target = request.target_data.read("target_data")
    shape, deadline = NORMALIZE[request.normalization], _deadline(node)
    wanted = shape(source)
    windows = list(_windows(request.algo, len(source), len(target)))
    if request.result.exclude_source:
        windows = [(a, b) for a, b in windows if times[b] < source_times[0] or times[a] > source_times[-1]]
    matches: list[Match] = []
    for part in _blocks(windows):
        _check(deadline)
        much = sum(last - first + 1 for first, last in part) >= MUCH
        if request.algo.type == "dtw":
            pieces = await beside(much, _pieces, target, part, shape)
            found = await _distances(node, wanted, pieces, request.algo.params.radius, deadline)
        else:
            found = await beside(much, _similarities, wanted, target, part, shape)
        matches += [Match(*window, criteria) for window, criteria in zip(part, found, strict=True)]
    chosen = await beside(
        len(matches) >= MANY, _choose, matches, request.result, 1 if request.algo.type == "dtw" else -1
    )
    return {
        "rows": len(chosen),
        "metric_type": "dtw_distance" if request.algo.type == "dtw" else "cosine_similarity",
        "matches": [
            {
                "criteria": m.criteria,
                "ts_window": [int(times[m.first]), int(times[m.last])],
                "num": m.last - m.first + 1,
            }
            for m in chosen
        ],
    }


def _windows(algo: Algo, source: int, target: int) -> Iterator[Window]:
    """Each window that is tried."""
    params = algo.params
    low, high = (params.min_window or source, params.max_window or source) if algo.type == "dtw" else (source, source)
    if min(low, params.window_size_step, params.window_sliding_step, params.radius) < 1 or high < low:
        raise InvalidInput("params", "windows, steps and radius must be positive, min_window at most max_window")
    sizes = range(low, min(high, target) + 1, params.window_size_step)
    count = sum(len(range(0, target - size + 1, params.window_sliding_step)) for size in sizes)
    if count > MAX_WINDOWS:
        raise TooManyRows("params", f"at most {MAX_WINDOWS} windows can be tried, these are {count}; take larger steps")
    for size in sizes:
        for first in range(0, target - size + 1, params.window_sliding_step):
            yield first, first + size - 1


def _blocks(windows: Sequence[Window]) -> Iterator[Sequence[Window]]:
    """Windows in parts of so many points that their pieces can be held at once."""
    begin, size = 0, 0
    for i, (first, last) in enumerate(windows):
        size += last - first + 1
        if size > BLOCK and i > begin:
            yield windows[begin:i]
            begin, size = i, last - first + 1
    yield windows[begin:]


def _pieces(target: FloatArray, windows: Sequence[Window], shape: Shape) -> list[FloatArray]:
    return [shape(target[first : last + 1]) for first, last in windows]


def _similarities(source: FloatArray, target: FloatArray, windows: Sequence[Window], shape: Shape) -> list[float]:
    return [_cosine(source, piece) for piece in _pieces(target, windows, shape)]


async def _distances(
    node: Node, source: FloatArray, pieces: Sequence[FloatArray], radius: int, deadline: float
) -> list[float]:
    pairs = [(Series(source), Series(piece)) for piece in pieces]
    answers = await node.serving.correlate(pairs, "dtw", {"radius": str(radius)}, deadline)
    for answer in answers:
        check_status(answer.status, "dtw")
    return [float(answer.distance or 0.0) for answer in answers]


def _choose(matches: Sequence[Match], wanted: Wanted, sign: int) -> list[Match]:
    """The best ones (the lowest `sign` x criteria), best first: `num` of them, or all within the threshold."""
    limit = MAX_MATCHES if wanted.num is None else max(0, min(wanted.num, MAX_MATCHES))
    chosen: list[Match] = []
    for match in sorted(matches, key=lambda m: sign * m.criteria):
        beyond = wanted.threshold is not None and sign * match.criteria > sign * wanted.threshold
        if beyond or len(chosen) == limit:
            break
        if not (wanted.exclude_contained and any(m.contains(match) or match.contains(m) for m in chosen)):
            chosen.append(match)
    return chosen


def _cosine(first: FloatArray, second: FloatArray) -> float:
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / size if size > 0 else 0.0


def _by_size(values: FloatArray, shift: float, size: float) -> FloatArray:
    return (values - shift) / size if size > 0 else values - shift


NORMALIZE: dict[str, Shape] = {
    "z-score": lambda v: _by_size(v, float(v.mean()), float(v.std())),
    "min-max": lambda v: _by_size(v, float(v.min()), float(np.ptp(v))),
    "centering": lambda v: v - v.mean(),
    "none": lambda v: v,
}


def _read_batch(body: bytes) -> BatchBody:
    return _decode(body, BatchBody)


def _read_search(body: bytes) -> SearchBody:
    return _decode(body, SearchBody)


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidInput("body", str(error)) from None
