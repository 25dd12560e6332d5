"""Quantiles from a server that knows a point and, around it, the band that holds the truth with a probability `conf`.

Each level below or above the median is a bound of one band, which is asked for by itself; the median is the point.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import repeat

import numpy as np

from foretell.series import FloatArray

Ask = Callable[[int, float | None], Awaitable[tuple[FloatArray, FloatArray | None]]]
"""Row and `conf` (None: no bounds are needed) to `point` [H] and `bounds` [H, 2], None where the server has none."""


async def ask_bands(ask: Ask, rows: int, levels: tuple[float, ...]) -> tuple[FloatArray, FloatArray | None]:
    """`point` [B, H], and `quantiles` [B, H, Q] where the server has bounds for every row.

    A server that draws samples answers each question anew: bands that cross are sorted, and the median lies within the
    narrowest.
    """
    confs = sorted({_conf(level) for level in levels} - {0.0})
    if not confs:
        point, _ = await _all_rows(ask, rows, None)
        return point, point[..., None].repeat(len(levels), axis=-1) if levels else None
    narrowest, *wider = confs
    point, band = await _all_rows(ask, rows, narrowest)
    if band is None:
        return point, None
    more = await asyncio.gather(*map(_all_rows, repeat(ask), repeat(rows), wider))
    bands = {narrowest: band} | {conf: own for conf, (_, own) in zip(wider, more, strict=True) if own is not None}
    if len(bands) <= len(wider):
        return point, None
    median = np.clip(point, band[..., 0], band[..., 1])
    chosen = [bands[conf][..., int(level > 0.5)] if (conf := _conf(level)) else median for level in levels]
    return point, np.sort(np.stack(chosen, axis=-1), axis=-1)


def _conf(level: float) -> float:
    return round(abs(1 - 2 * level), 12)


async def _all_rows(ask: Ask, rows: int, conf: float | None) -> tuple[FloatArray, FloatArray | None]:
    answers = await asyncio.gather(*(ask(row, conf) for row in range(rows)))
    bounds = [own for _, own in answers if own is not None]
    return np.stack([point for point, _ in answers]), np.stack(bounds) if len(bounds) == rows else None
