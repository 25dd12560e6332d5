"""Time-MoE written the slow, obvious way over the published tensors: the twin of models/time_moe.py.

It computes as the reference implementation does: eager attention over the whole score matrix, every layer for every
point, a loop over the experts that looks for its tokens, a cache that grows by concatenation, one request at a time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from foretell.models.time_moe import TimeMoe
from foretell.models.time_moe_shape import Shape

Past = list[tuple[Tensor, Tensor]]


def published_tensors(network: TimeMoe) -> dict[str, Tensor]:
    """The weights of a network under their published names."""
    return {name: parameter.data[index].clone() for name, parameter, index in network.published()}


class Plain:
    def __init__(self, shape: Shape, tensors: Mapping[str, Tensor]) -> None:
        self.shape = shape
        self.tensors = tensors
        self.gaps: list[float] = []
        """Smallest gap between the last chosen and the first rejected expert, one a layer and pass."""

    @torch.inference_mode()
    def generate(self, context: Tensor, horizon: int) -> Tensor:
        """The next values [horizon] of one context [T]."""
        said: list[Tensor] = []
        past: Past = []
        chunk = context
        while (left := horizon - sum(len(s) for s in said)) > 0:
            hidden = self.hidden(chunk, past)
            head = max((h for h in self.shape.horizons if h <= left), default=min(self.shape.horizons))
            index = self.shape.horizons.index(head)
            chunk = hidden[-1] @ self.tensors[f"lm_heads.{index}.out_layer.weight"].T
            said.append(chunk)
        return torch.cat(said)[:horizon]

    def hidden(self, values: Tensor, past: Past) -> Tensor:
        """Hidden states [T, D] of new points [T]; `past` grows."""
        w = self.tensors
        x = values[:, None]
        h = torch.nn.functional.silu(x @ w["model.embed_layer.gate_layer.weight"].T)
        h = h * (x @ w["model.embed_layer.emb_layer.weight"].T)
        for i in range(self.shape.layers):
            prefix = f"model.layers.{i}."
            h = h + self.attention(i, self.norm(h, w[prefix + "input_layernorm.weight"]), past)
            h = h + self.experts(prefix + "ffn_layer.", self.norm(h, w[prefix + "post_attention_layernorm.weight"]))
        return self.norm(h, w["model.norm.weight"])

    def norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.shape.eps))

    def attention(self, layer: int, x: Tensor, past: Past) -> Tensor:
        prefix = f"model.layers.{layer}.self_attn."
        q, k, v = (self.heads(prefix + name, x) for name in "qkv")
        start = past[layer][0].shape[1] if layer < len(past) else 0
        q, k = self.rotate(q, start), self.rotate(k, start)
        if layer < len(past):
            k, v = (torch.cat(pair, 1) for pair in zip(past[layer], (k, v), strict=True))
            past[layer] = k, v
        else:
            past.append((k, v))
        times = self.shape.heads // self.shape.key_heads
        k, v = (t.repeat_interleave(times, 0) for t in (k, v))
        scores = q @ k.transpose(1, 2) / math.sqrt(self.shape.head_width)
        later = torch.ones(scores.shape[1:], dtype=torch.bool).triu(start + 1)
        mixed = scores.masked_fill(later, -torch.inf).softmax(-1) @ v
        return mixed.transpose(0, 1).flatten(1) @ self.tensors[prefix + "o_proj.weight"].T

    def heads(self, name: str, x: Tensor) -> Tensor:
        """[T, D] -> [heads, T, d]."""
        out = x @ self.tensors[name + "_proj.weight"].T + self.tensors[name + "_proj.bias"]
        return out.view(len(x), -1, self.shape.head_width).transpose(0, 1)

    def rotate(self, x: Tensor, start: int) -> Tensor:
        half = self.shape.head_width // 2
        positions = torch.arange(start, start + x.shape[1]).float()
        angles = positions[:, None] / self.shape.theta ** (torch.arange(half) / half)
        cos, sin = (torch.cat([t, t], -1) for t in (angles.cos(), angles.sin()))
        return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin

    def experts(self, prefix: str, x: Tensor) -> Tensor:
        w = self.tensors
        weights = (x @ w[prefix + "gate.weight"].T).softmax(-1)
        best, chosen = weights.topk(min(self.shape.chosen + 1, self.shape.experts))
        if best.shape[1] > self.shape.chosen:
            self.gaps.append(float((best[:, -2] - best[:, -1]).min()))
        out = torch.sigmoid(x @ w[prefix + "shared_expert_gate.weight"].T) * self.expert(prefix + "shared_expert.", x)
        for e in range(self.shape.experts):
            tokens, place = torch.where(chosen[:, : self.shape.chosen] == e)
            if len(tokens):
                said = self.expert(f"{prefix}experts.{e}.", x[tokens]) * best[tokens, place][:, None]
                out.index_add_(0, tokens, said)
        return out

    def expert(self, prefix: str, x: Tensor) -> Tensor:
        w = self.tensors
        gate = torch.nn.functional.silu(x @ w[prefix + "gate_proj.weight"].T)
        return (gate * (x @ w[prefix + "up_proj.weight"].T)) @ w[prefix + "down_proj.weight"].T
