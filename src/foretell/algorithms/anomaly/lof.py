"""The local outlier factor: values that are lonelier than their neighbours are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from foretell.algorithms.labels import VALID_CODE, Finding, detection
from foretell.registry import Kind, Limits, Option, Options
from foretell.results import ANOMALY, Detection
from foretell.series import Batch, FloatArray


class Lof:
    """Scikit-learn's local outlier factor of the values themselves; their order in time plays no part.

    Breunig, Kriegel, Ng & Sander 2000, doi:10.1145/335191.335388. Score: the factor; anomalous above 1.5.
    """

    name: ClassVar[str] = "lof"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "anomaly"
    description: ClassVar[str] = "Local outlier factor: values in sparser company than their neighbours"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=2, max_context=100_000, missing=True, cost=20, shift_equivariant=True)
    options: ClassVar[Mapping[str, Option]] = {
        "neighbors": Option(10, "how many neighbours a value is compared with", int, low=1, high=10_000),
        "algorithm": Option("auto", "how neighbours are searched", choices=("auto", "ball_tree", "kd_tree", "brute")),
        "valid_code": VALID_CODE,
    }

    def detect(self, batch: Batch, options: Options) -> Detection:
        from sklearn.neighbors import LocalOutlierFactor

        def find(values: FloatArray, row: int) -> Finding:  # noqa: ARG001
            model = LocalOutlierFactor(n_neighbors=options["neighbors"], algorithm=options["algorithm"])
            anomalous = model.fit_predict(values[:, None]) == ANOMALY
            return anomalous, -model.negative_outlier_factor_, {}

        return detection(self.name, batch, options, find)
