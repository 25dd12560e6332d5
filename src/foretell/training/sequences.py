"""What `timemoe-mini` is trained on: sequences of points, scaled as its server scales them, every point a question."""

from dataclasses import dataclass

import torch
from torch import Tensor

from foretell.models.time_moe import TimeMoe
from foretell.training.dice import Dice
from foretell.training.synthetic import Style
from foretell.training.windows import Plan, Pool

DENSE = Style(
    (24, 96, 168, 48, 144, 288, 7, 12, 4, 52),
    (0.36, 0.20, 0.08, 0.08, 0.04, 0.04, 0.08, 0.06, 0.03, 0.03),
    0.85,
    200,
    0.92,
    1.0,
    (0.36, 0.34, 0.06, 0.10, 0.09, 0.05, 0.0, 0.0),
    0.08,
)
"""Hours and quarters of an hour, mostly with days and weeks in them."""
PLAN: Plan = ((DENSE, 2816, 6144), (DENSE, 1024, 20480))
LONGEST = 512
"""Points of context that the served model sees at most."""
AHEAD = 128
"""Points after the context in a sequence: two of the longest answers."""
BOUND = 12.0
"""Values further out, in standard deviations of the context, are drawn in to it."""
PERIODS = (1, 24, 96, 168)
"""What a seasonal naive forecast may repeat where errors are measured against one."""
EASIEST = 0.06
"""Least error scale, in standard deviations."""
SEED = 987_654_321
"""Of the series that validation keeps."""
STEPS = 96
"""How far validation looks ahead."""


@dataclass(frozen=True)
class Sequences:
    """A batch of sequences of one length."""

    values: Tensor
    """[B, T + 1] scaled by mean and standard deviation of each row's context."""
    weights: Tensor
    """[B, T + 1] what a point counts as a target: little inside the context, whose scale knows it already."""


def sequences(pool: Pool, points: int, known: float, regular: float = 0.0) -> Sequences:
    """About `points` points in all; contexts of 64 to 512 points, the longer the likelier.

    A sequence counts as 1 / its error scale to the power of `regular`: else those that repeat themselves almost
    exactly, whose errors are small in units of their spread, would not be learned.
    """
    dice = pool.dice
    length = dice.block.choice((LONGEST, LONGEST, LONGEST // 2)) + AHEAD
    rows = max(1, points // length)
    series = pool.series(rows, length + 1, pool.shelves)
    context = dice.whole(length // 4, length - AHEAD + 1, rows, 1)
    context = torch.where(dice.chance(0.5, rows), length - AHEAD, context)
    inside = torch.arange(length + 1, device=dice.device)[None] < context
    values = _scaled(series, inside)
    return Sequences(values, torch.where(inside, known, 1.0) * error_scale(values) ** -regular)


def error_scale(values: Tensor) -> Tensor:
    """[B, 1] mean absolute change over the best of the PERIODS, within EASIEST .. 1."""
    changes = [(values[:, p:] - values[:, :-p]).abs().mean(1, keepdim=True) for p in PERIODS]
    return torch.stack(changes).amin(0).clamp(EASIEST, 1.0)


def _scaled(series: Tensor, inside: Tensor) -> Tensor:
    """(x - mean) / sd (ddof = 1) of what lies inside; flat contexts give zeros."""
    count = inside.sum(1, keepdim=True)
    mean = (series * inside).sum(1, keepdim=True) / count
    spread = (((series - mean) * inside).square().sum(1, keepdim=True) / (count - 1)).sqrt()
    scaled = (series - mean) / spread.clamp(min=1e-6)
    return torch.where(spread > 1e-4, scaled, 0.0).clamp(-BOUND, BOUND)


def mini_pool(dice: Dice, size: float = 1.0) -> Pool:
    """The pool of series that sequences are cut from."""
    return Pool(dice, size, PLAN)


class MiniValidation:
    """Contexts of 512 and 96 steps ahead that training never draws."""

    def __init__(self, device: str, rows: int) -> None:
        pool = mini_pool(Dice(SEED, device), 0.05)
        series = pool.series(rows, LONGEST + STEPS, pool.shelves)
        inside = torch.arange(LONGEST + STEPS, device=series.device)[None] < LONGEST
        scaled = _scaled(series, inside)
        self.context, self.truth = scaled[:, :LONGEST], scaled[:, LONGEST:]

    def line(self, network: TimeMoe) -> str:
        """Mean absolute error, and its geometric mean relative to the best of four seasonal naive forecasts."""
        made = network.generate(list(self.context), STEPS)
        miss = self._miss(made)
        best = torch.stack([self._miss(self._naive(period)) for period in PERIODS]).amin(0)
        ratio = (miss.clamp(min=1e-3) / best.clamp(min=1e-3)).log().mean().exp()
        return f"      error {miss.mean():.4f}, of the best lag {best.mean():.4f}, ratio {ratio:.4f}"

    def _miss(self, made: Tensor) -> Tensor:
        """[B] mean absolute error."""
        return (made - self.truth).abs().clamp(max=10).mean(1)

    def _naive(self, period: int) -> Tensor:
        ahead = torch.arange(STEPS, device=self.context.device) % period
        return self.context[:, LONGEST - period + ahead]
