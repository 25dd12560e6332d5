"""Dynamic time warping: how far apart two series are when time may stretch, and which points go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from foretell.algorithms.one_by_one import silence
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import Correlation
from foretell.series import Batch, FloatArray, IntArray, failed

Moves = list[tuple[int, NDArray[np.uint8], NDArray[np.uint8]]]
"""For each anti-diagonal: its first i, and two bits a cell: from (i - 1, j), from (i, j - 1); else from both less 1."""


class Dtw:
    """Exact, by dynamic programming over all pairs of points with cost |a - b| (Sakoe & Chiba 1978).

    TDgpt asks fastdtw, which looks only near a coarser path: its distances are equal or larger. Among equally good
    moves back the order is (i - 1, j), (i, j - 1), (i - 1, j - 1), as there. Memory: a quarter of a byte for each
    pair of points (26 MB for 10,240 x 10,240).
    """

    name: ClassVar[str] = "dtw"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "correlation"
    description: ClassVar[str] = "Dynamic time warping, exact: distance and path"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(max_context=20_480, cost=100)
    options: ClassVar[Mapping[str, Option]] = {
        "radius": Option(
            1, "accepted as TDgpt has it; without effect, since every path is looked at", int, low=1, high=10
        )
    }

    def correlate(self, first: Batch, second: Batch, options: Options) -> tuple[Correlation, ...]:  # noqa: ARG002
        with silence():
            return tuple(warp(a, b) for a, b in zip(first.rows(), second.rows(), strict=True))


def warp(a: FloatArray, b: FloatArray) -> Correlation:
    """Distance and path of two series [T1] and [T2], nothing missing."""
    distance, moves = _distance(a, b)
    if not np.isfinite(distance):
        return Correlation(failed("the distance is too large for a number"), model=Dtw.name)
    return Correlation(distance=distance, path=_path(moves, len(a), len(b)), model=Dtw.name)


def _distance(a: FloatArray, b: FloatArray) -> tuple[float, Moves]:
    """All cells of one anti-diagonal i + j = d at once; `one` and `two` hold the two diagonals before, by i + 1."""
    one, two = np.full(len(a) + 1, np.inf), np.full(len(a) + 1, np.inf)
    two[0] = 0.0
    moves: Moves = []
    for d in range(len(a) + len(b) - 1):
        low, high = max(0, d - len(b) + 1), min(len(a), d + 1)
        up, left, both = one[low:high], one[low + 1 : high + 1], two[low:high]
        is_up = (up <= left) & (up <= both)
        is_left = left <= both
        best = np.minimum(np.minimum(up, left), both)
        new = np.full(len(a) + 1, np.inf)
        new[low + 1 : high + 1] = best + np.abs(a[low:high] - b[d - high + 1 : d - low + 1][::-1])
        moves.append((low, np.packbits(is_up), np.packbits(is_left)))
        one, two = new, one
    return float(one[len(a)]), moves


def _path(moves: Moves, rows: int, columns: int) -> IntArray:
    """[L, 2] from (0, 0) to the last pair, each step by one in i, in j or in both."""
    i, j = rows - 1, columns - 1
    path = [(i, j)]
    while i or j:
        low, is_up, is_left = moves[i + j]
        byte, bit = divmod(i - low, 8)
        if is_up[byte] >> (7 - bit) & 1:
            i -= 1
        elif is_left[byte] >> (7 - bit) & 1:
            j -= 1
        else:
            i, j = i - 1, j - 1
        path.append((i, j))
    return np.array(path[::-1], dtype=np.int64)
