"""Long work cut into parts, between which others are answered and progress is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from foretell.series import Series
from foretell.wire.table import Groups


def cut_groups(groups: Groups, points: int) -> list[Groups]:
    """Groups in parts of about so many points."""
    return [
        replace(
            groups,
            series=groups.series[a:b],
            keys=groups.keys.slice(a, b - a),
            times=None if groups.times is None else groups.times[a:b],
        )
        for a, b in _cuts([len(one) for one in groups.series], points)
    ]


def cut_pairs(pairs: Sequence[tuple[Series, Series]], points: int) -> list[Sequence[tuple[Series, Series]]]:
    return [pairs[a:b] for a, b in _cuts([len(one) + len(other) for one, other in pairs], points)]


def _cuts(sizes: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Ranges whose sizes add up to `most` at most, or that hold one."""
    begin, size = 0, 0
    for i, own in enumerate(sizes):
        if i > begin and size + own > most:
            yield begin, i
            begin, size = i, 0
        size += own
    yield begin, len(sizes)
