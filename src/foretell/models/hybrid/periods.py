"""Three whole-number periods of each series, from its autocorrelation."""

from dataclasses import dataclass

from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.levels import Lines
from foretell.models.hybrid.past import Past
from foretell.models.hybrid.seasons import phase_counts

REACH = 0.55
"""A period is at most this share of the history."""
FIRST = 0.85
"""The shortest lag whose peak has this share of the highest is the first period."""
AROUND, CLOSE = 3, 0.09
"""A period is sharpened among its neighbours: so many steps, and this share of it, to either side."""
FEW_CYCLES, BRIEF = 6, 24
"""Of fewer cycles than this a usual period is taken in any case, if it has no more steps."""
SHOWN, RISE = 0.1, 0.15
"""A usual period is taken if the autocorrelation at it is higher, and by so much higher than at some shorter lag."""
MULTIPLES = 12
"""How many multiples of a period say how sharp it is: two periods of 23 and 24 steps are 12 steps apart at the last."""


@dataclass(frozen=True)
class Periods:
    """What the autocorrelations say."""

    periods: Array
    """[B, 3] whole numbers, 1 = none: usual, or of the differences (shortest strong); detrended; de-seasonalised."""
    strength: Array
    """[B, 4] autocorrelations at these periods: three of the detrended, one of the differences (at the first)."""
    told: Array
    """[B, 1] 1 where the first period is a usual one that was told."""


def detrended(xp: Arrays, now: Past, lines: Lines) -> Array:
    """[B, C] values less the straight line through them, zero beyond the history."""
    age = xp.real(xp.count(now.z.shape[1]))[None]
    return (now.z - (lines.end[:, 4:5] - lines.slope[:, 4:5] * age)) * now.seen


def differenced(xp: Arrays, x: Array, length: Array) -> Array:
    """[B, C] each value less the one before it; zero from the oldest point on."""
    change = xp.concat([x[:, :-1] - x[:, 1:], x[:, :1] * 0.0], 1)
    return change * xp.real(xp.count(x.shape[1])[None] < length - 1)


def find_periods(xp: Arrays, now: Past, flat: Array, usual: Array | None = None) -> Periods:
    """Periods of a past whose detrended values are `flat` [B, C].

    Of the `usual` ones [B, U] (1 = none) the shortest strong one is the first period, where the series shows it, and
    another one the last.
    """
    lags = now.z.shape[1] // 2 + 2
    both = xp.concat([flat, differenced(xp, now.z, now.length)], 0)
    length, size = (xp.concat([x, x], 0) for x in (now.length, now.size))
    score, r = _peaks(xp, both, length, size, lags)
    rows = len(flat)
    strongest = _first(xp, score[:rows], 1.0)
    shortest = _first(xp, score[rows:], FIRST)
    usual = shortest * 0 + 1 if usual is None else usual
    first = _usual(xp, r[:rows], usual, now.size)
    shortest = xp.where(first > 1, first, shortest)
    left, rest = _peaks(xp, _without(xp, now, flat, shortest), now.length, now.size, lags)
    left = xp.where(xp.count(lags)[None] == shortest, left * 0.0 - 1.0, left)
    other = _usual(xp, rest, xp.where(usual == shortest, usual * 0 + 1, usual), now.size)
    second = xp.where(other > 1, other, _first(xp, left, 1.0))
    rough = xp.concat([shortest, strongest, second], 1)
    taken = xp.concat([first, first * 0 + 1, other], 1) > 1
    periods = xp.where(taken, rough, _sharpened(xp, r[:rows], rough, now.size))
    strength = xp.concat([xp.take(r[:rows], periods), xp.take(r[rows:], shortest)], 1)
    return Periods(periods, strength * xp.real(xp.concat([periods, shortest], 1) > 1), xp.real(first > 1))


