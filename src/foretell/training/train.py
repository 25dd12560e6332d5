"""Trains `foretell-small`: `python -m foretell.training.train --minutes 70 --out runs/small` (one visible loop)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from foretell.models.foretell_small_torch import Network, features
from foretell.models.hybrid.shape import Shape
from foretell.training.dice import Dice
from foretell.training.loss import window_loss
from foretell.training.run import Run, Schedule, read_command
from foretell.training.validation import Validation
from foretell.training.windows import Pool, load_shelves


@dataclass(frozen=True)
class Recipe(Schedule):
    """All that decides the weights; recipe.json holds it."""

    tokens: int = 1536
    """Tokens in a step."""
    width: int = 128
    """Width of the network."""
    depth: int = 3
    """Blocks of the network."""
    real: str = ""
    """File of real series (`foretell.training.open_series`); without it all are synthetic."""
    share: float = 0.35
    """Share of the batches of many points that is real, where there is such a file."""


def matrices(network: nn.Module) -> list[nn.Parameter]:
    """Matrices inside the blocks: what Muon moves."""
    return [p for name, p in network.named_parameters() if p.ndim == 2 and name.startswith("blocks.")]


def steps(recipe: Recipe, run: Run[Network], pool: Pool, device: str) -> Iterator[float]:
    """The loop: a window, its features, the loss, a step; yields each step's loss."""
    levels = torch.tensor(run.network.shape.levels, device=device)
    while run.progress.share < 1:
        run.begin()
        window = pool.window(recipe.tokens)
        with torch.no_grad():
            seen, mean, spread = features(window.visible(), window.patches, window.reach, window.usual)
        truth = (window.truth() - mean) / spread
        loss = window_loss(run.network(seen), truth, seen.scale, levels).clamp(max=20).mean()
        yield run.learn(loss)
        if run.progress.step % recipe.renew == 0:
            pool.refresh()


def train(recipe: Recipe, folder: Path, device: str = "cpu", resume: bool = False) -> Run[Network]:
    """Trains to the end of the budget; prints progress and saves from time to time."""
    torch.manual_seed(recipe.seed)
    network = Network(Shape(width=recipe.width, depth=recipe.depth)).to(device)
    run = Run(recipe, folder, network, matrices(network), decay=0.01)
    if resume:
        run.resume()
    dice = Dice(recipe.seed + 1000 * run.progress.step, device)
    pool = Pool(
        dice, recipe.pool, real=load_shelves(Path(recipe.real), dice) if recipe.real else (), share=recipe.share
    )
    validation = Validation(device, rows=192 if recipe.pool >= 1 else 32)
    run.finish(steps(recipe, run, pool, device), validation.line)
    return run


def main() -> None:
    """Command line: every field of the recipe is an option."""
    recipe, order = read_command(Recipe, __doc__)
    train(recipe, order.out, order.device, order.resume)


if __name__ == "__main__":
    main()
