"""The synthetic corpus: eight families of series, mixed and spoilt as real ones are. On any device, from one seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from foretell.training.dice import Dice
from foretell.training.ingredients import clock, jumps, noise, pattern, recursive, smooth, standard, trend

SEASONS = 2
"""Seasons of a series that are known, where it has so many."""
BLOCK = 256
"""Series that share a family and its block-wide decisions."""


@dataclass(frozen=True)
class Style:
    """What kind of data a series imitates."""

    periods: tuple[float, ...]
    """Usual periods in steps."""
    weights: tuple[float, ...]
    """Their weights."""
    usual: float
    """Share of series with a usual period; the others' are random."""
    longest: float
    """Longest random period."""
    seasonal: float
    """Share of structural series with a season."""
    moving: float
    """Share of structural series whose level moves."""
    families: tuple[float, ...]
    """Weights of FAMILIES."""
    drift: float
    """Scale of random walks' drift per step."""


LONG = Style(
    (4, 7, 12, 24, 48, 52, 96, 144, 168, 288, 336, 365),
    (0.10, 0.14, 0.17, 0.17, 0.05, 0.05, 0.08, 0.04, 0.07, 0.04, 0.03, 0.06),
    0.70,
    400,
    0.80,
    0.85,
    (0.33, 0.19, 0.10, 0.12, 0.10, 0.07, 0.03, 0.06),
    0.08,
)
"""Hourly, daily and denser data."""
SHORT = Style(
    (4, 12, 7, 24, 6, 5),
    (0.30, 0.35, 0.12, 0.08, 0.08, 0.07),
    0.80,
    30,
    0.60,
    1.0,
    (0.25, 0.0, 0.05, 0.19, 0.13, 0.03, 0.32, 0.03),
    0.5,
)
"""Quarterly and monthly data: few points, strong trends, short periods."""
BRIEF = replace(SHORT, seasonal=0.15, families=(0.06, 0.0, 0.02, 0.09, 0.08, 0.02, 0.71, 0.02))
"""Yearly data: growth, seldom a season."""
FEW = (SHORT, BRIEF)
"""Styles of few points."""


def synthesize(dice: Dice, rows: int, length: int, style: Style) -> tuple[Tensor, Tensor]:
    """[rows, length] standardised series, at most 60 standard deviations from zero; their seasons [rows, SEASONS].

    A season is a whole number of steps, 1 for none; it may be as weak as that of a month in real data.
    """
    blocks = [_block(dice, min(BLOCK, rows - i), length, style) for i in range(0, rows, BLOCK)]
    series, seasons = zip(*blocks, strict=True)
    return torch.cat(series), torch.cat(seasons)


def _block(dice: Dice, rows: int, length: int, style: Style) -> tuple[Tensor, Tensor]:
    dice.seasons.clear()
    family = dice.block.choices(FAMILIES, style.families)[0]
    y = torch.nan_to_num(family(dice, rows, length, style), nan=0.0, posinf=0.0, neginf=0.0)
    none = torch.ones(rows, 1, device=dice.device)
    seasons = torch.cat([*dice.seasons[:SEASONS], *[none] * SEASONS], 1)[:, :SEASONS]
    return standard(_spoil(dice, standard(y))).clamp(-60, 60), seasons.round().long().clamp(min=1)


def _period(dice: Dice, rows: int, style: Style) -> Tensor:
    """[N, 1] periods in steps, at least 2."""
    usual = dice.among(style.periods, style.weights, rows)
    other = dice.log_uniform(2.5, style.longest, rows).round()
    period = torch.where(dice.chance(style.usual, rows), usual, other)
    return period + dice.chance(0.05, rows) * dice.uniform(-0.4, 0.4, rows, 1)


