"""Detection, Imputation, Correlation: what comes out beside a Forecast. Shapes and units are written here once.

Axes as in series.py: B series, T points, L the length of a path or the number of lags. `status` is one of the words
of series.py; `details` is what a model says about a series; `model` names the model that answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foretell.series import OK, BoolArray, FloatArray, Forecast, IntArray

NORMAL = 1
ANOMALY = -1
Details = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, eq=False)
class Detection:
    """What every detector returns: `labels` [B, T], left-padded as the batch.

    A label is `normal`, or the kind of anomaly: -1, or any other number (TDgpt's masks). Padding, missing points and
    series without an answer are `normal`: nothing can be said of them. `scores` [B, T], where there are any, grow
    with how unusual a point is; NaN where nothing is said. `lengths` [B] counts each row's own points.
    """

    labels: IntArray
    scores: FloatArray | None
    lengths: IntArray
    status: tuple[str, ...]
    model: str = ""
    details: Details = field(default=())
    normal: int = NORMAL

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: slice) -> Detection:
        """The answers for some of the series."""
        scores = None if self.scores is None else self.scores[rows]
        own = self.labels[rows], scores, self.lengths[rows], self.status[rows]
        return Detection(*own, self.model, self.details[rows], self.normal)

    @property
    def anomalies(self) -> BoolArray:
        """[B, T]: the point is anomalous."""
        anomalies: BoolArray = self.labels != self.normal
        return anomalies

    def row(self, index: int) -> IntArray:
        """Labels [T_i] of one series without the padding."""
        return self.labels[index, self.labels.shape[1] - self.lengths[index] :]

    def windows(self, index: int) -> IntArray:
        """Runs of equal anomalous labels of one series, [N, 3]: first point, last point, label."""
        labels = self.row(index)
        starts = np.flatnonzero(np.diff(labels, prepend=labels[:1] - 1))
        ends = np.append(starts, len(labels))[1:] - 1
        runs = np.column_stack([starts, ends, labels[starts]])
        result: IntArray = runs[runs[:, 2] != self.normal]
        return result


@dataclass(frozen=True, eq=False)
class Imputation:
    """What every imputer returns: `values` [B, T], complete, left-padded with NaN as the batch.

    `imputed` [B, T] marks what was missing and is now filled in; all other values are those that were given.
    `lengths` [B] counts each row's own points. A series without an answer keeps its gaps.
    """

    values: FloatArray
    imputed: BoolArray
    lengths: IntArray
    status: tuple[str, ...]
    model: str = ""
    details: Details = field(default=())

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: slice) -> Imputation:
        """The answers for some of the series."""
        own = self.values[rows], self.imputed[rows], self.lengths[rows], self.status[rows]
        return Imputation(*own, self.model, self.details[rows])

    def row(self, index: int) -> tuple[FloatArray, BoolArray]:
        """Values and marks [T_i] of one series without the padding."""
        own = slice(self.values.shape[1] - int(self.lengths[index]), None)
        return self.values[index, own], self.imputed[index, own]


@dataclass(frozen=True, eq=False)
class Correlation:
    """How two series of T1 and T2 points hang together; one for each pair.

    A warping has `distance` and `path` [L, 2], pairs of points (i, j) from (0, 0) to (T1 - 1, T2 - 1). A lagged
    correlation has `lags` [L] and `values` [L] in [-1, 1]: at lag k, point t of the first series goes with point
    t + k of the second. `details["note"]` says what was left out, and why.
    """

    status: str = OK
    distance: float | None = None
    path: IntArray | None = None
    lags: IntArray | None = None
    values: FloatArray | None = None
    model: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


Pictured = Forecast | Detection | Imputation
"""What can be shown in a picture of the series."""
