"""Time-MoE in plain PyTorch: a decoder-only transformer over single points with a mixture of experts.

Source: Shi et al. 2024, arXiv:2409.16040, and the configurations of Maple728/TimeMoE-50M and -200M.

    values [B, T] -> embed -> layers of (attention, experts) -> norm -> heads -> the next 1, 8, 32 or 64 values

Axes: B series, T points, N tokens of all series one after the other, D width, A attention heads, d width of one of
them, E experts, K experts that a token goes to, h points that a head gives. One value is one token. Tokens of series
of any lengths lie side by side in [N, D] without padding; only attention has to know where a series begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretell.models.layers import Bank, Linear, Norm, Packed, Quantised, can_pack, plain
from foretell.models.time_moe_shape import Shape, schedule


@dataclass(slots=True)
class Group:
    """Series of one length, side by side: `count` of them have `seen` points in the cache and bring `new` ones.

    `keys` and `values` hold, per layer, [count, A, room, d]; there are none where nothing will be fed back.
    """

    count: int
    new: int
    seen: int = 0
    keys: tuple[Tensor, ...] = ()
    values: tuple[Tensor, ...] = ()

    def store(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put the new keys and values [count, A, new, d] into the cache; give back all there are so far."""
        if not self.keys:
            return keys, values
        end = self.seen + self.new
        self.keys[layer][:, :, self.seen : end] = keys
        self.values[layer][:, :, self.seen : end] = values
        if not self.seen:
            return keys, values
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]

    @property
    def nbytes(self) -> int:
        """Bytes of the cache."""
        return sum(part.nbytes for part in (*self.keys, *self.values))

    def make_room(self, shape: Shape, points: int, like: Tensor) -> None:
        """Let the cache hold `points` of each series, and a quarter more so that it seldom moves."""
        if self.keys and self.keys[0].shape[2] >= points:
            return
        size = (shape.layers, self.count, shape.key_heads, points + points // 4, shape.head_width)
        before = self.keys, self.values
        self.keys, self.values = like.new_empty(size).unbind(), like.new_empty(size).unbind()
        for new, old in zip((*self.keys, *self.values), (*before[0], *before[1]), strict=bool(before[0])):
            new[:, :, : self.seen] = old[:, :, : self.seen]

    @torch.inference_mode()
    def head(self, points: int) -> Group:
        """A copy that has seen the first `points` only."""
        keys, values = (tuple(t[:, :, :points].clone() for t in part) for part in (self.keys, self.values))
        return Group(self.count, 0, points, keys, values)


@dataclass(frozen=True, slots=True)
class Routing:
    """What a router decided for N tokens: logits [N, E], chosen experts [N, K] (best first), their weights [N, K]."""

    logits: Tensor
    experts: Tensor
    weights: Tensor


BLOCK = 1024
"""Tokens that pass the experts at once when answering: what lies between their matrices then stays in the cache."""

Published = Iterator[tuple[str, nn.Parameter, Any]]
"""Name of a published tensor, the parameter of ours that holds it, and the index where it lies there."""


class Embedding(nn.Module):
    """x [N] -> silu(x * gate) * (x * value) [N, D]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.empty(shape.width))
        self.value = nn.Parameter(torch.empty(shape.width))

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, None]
        return functional.silu(x * self.gate.to(x.dtype)) * (x * self.value.to(x.dtype))

    def published(self, prefix: str) -> Published:
        yield prefix + "gate_layer.weight", self.gate, (slice(None), None)
        yield prefix + "emb_layer.weight", self.value, (slice(None), None)


class Attention(nn.Module):
    """Causal attention with rotary positions (Su et al. 2021).

    The published rotation pairs element i of a head with element i + d/2. Here query and key rows are stored so that
    the two lie beside each other: then the rotation is one complex product, and q @ k is the same sum.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.sizes = [shape.heads, shape.key_heads, shape.key_heads]
        self.qkv = Linear(shape.width, sum(self.sizes) * shape.head_width, bias=True)
        self.out = Linear(shape.width, shape.width)

    def forward(self, x: Tensor, turn: Tensor, groups: Sequence[Group], layer: int, last: bool) -> Tensor:
        """x [N, D] -> [N, D], or with `last` [B, D]: the last new point of each series only."""
        heads = self.qkv(x).view(len(x), -1, self.shape.head_width)
        rotated = rotate(heads[:, : sum(self.sizes[:2])], turn)
        queries, keys = rotated.split(self.sizes[:2], 1)
        values = heads[:, sum(self.sizes[:2]) :]
        mixed, start = [], 0
        for group in groups:
            end = start + group.count * group.new
            q, k, v = (t[start:end].unflatten(0, (group.count, group.new)) for t in (queries, keys, values))
            mixed.append(self._mix(q[:, -1:] if last else q, k, v, group, layer))
            start = end
        return cast(Tensor, self.out(torch.cat(mixed)))

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, group: Group, layer: int) -> Tensor:
        """q [G, M, A, d] over the keys so far -> [G * M, D]; the last query stands at the newest point."""
        q = q.transpose(1, 2)
        k, v = group.store(layer, k.transpose(1, 2), v.transpose(1, 2))
        few, many = q.shape[2], k.shape[2]
        if self.shape.key_heads < self.shape.heads:
            k, v = (t.repeat_interleave(self.shape.heads // self.shape.key_heads, 1) for t in (k, v))
        if few == many:
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        elif few == 1:
            mixed = functional.scaled_dot_product_attention(q, k, v)
        else:
            visible = torch.ones(few, many, dtype=torch.bool, device=q.device).tril(many - few)
            mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        return mixed.transpose(1, 2).flatten(2).flatten(0, 1)

    def published(self, prefix: str) -> Published:
        start = 0
        pairs = torch.arange(self.shape.head_width).view(-1, 2).T.flatten()
        for name, heads in zip("qkv", self.sizes, strict=True):
            rows = torch.arange(heads * self.shape.head_width)
            if name != "v":
                rows = (rows.view(heads, -1)[:, pairs]).flatten()
            yield f"{prefix}{name}_proj.weight", plain(self.qkv), start + rows
            yield f"{prefix}{name}_proj.bias", cast(nn.Parameter, self.qkv.bias), start + rows
            start += len(rows)
        yield prefix + "o_proj.weight", plain(self.out), ...


class Experts(nn.Module):
    """Each token goes through the K experts that its router likes best, and through the shared one.

    out = sum over the chosen of p_e * expert_e(x) + sigmoid(gate x) * shared(x), p = softmax over all experts, not
    scaled up to 1 over the chosen. An expert is down(silu(gate x) * up x); gate and up are one matrix here, and so
    are the router (E rows) and the gate of the shared expert (1 row).
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        routed = shape.inner // shape.chosen
        self.router = Linear(shape.width, shape.experts + 1)
        self.shared_up = Linear(shape.width, 2 * shape.inner)
        self.shared_down = Linear(shape.inner, shape.width)
        self.up = Bank(shape.experts, shape.width, 2 * routed)
        self.down = Bank(shape.experts, routed, shape.width)

    def forward(self, x: Tensor, watch: list[Routing] | None = None) -> Tensor:
        """x [N, D] -> [N, D]; `watch` collects what the router decided."""
        scores = self.router(x)
        logits = scores[:, :-1]
        weights, experts = logits.softmax(-1, dtype=torch.float32).topk(self.shape.chosen, sorted=True)
        if watch is not None:
            watch.append(Routing(logits, experts, weights))
        shared = self.shared_down(gated(self.shared_up(x))) * scores[:, -1:].sigmoid()
        routed = self._routed(x, experts)
        return torch.baddbmm(shared[:, None], weights.to(x.dtype)[:, None], routed)[:, 0]

    def _routed(self, x: Tensor, experts: Tensor) -> Tensor:
        """What the chosen experts [N, K] say: [N, K, D]. Rows are sorted by expert, so that each has one product."""
        order = experts.flatten().argsort(stable=True)
        counts = order.new_zeros(self.shape.experts).scatter_add_(0, experts.flatten(), torch.ones_like(order))
        rows = x[order // self.shape.chosen]
        said = self.down(gated(self.up(rows, counts)), counts)
        back = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=x.device))
        return cast(Tensor, said[back].unflatten(0, experts.shape))

    def published(self, prefix: str) -> Published:
        yield prefix + "gate.weight", plain(self.router), slice(0, self.shape.experts)
        yield prefix + "shared_expert_gate.weight", plain(self.router), slice(self.shape.experts, None)
        halves = {"gate_proj": 0, "up_proj": 1}
        for name, half in halves.items():
            rows = slice(half * self.shape.inner, (half + 1) * self.shape.inner)
            yield f"{prefix}shared_expert.{name}.weight", plain(self.shared_up), rows
        yield prefix + "shared_expert.down_proj.weight", plain(self.shared_down), ...
        routed = self.shape.inner // self.shape.chosen
        for e in range(self.shape.experts):
            for name, half in halves.items():
                rows = slice(half * routed, (half + 1) * routed)
                yield f"{prefix}experts.{e}.{name}.weight", plain(self.up), (e, rows)
            yield f"{prefix}experts.{e}.down_proj.weight", plain(self.down), e


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = Norm(shape.width, shape.eps)
        self.attention = Attention(shape)
        self.experts_norm = Norm(shape.width, shape.eps)
        self.experts = Experts(shape)

    def mix(self, h: Tensor, watch: list[Routing] | None) -> Tensor:
        """The experts on h [N, D]; each token stands for itself, so blocks of them give the same."""
        parts = [h] if watch is not None else h.split(BLOCK)
        return torch.cat([self.experts(self.experts_norm(part), watch) for part in parts])

    def published(self, prefix: str) -> Published:
        yield prefix + "input_layernorm.weight", self.attention_norm.weight, ...
        yield from self.attention.published(prefix + "self_attn.")
        yield prefix + "post_attention_layernorm.weight", self.experts_norm.weight, ...
        yield from self.experts.published(prefix + "ffn_layer.")


class TimeMoe(nn.Module):
    """The network. Its parameters are empty until they are loaded (checkpoint.py) or drawn (`initialise`)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = Embedding(shape)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.eps)
        self.heads = nn.ModuleList(Linear(shape.width, h) for h in shape.horizons)
        self.compute_dtype = torch.float32

    def forward(self, values: Tensor, watch: list[Routing] | None = None) -> list[Tensor]:
        """What each head says at every point of `values` [B, T]: a list of [B, T, h]."""
        hidden = self._run(values.flatten(), [Group(*values.shape)], last=False, watch=watch)
        return [head(hidden).unflatten(0, values.shape) for head in self.heads]

    @torch.inference_mode()
    def generate(self, contexts: Sequence[Tensor], horizon: int, covering: bool = False) -> Tensor:
        """The next values [B, horizon] of `contexts`, each [T >= 1], of any lengths.

        Each step takes one head (see `schedule`) at the newest point and feeds its values back as a chunk.
        """
        steps = schedule(horizon, self.shape.horizons, covering)
        order = sorted(range(len(contexts)), key=lambda i: len(contexts[i]))
        values = torch.cat([contexts[i] for i in order]).to(self.compute_dtype)
        groups = self._groups([len(contexts[i]) for i in order], fed_back=sum(steps[:-1]), like=values)
        said = self._say(values, groups, steps)[:, :horizon]
        if order == sorted(order):
            return said
        return said[torch.tensor(order, device=values.device).argsort()]

    @torch.inference_mode()
    def resume(self, series: Sequence[Group], fresh: Sequence[Tensor], horizon: int, covering: bool = False) -> Tensor:
        """The next values [B, horizon] of series that go on: `fresh` [T >= 1] follow what the cache of each holds.

        Each is a group of one. Afterwards it has seen the fresh points, and nothing that was only predicted.
        """
        steps = schedule(horizon, self.shape.horizons, covering)
        values = torch.cat(list(fresh)).to(self.compute_dtype)
        ends = [group.seen + len(points) for group, points in zip(series, fresh, strict=True)]
        for group, points, end in zip(series, fresh, ends, strict=True):
            group.new = len(points)
            group.make_room(self.shape, end + sum(steps[:-1]), values)
        said = self._say(values, series, steps)
        for group, end in zip(series, ends, strict=True):
            group.seen = end
        return said[:, :horizon]

    def pack(self, eight_bits: bool = False) -> TimeMoe:
        """Lay the weights out for answering on this CPU; afterwards they can neither be trained nor moved.

        With `eight_bits` all but the routers and the heads are rounded; without, the numbers stay the same, and a
        PyTorch that lacks oneDNN keeps the weights as they are.
        """
        for name, module in self.named_modules():
            exact = name.endswith(".router") or name.startswith("heads.")
            if isinstance(module, Linear | Bank):
                if eight_bits and not exact:
                    module.pack(Quantised)
                elif can_pack(plain(module)):
                    module.pack(Packed)
        return self

    def published(self) -> Published:
        """Every published tensor: `parameter[index]` holds it."""
        yield from self.embedding.published("model.embed_layer.")
        for i, layer in enumerate(self.layers):
            yield from cast(Layer, layer).published(f"model.layers.{i}.")
        yield "model.norm.weight", self.norm.weight, ...
        for i, head in enumerate(self.heads):
            yield f"lm_heads.{i}.out_layer.weight", plain(cast(Linear, head)), ...

    @torch.no_grad()
    def initialise(self, seed: int) -> TimeMoe:
        """Draw the weights as before training: normal(0, 0.02), biases 0, norms 1."""
        dice = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif "norm" in name:
                parameter.fill_(1)
            else:
                parameter.normal_(0, 0.02, generator=dice)
        return self

    def _groups(self, lengths: Sequence[int], fed_back: int, like: Tensor) -> list[Group]:
        """Series of equal length, which come one after the other, in one group, with room for what is fed back."""
        groups = []
        for length in dict.fromkeys(lengths):
            group = Group(lengths.count(length), length)
            if fed_back:
                size = (self.shape.layers, group.count, self.shape.key_heads, length + fed_back, self.shape.head_width)
                group.keys = like.new_empty(size).unbind()
                group.values = like.new_empty(size).unbind()
            groups.append(group)
        return groups

    def _say(self, values: Tensor, groups: Sequence[Group], steps: Sequence[int]) -> Tensor:
        """What the head of each step says [B, sum of steps] after the new `values` [N] of the groups."""
        said: list[Tensor] = []
        for step in steps:
            hidden = self._run(values, groups, last=True)
            said.append(self.heads[self.shape.horizons.index(step)](hidden))
            values = said[-1].flatten()
            for group in groups:
                group.seen, group.new = group.seen + group.new, step
        return torch.cat(said, 1)

    def _run(self, x: Tensor, groups: Sequence[Group], last: bool, watch: list[Routing] | None = None) -> Tensor:
        """New points x [N] -> hidden states [N, D], or [B, D] of the last ones, which alone pass the last layer."""
        ends = last_points(groups, x.device)
        turn = torch.cat([turns(self.shape, g.seen, g.new, x.device).repeat(g.count, 1, 1) for g in groups])
        h = self.embedding(x)
        for i, module in enumerate(self.layers):
            layer = cast(Layer, module)
            cut = last and i == len(self.layers) - 1
            mixed = layer.attention(layer.attention_norm(h), turn, groups, i, cut)
            h = (h[ends] if cut else h) + mixed
            h = h + layer.mix(h, watch)
        return cast(Tensor, self.norm(h))


def last_points(groups: Sequence[Group], device: torch.device) -> Tensor:
    """Where the newest point of each series lies among the new ones of all [B]; made where it is needed."""
    found, start = [], 0
    for group in groups:
        end = start + group.count * group.new
        found.append(torch.arange(start + group.new - 1, end, group.new, device=device))
        start = end
    return torch.cat(found)


def gated(x: Tensor) -> Tensor:
    """silu of the first half of the last axis, times the second half."""
    gate, up = x.chunk(2, -1)
    return functional.silu(gate) * up


def turns(shape: Shape, start: int, count: int, device: torch.device) -> Tensor:
    """exp(i * position * frequency) [count, 1, d/2] for the positions from `start` on."""
    exponents = torch.arange(0, shape.head_width, 2, device=device) / shape.head_width
    frequencies = 1.0 / shape.theta**exponents
    angles = torch.outer(torch.arange(start, start + count, dtype=torch.float32, device=device), frequencies)
    return torch.polar(torch.ones_like(angles), angles)[:, None]


def rotate(heads: Tensor, turn: Tensor) -> Tensor:
    """Heads [N, A, d], their pairs turned as complex numbers by `turn` [N, 1, d/2]."""
    pairs = torch.view_as_complex(heads.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turn).flatten(-2).to(heads.dtype)


def training_loss(network: TimeMoe, values: Tensor, targets: Tensor, mask: Tensor, balance: float = 0.02) -> Tensor:
    """Huber loss (delta 2) of all heads, averaged, plus `balance` times the load-balance loss of the routers.

    `targets` [B, T] are the values that follow `values` [B, T]; where `mask` [B, T] is 0, or behind the end, nothing
    counts. A head of h points is held against the windows of h targets that begin at each point.
    """
    watch: list[Routing] = []
    losses = []
    for said in network(values, watch):
        ahead = said.shape[-1]
        truth, counts = (functional.pad(t, (0, ahead - 1)).unfold(1, ahead, 1) for t in (targets, mask))
        losses.append((functional.huber_loss(said, truth, reduction="none", delta=2.0) * counts).sum() / counts.sum())
    return torch.stack(losses).mean() + balance * load_balance(watch)


def load_balance(watch: Sequence[Routing]) -> Tensor:
    """E * sum over experts of (share of tokens) * (mean probability), all layers as one (Fedus et al. 2021, eq. 4)."""
    logits = torch.cat([r.logits for r in watch])
    count = logits.shape[1]
    share = functional.one_hot(torch.cat([r.experts for r in watch]), count).float().mean(0)
    return count * (share * logits.softmax(-1, dtype=torch.float32).mean(0)).sum()


def active_flops(shape: Shape, tokens: int) -> float:
    """Floating-point operations of `tokens` points through the matrices that a point meets (attention not counted)."""
    attention = shape.width * shape.head_width * (shape.heads + 2 * shape.key_heads) + shape.width**2
    experts = shape.width * (shape.experts + 1) + 6 * shape.width * shape.inner
    return 2.0 * tokens * (shape.layers * (attention + experts) + shape.width * sum(shape.horizons))


def parameter_count(shape: Shape) -> int:
    """Numbers in the published file."""
    return sum(math.prod(p.shape) for p in TimeMoe(shape).parameters())