def structural(dice: Dice, rows: int, length: int, style: Style) -> Tensor:
    """Trend, one or two seasons, noise; additive or multiplicative."""
    level = trend(dice, rows, length) * dice.log_uniform(0.05, 3, rows) * dice.chance(style.moving, rows)
    period = _period(dice, rows, style)
    size = dice.log_uniform(0.1, 3, rows) * dice.chance(style.seasonal, rows)
    first = pattern(dice, rows, length, period)
    if dice.yes(0.3):
        first = first * (0.5 * smooth(dice, rows, length, dice.block.choice((3, 5, 8)))).exp()
    season = size * first
    if dice.yes(0.5):
        season = season + _second_season(dice, first, period, size)
    if dice.yes(0.15):
        season = _rest_days(dice, season, period, size)
    n = noise(dice, rows, length)
    if dice.yes(0.3):
        n = 0.7 * (n + noise(dice, rows, length))
    n = _changing(dice, n, first)
    amount = dice.log_uniform(0.02, 1.5, rows)
    if dice.yes(0.55):
        return level + season + amount * n
    base = (level * dice.log_uniform(0.1, 0.8, rows)).clamp(-4, 4).exp()
    unit = standard(season) if dice.yes(0.5) else season / (season.abs().amax(1, keepdim=True) + 1e-6)
    swing = dice.log_uniform(0.05, 0.6, rows) * unit
    factor = (1 + swing).clamp(min=0) if dice.yes(0.5) else swing.exp()
    return base * factor * (0.2 * amount * n).clamp(-2, 2).exp()


def _second_season(dice: Dice, first: Tensor, period: Tensor, size: Tensor) -> Tensor:
    rows, length = first.shape
    longer = period * dice.among((7, 2, 4, 5, 12, 15, 30), (2, 1, 1, 1, 1, 1, 1), rows)
    fits = longer < length / 2
    second = torch.where(fits, pattern(dice, rows, length, torch.where(fits, longer, period)), 0.0)
    added = second * size * dice.log_uniform(0.1, 1.2, rows)
    return added + 0.5 * size * first * second if dice.yes(0.3) else added


def _rest_days(dice: Dice, season: Tensor, period: Tensor, size: Tensor) -> Tensor:
    """The season is weak or off on two of seven cycles."""
    rows, length = season.shape
    cycle = torch.remainder((clock(dice, length) / period).floor() + dice.whole(0, 7, rows, 1), 7)
    quiet = season * dice.uniform(0, 0.5, rows, 1) + 0.5 * dice.normal(rows, 1) * size
    return torch.where(cycle >= 5, quiet, season)


def _changing(dice: Dice, n: Tensor, season: Tensor) -> Tensor:
    """Noise whose size moves: slowly, with the season, or by regimes; or not."""
    rows, length = n.shape
    kind = dice.block.choices(range(4), (0.55, 0.15, 0.15, 0.15))[0]
    if kind == 1:
        return n * (0.6 * smooth(dice, rows, length)).exp()
    if kind == 2:
        return n * (0.3 + season.abs())
    if kind == 3:
        rate, size = dice.log_uniform(1 / length, 8 / length, rows), dice.log_uniform(0.3, 1.2, rows)
        steps = jumps(dice, rows, length, rate, size)
        return n * steps.cumsum(1).clamp(-2.5, 2.5).exp()
    return n


def calendar(dice: Dice, rows: int, length: int, style: Style) -> Tensor:  # noqa: ARG001
    """Days, weeks and years together under much noise: loads, traffic, weather, sales."""
    day = dice.among((1, 24, 48, 96, 144, 288), (0.3, 0.34, 0.08, 0.18, 0.05, 0.05), rows)
    year = dice.among((365, 8760), (1, 0), rows) * day
    week = standard(pattern(dice, rows, length, 7 * day))
    daily = torch.where(day > 1, pattern(dice, rows, length, day.clamp(min=2)), week)
    weekly = week * dice.log_uniform(0.05, 1, rows) * dice.chance(0.7, rows)
    season = daily * (1 + (weekly * 0.5).clamp(-0.9, 2)) + weekly if dice.yes(0.5) else daily + weekly
    if dice.yes(0.4):
        season = _rest_days(dice, season, day.clamp(min=2), dice.log_uniform(0.1, 1, rows))
    swell = dice.log_uniform(0.05, 0.6, rows) * smooth(dice, rows, length, dice.block.choice((5, 8, 16)))
    season = season * swell.exp()
    slow = pattern(dice, rows, length, year) * dice.log_uniform(0.1, 2, rows) * dice.chance(0.7, rows)
    weather = recursive(dice.normal(rows, length), 1 - 1 / (day.clamp(min=3) * dice.log_uniform(0.3, 12, rows)))
    quick = noise(dice, rows, length)
    walk = trend(dice, rows, length) * dice.log_uniform(0.05, 1.5, rows) * dice.chance(0.4, rows)
    size = dice.log_uniform(0.2, 2, rows)
    spoil = dice.log_uniform(0.05, 1.5, rows) * _changing(dice, quick, daily)
    y = size * season + slow + standard(weather) * dice.log_uniform(0.1, 1.5, rows) + spoil + walk
    dice.seasons = [torch.where(day > 1, day, 7.0), torch.where(day > 1, 7 * day, 365.0)]
    return y if dice.yes(0.7) else (standard(y) * dice.log_uniform(0.1, 0.8, rows)).exp()


