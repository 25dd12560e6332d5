"""What training minimises: the pinball loss in units of each series' error scale."""

import torch
from torch import Tensor

CALM = 8.0
"""A single miss counts linearly up to this many error scales, logarithmically beyond."""
BOUND = 50.0
"""Truths further out than this many standard deviations of the context are not learned."""


def pinball(quantiles: Tensor, truth: Tensor, levels: Tensor) -> Tensor:
    """Twice the quantile loss, so that the median's is the absolute error: [..., Q] and [...] -> [..., Q]."""
    miss = truth[..., None] - quantiles
    return 2 * torch.maximum(levels * miss, (levels - 1) * miss)


def window_loss(quantiles: Tensor, truth: Tensor, scale: Tensor, levels: Tensor) -> Tensor:
    """Mean over levels and known steps: quantiles [B, H, Q], truth [B, H] in the same units, scale [B, 1] -> [B]."""
    known = (truth.abs() < BOUND).float()
    each = pinball(quantiles, truth.clamp(-BOUND, BOUND), levels) / scale[..., None]
    each = torch.where(each > CALM, CALM * (1 + (each.clamp(min=CALM) / CALM).log()), each)
    return (each.mean(-1) * known).sum(1) / known.sum(1).clamp(min=1)
