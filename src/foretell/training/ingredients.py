"""What synthetic series are mixed from: trends, seasonal patterns, noise. Shapes are [N, T]; units are about one."""

from math import pi, sqrt

import torch
from torch import Tensor

from foretell.training.dice import Dice

KNOTS = (3, 5, 8, 16, 32)


def standard(x: Tensor) -> Tensor:
    """Each row with mean 0 and standard deviation 1 (constant rows become 0)."""
    x = x - x.mean(1, keepdim=True)
    return x / (x.square().mean(1, keepdim=True).sqrt() + 1e-6)


def clock(dice: Dice, length: int) -> Tensor:
    """[1, T] 0 .. T-1."""
    return torch.arange(length, device=dice.device, dtype=torch.float32)[None]


def smooth(dice: Dice, rows: int, length: int, knots: int | None = None) -> Tensor:
    """Smooth random functions of unit variance: Gaussian bumps at `knots` equidistant places."""
    k = knots or dice.block.choice(KNOTS)
    x = torch.linspace(0, 1, length, device=dice.device)[None]
    centre = torch.linspace(0, 1, k, device=dice.device)[:, None]
    bumps = torch.exp(-0.5 * ((x - centre) * (k - 1) / 0.8) ** 2)
    return dice.normal(rows, k) @ (bumps / bumps.square().sum(0, keepdim=True).sqrt())


def recursive(x: Tensor, factor: Tensor) -> Tensor:
    """y[t] = factor * y[t-1] + x[t] for factor [N, 1] within 0 .. 1, by doubling."""
    y, f, step = x, factor, 1
    while step < x.shape[1]:
        y = torch.cat([y[:, :step], y[:, step:] + f * y[:, :-step]], 1)
        f, step = f * f, step * 2
    return y


def noise(dice: Dice, rows: int, length: int, kind: str | None = None) -> Tensor:
    """Stationary (or 1/f) noise of unit variance; parameters differ by row, the kind by block."""
    kinds = ("ar1", "arma", "power", "white", "cyclic", "matern")
    kind = kind or dice.block.choices(kinds, (0.3, 0.2, 0.15, 0.1, 0.15, 0.1))[0]
    if kind == "white":
        return dice.normal(rows, length)
    if kind == "ar1":
        lead = min(length, 256)
        root = 1 - 10 ** dice.uniform(-2.7, 0, rows, 1)
        return standard(recursive(dice.normal(rows, length + lead), root)[:, lead:])
    long = 2 * length
    w = (2 * pi * torch.fft.rfftfreq(long, device=dice.device))[None]
    shaped = torch.fft.rfft(dice.normal(rows, long), dim=1) * _gain(dice, rows, length, w, kind)
    return standard(torch.fft.irfft(shaped, long, dim=1)[:, :length])


def _gain(dice: Dice, rows: int, length: int, w: Tensor, kind: str) -> Tensor:
    """[N, F] spectral gain at frequencies w [1, F]."""
    z = torch.exp(-1j * w)
    if kind == "arma":
        p, q = dice.uniform(-0.5, 0.98, rows, 1), dice.uniform(-0.9, 0.9, rows, 1)
        return (1 + q * z) / (1 - p * z)
    if kind == "cyclic":
        r = 1 - 10 ** dice.uniform(-2.2, -0.5, rows, 1)
        angle = 2 * pi / dice.log_uniform(4, 200, rows)
        return 1 / (1 - 2 * r * torch.cos(angle) * z + r**2 * z**2)
    if kind == "power":
        return w.clamp(min=float(w[0, 1])) ** (-dice.uniform(0.2, 1.8, rows, 1) / 2)
    scale = dice.log_uniform(3, length / 3, rows)
    nu = dice.among((0.5, 1, 1.5, 2.5, 8), (1, 1, 1, 1, 1), rows)
    return (1 + (w * scale) ** 2 / (2 * nu)) ** (-(nu + 0.5) / 2)


def pattern(dice: Dice, rows: int, length: int, period: Tensor) -> Tensor:
    """Periodic patterns of unit variance with period [N, 1] steps: waves, tables, bumps, teeth or daylight."""
    dice.seasons.append(period)
    t = clock(dice, length)
    phase = torch.remainder(t / period + dice.uniform(0, 1, rows, 1), 1.0)
    makers = (_waves, _table, _bumps, _teeth, _daylight)
    maker = dice.block.choices(makers, (0.40, 0.30, 0.12, 0.10, 0.08))[0]
    return standard(maker(dice, phase, period))


