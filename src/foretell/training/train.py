"""Trains `foretell-small`: `python -m foretell.training.train --minutes 70 --out runs/small` (one visible loop)."""

import argparse
import copy
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from foretell.models.foretell_small_torch import Network, features
from foretell.models.hybrid.shape import Shape
from foretell.training.dice import Dice
from foretell.training.loss import window_loss
from foretell.training.muon import Muon
from foretell.training.validation import Validation
from foretell.training.windows import Pool


@dataclass(frozen=True)
class Recipe:
    """All that decides the weights; recipe.json holds it."""

    minutes: float = 70.0
    """Wall-clock budget of the schedule, over all pieces of the run."""
    steps: int = 0
    """Budget in steps instead, if positive (then the run repeats bit by bit on one machine)."""
    rate: float = 2e-3
    """Highest learning rate, of both optimisers."""
    warmup: int = 150
    """Steps over which the rate rises."""
    decay: float = 0.6
    """Last share of the budget over which the rate falls linearly."""
    floor: float = 0.02
    """Lowest rate relative to the highest."""
    tokens: int = 1536
    """Tokens in a step."""
    average: float = 0.998
    """Decay of the exponential moving average of the weights, which is what ships."""
    pool: float = 1.0
    """Size of the pool of synthetic series."""
    renew: int = 24
    """Steps between two replacements of a block of the pool."""
    seed: int = 1
    """Of weights, data and windows."""
    width: int = 128
    """Width of the network."""
    depth: int = 3
    """Blocks of the network."""


class Progress:
    """How much of the budget is used, over all pieces of a run."""

    def __init__(self, recipe: Recipe, step: int, spent: float) -> None:
        self.recipe, self.step, self.before = recipe, step, spent
        self.began = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds of training so far."""
        return self.before + time.monotonic() - self.began

    @property
    def share(self) -> float:
        """0 .. 1, at 1 the run ends."""
        if self.recipe.steps:
            return self.step / self.recipe.steps
        return self.spent / (60 * self.recipe.minutes)

    def rate(self) -> float:
        """Learning rate now: rise, flat, linear fall."""
        r = self.recipe
        fall = max(r.floor, min(1.0, (1 - self.share) / r.decay))
        return r.rate * min(1.0, (self.step + 1) / r.warmup) * fall


def split(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices inside the blocks (Muon) and all else (AdamW)."""
    named = list(network.named_parameters())
    inside = [p for name, p in named if p.ndim == 2 and name.startswith("blocks.")]
    chosen = {id(p) for p in inside}
    return inside, [p for _, p in named if id(p) not in chosen]


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int, decay: float) -> None:
    """Moves the averaged weights towards the network's."""
    share = 1 - min(decay, (step + 1) / (step + 20))
    for a, p in zip(average.parameters(), network.parameters(), strict=True):
        a.lerp_(p, share)


def steps(recipe: Recipe, run: "Run", pool: Pool, device: str) -> Iterator[float]:
    """The loop: a window, its features, the loss, a step; yields each step's loss."""
    levels = torch.tensor(run.network.shape.levels, device=device)
    while run.progress.share < 1:
        for group in (g for o in run.optimisers for g in o.param_groups):
            group["lr"] = run.progress.rate()
        window = pool.window(recipe.tokens)
        with torch.no_grad():
            seen, mean, spread = features(window.visible(), window.patches, window.reach)
        truth = (window.truth() - mean) / spread
        loss = window_loss(run.network(seen), truth, seen.scale, levels).clamp(max=20).mean()
        for optimiser in run.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(run.network.parameters(), 1.0)
        for optimiser in run.optimisers:
            optimiser.step()
        follow(run.average, run.network, run.progress.step, recipe.average)
        run.progress.step += 1
        if run.progress.step % recipe.renew == 0:
            pool.refresh()
        yield loss.item()


class Run:
    """Network, its average, optimisers and progress; saved in pieces and taken up again."""

    def __init__(self, recipe: Recipe, folder: Path, device: str) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.folder = recipe, folder
        self.network = Network(Shape(width=recipe.width, depth=recipe.depth)).to(device)
        self.average = copy.deepcopy(self.network)
        matrices, others = split(self.network)
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(matrices, recipe.rate),
            torch.optim.AdamW(others, recipe.rate, betas=(0.9, 0.98), weight_decay=0.01),
        ]
        self.progress = Progress(recipe, 0, 0.0)

    def save(self) -> None:
        """model.safetensors (averaged weights) and state.pt (everything) in the run's folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save_file(self.average.state_dict(), self.folder / "model.safetensors")
        state = {
            "network": self.network.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
            "step": self.progress.step,
            "spent": self.progress.spent,
        }
        torch.save(state, self.folder / "state.tmp")
        (self.folder / "state.tmp").replace(self.folder / "state.pt")
        (self.folder / "recipe.json").write_text(json.dumps(self.story(), indent=1) + "\n")

    def story(self) -> dict[str, Any]:
        """What recipe.json says of the run so far."""
        parameters = sum(p.numel() for p in self.network.parameters())
        return asdict(self.recipe) | {
            "steps_done": self.progress.step,
            "seconds_spent": round(self.progress.spent),
            "parameters": parameters,
            "torch": torch.__version__,
        }

    def resume(self) -> None:
        """Takes up the run in the folder; without state.pt from its weights alone, at the schedule's start."""
        weights = load_file(self.folder / "model.safetensors")
        self.average.load_state_dict(weights)
        self.network.load_state_dict(weights)
        if not (self.folder / "state.pt").exists():
            return
        state = torch.load(self.folder / "state.pt", weights_only=True)
        self.network.load_state_dict(state["network"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.progress = Progress(self.recipe, state["step"], state["spent"])


def train(recipe: Recipe, folder: Path, device: str = "cpu", resume: bool = False, every: float = 60.0) -> Run:
    """Trains to the end of the budget; prints progress and saves about every `every` seconds."""
    run = Run(recipe, folder, device)
    if resume:
        run.resume()
    pool = Pool(Dice(recipe.seed + 1000 * run.progress.step, device), recipe.pool)
    validation = Validation(device, rows=192 if recipe.pool >= 1 else 32)
    run.progress = Progress(recipe, run.progress.step, run.progress.spent)
    recent: list[float] = []
    spoken = saved = time.monotonic()
    for loss in steps(recipe, run, pool, device):
        recent = [*recent[-199:], loss]
        if time.monotonic() - spoken > every / 2:
            spoken = time.monotonic()
            _say(_line(run, recent))
        if time.monotonic() - saved > 4 * every:
            run.save()
            _say(validation.line(run.average))
            saved = time.monotonic()
    run.save()
    _say(_line(run, recent))
    _say(validation.line(run.average))
    return run


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _line(run: Run, recent: list[float]) -> str:
    p = run.progress
    mean = sum(recent) / max(1, len(recent))
    return f"{p.share:6.1%} {p.spent:7.0f} s  step {p.step:6d}  loss {mean:.4f}  rate {p.rate():.1e}"


def main() -> None:
    """Command line: every field of the recipe is an option."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in asdict(Recipe()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    given = vars(parser.parse_args())
    out, device, threads, resume = (given.pop(key) for key in ("out", "device", "threads", "resume"))
    torch.set_num_threads(threads)
    train(Recipe(**given), out, device, resume)


if __name__ == "__main__":
    main()
