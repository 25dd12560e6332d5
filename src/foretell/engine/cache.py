"""Answers kept: the same question to the same model with the same weights has the same answer.

What a question is, its caller decides (`digest` makes it short); weights are part of it because a server that reads
them anew empties the cache.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foretell.series import Series


@dataclass(slots=True)
class Cache:
    """At most `size` bytes of answers, none older than `age` seconds; the longest unused goes first.

    Nothing is kept where `size` is 0. `hits` and `misses` count. `now` is the clock.
    """

    size: int
    age: float
    now: Callable[[], float] = time.monotonic
    hits: int = 0
    misses: int = 0
    used: int = 0
    _kept: OrderedDict[Hashable, tuple[Any, int, float]] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Any | None:
        """The answer, or None."""
        found = self._kept.get(key)
        if found is not None and self.now() - found[2] > self.age:
            self._drop(key)
            found = None
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, answer: Any) -> None:
        """Keep `answer`, which nobody may change any more; one that is larger than the whole cache is not kept."""
        weight = _bytes(answer)
        if weight > self.size:
            return
        self._drop(key)
        self._kept[key] = answer, weight, self.now()
        self.used += weight
        while self.used > self.size:
            self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        self._kept.clear()
        self.used = 0

    def _drop(self, key: Hashable) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self.used -= found[1]


OVERHEAD = 512
"""Bytes that an answer takes beside its arrays, rough."""


def _bytes(answer: Any) -> int:
    """What an answer takes in memory: its arrays, wherever they are."""
    if isinstance(answer, np.ndarray):
        return int(answer.nbytes)
    if isinstance(answer, tuple):
        return sum(map(_bytes, answer))
    fields = getattr(answer, "__dataclass_fields__", None)
    return 0 if fields is None else OVERHEAD + sum(_bytes(getattr(answer, name)) for name in fields)


def digest(inputs: Sequence[Any]) -> bytes:
    """A fingerprint of series, or of pairs of them: values bit by bit, times, covariates, ids."""
    made = hashlib.blake2b(digest_size=16)
    for item in inputs:
        for one in (item,) if isinstance(item, Series) else item:
            made.update(repr((one.start, one.step, one.id, len(one))).encode())
            for array in (one.values, one.past_covariates, one.future_covariates):
                made.update(b"-" if array is None else np.ascontiguousarray(array).data)
    return made.digest()
