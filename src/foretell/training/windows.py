"""Training windows from a pool of synthetic and real series: what the model may see, and the truth, are two methods."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from foretell.models.hybrid.features import COARSE, FINE, PATCH
from foretell.training.dice import Dice
from foretell.training.ingredients import standard
from foretell.training.open_series import SEASONS_OF
from foretell.training.synthetic import BLOCK, BRIEF, FEW, LONG, SHORT, Style, synthesize

CONTEXTS = (64, 128, 256, 512, 1024, 2048)
CONTEXT_WEIGHTS = (0.26, 0.12, 0.14, 0.25, 0.13, 0.10)
HORIZONS = {
    64: (1, 1, 1, 2, 2, 3, 3, 6, 12),
    128: (1, 1, 2, 2, 3, 3, 4, 4, 8, 16),
    256: (1, 2, 3, 6, 12, 24, 45),
    512: (1, 2, 3, 6, 6, 12, 20, 30, 45),
    1024: (1, 2, 3, 6, 12, 30, 45),
    2048: (1, 2, 3, 6, 12, 30, 45),
}
"""Horizons in patches of 16 steps, by context."""
PATCHES_SEEN = 6
"""Horizon patches drawn per window."""
MOST_ROWS = 9
"""A batch has at most its tokens divided by this many rows."""
SHORTEST = 5


@dataclass(frozen=True)
class Window:
    """A batch of windows with one context and one horizon."""

    series: Tensor
    """[B, C + H] complete values."""
    hidden: Tensor
    """[B, C] true where the model may not see the past: before the start, or missing."""
    patches: Tensor
    """[G] drawn horizon patches."""
    usual: Tensor
    """[B, SEASONS] periods that are told, 1 for none."""

    @property
    def context(self) -> int:
        return self.hidden.shape[1]

    @property
    def reach(self) -> int:
        """Horizon in steps."""
        return self.series.shape[1] - self.context

    def visible(self) -> Tensor:
        """[B, C] the past, NaN where hidden."""
        return self.series[:, : self.context].masked_fill(self.hidden, float("nan"))

    def truth(self) -> Tensor:
        """[B, G * 16] the values of the drawn patches."""
        future = self.series[:, self.context :].reshape(len(self.series), -1, PATCH)
        return future[:, self.patches].reshape(len(self.series), -1)


@dataclass(frozen=True, eq=False)
class Shelf:
    """Series of one length and style in the pool."""

    style: Style
    series: Tensor
    """[N, T]."""
    seasons: Tensor
    """[N, SEASONS] periods, 1 for none."""


Plan = tuple[tuple[Style, int, int], ...]
"""Style, length and number of the series on each shelf."""
PLAN: Plan = (
    (LONG, 2816, 10240),
    (LONG, 1024, 20480),
    (SHORT, 640, 8192),
    (SHORT, 192, 15360),
    (SHORT, 96, 15360),
    (BRIEF, 96, 20480),
)
KINDS: tuple[tuple[Style, int, float], ...] = ((BRIEF, 96, 0.45), (SHORT, 192, 0.7))
"""Styles of few points, the widest windows that are often of them, and how often, in this order."""
TOLD = 0.7
"""How often the seasons of a batch are told."""
SELDOM = 0.2
"""How often wider windows are: decades of months."""


def load_shelves(path: Path, dice: Dice) -> list[Shelf]:
    """The pieces that `open_series` gathered, on the device."""
    with np.load(path) as found:
        parts = {name: torch.from_numpy(found[name]).to(dice.device) for name in found}
    return [Shelf(LONG, series, parts[name + SEASONS_OF]) for name, series in parts.items() if name.isdigit()]


class Pool:
    """Synthetic series on the device, replaced block by block as training goes on, and `real` ones, which stay.

    Batches of series of many points are real with probability `share`.
    """

    def __init__(
        self, dice: Dice, size: float = 1.0, plan: Plan = PLAN, real: Sequence[Shelf] = (), share: float = 0.0
    ) -> None:
        self.dice, self.real, self.share = dice, real, share
        self.shelves: list[Shelf] = []
        for style, length, rows in plan:
            rows = max(BLOCK, int(rows * size) // BLOCK * BLOCK)
            self.shelves.append(Shelf(style, *synthesize(dice, rows, length, style)))
        self.turn = [0] * len(plan)

    def refresh(self) -> None:
        """Replace the oldest block of every shelf."""
        for i, shelf in enumerate(self.shelves):
            place = slice(self.turn[i], self.turn[i] + BLOCK)
            made = synthesize(self.dice, BLOCK, shelf.series.shape[1], shelf.style)
            shelf.series[place], shelf.seasons[place] = made
            self.turn[i] = (self.turn[i] + BLOCK) % len(shelf.series)

    def window(self, tokens: int) -> Window:
        """A batch of about `tokens` tokens with random context, horizon, scale, mixture and gaps."""
        dice = self.dice
        context = dice.block.choices(CONTEXTS, CONTEXT_WEIGHTS)[0]
        groups = dice.block.choice(HORIZONS[context])
        reach = groups * PATCH
        coarse = context // (COARSE * PATCH) if context > FINE else 0
        each = 1 + min(context, FINE) // PATCH + coarse + min(groups, PATCHES_SEEN)
        rows = min(tokens // MOST_ROWS, max(32, tokens // each)) // 16 * 16
        shelves = self.shelves_for(context + reach)
        series, seasons = self.told_series(rows, context + reach, shelves)
        patches = torch.randperm(groups, generator=dice.generator, device=dice.device)[:PATCHES_SEEN]
        whole = 0.1 if shelves[0].style is BRIEF else 0.7 if context == CONTEXTS[0] else 0.45
        usual = seasons if dice.yes(TOLD) else torch.ones_like(seasons)
        return Window(series, _hidden(dice, rows, context, whole), patches.sort().values, usual)

    def shelves_for(self, width: int) -> list[Shelf]:
        """Shelves of one kind whose series are long enough: short windows are mostly yearly, quarterly, monthly.

        Real series are among those of many points only.
        """
        fitting = [s for s in self.shelves if s.series.shape[1] >= width]
        for style, most, chance in KINDS:
            kind = [s for s in fitting if s.style is style]
            if kind and self.dice.yes(chance if width <= most else SELDOM):
                return kind
        real = [s for s in self.real if s.series.shape[1] >= width]
        if real and self.dice.yes(self.share):
            return real
        return [s for s in fitting if s.style not in FEW]

    def series(self, rows: int, width: int, shelves: list[Shelf]) -> Tensor:
        """[rows, width] crops of series on these shelves, varied."""
        return self.told_series(rows, width, shelves)[0]

    def told_series(self, rows: int, width: int, shelves: list[Shelf]) -> tuple[Tensor, Tensor]:
        """The same, and their seasons [rows, SEASONS]."""
        series, seasons = self._crops(rows, width, shelves)
        few = shelves[0].style in FEW
        return _vary(self.dice, series, lambda: self._crops(rows, width, shelves)[0], rows, few), seasons

    def _crops(self, rows: int, width: int, shelves: list[Shelf]) -> tuple[Tensor, Tensor]:
        """[rows, width] stretches of pool series, some thinned or averaged over a few steps, and their seasons."""
        dice = self.dice
        shelf = dice.block.choices(shelves, [len(s.series) for s in shelves])[0]
        length = shelf.series.shape[1]
        every = 1
        if shelf.style not in FEW and 2 * width <= length and dice.yes(0.15):
            every = dice.block.randint(2, min(6, length // width))
        row = dice.whole(0, len(shelf.series), rows, 1)
        start = dice.whole(0, length - width * every + 1, rows, 1)
        place = start + torch.arange(width * every, device=dice.device)[None]
        found, seasons = shelf.series[row, place], shelf.seasons[row[:, 0]]
        if every == 1:
            return found, seasons
        found = found.view(rows, width, every)
        seasons = torch.where(seasons % every == 0, seasons // every, 1)
        return found.mean(2) if dice.yes(0.5) else found[:, :, 0], seasons


def _vary(dice: Dice, y: Tensor, crops: Callable[[], Tensor], rows: int, few: bool) -> Tensor:
    """Series mixed with other crops, turned upside down, reversed, or made exponential; short ones more often."""
    if dice.yes(0.2 if few else 0.3):
        share = dice.uniform(0, 1, rows, 1) * dice.chance(0.7, rows)
        y = standard(y) * (1 - share) + standard(crops()) * share
    y = torch.where(dice.chance(0.2, rows), -y, y)
    if dice.yes(0.1):
        y = y.flip(1)
    if dice.yes(0.4 if few else 0.15):
        y = (standard(y) * dice.log_uniform(0.05, 1, rows)).clamp(-5, 5).exp()
    return y


def _hidden(dice: Dice, rows: int, context: int, whole: float) -> Tensor:
    """[rows, C] histories of which a share is `whole`, scattered gaps, missing stretches; never all of a row."""
    low = SHORTEST if context == CONTEXTS[0] else context // 2
    shorter = dice.log_uniform(low, context + 1, rows).long()
    length = torch.where(dice.chance(whole, rows), context, shorter)
    place = torch.arange(context, device=dice.device)[None]
    hidden = place < context - length
    if dice.yes(0.25):
        scattered = dice.uniform(0, 1, rows, context) < dice.uniform(0, 0.45, rows, 1)
        begin, size = dice.whole(0, context, rows, 1), dice.whole(1, max(context // 4, 2), rows, 1)
        stretch = (place >= begin) & (place < begin + size)
        gaps = torch.where(dice.chance(0.5, rows), scattered, stretch) & dice.chance(0.5, rows)
        hidden = hidden | gaps & (place < context - 1)
    return hidden
