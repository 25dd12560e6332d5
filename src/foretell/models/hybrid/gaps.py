"""Missing values inside a history: a line between the neighbours, drawn after taking the seasons out."""

from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.levels import fit_lines
from foretell.models.hybrid.past import past
from foretell.models.hybrid.periods import detrended, find_periods


def fill_lines(xp: Arrays, z: Array, known: Array) -> Array:
    """z [B, C] with straight lines where known [B, C] is false; the nearest value beyond the outermost known ones."""
    context = z.shape[1]
    place = xp.count(context)[None]
    left = xp.running_max(xp.where(known, place, place * 0 - 1))
    right = context - 1 - xp.flip(xp.running_max(xp.flip(xp.where(known, context - 1 - place, place * 0 - 1))))
    has_left, has_right = left >= 0, right < context
    low = xp.take(z, xp.clip(left, 0, None))
    high = xp.take(z, xp.clip(right, None, context - 1))
    share = xp.real(place - left) / xp.real(xp.clip(right - left, 1, None))
    between = xp.where(has_left & has_right, low + (high - low) * share, xp.where(has_left, low, high))
    return xp.where(known, z, between)


def fill_seasons(xp: Arrays, z: Array, known: Array, length: Array, usual: Array | None = None) -> Array:
    """z [B, C], newest first, with its gaps filled; two periods found on a first, straight filling are respected."""
    first = past(xp, fill_lines(xp, z, known), length)
    flat = detrended(xp, first, fit_lines(xp, first))
    periods = find_periods(xp, first, flat, usual).periods
    season = flat * 0.0
    for i in (0, 2):
        season = season + _season(xp, flat - season, known, periods[:, i : i + 1])
    return xp.where(known, z, fill_lines(xp, z - season, known) + season)


def _season(xp: Arrays, flat: Array, known: Array, period: Array) -> Array:
    """[B, C] phase means of the known detrended values for `period` [B, 1]."""
    phase = xp.phase(xp.count(flat.shape[1])[None], period)
    size = flat.shape[1] // 2 + 2
    weight = xp.real(known)
    counts = xp.phase_sums(weight, phase, size)
    return xp.take(xp.phase_sums(flat * weight, phase, size) / (counts + 0.1), phase)
