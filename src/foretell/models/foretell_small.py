"""`foretell-small`, the built-in foundation model: NumPy only, weights in the package, nothing to download.

A hybrid: forty-four classical forecasts of each series, their errors in back-tests inside the context, and a small
transformer, trained on synthetic series, that weighs and corrects them into quantiles (docs/model.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from safetensors.numpy import load_file

from foretell.models.hybrid.arrays import NUMPY
from foretell.models.hybrid.features import PATCH, make_features
from foretell.models.hybrid.grid import put_on_grid
from foretell.models.hybrid.network import NumpyNetwork
from foretell.models.hybrid.outliers import without_outliers
from foretell.models.hybrid.quantiles import at_levels
from foretell.models.hybrid.rows import CONTEXTS, LEAST, MEMORY, Row, newest_known, usual_periods
from foretell.models.hybrid.scaling import scale
from foretell.models.hybrid.shape import Shape
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import CONSTANT, OK, Batch, FloatArray, Forecast, IntArray

NAME = "foretell-small"
WEIGHTS = Path(__file__).parent / "weights" / NAME
FILES = ("config.json", "model.safetensors")
TOGETHER = 64
"""Rows computed at once: more would leave the processor's cache."""
STRIDE = 6
"""Patches of horizon are computed by so many: a short forecast is then the same numbers as a long one's beginning."""
ZEROS = 0.05
"""Share of zeros from which on a non-negative series is taken to jump between zero and its smallest other value."""


class ForetellSmall:
    """The model of the registry; one set of weights per process."""

    name: ClassVar[str] = NAME
    aliases: ClassVar[tuple[str, ...]] = ("tdtsfm_1",)
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Built-in foundation model: any series, any step, no training, quantiles included"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(
        min_context=LEAST,
        max_context=MEMORY,
        max_horizon=1024,
        intervals=True,
        prefix_consistent=True,
        missing=True,
        cost=1.8,
        scale_equivariant=True,
        shift_equivariant=True,
    )
    options: ClassVar[Mapping[str, Option]] = {
        "period": Option(
            None,
            "points in one season, looked at first, and taken as given where the history has no two of it; "
            "0 or 1: seasons are found in the series alone; not given: those usual for the step are looked at first",
            int,
            low=0,
            high=1e6,
        ),
        "floor": Option(True, "a series without negative values gets no negative forecast (1) or may (0)", bool),
        "outliers": Option(
            True, "a few values far beyond all others that do not come again are missing (1) or as they are (0)", bool
        ),
        "grid": Option(True, "a series of few values on one grid (counts) is forecast on it (1) or between (0)", bool),
    }

    @np.errstate(over="ignore", invalid="ignore")  # what overflows is not finite, and then has no forecast
    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        """Quantiles at `levels`; the point forecast is the median. NaN may be anywhere; see `Limits` for the rest."""
        rows, details = [], []
        for values, step in zip(batch.rows(), batch.steps, strict=True):
            usual = usual_periods(step, options["period"])
            seen = values[-MEMORY:]
            meant = without_outliers(seen, usual, options["period"]) if options["outliers"] else seen
            rows.append(newest_known(meant, usual))
            left_out = 0 if meant is seen else int(np.isnan(meant).sum() - np.isnan(seen).sum())
            details.append({"outliers": left_out} if left_out else {})
        trained = _trained(rows, horizon)
        _take_as_given(trained, rows, options["period"] or 1)
        for quantiles, row in zip(trained, rows, strict=True):
            if row.status == CONSTANT:
                quantiles[:] = row.values[-1]
            if row.status != OK:
                continue
            if options["grid"]:
                put_on_grid(quantiles, row.values[~np.isnan(row.values)])
            if options["floor"] and row.low >= 0:
                _keep_above_zero(quantiles, row.values)
        middle = trained.shape[2] // 2
        asked = at_levels(trained, built_in().shape.levels, levels) if levels else None
        status = tuple(row.status for row in rows)
        return Forecast(trained[:, :, middle], asked, levels, status, f"{NAME}@{fingerprint()}", tuple(details))


DEFAULTS: Options = {name: option.default for name, option in ForetellSmall.options.items()}


