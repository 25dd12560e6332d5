"""Time-MoE in NumPy, for answering only: what runs where there is no PyTorch. The twin of time_moe.py.

Axes as there: G series of one length, n new points, T points so far, D width, A attention heads, d width of one of
them, E experts, K experts that a token goes to. Keys and values of earlier points are kept, so that each step of an
answer computes its new points only. In the last layer only the newest point goes on, since nothing else is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from foretell.errors import InvalidInput
from foretell.models.checkpoint import read_config, weight_files
from foretell.models.time_moe_shape import Shape, schedule

Floats = NDArray[np.float32]

TOGETHER = 4096
"""Points of context that run at once: what lies between two layers then stays in the processor's cache."""
QUERIES = 128
"""Points whose attention is computed at once, against those before them only."""
FAR = -80.0
"""exp() of less is nothing in float32."""


@dataclass(slots=True)
class Past:
    """Keys and values [layers][G, A, room, d] of the `seen` points so far."""

    keys: list[Floats]
    values: list[Floats]
    seen: int = 0

    @classmethod
    def of(cls, shape: Shape, count: int, room: int) -> Past:
        size = (count, shape.key_heads, room, shape.head_width)
        keys, values = ([np.empty(size, np.float32) for _ in range(shape.layers)] for _ in range(2))
        return cls(keys, values)

    def store(self, layer: int, keys: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Keep the new keys and values [G, A, n, d]; give back all there are so far."""
        end = self.seen + keys.shape[2]
        self.keys[layer][:, :, self.seen : end] = keys
        self.values[layer][:, :, self.seen : end] = values
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]


@dataclass(frozen=True, slots=True)
class Gated:
    """down(silu(gate x) * up x); gate and up are one matrix [D, 2 I], down is [I, D]."""

    up: Floats
    down: Floats

    def __call__(self, x: Floats) -> Floats:
        gate, up = np.split(x @ self.up, 2, axis=-1)
        out: Floats = silu(gate) * up @ self.down
        return out


class Weights:
    """The tensors of a checkpoint, each to be taken once, in the shape that the architecture asks for."""

    def __init__(self, tensors: Mapping[str, Floats]) -> None:
        self._left = dict(tensors)

    def take(self, name: str, *shape: int) -> Floats:
        """A tensor as it is stored: matrices are [out, in]."""
        if name not in self._left:
            raise InvalidInput("weights", f"{name} is missing")
        found = self._left.pop(name)
        if found.shape != shape:
            raise InvalidInput("weights", f"{name} is {list(found.shape)}, config.json asks for {list(shape)}")
        return found.astype(np.float32)

    def product(self, shape: tuple[int, int], *names: str) -> Floats:
        """Matrices of one shape [out, in] side by side, for x @ m: [in, sum of out]."""
        return np.ascontiguousarray(np.concatenate([self.take(name, *shape) for name in names]).T)

    def end(self) -> None:
        """Nothing may be left over."""
        if self._left:
            raise InvalidInput("weights", f"{sorted(self._left)[0]} is unknown to this architecture")


class Attention:
    """Causal attention with rotary positions, element i of a head paired with element i + d/2."""

    def __init__(self, shape: Shape, weights: Weights, prefix: str) -> None:
        self.shape = shape
        rows = [n * shape.head_width for n in (shape.heads, shape.key_heads, shape.key_heads)]
        names = [f"{prefix}{letter}_proj" for letter in "qkv"]
        self.parts = np.cumsum(rows)[:2]
        taken = [weights.take(f"{name}.weight", n, shape.width) for name, n in zip(names, rows, strict=True)]
        self.qkv = np.ascontiguousarray(np.concatenate(taken).T)
        self.bias = np.concatenate([weights.take(f"{name}.bias", n) for name, n in zip(names, rows, strict=True)])
        self.out = weights.product((shape.width, shape.width), f"{prefix}o_proj.weight")

    def __call__(self, x: Floats, turn: tuple[Floats, Floats], past: Past, layer: int, last: bool) -> Floats:
        """x [G, n, D] -> [G, n, D], or with `last` [G, 1, D] for the newest point."""
        q, k, v = (self._heads(part) for part in np.split(x @ self.qkv + self.bias, self.parts, axis=-1))
        q, k = rotate(q, turn), rotate(k, turn)
        keys, values = past.store(layer, k, v)
        repeats = self.shape.heads // self.shape.key_heads
        if repeats > 1:
            keys, values = keys.repeat(repeats, 1), values.repeat(repeats, 1)
        mixed = attend(q[:, :, -1:] if last else q, keys, values)
        return mixed.swapaxes(1, 2).reshape(len(x), -1, self.shape.width) @ self.out

    def _heads(self, x: Floats) -> Floats:
        """[G, n, A * d] -> [G, A, n, d]."""
        return x.reshape(*x.shape[:2], -1, self.shape.head_width).swapaxes(1, 2)


class Experts:
    """Each token goes through the K experts that its router likes best, and through the shared one (time_moe.py)."""

    def __init__(self, shape: Shape, weights: Weights, prefix: str) -> None:
        self.chosen = shape.chosen
        self.router = weights.product((shape.experts, shape.width), f"{prefix}gate.weight")
        self.shared_gate = weights.product((1, shape.width), f"{prefix}shared_expert_gate.weight")
        self.shared = _gated(weights, f"{prefix}shared_expert.", shape.inner, shape.width)
        routed = shape.inner // shape.chosen
        self.experts = [_gated(weights, f"{prefix}experts.{e}.", routed, shape.width) for e in range(shape.experts)]

    def __call__(self, x: Floats) -> Floats:
        """x [N, D] -> [N, D]."""
        weights = softmax(x @ self.router)
        chosen = np.argsort(-weights, axis=-1, kind="stable")[:, : self.chosen]
        out = self.shared(x) * sigmoid(x @ self.shared_gate)
        for e, expert in enumerate(self.experts):
            rows = np.flatnonzero((chosen == e).any(axis=-1))
            out[rows] += expert(x[rows]) * weights[rows, e, None]
        return out


class NumpyTimeMoe:
    """The network of published tensors; InvalidInput names one that is missing, unknown or of another shape."""

    def __init__(self, shape: Shape, tensors: Mapping[str, Floats]) -> None:
        weights = Weights(tensors)
        self.shape = shape
        self.gate = weights.take("model.embed_layer.gate_layer.weight", shape.width, 1)[:, 0]
        self.value = weights.take("model.embed_layer.emb_layer.weight", shape.width, 1)[:, 0]
        self.layers: list[tuple[Floats, Attention, Floats, Experts]] = []
        for i in range(shape.layers):
            at = f"model.layers.{i}."
            before = weights.take(f"{at}input_layernorm.weight", shape.width)
            attention = Attention(shape, weights, f"{at}self_attn.")
            between = weights.take(f"{at}post_attention_layernorm.weight", shape.width)
            self.layers.append((before, attention, between, Experts(shape, weights, f"{at}ffn_layer.")))
        self.norm = weights.take("model.norm.weight", shape.width)
        self.heads = {
            h: weights.product((h, shape.width), f"lm_heads.{i}.out_layer.weight") for i, h in enumerate(shape.horizons)
        }
        weights.end()

    @classmethod
    def read(cls, folder: Path) -> NumpyTimeMoe:
        """The network of a folder with config.json and float32 weights."""
        tensors: dict[str, Floats] = {}
        for file in weight_files(folder):
            try:
                tensors |= load_file(file)
            except (SafetensorError, OSError, TypeError, KeyError) as error:
                raise InvalidInput("weights", f"cannot read {file} without torch: {error}") from None
        return cls(Shape.read(read_config(folder)), tensors)

    def generate(self, contexts: Sequence[NDArray[Any]], horizon: int, covering: bool = False) -> NDArray[np.float64]:
        """The next values [B, horizon] of `contexts`, each [T >= 1], of any lengths; steps as in `schedule`."""
        steps = schedule(horizon, self.shape.horizons, covering)
        made = np.empty((len(contexts), sum(steps)))
        for rows in alike([len(context) for context in contexts]):
            made[rows] = self._generate(np.stack([contexts[i] for i in rows]).astype(np.float32), steps)
        return made[:, :horizon]

    def _generate(self, values: Floats, steps: Sequence[int]) -> Floats:
        """values [G, T] -> [G, sum of steps]: each step takes one head at the newest point and feeds it back."""
        past = Past.of(self.shape, len(values), values.shape[1] + sum(steps[:-1]))
        said: list[Floats] = []
        for step in steps:
            values = self._newest(values, past) @ self.heads[step]
            said.append(values)
        return np.concatenate(said, axis=1)

    def _newest(self, x: Floats, past: Past) -> Floats:
        """New points x [G, n] -> what the network thinks at the last of them [G, D]."""
        turn = turns(self.shape, past.seen, x.shape[1])
        h = silu(x[..., None] * self.gate) * (x[..., None] * self.value)
        for i, (before, attention, between, experts) in enumerate(self.layers):
            last = i == len(self.layers) - 1
            mixed = attention(self._normed(h, before), turn, past, i, last)
            h = (h[:, -1:] if last else h) + mixed
            h = h + experts(self._normed(h, between).reshape(-1, self.shape.width)).reshape(h.shape)
        past.seen += x.shape[1]
        return self._normed(h[:, -1], self.norm)

    def _normed(self, x: Floats, weight: Floats) -> Floats:
        """Root mean square norm over the last axis."""
        square = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
        normed: Floats = x / np.sqrt(square + np.float32(self.shape.eps)) * weight
        return normed


def alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of equal length, at most TOGETHER points of them, or one row, at a time."""
    for length in sorted(set(lengths)):
        rows = [i for i, other in enumerate(lengths) if other == length]
        size = max(1, TOGETHER // length)
        yield from (rows[begin : begin + size] for begin in range(0, len(rows), size))


def attend(queries: Floats, keys: Floats, values: Floats) -> Floats:
    """Queries [G, A, m, d] at the newest m points over all [G, A, T, d] up to their own -> [G, A, m, d]."""
    count, ends = queries.shape[2], keys.shape[2]
    queries = queries * np.float32(queries.shape[3] ** -0.5)
    mixed = np.empty_like(queries)
    for begin in range(0, count, QUERIES):
        block = queries[:, :, begin : begin + QUERIES]
        seen = ends - count + begin + block.shape[2]
        scores = block @ keys[:, :, :seen].swapaxes(2, 3)
        later = np.triu_indices(block.shape[2], 1)
        scores[:, :, later[0], seen - block.shape[2] + later[1]] = -np.inf
        mixed[:, :, begin : begin + QUERIES] = softmax(scores) @ values[:, :, :seen]
    return mixed


def turns(shape: Shape, start: int, count: int) -> tuple[Floats, Floats]:
    """Cosine and sine [count, d/2] of position * frequency for the positions from `start` on."""
    frequencies = 1.0 / shape.theta ** (np.arange(0, shape.head_width, 2, dtype=np.float32) / shape.head_width)
    angles = np.outer(np.arange(start, start + count, dtype=np.float32), frequencies.astype(np.float32))
    return np.cos(angles), np.sin(angles)


def rotate(heads: Floats, turn: tuple[Floats, Floats]) -> Floats:
    """Heads [G, A, n, d], their pairs turned."""
    first, second = np.split(heads, 2, axis=-1)
    cosine, sine = turn
    return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)


def softmax(x: Floats) -> Floats:
    """Over the last axis."""
    e: Floats = np.exp(x - x.max(axis=-1, keepdims=True))
    e /= e.sum(axis=-1, keepdims=True)
    return e


def sigmoid(x: Floats) -> Floats:
    out: Floats = np.float32(1) / (np.float32(1) + np.exp(-np.maximum(x, np.float32(FAR))))
    return out


def silu(x: Floats) -> Floats:
    return x * sigmoid(x)


def _gated(weights: Weights, prefix: str, inner: int, width: int) -> Gated:
    up = weights.product((inner, width), f"{prefix}gate_proj.weight", f"{prefix}up_proj.weight")
    return Gated(up, weights.product((width, inner), f"{prefix}down_proj.weight"))
