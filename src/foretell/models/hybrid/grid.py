"""Values that come in steps: counts, grades, what a meter can tell apart."""

import numpy as np

from foretell.series import FloatArray

NEWEST = 64
"""A look at so many newest values turns most series down."""
MOST_STEPS = 64
"""A range of more steps is as good as continuous."""
REPEATED = 2
"""A value of such a series occurs at least so often, on average."""
EXACT = 1e-3
"""A value lies at most this share of a step beside the grid."""


def step_of(values: FloatArray) -> float:
    """The step of the grid that known values [N] lie on, 0 if there is none or if it is too fine to matter."""
    if len(np.unique(values[-NEWEST:])) * REPEATED > min(len(values), NEWEST):
        return 0.0
    distinct = np.unique(values)
    if len(distinct) < REPEATED or len(distinct) * REPEATED > len(values):
        return 0.0
    step = float(np.diff(distinct).min())
    if distinct[-1] - distinct[0] > MOST_STEPS * step:
        return 0.0
    places = (distinct - distinct[0]) / step
    return step if np.abs(places - np.round(places)).max() <= EXACT else 0.0


def put_on_grid(quantiles: FloatArray, values: FloatArray) -> None:
    """Rounds quantiles [H, Q] to the grid of known values [N] in place, if there is one.

    The quantiles of a count are counts, so this is where its median lies: of two neighbours the likelier is meant.
    """
    if step := step_of(values):
        quantiles[:] = values[0] + np.round((quantiles - values[0]) / step) * step
