"""Series that go on: what a worker keeps of each, so that a few new points cost those points and not the context.

A caller sends the context that it has; nothing says what is new in it. It is found by comparing: the longest run of
points that the series has in common with what is held under its id. Times, where there are any, say where to look.
No torch here: a cache is whatever the network keeps of the points that it has seen.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import numpy as np

from foretell.series import FloatArray
from foretell.steps import Step


class Cache(Protocol):
    """What a network keeps of the first `seen` points of a series; fewer of them are a smaller `seen`."""

    seen: int

    @property
    def nbytes(self) -> int: ...

    def head(self, points: int) -> Cache:
        """A copy that holds the first `points` of them."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a caller sends: `values` [T], and the time of the first, where known."""

    values: FloatArray
    start: int | None = None
    step: Step | None = None

    def point_at(self, time: int) -> int | None:
        """Which point lies at `time`, or will; None where none does."""
        if self.start is None or self.step is None:
            return None
        point = int(self.step.places(self.start, np.array([time]))[0])
        return point if int(self.step.times(self.start, 1, first=point)[0]) == time else None


@dataclass(eq=False, slots=True)
class Held:
    """One series: all points [T] since its start, the scale that they are fed with, and the cache of them.

    `fresh` are the last so many points, which the cache does not hold yet. `kept`: it goes back to the store.
    """

    key: Hashable
    context: Context
    scale: Any
    cache: Any
    fresh: int
    kept: bool = True

    @property
    def points(self) -> FloatArray:
        """The fresh ones."""
        return self.context.values[len(self.context.values) - self.fresh :]

    @property
    def nbytes(self) -> int:
        return int(self.context.values.nbytes + self.cache.nbytes)


@dataclass(frozen=True, slots=True)
class Overlap:
    """The first `length` points of a context equal those of a held one from `offset` on."""

    offset: int
    length: int


New = Callable[[Context], Held]


@dataclass(slots=True)
class Rolling:
    """The state of a worker: at most `limit` bytes of series, the longest unused goes first.

    What is in use is not in here, so that no two calls ever share it; work that fails or is killed does not bring it
    back. Ids need not be unique: several series may be held under one key, and points decide.
    """

    limit: int
    _held: dict[Hashable, dict[int, Held]] = field(default_factory=dict)
    _order: OrderedDict[int, Held] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _serial: count[int] = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._order)

    @property
    def nbytes(self) -> int:
        return self._bytes

    def visit(self, key: Hashable, context: Context, most: int, new: New) -> Held:
        """The series to go on with: a held one with the points of `context` added, or a `new` one.

        A held one goes on while it has at most twice the points of `context`, and at most `most`; then the context
        begins anew. A context that ends before the held one does gets a copy: a question about the past moves nothing.
        """
        with self._lock:
            for serial, held in reversed(self._held.get(key, {}).items()):
                found = overlap(held.context, context)
                if 2 * found.length < len(context.values):
                    continue
                if _is_past(held, context, found):
                    return _part(held, context, found)
                self._remove(serial)
                if found.offset + len(context.values) <= min(2 * len(context.values), most):
                    return _longer(held, context, found)
                break
        return new(context)

    def put(self, held: Held) -> None:
        """Bring a series back, all of whose points the cache holds now."""
        if not held.kept:
            return
        held.fresh = 0
        with self._lock:
            serial = next(self._serial)
            self._order[serial] = held
            self._held.setdefault(held.key, {})[serial] = held
            self._bytes += held.nbytes
            while self._bytes > self.limit:
                self._remove(next(iter(self._order)))

    def _remove(self, serial: int) -> None:
        held = self._order.pop(serial)
        self._bytes -= held.nbytes
        same = self._held[held.key]
        del same[serial]
        if not same:
            del self._held[held.key]


def overlap(held: Context, context: Context) -> Overlap:
    """Where `context` begins in `held`, such that most of its points follow as they do there."""
    best = Overlap(0, 0)
    for offset in _offsets(held, context):
        size = min(len(held.values) - offset, len(context.values))
        same = held.values[offset : offset + size] == context.values[:size]
        length = size if same.all() else int(same.argmin())
        if length > best.length:
            best = Overlap(offset, length)
        if length == size:
            break
    return best


def _offsets(held: Context, context: Context) -> list[int]:
    """Where the first point of `context` may lie in `held`: times say it, else every point that equals it."""
    if held.start is None or context.start is None:
        return [int(i) for i in np.flatnonzero(held.values == context.values[0])]
    offset = held.point_at(context.start) if held.step == context.step else None
    return [offset] if offset is not None and 0 <= offset < len(held.values) else []


def _is_past(held: Held, context: Context, found: Overlap) -> bool:
    return found.length == len(context.values) and found.offset + found.length < len(held.context.values)


def _part(held: Held, context: Context, found: Overlap) -> Held:
    """A copy of a series up to the end of `context`; its last point is fed again, to see what it says."""
    end = found.offset + len(context.values)
    values = Context(held.context.values[:end], held.context.start, held.context.step)
    return Held(held.key, values, held.scale, held.cache.head(end - 1), fresh=1, kept=False)


def _longer(held: Held, context: Context, found: Overlap) -> Held:
    """The series with what `context` says of its end. Points that changed meanwhile are taken off again."""
    known = found.offset + min(found.length, len(context.values) - 1)
    values = np.concatenate([held.context.values[: found.offset], context.values])
    held.context = Context(values, held.context.start, held.context.step)
    held.cache.seen = known
    held.fresh = len(values) - known
    return held
