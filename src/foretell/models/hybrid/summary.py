"""A few numbers that describe a series beside its candidates' errors: periods, roughness, drift, bounds, spread."""

from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.backtest import BANDS, ORIGINS, TRIAL, Trial
from foretell.models.hybrid.candidates import View, swing
from foretell.models.hybrid.past import Past
from foretell.models.hybrid.periods import Periods, differenced

EXTRA = 40
"""How many numbers there are."""
SHARPNESS = 3.0
"""Blend weights fall with this power of a candidate's error."""


def describe(
    xp: Arrays,
    now: Past,
    seen: Array,
    view: View,
    periods: Periods,
    trial: Trial,
    errors: Array,
    scale: Array,
) -> Array:
    """[B, 40] in the order written here; logarithms are scaled to about one."""
    periodic = xp.real(periods.periods)
    anchor = view.lines.level[:, :1]
    missing = 1.0 - seen.sum(axis=1)[:, None] / now.size
    drift = xp.clip(view.lines.slope[:, 4:5] * now.size, -5.0, 5.0)
    parts = [
        xp.log(scale),
        0.3 * xp.log(periodic),
        periods.strength,
        0.3 * xp.log(now.size),
        0.3 * xp.log(periodic / now.size),
        missing,
        trial.usable,
        xp.squash(anchor),
        drift,
        view.joint.strength,
        _blend(xp, trial, errors, scale),
        _roughness(xp, now, scale),
        _bounds(xp, now, scale, anchor),
        swing(xp, view),
        periods.told,
    ]
    return xp.concat(parts, 1)


def _blend(xp: Arrays, trial: Trial, errors: Array, scale: Array) -> Array:
    """[B, 10] how a blend of the good candidates did: mean error per band, largest and mean signed miss per origin."""
    mean = errors[:, :3].sum(axis=1) / 3.0
    weight = ((xp.lowest(mean) + 1e-6) / (mean + 1e-6)) ** SHARPNESS
    weight = weight / weight.sum(axis=1, keepdims=True)
    miss = (trial.forecasts @ weight[:, None, :, None])[..., 0] - trial.truth
    miss = miss * trial.weight / scale[:, None]
    counts = xp.clip(trial.weight.sum(axis=2), 1.0, None)
    half = TRIAL // 2
    far = abs(miss[:, 2]).reshape(len(miss), 2, half).sum(axis=2)
    far_counts = xp.clip(trial.weight[:, 2].reshape(len(miss), 2, half).sum(axis=2), 1.0, None)
    size = xp.concat([(abs(miss).sum(axis=2) / counts)[:, : BANDS - 2], far / far_counts], 1)
    worst = xp.highest(abs(miss)).reshape(len(miss), ORIGINS)
    bias = miss.sum(axis=2) / counts
    return xp.concat([_log(xp, size), _log(xp, worst), 0.5 * xp.squash(bias)], 1)


def _roughness(xp: Arrays, now: Past, scale: Array) -> Array:
    """[B, 4] size of changes, of the newest changes, and level and spread of the newest points."""
    change = abs(differenced(xp, now.z, now.length))
    mean = change.sum(axis=1)[:, None] / xp.clip(now.size - 1.0, 1.0, None)
    recent = xp.clip(now.seen[:, :TRIAL].sum(axis=1)[:, None], 1.0, None)
    lately = change[:, :TRIAL].sum(axis=1)[:, None] / recent
    level = now.z[:, :TRIAL].sum(axis=1)[:, None] / recent
    spread = ((now.z[:, :TRIAL] - level) ** 2 * now.seen[:, :TRIAL]).sum(axis=1)[:, None] / recent
    ratio = _log(xp, lately / (mean + 1e-4))
    return xp.concat([_log(xp, mean / scale), ratio, level - now.mean(), 0.5 * _log(xp, spread)], 1)


def _bounds(xp: Arrays, now: Past, scale: Array, anchor: Array) -> Array:
    """[B, 4] lowest and highest value as the network sees values; shares of points at the lowest, and unchanged."""
    outside = 1.0 - now.seen
    low = xp.lowest(now.z + outside * 1e3)
    high = xp.highest(now.z - outside * 1e3)
    at_low = (xp.real(now.z <= low + 1e-4) * now.seen).sum(axis=1)[:, None] / now.size
    change = differenced(xp, now.z, now.length)
    same = (xp.real(abs(change) < 1e-5) * now.seen).sum(axis=1)[:, None] / now.size
    ends = [0.5 * xp.squash((x - anchor) / scale) for x in (low, high)]
    return xp.concat([*ends, at_low, same], 1)


def _log(xp: Arrays, x: Array) -> Array:
    return xp.clip(0.5 * xp.log(x + 1e-3), -4.0, 4.0)
