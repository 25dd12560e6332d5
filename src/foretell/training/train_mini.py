"""Trains `timemoe-mini`: `python -m foretell.training.train_mini --minutes 60 --out runs/mini` (one visible loop)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from foretell.models.time_moe import Attention, Layer, TimeMoe, training_loss
from foretell.models.time_moe_shape import Shape
from foretell.training.dice import Dice
from foretell.training.run import Run, Schedule, read_command
from foretell.training.sequences import MiniValidation, mini_pool, sequences
from foretell.training.windows import Pool

HORIZONS = (1, 8, 32, 64)
LAGS = ((0, 1, 2, 4), (8, 16, 24, 32), (24, 96, 48, 168), (0, 24, 48, 72))
"""How far back the heads of each layer look at first: neighbours, then parts of a day, then days and weeks."""
SHARPNESS = 3.0
"""Of that look: the size of the pairs of biases that meet at the lag."""
SLOWEST = 0.005
"""Rotations slower than this, in radians a point, tell no lags of hundreds of points apart."""
QUIET = 0.92
"""What queries and keys see in the values counts a little less at first than where they look."""


@dataclass(frozen=True)
class Recipe(Schedule):
    """All that decides the weights; recipe.json holds it."""

    warmup: int = 100
    renew: int = 12
    points: int = 4096
    """Points in a step."""
    known: float = 0.25
    """What a point of the context counts as a target, where one after it counts 1."""
    regular: float = 1.0
    """How much more a sequence counts that repeats itself more exactly; see `sequences`."""
    width: int = 96
    """Width of the network."""
    layers: int = 3
    heads: int = 4
    inner: int = 192
    """Width of the shared expert; a routed one has `inner` / `chosen`."""
    experts: int = 4
    chosen: int = 2
    """Experts that each point goes to."""
    theta: float = 10000.0
    """Base of the rotations."""
    lags: int = 1
    """Whether the heads begin with LAGS (1) or with nothing (0)."""


def config(recipe: Recipe) -> dict[str, Any]:
    """config.json, with the words of the published ones."""
    return {
        "model_type": "time_moe",
        "hidden_act": "silu",
        "input_size": 1,
        "use_dense": False,
        "hidden_size": recipe.width,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "num_key_value_heads": recipe.heads,
        "intermediate_size": recipe.inner,
        "num_experts": recipe.experts,
        "num_experts_per_tok": recipe.chosen,
        "horizon_lengths": list(HORIZONS),
        "rms_norm_eps": 1e-6,
        "rope_theta": recipe.theta,
        "max_position_embeddings": 4096,
    }


@torch.no_grad()
def new_network(recipe: Recipe) -> TimeMoe:
    """Matrices that keep sizes, nothing added to the residual yet, heads that look back at LAGS."""
    network = TimeMoe(Shape.read(config(recipe))).initialise(recipe.seed)
    dice = torch.Generator().manual_seed(recipe.seed)
    network.embedding.gate.normal_(0, 1.5, generator=dice)
    network.embedding.value.normal_(0, 1, generator=dice)
    for i, module in enumerate(network.layers):
        layer = cast(Layer, module)
        for name, p in layer.named_parameters():
            if p.ndim >= 2:
                p.normal_(0, p.shape[-1] ** -0.5, generator=dice)
            if name.endswith(("out.weight", "down.weight")):
                p.zero_()
        if recipe.lags:
            look_back(layer.attention, LAGS[i % len(LAGS)])
    for head in network.heads:
        cast(nn.Parameter, head.weight).zero_()
    return network


@torch.no_grad()
def look_back(attention: Attention, lags: tuple[int, ...]) -> None:
    """Biases with which head i looks `lags[i]` points back, whatever the values are.

    A key with the bias b and a query with b turned back by the lag have the product sum of b^2 cos(f (t - s - lag))
    over the frequencies f of the rotations: largest where the key at s lies just that far before the query at t.
    """
    shape = attention.shape
    frequencies = shape.theta ** (-torch.arange(0, shape.head_width, 2) / shape.head_width)
    size = SHARPNESS * (frequencies > SLOWEST)
    bias = cast(nn.Parameter, attention.qkv.bias).view(3, shape.heads, -1, 2)
    for head, lag in zip(range(shape.heads), lags, strict=False):
        bias[0, head] = torch.stack([size * torch.cos(frequencies * lag), -size * torch.sin(frequencies * lag)], 1)
        bias[1, head, :, 0] = size
    cast(nn.Parameter, attention.qkv.weight)[: 2 * shape.width].mul_(QUIET)


def matrices(network: nn.Module) -> list[nn.Parameter]:
    """Matrices and stacks of them inside the layers, but not the routers: what Muon moves."""
    named = network.named_parameters()
    return [p for name, p in named if p.ndim >= 2 and name.startswith("layers.") and "router" not in name]


def steps(recipe: Recipe, run: Run[TimeMoe], pool: Pool) -> Iterator[float]:
    """The loop: sequences, the published loss, a step; yields each step's loss."""
    while run.progress.share < 1:
        run.begin()
        batch = sequences(pool, recipe.points, recipe.known, recipe.regular)
        loss = training_loss(run.network, batch.values[:, :-1], batch.values[:, 1:], batch.weights[:, 1:])
        yield run.learn(loss)
        if run.progress.step % recipe.renew == 0:
            pool.refresh()


def train(recipe: Recipe, folder: Path, device: str = "cpu", resume: bool = False) -> Run[TimeMoe]:
    """Trains to the end of the budget; prints progress and saves from time to time."""
    torch.manual_seed(recipe.seed)
    network = new_network(recipe).to(device)
    run = Run(recipe, folder, network, matrices(network), decay=0.0)
    if resume:
        run.resume()
    pool = mini_pool(Dice(recipe.seed + 1000 * run.progress.step, device), recipe.pool)
    validation = MiniValidation(device, rows=96 if recipe.pool >= 1 else 8)
    run.finish(steps(recipe, run, pool), validation.line)
    return run


def main() -> None:
    """Command line: every field of the recipe is an option."""
    recipe, order = read_command(Recipe, __doc__)
    train(recipe, order.out, order.device, order.resume)


if __name__ == "__main__":
    main()
