"""Everything the network sees of a batch: candidates, how they did in the context itself, and the newest values."""

from dataclasses import dataclass

from foretell.models.hybrid.arrays import Array, Arrays
from foretell.models.hybrid.backtest import BANDS, Trial, back_test, errors_and_scale
from foretell.models.hybrid.candidates import COUNT, View, candidate_forecasts, fit_residuals
from foretell.models.hybrid.gaps import fill_seasons
from foretell.models.hybrid.levels import fit_lines
from foretell.models.hybrid.past import Past, past
from foretell.models.hybrid.periods import Periods, detrended, find_periods
from foretell.models.hybrid.summary import EXTRA, describe

PATCH = 16
FINE = 256
"""Newest points that the network sees one by one."""
COARSE = 16
"""Points averaged into one for the longer view, which covers the whole context."""
SUMMARY = BANDS * COUNT + EXTRA
HORIZON = 7


@dataclass(frozen=True)
class Features:
    """The network's inputs for B series: N fine and M coarse patches (newest first), G horizon patches."""

    fine: Array
    """[B, N, 48] newest values, twice scaled, and the mask."""
    coarse: Array
    """[B, M, 32] averages over 16 points and their shares of known points."""
    fine_seen: Array
    """[B, N] patches with at least one known value."""
    coarse_seen: Array
    """[B, M] likewise."""
    trial: Array
    """[B, 3, 16 * K] candidates of the newest back-test, as the network sees values."""
    ahead: Array
    """[B, G, 16 * K] candidates for the horizon, as the network sees values."""
    summary: Array
    """[B, SUMMARY] errors, periods and shape of the series."""
    errors: Array
    """[B, 4, K] scaled logarithms of the back-test errors."""
    horizon: Array
    """[B, G, 7] where each horizon patch lies."""
    candidates: Array
    """[B, G, 16, K] in units of the context's standard deviation."""
    scale: Array
    """[B, 1] error scale in the same units."""


def make_features(
    xp: Arrays, z: Array, known: Array, patches: Array, reach: int, usual: Array | None = None
) -> Features:
    """Features of contexts z [B, C] (oldest first, standardised, zero where not known), C one of 64, 128, 256, 512 ...

    `patches` [G] are the wanted horizon patches (patch g holds steps 16 g + 1 .. 16 g + 16), all within `reach` steps.
    `usual` [B, U] are periods to look at first (1 = none), such as a day of hours.
    """
    newest_first, seen = xp.flip(z), xp.flip(known)
    place = xp.count(z.shape[1])[None]
    length = xp.clip(xp.highest(xp.where(seen, place, place * 0 - 1)) + 1, 1, None)
    if bool((seen.sum(axis=1) < length[:, 0]).any()):
        newest_first = fill_seasons(xp, newest_first, seen, length, usual)
    return _assemble(xp, past(xp, newest_first, length), xp.real(seen), patches, reach, usual)


def _assemble(xp: Arrays, now: Past, seen: Array, patches: Array, reach: int, usual: Array | None) -> Features:
    rows = len(now.z)
    periods = find_periods(xp, now, detrended(xp, now, fit_lines(xp, now)), usual)
    view = View(xp, now, periods.periods)
    models = fit_residuals(xp, view, rows)
    steps = (patches[:, None] * PATCH + xp.count(PATCH)[None] + 1).reshape(1, -1) + now.length * 0
    found = candidate_forecasts(xp, view, periods.periods, models, steps, reach)
    trial = back_test(xp, now, seen, periods.periods)
    errors, scale = errors_and_scale(xp, now, trial)
    anchor = view.lines.level[:, :1]
    logs = xp.clip(0.5 * xp.log(errors / scale[:, None] + 1e-3), -4.0, 4.0)
    fine, fine_seen = _fine(xp, now, seen, anchor, scale)
    coarse, coarse_seen = _coarse(xp, now, seen)
    extra = describe(xp, now, seen, view, periods, trial, errors, scale)
    groups = steps.shape[1] // PATCH
    return Features(
        fine=fine,
        coarse=coarse,
        fine_seen=fine_seen,
        coarse_seen=coarse_seen,
        trial=_as_seen(xp, trial.forecasts[:, 0], anchor, scale, trial.newest(xp)).reshape(rows, -1, PATCH * COUNT),
        ahead=_as_seen(xp, found, anchor, scale, None).reshape(rows, groups, PATCH * COUNT),
        summary=xp.concat([logs.reshape(rows, -1), extra], 1),
        errors=logs,
        horizon=_horizon(xp, now, patches, periods, trial),
        candidates=found.reshape(rows, groups, PATCH, COUNT),
        scale=scale,
    )


def _as_seen(xp: Arrays, x: Array, anchor: Array, scale: Array, mask: Array | None) -> Array:
    """Candidates [B, H, K] around the anchor in units of the error scale, squashed; zero outside mask [B, H]."""
    seen = 0.5 * xp.squash((x - anchor[..., None]) * (1.0 / scale)[..., None])
    return seen if mask is None else seen * mask[..., None]


def _fine(xp: Arrays, now: Past, seen: Array, anchor: Array, scale: Array) -> tuple[Array, Array]:
    """Newest values as patches [B, N, 48], newest first, and which patches hold a known value [B, N]."""
    width = min(now.z.shape[1], FINE)
    z, mask = now.z[:, :width], seen[:, :width]
    views = xp.stack([xp.squash(z) * mask, 0.5 * xp.squash((z - anchor) / scale) * mask, mask], -1)
    known = mask.reshape(len(z), -1, PATCH).sum(axis=-1) > 0
    return views.reshape(len(z), width // PATCH, 3 * PATCH), known


def _coarse(xp: Arrays, now: Past, seen: Array) -> tuple[Array, Array]:
    """Averages over 16 points as patches [B, M, 32], newest first; none for contexts of at most FINE points."""
    rows, context = now.z.shape
    wide = context // (COARSE * PATCH) if context > FINE else 0
    z, mask = (x[:, : wide * COARSE * PATCH].reshape(rows, wide, PATCH, COARSE) for x in (now.z * seen, seen))
    share = mask.sum(axis=-1) / COARSE
    mean = xp.squash(z.sum(axis=-1) / (COARSE * xp.clip(share, 1.0 / COARSE, None)))
    return xp.concat([mean, share], -1), share.sum(axis=-1) > 0


def _horizon(xp: Arrays, now: Past, patches: Array, periods: Periods, trial: Trial) -> Array:
    """[B, G, 7] logarithms of each patch's middle step: alone, and relative to length, periods and back-tests."""
    middle = xp.real(patches)[None, :, None] * PATCH + PATCH / 2
    lengths = xp.concat([now.length * 0 + 1, now.length, periods.periods, trial.back[:, :1], trial.back[:, 2:]], 1)
    return 0.3 * xp.log(middle / xp.real(lengths)[:, None])
