"""Time-MoE by ONNX Runtime: the faster form on a CPU, and one that needs no torch. time_moe_export.py writes its graph.

Axes as in time_moe.py: B series of one length, n new points, P points before them, A attention heads, d width of one.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretell.errors import NotAvailable
from foretell.models.checkpoint import fingerprint, read_config
from foretell.models.time_moe_shape import Shape, schedule
from foretell.registry import require
from foretell.series import FloatArray

Floats = NDArray[np.float32]
GRAPH = "model.onnx"
DATA = "model.onnx.data"
FORM = "foretell 1"
"""Changes whenever a graph that was written before can no longer be run."""
CHUNK = 256
"""Points of a series that go in at once: scores and what lies between an expert's matrices then stay in the cache."""
TOGETHER = 768
"""Points of all series that go in at once, where several go in."""


def is_exported(folder: Path) -> bool:
    """Whether a graph lies beside the weights, and ONNX Runtime is there to run it."""
    return all((folder / file).is_file() for file in (GRAPH, DATA)) and can_run()


def can_run() -> bool:
    return importlib.util.find_spec("onnxruntime") is not None


def cache_names(shape: Shape) -> list[str]:
    """Inputs: keys and values of each layer, of the points before."""
    return [f"{part}.{layer}" for layer in range(shape.layers) for part in ("key", "value")]


def kept_names(shape: Shape) -> list[str]:
    """Outputs: the same, of all points."""
    return [f"kept_{name}" for name in cache_names(shape)]


def said_name(horizon: int) -> str:
    """The output of the head that says so many points."""
    return f"said.{horizon}"


@dataclass(slots=True)
class Past:
    """Keys and values [B, A, P, d] of all layers, of which the first `seen` points count."""

    parts: list[Floats]
    seen: int = 0

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in self.parts)

    def head(self, points: int) -> Past:
        """The first `points` only. Nothing is copied: parts are replaced, never written to."""
        return Past(self.parts, points)

    def inputs(self) -> list[Floats]:
        if self.parts[0].shape[2] > self.seen:
            self.parts = [np.ascontiguousarray(part[:, :, : self.seen]) for part in self.parts]
        return self.parts


@dataclass(slots=True)
class OnnxTimeMoe:
    """A network ready to answer on the CPU."""

    shape: Shape
    session: Any
    fingerprint: str
    device: str = field(default="cpu", init=False)

    @classmethod
    def read(cls, folder: Path) -> OnnxTimeMoe:
        """The graph of a folder; NotAvailable where it is that of other weights."""
        runtime = require("onnxruntime", "onnx")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = fingerprint(folder)
        try:
            session = runtime.InferenceSession(folder / GRAPH, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise NotAvailable(f"{folder / GRAPH} cannot be read ({error}); {_again()}") from None
        facts = session.get_modelmeta().custom_metadata_map
        if (facts.get("form"), facts.get("weights")) != (FORM, weights):
            raise NotAvailable(f"{folder / GRAPH} was not made of the weights beside it; {_again()}")
        return cls(Shape.read(read_config(folder)), session, weights)

    def generate(self, contexts: Sequence[NDArray[Any]], horizon: int, covering: bool = False) -> FloatArray:
        """The next values [B, horizon] of `contexts`, each [T >= 1], of any lengths; steps as in `schedule`."""
        steps = schedule(horizon, self.shape.horizons, covering)
        made = np.empty((len(contexts), sum(steps)))
        for rows in _alike([len(context) for context in contexts]):
            values = np.stack([contexts[i] for i in rows]).astype(np.float32)
            made[rows] = self._say(values, self._nothing(len(rows)), steps)
        return made[:, :horizon]

    def new_cache(self) -> Past:
        """That of a series of which nothing has been seen."""
        return self._nothing(1)

    def resume(self, caches: Sequence[Past], fresh: Sequence[FloatArray], horizon: int, covering: bool) -> FloatArray:
        """The next values [B, horizon] of series that go on: `fresh`, each [T >= 1], follow what each cache holds.

        Afterwards the caches hold the fresh points, and nothing that was only predicted.
        """
        steps = schedule(horizon, self.shape.horizons, covering)
        made = np.empty((len(caches), sum(steps)))
        for row, (cache, points) in enumerate(zip(caches, fresh, strict=True)):
            made[row] = self._say(points.astype(np.float32)[None], cache, steps)[0]
        return made[:, :horizon]

    def _say(self, values: Floats, past: Past, steps: Sequence[int]) -> Floats:
        """What the head of each step says [B, sum of steps] after new `values` [B, n]; `past` then holds those."""
        while values.shape[1] > CHUNK:
            self._run([], values[:, :CHUNK], past)
            values = values[:, CHUNK:]
        said = self._run([said_name(steps[0])], values, past)
        ahead = Past(past.parts, past.seen)
        for step in steps[1:]:
            said += self._run([said_name(step)], said[-1], ahead)
        return np.concatenate(said, axis=1)

    def _run(self, wanted: list[str], values: Floats, past: Past) -> list[Floats]:
        """The `wanted` outputs for new points [B, n], which `past` holds afterwards."""
        inputs = dict(zip(cache_names(self.shape), past.inputs(), strict=True))
        made = self.session.run([*wanted, *kept_names(self.shape)], {"x": np.ascontiguousarray(values), **inputs})
        past.parts = made[len(wanted) :]
        past.seen += values.shape[1]
        return list(made[: len(wanted)])

    def _nothing(self, count: int) -> Past:
        size = (count, self.shape.key_heads, 0, self.shape.head_width)
        return Past([np.empty(size, np.float32) for _ in cache_names(self.shape)])


def _alike(lengths: Sequence[int]) -> list[list[int]]:
    """Rows of equal length, at most TOGETHER points of them, or one row, at a time."""
    groups = []
    for length in sorted(set(lengths)):
        rows = [i for i, other in enumerate(lengths) if other == length]
        size = max(1, TOGETHER // length)
        groups += [rows[begin : begin + size] for begin in range(0, len(rows), size)]
    return groups


def _again() -> str:
    return "`foretell models export` writes it again, execution=torch does without"