def mixture(dice: Dice, rows: int, length: int, style: Style) -> Tensor:
    """Sums and products of two to four random ingredients, as kernels of a Gaussian process would give."""

    def part() -> Tensor:
        kind = dice.block.choices(range(4), (0.4, 0.3, 0.2, 0.1))[0]
        if kind == 0:
            return noise(dice, rows, length, "matern")
        if kind == 1:
            return pattern(dice, rows, length, _period(dice, rows, style))
        return trend(dice, rows, length) if kind == 2 else noise(dice, rows, length)

    y = part() * dice.log_uniform(0.3, 2, rows)
    for _ in range(dice.block.randint(1, 3)):
        added = dice.yes(0.65)
        y = y + part() * dice.log_uniform(0.2, 2, rows) if added else y * (part() + dice.block.uniform(0, 2))
        y = y.clamp(-1e3, 1e3)
    return y + dice.log_uniform(0.01, 0.5, rows) * dice.normal(rows, length)


def smoothing(dice: Dice, rows: int, length: int, style: Style) -> Tensor:
    """Exponential smoothing state space models with additive errors (Hyndman et al. 2008), one period per block."""
    short = style in FEW
    usual = dice.block.choices((1, 4, 7, 12, 24, 52), (35, 25, 8, 27, 5, 0) if short else (20, 15, 20, 25, 12, 8))[0]
    period = usual if dice.yes(0.8) else dice.block.randint(2, 30 if short else 96)
    alpha = (dice.uniform(0, 1, rows, 1) ** 1.6).clamp(0.005, 1)
    beta = alpha * 10 ** dice.uniform(-3, -0.7, rows, 1) * dice.chance(0.6, rows)
    gamma = (1 - alpha) * 10 ** dice.uniform(-3, -0.3, rows, 1) * dice.chance(0.7, rows)
    damping = torch.where(dice.chance(0.5, rows), 1.0, dice.uniform(0.8, 0.995, rows, 1))
    e = dice.heavy(rows, length) if dice.yes(0.3) else dice.normal(rows, length)
    if dice.yes(0.3):
        e = e * (0.5 * smooth(dice, rows, length)).exp()
    shocks = beta * e
    shocks[:, :1] += dice.normal(rows, 1) * dice.log_uniform(7e-3, 0.6, rows) * dice.chance(0.7, rows)
    slope = recursive(shocks, damping)
    level = (damping * slope + alpha * e).cumsum(1)
    y = e + torch.cat([torch.zeros_like(e[:, :1]), level[:, :-1]], 1)
    if period > 1:
        y = y + _seasonal_states(dice, gamma * e, period)
    y = standard(y)
    return (y * dice.log_uniform(0.05, 0.6, rows)).clamp(-4, 4).exp() if dice.yes(0.5) else y


