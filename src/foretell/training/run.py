"""A training run: its schedule, and its state in a folder, taken up again after a stop; of any network."""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from foretell.training.muon import Muon

MOMENTS = (0.9, 0.98)
"""Of AdamW."""
Network = TypeVar("Network", bound=nn.Module)
Recipe = TypeVar("Recipe", bound="Schedule")


@dataclass(frozen=True)
class Schedule:
    """What every recipe has; recipe.json holds it, with all that decides the weights."""

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
    average: float = 0.998
    """Decay of the exponential moving average of the weights, which is what ships."""
    pool: float = 1.0
    """Size of the pool of synthetic series."""
    renew: int = 24
    """Steps between two replacements of a block of the pool."""
    seed: int = 1
    """Of weights, data and windows."""


class Progress:
    """How much of the budget is used, over all pieces of a run."""

    def __init__(self, recipe: Schedule, step: int, spent: float) -> None:
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


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int, decay: float) -> None:
    """Moves the averaged weights towards the network's."""
    share = 1 - min(decay, (step + 1) / (step + 20))
    for a, p in zip(average.parameters(), network.parameters(), strict=True):
        a.lerp_(p, share)


class Run(Generic[Network]):
    """Network, its average, optimisers and progress; saved in pieces and taken up again.

    `matrices` are the parameters that Muon moves; AdamW has the others, with `decay` of their size.
    """

    def __init__(
        self, recipe: Schedule, folder: Path, network: Network, matrices: Sequence[nn.Parameter], decay: float
    ) -> None:
        self.recipe, self.folder, self.network = recipe, folder, network
        self.average = copy.deepcopy(network)
        inside = {id(p) for p in matrices}
        others = [p for p in network.parameters() if id(p) not in inside]
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(matrices, recipe.rate),
            torch.optim.AdamW(others, recipe.rate, betas=MOMENTS, weight_decay=decay),
        ]
        self.progress = Progress(recipe, 0, 0.0)

    def begin(self) -> None:
        """The step's learning rate."""
        for group in (g for o in self.optimisers for g in o.param_groups):
            group["lr"] = self.progress.rate()

    def learn(self, loss: Tensor) -> float:
        """One step of all optimisers down the gradient of `loss`, which is given back as a number.

        A gradient that is not finite moves nothing: one bad batch must not end a long run.
        """
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if nn.utils.clip_grad_norm_(self.network.parameters(), 1.0).isfinite():
            for optimiser in self.optimisers:
                optimiser.step()
            follow(self.average, self.network, self.progress.step, self.recipe.average)
        self.progress.step += 1
        return loss.item()

    def save(self) -> None:
        """model.safetensors (averaged weights), state.pt (everything) and recipe.json in the run's folder.

        Each is written beside its place and then put there: a run that is stopped meanwhile can be taken up again.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        _put(self.folder / "model.safetensors", lambda path: save_file(self.average.state_dict(), path))
        state = {
            "network": self.network.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
            "step": self.progress.step,
            "spent": self.progress.spent,
        }
        _put(self.folder / "state.pt", lambda path: torch.save(state, path))
        _put(self.folder / "recipe.json", lambda path: path.write_text(json.dumps(self.story(), indent=1) + "\n"))

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

    def finish(self, losses: Iterator[float], validation: Callable[[Network], str], every: float = 60.0) -> None:
        """Draws all `losses`, each of which is a step; says how it goes and saves about every `every` seconds.

        `validation` says in one line what the averaged network is worth.
        """
        self.progress = Progress(self.recipe, self.progress.step, self.progress.spent)
        recent: list[float] = []
        spoken = saved = time.monotonic()
        for loss in losses:
            recent = [*recent[-199:], loss]
            if time.monotonic() - spoken > every / 2:
                spoken = time.monotonic()
                say(self._line(recent))
            if time.monotonic() - saved > 4 * every:
                self.save()
                say(validation(self.average))
                saved = time.monotonic()
        self.save()
        say(self._line(recent))
        say(validation(self.average))

    def _line(self, recent: list[float]) -> str:
        p = self.progress
        mean = sum(recent) / max(1, len(recent))
        return f"{p.share:6.1%} {p.spent:7.0f} s  step {p.step:6d}  loss {mean:.4f}  rate {p.rate():.1e}"


def _put(path: Path, write: Callable[[Path], object]) -> None:
    beside = path.with_suffix(".tmp")
    write(beside)
    beside.replace(path)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Order:
    """What the command line asks for beside the recipe."""

    out: Path
    device: str
    resume: bool


def read_command(recipe: type[Recipe], doc: str | None) -> tuple[Recipe, Order]:
    """The command line, in which every field of the recipe is an option; sets the number of threads."""
    parser = argparse.ArgumentParser(description=doc)
    for name, default in asdict(recipe()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    given = vars(parser.parse_args())
    order = Order(given.pop("out"), given.pop("device"), given.pop("resume"))
    torch.set_num_threads(given.pop("threads"))
    return recipe(**given), order