def _waves(dice: Dice, phase: Tensor, period: Tensor) -> Tensor:
    rows = len(phase)
    decay = dice.uniform(0.3, 2, rows, 1)
    y = torch.zeros_like(phase)
    for k in range(1, dice.block.randint(1, 8) + 1):
        size = dice.normal(rows, 1) * k**-decay * (k <= period / 2)
        y = y + size * torch.cos(2 * pi * (k * phase + dice.uniform(0, 1, rows, 1)))
    return y


def _table(dice: Dice, phase: Tensor, period: Tensor) -> Tensor:
    """A value per phase step (periods up to 64: per whole step; longer: interpolated between 64 values)."""
    rows, entries = len(phase), 64
    table = dice.normal(rows, entries)
    if dice.yes(0.5):
        table = table.sign() * table.abs() ** 1.5
    width = dice.block.choice((1, 1, 3, 7, 13))
    if width > 1:
        wrapped = torch.cat([table, table[:, : width - 1]], 1)
        table = wrapped.unfold(1, width, 1).mean(-1)
    whole = torch.round(phase * period).long() % period.round().long().clamp(min=1)
    place = phase * entries
    low = place.long() % entries
    share = place - place.floor()
    between = table.gather(1, low) * (1 - share) + table.gather(1, (low + 1) % entries) * share
    return torch.where(period <= entries, table.gather(1, whole.clamp(max=entries - 1)), between)


def _bumps(dice: Dice, phase: Tensor, period: Tensor) -> Tensor:  # noqa: ARG001
    rows = len(phase)
    y = torch.zeros_like(phase)
    for _ in range(dice.block.randint(1, 3)):
        sharp = dice.uniform(0, 4, rows, 1).exp()
        size = dice.normal(rows, 1)
        y = y + size * torch.exp(sharp * (torch.cos(2 * pi * (phase - dice.uniform(0, 1, rows, 1))) - 1))
    return y


def _teeth(dice: Dice, phase: Tensor, period: Tensor) -> Tensor:  # noqa: ARG001
    turn = dice.uniform(0.1, 0.9, len(phase), 1)
    slopes = torch.where(phase < turn, phase / turn, (1 - phase) / (1 - turn))
    return torch.where(dice.chance(0.35, len(phase)), (phase < turn).float(), slopes)


def _daylight(dice: Dice, phase: Tensor, period: Tensor) -> Tensor:  # noqa: ARG001
    rows = len(phase)
    height = torch.sin(2 * pi * phase) + dice.uniform(-0.6, 0.6, rows, 1)
    return height.clamp(min=0) ** dice.uniform(0.5, 2, rows, 1)


def trend(dice: Dice, rows: int, length: int) -> Tensor:
    """Trends that move by about one to three over the series; one kind per block."""
    t = torch.linspace(0, 1, length, device=dice.device)[None]
    s = dice.normal(rows, 1)
    kind = dice.block.choices(range(8), (0.15, 0.2, 0.1, 0.1, 0.15, 0.15, 0.1, 0.05))[0]
    if kind == 0:
        return torch.zeros(rows, length, device=dice.device)
    if kind == 1:
        return 3 * s * t
    if kind == 2:
        return 3 * s * (1 - torch.exp(-dice.uniform(2, 15, rows, 1) * t))
    if kind == 3:
        return 3 * s * torch.sigmoid(dice.uniform(4, 30, rows, 1) * (t - dice.uniform(0.1, 0.9, rows, 1)))
    if kind == 4:
        slope = dice.normal(rows, 1) + torch.zeros_like(t)
        for _ in range(dice.block.randint(1, 6)):
            slope = slope + dice.normal(rows, 1) * (t > dice.uniform(0, 1, rows, 1))
        return slope.cumsum(1) * (4 / length)
    if kind == 5:
        return 1.5 * smooth(dice, rows, length)
    if kind == 6:
        return dice.normal(rows, length).cumsum(1) * (2 / sqrt(length))
    return s.sign() * ((dice.uniform(0.3, 3, rows, 1) * t).exp() - 1)


def jumps(dice: Dice, rows: int, length: int, rate: Tensor, size: Tensor) -> Tensor:
    """Sparse normal shocks with probability rate [N, 1] a step and scale size [N, 1]."""
    hit = dice.uniform(0, 1, rows, length) < rate
    return torch.where(hit, dice.normal(rows, length) * size, 0.0)