def _usual(xp: Arrays, r: Array, usual: Array, size: Array) -> Array:
    """[B, 1] the shortest usual period [B, U] that is strong in autocorrelations r [B, lags]; 1 if none is.

    A history of few cycles, of one at least, cannot show its season in noise: there it is taken as it is told.
    """
    brief = (usual <= BRIEF) & (xp.real(usual) * FEW_CYCLES > size) & (xp.real(usual) < size)
    fits = (usual > 1) & (xp.real(usual) <= REACH * size)
    height = xp.where(fits, xp.take(r, xp.clip(usual, None, r.shape[1] - 1)), usual * 0.0 - 1.0)
    trough = -xp.take(xp.running_max(-r), xp.clip(usual - 1, None, r.shape[1] - 1))
    shown = (height > SHOWN) & (height > trough + RISE)
    height = xp.where(shown, height, usual * 0.0 - 1.0)
    good = shown & (height >= FIRST * xp.highest(height)) | (usual > 1) & brief
    shortest = xp.lowest(xp.where(good, usual, usual * 0 + r.shape[1]))
    return xp.where(shortest < r.shape[1], shortest, shortest * 0 + 1)


def _sharpened(xp: Arrays, r: Array, periods: Array, size: Array) -> Array:
    """The neighbours [B, 3] of periods whose multiples have the highest mean autocorrelation in r [B, lags]."""
    limit = xp.clip(xp.whole(0.6 * size), None, r.shape[1] - 1)[..., None, None]
    old = periods[..., None]
    offset = xp.count(2 * AROUND + 1)[None, None] - AROUND
    multiple = xp.count(MULTIPLES)[None, None, None] + 1
    known = ((old[..., None] + AROUND) * multiple <= limit) | (multiple == 1)
    lags = xp.clip(xp.minimum((old + offset)[..., None] * multiple, limit), 0, None)
    mean = (xp.take(r, lags) * xp.real(known)).sum(axis=-1) / xp.real(known).sum(axis=-1)
    mean = mean + 1e-3 * xp.real(offset == 0)
    allowed = (xp.real(abs(offset)) <= CLOSE * xp.real(old)) & (old > AROUND) | (offset == 0)
    mean = xp.where(allowed, mean, mean * 0.0 - 9.0)
    best = mean >= xp.highest(mean)
    return xp.lowest(xp.where(best, old + offset, old + offset + r.shape[1]))[..., 0]


def _peaks(xp: Arrays, x: Array, length: Array, size: Array, lags: int) -> tuple[Array, Array]:
    """Scores [B, lags] of the local maxima of the autocorrelation (-1 elsewhere), and the autocorrelation itself."""
    around = x.shape[1] // 2 * 3 + 32  # no wrap at the lags used
    cov = xp.inverse_power(xp.power(x, around), around)[:, :lags]
    lag = xp.count(lags)[None]
    overlap = xp.real(xp.clip(length - lag, 1, None))
    r = (cov / overlap) / (cov[:, :1] / size + 1e-8)
    inside = (lag >= 2) & (xp.real(lag) <= REACH * size)
    score = r * xp.sqrt(overlap / size)
    top = (r[:, 1:-1] > r[:, :-2]) & (r[:, 1:-1] >= r[:, 2:])
    edge = top[:, :1] & ~top[:, :1]
    return xp.where(xp.concat([edge, top, edge], 1) & inside, score, score * 0.0 - 1.0), r


def _first(xp: Arrays, score: Array, share: float) -> Array:
    """[B, 1] the shortest lag whose positive score reaches `share` of the highest; 1 if there is none."""
    good = (score >= share * xp.highest(score)) & (score > 0)
    lag = xp.count(score.shape[1])[None]
    found = xp.lowest(xp.where(good, lag, lag * 0 + score.shape[1]))
    return xp.where(found < score.shape[1], found, found * 0 + 1)


def _without(xp: Arrays, now: Past, flat: Array, period: Array) -> Array:
    """[B, C] detrended values less their phase means for `period` [B, 1]."""
    phase = xp.phase(xp.count(flat.shape[1])[None], period)
    size = flat.shape[1] // 2 + 2
    counts = phase_counts(xp, now.length, period, size)
    means = xp.phase_sums(flat, phase, size) / xp.clip(counts, 1.0, None)
    return (flat - xp.take(means, phase)) * now.seen
