"""The PyPI package `fracast` behind foretell's model contract, for the score table only.

Fracast-0 is a public model of 85,001 parameters (Apache-2.0, https://github.com/ztxtech/fracast-0). It gives the nine
deciles and nothing else; a horizon beyond 48 it builds from blocks that continue on its own medians.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import metadata
from typing import Any, ClassVar

import numpy as np

from foretell.errors import InvalidInput
from foretell.evaluation.backtest import DECILES
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, Forecast

ROWS_AT_ONCE = 16
"""On a CPU its activations leave the cache beyond that, and more than one thread costs more than it brings."""


class Fracast:
    name: ClassVar[str] = "fracast"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Fracast-0, a small public foundation model"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=8, max_context=2048, missing=True, cost=100.0)
    options: ClassVar[Mapping[str, Option]] = {}

    @cached_property
    def model(self) -> Any:
        """With the weights in single precision, the more exact of the two kinds that the package brings."""
        import torch
        from fracast import FracastModel

        torch.set_num_threads(1)
        return FracastModel.from_pretrained(weights="fp32")

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:  # noqa: ARG002
        if not set(levels) <= set(DECILES):
            raise InvalidInput("levels", f"fracast gives {DECILES} only, not {levels}")
        parts = [batch.values[i : i + ROWS_AT_ONCE] for i in range(0, len(batch), ROWS_AT_ONCE)]
        made = np.concatenate([self.model.forecast_batch(part, horizon=horizon) for part in parts])
        made = np.sort(made.astype(np.float64), axis=2)
        deciles = [round(q, 6) for q in self.model.quantiles]
        at = [deciles.index(level) for level in levels]
        name = f"fracast {metadata.version('fracast')}"
        return Forecast(made[:, :, deciles.index(0.5)], made[:, :, at], levels, ("ok",) * len(batch), name)
