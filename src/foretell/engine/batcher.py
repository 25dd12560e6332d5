"""Which series share a batch. No arrays are touched here: it is a matter of names and lengths.

Two series may share one when they go to the same model with the same options, are of similar length, have the
same covariates and, unless the model is prefix-consistent, want the same horizon (Time-MoE's choice of heads
depends on it).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from foretell.registry import Entry, Limits, Options

SMALLEST_BUCKET = 32


@dataclass(frozen=True, slots=True)
class BatchKey:
    """Requests with equal keys may be answered by one call of the model."""

    target: str
    options: tuple[tuple[str, Hashable], ...]
    bucket: int
    horizon: int | None
    covariates: int


def batch_key(entry: Entry, options: Options, context: int, horizon: int, covariates: int = 0) -> BatchKey:
    return BatchKey(
        target=entry.target,
        options=_frozen(options),
        bucket=bucket(context),
        horizon=None if entry.limits.prefix_consistent and not covariates else horizon,
        covariates=covariates,
    )


def bucket(context: int) -> int:
    """The power of two that a context is padded to at most; so padding never doubles the work."""
    return max(SMALLEST_BUCKET, 1 << (context - 1).bit_length())


def point_cost(limits: Limits, budget: float) -> float:
    """What a point costs of a `budget` (microseconds): `limits.together` points never cost more than all of it."""
    return min(limits.cost, budget / limits.together) if limits.together else limits.cost


def cut(
    keys: Sequence[BatchKey], lengths: Sequence[int], horizon: int, point_cost: float, budget: float
) -> list[list[int]]:
    """Chunks of indices: one key a chunk, each costing at most `budget` (microseconds, rough) or one series long.

    The cost of a chunk is its padded size, rows x (longest context + horizon) x `point_cost`. Chunks come in the
    order of their first series, and within a chunk the order is kept.
    """
    groups: dict[BatchKey, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    chunks: list[list[int]] = []
    for members in groups.values():
        chunk: list[int] = []
        longest = 0
        for index in members:
            width = max(longest, lengths[index])
            if chunk and (len(chunk) + 1) * (width + horizon) * point_cost > budget:
                chunks.append(chunk)
                chunk, width = [], lengths[index]
            chunk.append(index)
            longest = width
        chunks.append(chunk)
    return sorted(chunks, key=lambda c: c[0])


def _frozen(options: Mapping[str, Hashable]) -> tuple[tuple[str, Hashable], ...]:
    return tuple(sorted(options.items()))
