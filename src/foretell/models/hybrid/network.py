"""The network's forward pass in NumPy, for use without torch; `foretell_small_torch.Network` is its twin."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from foretell.models.hybrid.backtest import TRIAL
from foretell.models.hybrid.candidates import COUNT
from foretell.models.hybrid.features import PATCH, Features
from foretell.models.hybrid.shape import GLIDE, Shape

Floats = NDArray[np.float32]
OWN = ((np.arange(GLIDE) + 0.5) / GLIDE).astype(np.float32)
"""How much of the first steps of a patch is its own."""


class NumpyNetwork:
    """Weights by their names in model.safetensors, and the forward pass for horizon patches that follow each other."""

    def __init__(self, shape: Shape, weights: Mapping[str, NDArray[np.floating]]) -> None:
        self.shape = shape
        self._w = {
            name: np.ascontiguousarray(w.astype(np.float32).T if w.ndim == 2 and "place" not in name else w, np.float32)
            for name, w in weights.items()
        }
        self._fold()

    def __call__(self, f: Features) -> Floats:
        """Quantiles [B, G * 16, Q], ascending in Q, in standard deviations of the context."""
        x, empty = self._tokens(f)
        context = empty.shape[1]
        for i in range(self.shape.depth):
            x = self._block(f"blocks.{i}.", x, context, empty, i == self.shape.depth - 1)
        return self._quantiles(unit(x), f)

    def _fold(self) -> None:
        """Put what only scales columns into the matrices that follow: the norms' weights, and the size of queries."""
        d, h = self.shape.width, self.shape.heads
        for i in range(self.shape.depth):
            for norm, matrix in (("norm1", "qkv"), ("norm2", "up")):
                self._w[f"blocks.{i}.{matrix}.weight"] *= self._w[f"blocks.{i}.{norm}.weight"][:, None]
            self._w[f"blocks.{i}.qkv.weight"][:, :d] *= np.float32((d // h) ** -0.5)
        for matrix in ("weigh", "trust", "spread"):
            self._w[f"{matrix}.weight"] *= self._w["norm.weight"][:, None]

    def _linear(self, name: str, x: Floats) -> Floats:
        y = self._matrix(f"{name}.weight", x)
        y += self._w[f"{name}.bias"]
        return y

    def _matrix(self, name: str, x: Floats) -> Floats:
        w = self._w[name]
        y: Floats = (x.reshape(-1, x.shape[-1]) @ w).reshape(*x.shape[:-1], w.shape[1])
        return y

    def _two(self, name: str, x: Floats) -> Floats:
        return self._linear(f"{name}.1", squared_relu(self._linear(f"{name}.0", x)))

    def _tokens(self, f: Features) -> tuple[Floats, NDArray[np.bool_]]:
        """All tokens [B, 1 + N + M + G, D] and which of the context's are empty [B, 1 + N + M]."""
        fine = self._linear("fine", f.fine) + self._w["fine_place"][: f.fine.shape[1]]
        fine[:, : TRIAL // PATCH] += self._linear("ahead", f.trial)
        coarse = self._linear("coarse", f.coarse) + self._w["coarse_place"][: f.coarse.shape[1]]
        summary = self._two("summary", f.summary)[:, None]
        ahead = self._two("horizon", f.horizon)
        ahead += self._linear("ahead", f.ahead)
        ahead += summary
        seen = np.concatenate([np.ones_like(f.fine_seen[:, :1]), f.fine_seen, f.coarse_seen], 1)
        return np.concatenate([summary, fine, coarse, ahead], 1), ~seen

    def _block(self, name: str, x: Floats, context: int, empty: NDArray[np.bool_], last: bool) -> Floats:
        """One transformer block; the last one returns the horizon tokens only."""
        rows, tokens, d = x.shape
        h = self.shape.heads
        qkv = self._matrix(f"{name}qkv.weight", unit(x))
        q, k, v = qkv.reshape(rows, tokens, 3, h, d // h).transpose(2, 0, 3, 1, 4)
        start = context if last else 0
        logits = q[:, :, start:] @ k[:, :, :context].swapaxes(-1, -2)
        if empty.any():
            logits += np.where(empty, np.float32(-1e30), np.float32(0))[:, None, None]
        own = np.einsum("bhtd,bhtd->bht", q[:, :, context:], k[:, :, context:])
        mixed = self._attend(logits, own, v, context)
        x = x[:, start:]
        x = x + self._matrix(f"{name}out.weight", mixed.transpose(0, 2, 1, 3).reshape(x.shape))
        inner = squared_relu(self._matrix(f"{name}up.weight", unit(x)))
        x += self._matrix(f"{name}down.weight", inner)
        return x

    @staticmethod
    def _attend(logits: Floats, own: Floats, v: Floats, context: int) -> Floats:
        """Attention of tokens [B, h, T, N] over N context tokens; the last ones (own [B, h, G]) also see themselves."""
        ahead = own.shape[2]
        top = logits.max(-1)
        top[..., -ahead:] = np.maximum(top[..., -ahead:], own)
        logits -= top[..., None]
        weights = np.exp(logits, out=logits)
        self_weight = np.exp(own - top[..., -ahead:])
        total = weights.sum(-1)
        total[..., -ahead:] += self_weight
        mixed: Floats = weights @ v[:, :, :context]
        mixed[:, :, -ahead:] += self_weight[..., None] * v[:, :, context:]
        mixed /= total[..., None]
        return mixed

    def _quantiles(self, x: Floats, f: Features) -> Floats:
        """Blend of the candidates plus a residual, and cumulated widths on both sides; x [B, G, D]."""
        rows, groups, _ = x.shape
        raw_weights = self._linear("weigh", x)
        chosen, free = raw_weights[..., :COUNT], raw_weights[..., COUNT:]
        chosen = chosen - self._linear("trust", x) @ f.errors
        chosen = np.exp(chosen - chosen.max(-1, keepdims=True))
        weights = chosen / chosen.sum(-1, keepdims=True) + free - free.mean(-1, keepdims=True)
        blend = (f.candidates @ weights[..., None])[..., 0]
        raw = self._linear("spread", x).reshape(rows, groups, PATCH, -1)
        _glide(blend, raw, f.candidates, weights)
        middle = len(self.shape.levels) // 2
        scale = f.scale[:, :, None, None]
        median = blend[..., None] + scale * raw[..., middle : middle + 1]
        widths = softplus(raw - np.float32(1.2)) * (scale * np.float32(self.shape.width_of(f.fine.shape[1] * PATCH)))
        out = np.empty_like(raw)
        out[..., middle : middle + 1] = median
        out[..., middle + 1 :] = median + np.cumsum(widths[..., middle + 1 :], -1)
        out[..., :middle] = median - np.cumsum(widths[..., middle - 1 :: -1], -1)[..., ::-1]
        return out.reshape(rows, groups * PATCH, -1)


def _glide(blend: Floats, raw: Floats, candidates: Floats, weights: Floats) -> None:
    """Lets a patch begin as the one before it would go on, in place: without it bounds go up in stairs far ahead."""
    before = (candidates[:, 1:, :GLIDE] @ weights[:, :-1, :, None])[..., 0]
    blend[:, 1:, :GLIDE] += (1 - OWN) * (before - blend[:, 1:, :GLIDE])
    raw[:, 1:, :GLIDE] += (1 - OWN)[:, None] * (raw[:, :-1, -1:] - raw[:, 1:, :1])


def unit(x: Floats) -> Floats:
    """x [..., D] with root mean square 1 over the last axis (a norm's weight is in the matrix that follows)."""
    mean = np.einsum("...d,...d->...", x, x)[..., None] / np.float32(x.shape[-1])
    y: Floats = x * (1.0 / np.sqrt(mean + np.float32(1e-6)))
    return y


def squared_relu(x: Floats) -> Floats:
    """max(x, 0) ** 2, in place."""
    np.maximum(x, 0, out=x)
    x *= x
    return x


def softplus(x: Floats) -> Floats:
    """log(1 + exp(x)) without overflow."""
    y: Floats = np.maximum(x, 0) + np.log(np.exp(-np.abs(x)) + np.float32(1))
    return y
