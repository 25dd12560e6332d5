"""`foretell-small` in torch: the network as it is trained, over the features of `hybrid` on any device.

The NumPy path of `hybrid/network.py` is what users run; a test holds the two together.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretell.models.hybrid.arrays import NUMPY
from foretell.models.hybrid.arrays_torch import torch_arrays
from foretell.models.hybrid.backtest import BANDS, TRIAL
from foretell.models.hybrid.candidates import COUNT
from foretell.models.hybrid.features import COARSE, FINE, HORIZON, PATCH, SUMMARY, Features, make_features
from foretell.models.hybrid.shape import GLIDE, Shape


class Norm(nn.Module):
    """Root mean square norm over the last axis (Zhang and Sennrich 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.weight


class Block(nn.Module):
    """Pre-norm transformer block: context tokens see the context, horizon tokens the context and themselves."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = Norm(width)
        self.norm2 = Norm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, context: int, blocked: Tensor, last: bool) -> Tensor:
        """x [B, N + G, D] with N context tokens; blocked [B, 1, 1, N] is -inf where a token is empty.

        The last block returns the horizon tokens only: [B, G, D].
        """
        q, k, v = self._split(self.qkv(self.norm1(x)))
        weights = q @ k[:, :, :context].transpose(-1, -2) * q.shape[-1] ** -0.5 + blocked
        own = (q[:, :, context:] * k[:, :, context:]).sum(-1, keepdim=True) * q.shape[-1] ** -0.5
        ahead = torch.softmax(torch.cat([weights[:, :, context:], own], -1), -1)
        mixed = ahead[..., :-1] @ v[:, :, :context] + ahead[..., -1:] * v[:, :, context:]
        if last:
            x = x[:, context:]
        else:
            mixed = torch.cat([torch.softmax(weights[:, :, :context], -1) @ v[:, :, :context], mixed], 2)
        x = x + self.out(mixed.transpose(1, 2).reshape(x.shape))
        return cast(Tensor, x + self.down(functional.relu(self.up(self.norm2(x))) ** 2))

    def _split(self, x: Tensor) -> tuple[Tensor, ...]:
        """[B, T, 3 D] -> three of [B, heads, T, D / heads]."""
        rows, tokens, _ = x.shape
        return x.view(rows, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)


class Network(nn.Module):
    """Weighs the candidates of each horizon patch, corrects them, and adds the quantiles around."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        d = shape.width
        self.fine = nn.Linear(3 * PATCH, d)
        self.coarse = nn.Linear(2 * PATCH, d)
        self.ahead = nn.Linear(PATCH * COUNT, d)
        self.summary = nn.ModuleList([nn.Linear(SUMMARY, d), nn.Linear(d, d)])
        self.horizon = nn.ModuleList([nn.Linear(HORIZON, d), nn.Linear(d, d)])
        self.fine_place = nn.Parameter(torch.randn(FINE // PATCH, d) * 0.02)
        self.coarse_place = nn.Parameter(torch.randn(2048 // (COARSE * PATCH), d) * 0.02)
        self.blocks = nn.ModuleList([Block(d, shape.heads, shape.inner) for _ in range(shape.depth)])
        self.norm = Norm(d)
        self.weigh = nn.Linear(d, 2 * COUNT)
        self.trust = nn.Linear(d, BANDS)
        self.spread = nn.Linear(d, PATCH * len(shape.levels))
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)
        nn.init.zeros_(self.trust.weight)
        nn.init.constant_(self.trust.bias, 1.0)
        nn.init.normal_(self.spread.weight, std=0.01)
        nn.init.zeros_(self.spread.bias)

    def forward(self, f: Features, adjacent: bool = False) -> Tensor:
        """Quantiles [B, G * 16, Q], ascending in Q, in standard deviations of the context.

        Where the horizon patches are `adjacent`, each begins as the one before it would go on.
        """
        tokens, blocked = self._tokens(f)
        context = blocked.shape[-1]
        for i, block in enumerate(self.blocks):
            tokens = block(tokens, context, blocked, i == len(self.blocks) - 1)
        return self._quantiles(self.norm(tokens), f, adjacent)

    def _tokens(self, f: Features) -> tuple[Tensor, Tensor]:
        """All tokens [B, 1 + N + M + G, D] and the mask [B, 1, 1, 1 + N + M] of the empty ones."""
        fine = self.fine(f.fine) + self.fine_place[: f.fine.shape[1]]
        newest = TRIAL // PATCH
        fine = torch.cat([fine[:, :newest] + self.ahead(f.trial), fine[:, newest:]], 1)
        coarse = self.coarse(f.coarse) + self.coarse_place[: f.coarse.shape[1]]
        summary = self._two(self.summary, f.summary)[:, None]
        ahead = self._two(self.horizon, f.horizon) + self.ahead(f.ahead) + summary
        seen = torch.cat([torch.ones_like(f.fine_seen[:, :1]), f.fine_seen, f.coarse_seen], 1)
        blocked = torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, float("-inf"))
        return torch.cat([summary, fine, coarse, ahead], 1), blocked[:, None, None]

    @staticmethod
    def _two(layers: nn.ModuleList, x: Tensor) -> Tensor:
        return cast(Tensor, layers[1](functional.relu(layers[0](x)) ** 2))

    def _quantiles(self, x: Tensor, f: Features, adjacent: bool) -> Tensor:
        """Blend of the candidates plus a residual, and cumulated widths on both sides; x [B, G, D]."""
        chosen, free = self.weigh(x).split(COUNT, -1)
        trust = -(self.trust(x) @ f.errors)
        weights = torch.softmax(chosen + trust, -1) + free - free.mean(-1, keepdim=True)
        blend = (f.candidates @ weights[..., None])[..., 0]
        scale = f.scale[:, :, None, None]
        middle = len(self.shape.levels) // 2
        raw = self.spread(x).view(*blend.shape, -1)
        if adjacent:
            blend, raw = _glide(blend, raw, f.candidates, weights)
        median = blend[..., None] + scale * raw[..., middle : middle + 1]
        widths = functional.softplus(raw - 1.2) * (scale * self.shape.width_of(f.fine.shape[1] * PATCH))
        up = median + torch.cumsum(widths[..., middle + 1 :], -1)
        down = median - torch.cumsum(widths[..., :middle].flip(-1), -1).flip(-1)
        out = torch.cat([down, median, up], -1)
        return out.reshape(len(x), -1, len(self.shape.levels))


def _glide(blend: Tensor, raw: Tensor, candidates: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """`blend` [B, G, 16] and `raw` [B, G, 16, Q] whose first steps pass from the neighbour's to their own."""
    steps = torch.arange(PATCH, device=raw.device)
    other = (1 - (steps + 0.5) / GLIDE).clamp(min=0)
    before = (candidates[:, 1:] @ weights[:, :-1, :, None])[..., 0]
    jump = raw[:, :-1, -1:] - raw[:, 1:, :1]
    later = blend[:, 1:] + other * (before - blend[:, 1:]), raw[:, 1:] + other[:, None] * jump
    return torch.cat([blend[:, :1], later[0]], 1), torch.cat([raw[:, :1], later[1]], 1)


def features(x: Tensor, patches: Tensor, reach: int, usual: Tensor | None = None) -> tuple[Features, Tensor, Tensor]:
    """Features of raw contexts x [B, C] with NaN = missing, and the mean and standard deviation [B, 1] taken out.

    On a CPU the NumPy backend makes them, as it is the faster one there.
    """
    known = torch.isfinite(x)
    count = known.sum(1, keepdim=True).clamp(min=1)
    values = torch.where(known, x, torch.zeros_like(x))
    mean = values.sum(1, keepdim=True) / count
    spread = ((values - mean) * known).square().sum(1, keepdim=True).div(count).sqrt()
    spread = torch.where(spread <= 1e-6 * (1 + mean.abs()), torch.ones_like(spread), spread)
    z = (values - mean) / spread * known
    if x.device.type == "cpu":
        told = None if usual is None else usual.numpy()
        return to_torch(make_features(NUMPY, z.numpy(), known.numpy(), patches.numpy(), reach, told)), mean, spread
    return make_features(torch_arrays(str(x.device)), z, known, patches, reach, usual), mean, spread


def to_torch(f: Features, device: torch.device | str = "cpu") -> Features:
    """NumPy features as tensors on a device."""
    return Features(**{name: torch.as_tensor(value).to(device) for name, value in vars(f).items()})
