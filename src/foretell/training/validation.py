"""A fixed set of synthetic windows on which the averaged weights are judged while training goes on."""

import torch
from torch import Tensor

from foretell.models.foretell_small_torch import Network, features
from foretell.models.hybrid.features import PATCH
from foretell.training.dice import Dice
from foretell.training.loss import window_loss
from foretell.training.synthetic import LONG, SHORT, Style, synthesize

SEED = 987_654_321
CASES: tuple[tuple[str, Style, int, int, int], ...] = (
    ("short", SHORT, 160, 64, 16),
    ("256+48", LONG, 1024, 256, 48),
    ("512+96", LONG, 1024, 512, 96),
    ("512+512", LONG, 1024, 512, 512),
)
"""Name, style, length of the series, context, horizon."""


class Validation:
    """Loss, median error and coverage per case, in units of the error scale."""

    def __init__(self, device: str, rows: int = 512) -> None:
        dice = Dice(SEED, device)
        self.series: list[Tensor] = [synthesize(dice, rows, length, style)[0] for _, style, length, _, _ in CASES]

    @torch.no_grad()
    def line(self, network: Network) -> str:
        """One printed line: per case loss, error of the median relative to the best single candidate, coverages."""
        parts = []
        for (name, _, length, context, horizon), series in zip(CASES, self.series, strict=True):
            patches = torch.arange(horizon // PATCH, device=series.device)
            begin = length - context - horizon
            seen, mean, spread = features(series[:, begin : begin + context], patches, horizon)
            truth = (series[:, begin + context :] - mean) / spread
            parts.append(f"{name} {_scores(network, seen, truth)}")
        return "      " + " | ".join(parts)


def _scores(network: Network, seen: object, truth: Tensor) -> str:
    levels = torch.tensor(network.shape.levels, device=truth.device)
    found = network(seen)
    scale = seen.scale  # type: ignore[attr-defined]
    loss = window_loss(found, truth, scale, levels).clamp(max=20).mean()
    middle = len(levels) // 2
    miss = ((found[..., middle] - truth).abs().mean(1) / scale[:, 0]).clamp(max=20).mean()
    inside = [_share(found, truth, a, -1 - a) for a in (1, 3)]
    return f"{loss:.4f} mae {miss:.3f} cov95 {inside[0]:.3f} cov80 {inside[1]:.3f}"


def _share(found: Tensor, truth: Tensor, low: int, high: int) -> float:
    """Share of truths inside two quantiles."""
    return float(((truth >= found[..., low]) & (truth <= found[..., high])).float().mean())
