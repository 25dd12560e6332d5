"""How the candidates would have done from three earlier origins inside the context."""

from dataclasses import dataclass

from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.candidates import View, candidate_forecasts, fit_residuals
from foretell.models.hybrid.past import Past, earlier
from foretell.models.hybrid.periods import differenced

TRIAL = 48
"""Steps looked at per back-test; the newest one covers at most the last TRIAL points."""
FAR = 768
"""Longest back-test, in points before the end."""
ORIGINS = 3
BANDS = 4
"""Errors per candidate: newest origin, the one before it, and near and far half of the longest back-test."""
LEAST = 3
"""Points that an origin must leave."""
LOW, HIGH = 0.02, 1.0
"""Limits of the error scale, in standard deviations of the context."""


@dataclass(frozen=True)
class Trial:
    """Candidates of the three back-tests and what then happened; the newest one is ordered by age, newest first."""

    forecasts: Array
    """[B, 3, TRIAL, K]."""
    truth: Array
    """[B, 3, TRIAL]."""
    weight: Array
    """[B, 3, TRIAL] 1 where the truth is known, the step lies in the trial and the origin leaves enough history."""
    back: Array
    """[B, 3] points between origin and end."""
    usable: Array
    """[B, 3] 1 where the origin leaves enough history."""

    def newest(self, xp: Arrays) -> Array:
        """[B, TRIAL] 1 at the ages that the newest back-test covers."""
        return xp.real(xp.count(TRIAL)[None] < self.back[:, :1]) * self.usable[:, :1]


def back_test(xp: Arrays, now: Past, seen: Array, periods: Array) -> Trial:
    """All origins in one call; periods stay those of the whole past, autoregressions those of the newest origin's."""
    rows, context = now.z.shape
    near = xp.clip(now.length // 5, 1, TRIAL)
    far = xp.clip((3 * now.length) // 8, 1, FAR)
    back = xp.concat([near, 2 * near, far], 1)
    order = xp.count(TRIAL)[None]
    steps = xp.stack([near - order, (order * near) // TRIAL + 1, ((order + 1) * far) // TRIAL], 1)
    ages = xp.clip(back[..., None] - steps, 0, context - 1)
    usable = xp.real(now.length - back >= LEAST)
    weight = xp.real(steps >= 1) * xp.take(seen, ages) * usable[..., None]
    origins = _together(xp, [earlier(xp, now, back[:, i : i + 1]) for i in range(ORIGINS)])
    same = xp.concat([periods] * ORIGINS, 0)
    asked = xp.clip(steps, 1, None)
    reach = max(TRIAL, min((3 * context) // 8, FAR))
    flat = xp.concat([asked[:, i] for i in range(ORIGINS)], 0)
    view = View(xp, origins, same)
    found = candidate_forecasts(xp, view, same, fit_residuals(xp, view, rows), flat, reach)
    forecasts = xp.stack([found[i * rows : (i + 1) * rows] for i in range(ORIGINS)], 1)
    return Trial(forecasts, xp.take(now.z, ages), weight, back, usable)


def _together(xp: Arrays, origins: list[Past]) -> Past:
    """The pasts of all origins as one, origin by origin."""
    names = ("z", "seen", "length", "size", "sums")
    return Past(*(xp.concat([getattr(x, name) for x in origins], 0) for name in names))


def errors_and_scale(xp: Arrays, now: Past, trial: Trial) -> tuple[Array, Array]:
    """Mean absolute errors [B, 4, K] per band, and the error scale [B, 1]: the three best candidates' pooled error.

    Bands without a known truth get the scale itself; without any, the scale is the mean absolute change.
    """
    rows, half = len(now.z), TRIAL // 2
    miss = abs(trial.forecasts - trial.truth[..., None])
    sums = [_weighted(miss[:, i, a:b], trial.weight[:, i, a:b]) for i, a, b in _bands(half)]
    counts = xp.stack([trial.weight[:, i, a:b].sum(axis=1) for i, a, b in _bands(half)], 1)
    total = xp.stack(sums, 1)
    known = counts[:, :3].sum(axis=1)[:, None]
    pooled = total[:, :3].sum(axis=1) / xp.clip(known, 1.0, None)
    best = xp.take(pooled, xp.smallest(pooled, 3)).sum(axis=1).reshape(rows, 1) / 3.0
    change = abs(differenced(xp, now.z, now.length)).sum(axis=1)[:, None] / xp.clip(now.size - 1.0, 1.0, None)
    scale = xp.clip(xp.where(known > 0, best, change), LOW, HIGH)
    counts = counts[..., None]
    return xp.where(counts > 0, total / xp.clip(counts, 1.0, None), scale[:, None]), scale


def _weighted(miss: Array, weight: Array) -> Array:
    """Sums over steps: miss [B, H, K], weight [B, H] -> [B, K]."""
    return (weight[:, None] @ miss)[:, 0]


def _bands(half: int) -> tuple[tuple[int, int, int], ...]:
    """(origin, first, last) of the four bands of steps."""
    return ((0, 0, TRIAL), (1, 0, TRIAL), (2, 0, half), (2, half, TRIAL))