def _trained(rows: list[Row], horizon: int) -> FloatArray:
    """Quantiles [B, H, 15] at the levels of the network; NaN where a row has no forecast."""
    found = np.full((len(rows), horizon, len(built_in().shape.levels)), np.nan)
    for chunk in _chunks(rows, horizon):
        found[chunk.rows] = _quantiles([rows[i] for i in chunk.rows], chunk, horizon)
    return found


def _take_as_given(trained: FloatArray, rows: list[Row], period: int) -> None:
    """Moves quantiles, in place, to the middle that follows if the first season came before the history as well.

    For rows with one season of the given period, but not two: nothing in them shows that it repeats. How wide the
    quantiles are stays as it was, since nothing in them shows how exactly it does.
    """
    told = [i for i, row in enumerate(rows) if row.status == OK and row.has_one(period)]
    if told:
        middle = trained.shape[2] // 2
        repeated = _trained([rows[i].repeated(period) for i in told], trained.shape[1])
        trained[told] += repeated[:, :, [middle]] - trained[told][:, :, [middle]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one context size that are computed together."""

    rows: list[int]
    context: int
    patches: int


def _chunks(rows: list[Row], horizon: int) -> Iterator[Chunk]:
    """Rows that need the network, grouped so that none waits for another's longer context or horizon."""
    groups: dict[tuple[int, int], list[int]] = {}
    for i, row in enumerate(rows):
        if row.status == OK:
            context = next(c for c in CONTEXTS if len(row.values) <= c)
            patches = STRIDE * -(-(horizon + row.after) // (STRIDE * PATCH))
            groups.setdefault((context, patches), []).append(i)
    for (context, patches), members in groups.items():
        for begin in range(0, len(members), TOGETHER):
            yield Chunk(members[begin : begin + TOGETHER], context, patches)


def _quantiles(rows: list[Row], chunk: Chunk, horizon: int) -> FloatArray:
    """Quantiles [B, H, 15] of a chunk, from each row's own end (missing values at the end are forecast, then cut)."""
    padded = np.full((len(rows), chunk.context), np.nan)
    for target, row in zip(padded, rows, strict=True):
        target[-len(row.values) :] = row.without_cycle()
    z, known, scaling = scale(padded)
    features = make_features(NUMPY, z, known, np.arange(chunk.patches), chunk.patches * PATCH, _usual(rows))
    found = scaling.undo(built_in()(features))
    for quantiles, row in zip(found, rows, strict=True):
        if row.cycle is not None:
            quantiles += row.cycle.ahead(len(quantiles))[:, None]
    return np.stack([found[i, row.after : row.after + horizon] for i, row in enumerate(rows)])


def _usual(rows: list[Row]) -> IntArray:
    """[B, U] each row's usual periods, then ones."""
    usual = np.ones((len(rows), max([1, *(len(row.usual) for row in rows)])), np.int64)
    for periods, row in zip(usual, rows, strict=True):
        periods[: len(row.usual)] = row.usual
    return usual


def _keep_above_zero(quantiles: FloatArray, values: FloatArray) -> None:
    """Cuts quantiles [H, Q] of a series without negative values at zero, in place.

    Where zeros are common, nothing lies between zero and the smallest other value: what is below half of that is zero.
    """
    np.maximum(quantiles, 0.0, out=quantiles)
    zeros, positive = int((values == 0).sum()), values[values > 0]
    if zeros >= ZEROS * (zeros + len(positive)):
        quantiles[quantiles < positive.min() / 2] = 0.0


@cache
def built_in() -> NumpyNetwork:
    """The shipped network, read at first use."""
    config = json.loads((WEIGHTS / "config.json").read_text())
    lists = {name: tuple(config[name]) for name in ("levels", "widening")}
    return NumpyNetwork(Shape(**{**config, **lists}), load_file(WEIGHTS / "model.safetensors"))


@cache
def fingerprint() -> str:
    """Eight hexadecimal digits that name the weights and their config."""
    return hashlib.sha256(b"".join((WEIGHTS / name).read_bytes() for name in FILES)).hexdigest()[:8]