def _seasonal_states(dice: Dice, shocks: Tensor, period: int) -> Tensor:
    """Seasonal part before each step: start values, plus the shocks of the same season so far."""
    rows, length = shocks.shape
    dice.seasons.append(torch.full((rows, 1), float(period), device=dice.device))
    cycles = -(-length // period)
    start = dice.normal(rows, period) * dice.log_uniform(0.3, 6, rows)
    start = start - start.mean(1, keepdim=True)
    padded = torch.cat([shocks, shocks.new_zeros(rows, cycles * period - length)], 1).view(rows, cycles, period)
    before = torch.cat([torch.zeros_like(padded[:, :1]), padded[:, :-1].cumsum(1)], 1)
    return (start[:, None] + before).reshape(rows, -1)[:, :length]


def wandering(dice: Dice, rows: int, length: int, style: Style) -> Tensor:
    """Random walks, volatile prices, level shifts, decaying spikes; sometimes with a season on top."""
    e = dice.heavy(rows, length) if dice.yes(0.4) else dice.normal(rows, length)
    kind = dice.block.choices(range(7), (4, 1, 3, 1, 1, 0, 1) if style in FEW else (1, 1, 1, 1, 1, 1, 1))[0]
    if kind == 0:
        y = (e + dice.normal(rows, 1) * style.drift).cumsum(1)
    elif kind == 1:
        wild = (0.6 * noise(dice, rows, length, "ar1")).exp()
        y = (0.012 * dice.log_uniform(0.3, 2, rows) * e * wild).cumsum(1).clamp(-3, 3).exp()
    elif kind == 2:
        y = (noise(dice, rows, length, "ar1") + dice.normal(rows, 1) * style.drift).cumsum(1)
    elif kind == 3:
        y = noise(dice, rows, length)
    elif kind == 4:
        rate, size = dice.log_uniform(0.002, 0.03, rows), dice.log_uniform(1, 8, rows)
        y = jumps(dice, rows, length, rate, size).cumsum(1) + noise(dice, rows, length)
    elif kind == 5:
        shocks = jumps(dice, rows, length, dice.log_uniform(0.005, 0.08, rows), torch.ones(rows, 1, device=dice.device))
        y = 4 * recursive(shocks.abs(), dice.uniform(0, 0.97, rows, 1)) + 0.3 * noise(dice, rows, length)
    else:
        pull = 1 - dice.log_uniform(0.002, 0.2, rows)
        y = standard(recursive(e, pull)) + dice.log_uniform(0.05, 1, rows) * noise(dice, rows, length)
    if style in FEW and dice.yes(0.4):
        y = (standard(y) * dice.log_uniform(0.1, 0.9, rows)).exp()
    if dice.yes(0.3 if style in FEW else 0.2):
        y = standard(y) + dice.log_uniform(0.1, 1.5, rows) * pattern(dice, rows, length, _period(dice, rows, style))
    return y


def counting(dice: Dice, rows: int, length: int, style: Style) -> Tensor:
    """Counts, intermittent demand, steps between states, values that stick to a floor."""
    kind = dice.block.choices(range(4), (0.35, 0.25, 0.2, 0.2))[0]
    if kind == 0:
        season = dice.log_uniform(0.1, 1, rows) * pattern(dice, rows, length, _period(dice, rows, style))
        season = season * dice.chance(0.75, rows)
        wander = 0.4 * noise(dice, rows, length, "ar1") * dice.chance(0.5, rows)
        rate = dice.uniform(-2, 3, rows, 1) + season + wander
        rate = rate + 0.5 * trend(dice, rows, length) * dice.chance(0.75, rows)
        return torch.poisson(rate.clamp(-5, 6).exp(), generator=dice.generator)
    if kind == 1:
        often = (dice.uniform(-3.4, -0.7, rows, 1) + 0.5 * smooth(dice, rows, length) * dice.chance(0.4, rows)).exp()
        demand = torch.poisson(dice.log_uniform(0.3, 20, rows).expand(rows, length), generator=dice.generator)
        return (dice.uniform(0, 1, rows, length) < often) * (1 + demand)
    if kind == 2:
        states = dice.block.randint(2, 5)
        levels = dice.normal(rows, states)
        visit = (dice.uniform(0, 1, rows, length) < dice.log_uniform(0.005, 0.1, rows)).cumsum(1)
        state = ((visit * 2654435761 + dice.whole(0, 1 << 30, rows, 1)) >> 7) % states
        return levels.gather(1, state) + dice.log_uniform(0.001, 0.2, rows) * dice.normal(rows, length)
    y = structural(dice, rows, length, style)
    return torch.maximum(y, torch.quantile(y[:, ::7], dice.block.uniform(0, 0.5), dim=1, keepdim=True))


def growing(dice: Dice, rows: int, length: int, style: Style) -> Tensor:
    """Economies, firms, visitors: growth that persists, mostly upwards, at .05 to 4 standard deviations of its changes.

    Of the yearly changes of M1's series, a quarter have a mean of more than 1.3 of their standard deviations.
    """
    change = dice.heavy(rows, length) if dice.yes(0.3) else dice.normal(rows, length)
    lasting = noise(dice, rows, length, "ar1") * dice.log_uniform(0.1, 2, rows)
    change = standard(change) + lasting * dice.chance(0.5, rows)
    growth = dice.log_uniform(0.05, 4, rows) * torch.where(dice.chance(0.85, rows), 1.0, -1.0)
    if dice.yes(0.25):
        growth = growth * torch.exp(-dice.uniform(0.5, 4, rows, 1) * clock(dice, length) / length)
    y = (growth + change).cumsum(1)
    season = pattern(dice, rows, length, _period(dice, rows, style)) * dice.chance(style.seasonal, rows)
    if dice.yes(0.3):
        season = season * (0.4 * smooth(dice, rows, length, 3)).exp()
    y = y + season * dice.log_uniform(0.3, 10, rows)
    y = y + dice.normal(rows, length) * dice.log_uniform(0.05, 1.5, rows) * dice.chance(0.5, rows)
    return (standard(y) * dice.log_uniform(0.1, 1.5, rows)).clamp(-4, 4).exp() if dice.yes(0.4) else y


def steady(dice: Dice, rows: int, length: int, style: Style) -> Tensor:  # noqa: ARG001
    """Weather by days, delays, levels in a body: back to the mean, without a season or with the year's alone."""
    y = noise(dice, rows, length) + noise(dice, rows, length) * dice.log_uniform(0.1, 3, rows) * dice.chance(0.6, rows)
    if dice.yes(0.3):
        y = standard(y) + pattern(dice, rows, length, torch.full_like(y[:, :1], 365.0)) * dice.log_uniform(0.2, 3, rows)
    y = standard(_changing(dice, y, standard(y)))
    shape = dice.block.choices(range(4), (0.5, 0.3, 0.1, 0.1))[0]
    if shape == 1:
        return (y * dice.log_uniform(0.2, 1.2, rows)).clamp(-5, 5).exp()
    if shape == 2:
        return (y - dice.uniform(-1.5, 1, rows, 1)).clamp(min=0)
    return y - dice.log_uniform(0.1, 1, rows) * y.square() if shape == 3 else y


Family = Callable[[Dice, int, int, Style], Tensor]
FAMILIES: tuple[Family, ...] = (structural, calendar, mixture, smoothing, wandering, counting, growing, steady)


def _spoil(dice: Dice, y: Tensor) -> Tensor:
    """What happens to real series: outliers, level shifts, slow drift, changed regimes, rounding, limits."""
    rows, length = y.shape
    if dice.yes(0.10):
        y = y + jumps(dice, rows, length, dice.log_uniform(0.001, 0.02, rows), dice.log_uniform(2, 10, rows))
    if dice.yes(0.12):
        rate, size = dice.log_uniform(0.3 / length, 4 / length, rows), dice.log_uniform(0.3, 2, rows)
        y = y + jumps(dice, rows, length, rate, size).cumsum(1)
    if dice.yes(0.12):
        y = y + dice.normal(rows, length).cumsum(1) * dice.log_uniform(0.1, 1.5, rows) / length**0.5
    if dice.yes(0.08):
        changed = clock(dice, length) > dice.uniform(0.1, 1, rows, 1) * length
        y = torch.where(changed, y * dice.log_uniform(0.3, 2.5, rows) + 0.7 * dice.normal(rows, 1), y)
    if dice.yes(0.08):
        step = dice.log_uniform(0.05, 0.6, rows)
        y = (y / step).round() * step
    if dice.yes(0.05):
        low, high = -abs(dice.block.gauss(0, 1.5)), abs(dice.block.gauss(0, 1.5)) + 0.3
        y = y.clamp(low, high)
    return y
