"""The candidate forecasts that the network weighs: 44 cheap, classical ones, in batches, from any origin."""

from foretell.models.hybrid.analogues import analogue_forecasts
from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.autoregression import (
    ORDER,
    Autoregression,
    fit_autoregression,
    forecast_autoregression,
)
from foretell.models.hybrid.levels import SLOW, Lines, damped, fit_lines, level_forecasts
from foretell.models.hybrid.past import Past, median, past
from foretell.models.hybrid.periods import detrended, differenced
from foretell.models.hybrid.seasons import Joint, cycle_forecasts, cycle_slope, joint_profile

_LEVELS = ("last", "level_fast", "level_slow", "trend_fast", "trend_slow", "line", "drift", "theta", "local", "curve")
_CYCLES = ("naive", "profile", "profile_recent")
NAMES = (
    *_LEVELS,
    *(f"seasonal_{name}" for name in _LEVELS),
    "cycle_median_1",
    *(f"{name}_{i}" for i in (1, 2, 3) for name in _CYCLES),
    "profile_drift",
    "seasonal_swing",
    "seasonal_mean",
    "mean",
    "median",
    "median_recent",
    "seasonal_median",
    *("ar_line", "ar_differences", "ar_seasonal_line", "ar_seasonal_mean", "ar_seasonal_differences"),
    *("analogue_24", "analogue_72"),
)
"""What each of the K candidates is, in order."""
COUNT = len(NAMES)
RECENT = 48
"""Points of the recent median."""
BOUND = 50.0
"""Candidates are cut to this many standard deviations of the context."""


class View:
    """One origin's past, decomposed: line, joint season, and what remains."""

    def __init__(self, xp: Arrays, now: Past, periods: Array) -> None:
        self.now = now
        self.lines: Lines = fit_lines(xp, now)
        self.flat = detrended(xp, now, self.lines)
        self.joint: Joint = joint_profile(xp, now, self.flat, periods[:, :1], periods[:, 2:])
        self.season = self.joint.here * now.seen
        self.calm = past(xp, now.z - self.season, now.length)

    def residuals(self, xp: Arrays, width: int) -> list[Array]:
        """The five variants that autoregressions model, their newest `width` values [B, width]."""
        wide = min(width + 1, self.now.z.shape[1])
        short = self.now.length
        z, calm, flat = (x[:, :wide] for x in (self.now.z, self.calm.z, self.flat))
        found = [
            flat,
            differenced(xp, z, short),
            flat - self.season[:, :wide],
            (calm - self.calm.mean()) * self.now.seen[:, :wide],
            differenced(xp, calm, short),
        ]
        return [x[:, :width] for x in found]


def fit_residuals(xp: Arrays, view: View, rows: int) -> Autoregression:
    """Autoregressions of the five variants over the whole past of the first `rows` series."""
    variants = view.residuals(xp, view.now.z.shape[1])
    return fit_autoregression(xp, [x[:rows] for x in variants], view.now.size[:rows])


def candidate_forecasts(
    xp: Arrays, view: View, periods: Array, models: Autoregression, steps: Array, reach: int
) -> Array:
    """All candidates [B, H, K] for steps [B, H] within 1 .. reach, in the past's units."""
    now, h = view.now, xp.real(steps)
    ahead = view.joint.at(xp, -steps)
    calm = level_forecasts(xp, view.calm, fit_lines(xp, view.calm), steps)
    cycles = cycle_forecasts(xp, now, xp.where(periods < now.length, periods, periods * 0 + 1), steps)
    found = level_forecasts(xp, now, view.lines, steps) + [x + ahead for x in calm] + cycles
    found.append(cycles[3] + cycle_slope(xp, now, periods[:, :1]) * h)
    found.append(found[NAMES.index("seasonal_trend_slow")] + swing(xp, view) * ahead)
    found.append(view.calm.mean() + ahead)
    recent = min(RECENT, now.z.shape[1])
    found.append(now.mean() + h * 0.0)
    found.append(median(xp, now.z, now.seen) + h * 0.0)
    found.append(median(xp, now.z[:, :recent], now.seen[:, :recent]) + h * 0.0)
    found.append(median(xp, view.calm.z, now.seen) + ahead)
    found += _autoregressions(xp, view, models, ahead, steps, reach)
    found += analogue_forecasts(xp, now, steps)
    return xp.clip(xp.stack(found, -1), -BOUND, BOUND)


def swing(xp: Arrays, view: View) -> Array:
    """[B, 1] how much larger (0: not at all) the newest seasonal swings are than the joint profile's."""
    age = xp.real(xp.count(view.now.z.shape[1]))[None]
    weight = xp.exp(-age / (2.0 * xp.real(view.joint.periods[0]))) * view.now.seen
    own = (view.season * view.season).sum(axis=1, keepdims=True) / view.now.size
    prior = 0.1 * own * weight.sum(axis=1, keepdims=True) + 1e-6
    match = (weight * view.flat * view.season).sum(axis=1, keepdims=True) + prior
    norm = (weight * view.season * view.season).sum(axis=1, keepdims=True) + prior
    return xp.clip(match / norm, 0.0, 3.0) - 1.0


def _autoregressions(
    xp: Arrays, view: View, models: Autoregression, ahead: Array, steps: Array, reach: int
) -> list[Array]:
    """Five autoregressive forecasts [B, H]: around the line, of differences, and three on de-seasonalised values."""
    paths = forecast_autoregression(xp, models, view.residuals(xp, ORDER), reach)
    line, change, line2, mean2, change2 = (paths[i] for i in range(5))
    at = steps - 1
    trend = view.lines.end[:, 4:5] + view.lines.slope[:, 4:5] * damped(xp, xp.real(steps), SLOW)
    return [
        trend + xp.take(line, at),
        view.now.z[:, :1] + xp.take(xp.running_sum(change), at),
        trend + ahead + xp.take(line2, at),
        view.calm.mean() + ahead + xp.take(mean2, at),
        view.calm.z[:, :1] + ahead + xp.take(xp.running_sum(change2), at),
    ]
