"""What a forecast may see from one origin: the values up to there, newest first."""

from dataclasses import dataclass

from foretell.models.hybrid.arrays import Array, Arrays


@dataclass(frozen=True)
class Past:
    """One origin's history in scaled units, without gaps."""

    z: Array
    """[B, C] newest first, zero beyond the history's length."""
    seen: Array
    """[B, C] 1 inside the history, 0 beyond it."""
    length: Array
    """[B, 1] whole number of points, at least 1."""
    size: Array
    """[B, 1] the same as a float."""
    sums: Array
    """[B, C + 1] running sums of z with a leading zero."""

    def mean(self) -> Array:
        """[B, 1] mean of the whole history."""
        return self.sums[:, -1:] / self.size

    def span_mean(self, xp: Arrays, begin: Array, end: Array) -> Array:
        """Means over ages begin .. end-1, cut at the history's end; begin and end [B, ...] -> [B, ...]."""
        limit = self.length.reshape((-1,) + (1,) * (begin.ndim - 1))
        begin, end = xp.minimum(begin, limit), xp.minimum(end, limit)
        count = xp.clip(xp.real(end - begin), 1.0, None)
        return (xp.take(self.sums, end) - xp.take(self.sums, begin)) / count


def median(xp: Arrays, x: Array, seen: Array) -> Array:
    """[B, 1] lower median of x [B, N] where seen is 1 (at least one place a row)."""
    ordered = xp.sort(x + (1.0 - seen) * 1e6)
    return xp.take(ordered, xp.whole((seen.sum(axis=1)[:, None] - 1.0) / 2.0))


def past(xp: Arrays, z: Array, length: Array) -> Past:
    """The past of values z [B, C], newest first, whose histories have `length` [B, 1] points."""
    seen = xp.real(xp.count(z.shape[1])[None] < length)
    z = z * seen
    sums = xp.concat([xp.zeros(len(z), 1), xp.running_sum(z)], 1)
    return Past(z, seen, length, xp.real(length), sums)


def earlier(xp: Arrays, now: Past, back: Array) -> Past:
    """The past as it was `back` [B, 1] steps before; at least one point stays."""
    context = now.z.shape[1]
    index = xp.clip(xp.count(context)[None] + back, 0, context - 1)
    return past(xp, xp.take(now.z, index), xp.clip(now.length - back, 1, None))
