"""Random draws on a device from one seed."""

import random
from collections.abc import Sequence

import torch
from torch import Tensor


class Dice:
    """Seeded draws: tensors from a torch generator on `device`, decisions for a whole block from Python's."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.block = random.Random(seed)
        self.seasons: list[Tensor] = []
        """Periods [N, 1] of the seasonal patterns drawn since it was last emptied."""

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.device)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.device) * (high - low) + low

    def log_uniform(self, low: float, high: float, rows: int) -> Tensor:
        """[rows, 1] with uniform logarithm."""
        bounds = torch.tensor([low, high]).log().tolist()
        return self.uniform(bounds[0], bounds[1], rows, 1).exp()

    def chance(self, p: float, rows: int) -> Tensor:
        """[rows, 1] bool, true with probability p."""
        return torch.rand((rows, 1), generator=self.generator, device=self.device) < p

    def whole(self, low: int, high: int, *shape: int) -> Tensor:
        """Whole numbers low .. high - 1."""
        return torch.randint(low, high, shape, generator=self.generator, device=self.device)

    def among(self, values: Sequence[float], weights: Sequence[float], rows: int) -> Tensor:
        """[rows, 1] drawn from values with weights."""
        w = torch.tensor(weights, dtype=torch.float32, device=self.device)
        index = torch.multinomial(w, rows, replacement=True, generator=self.generator)
        return torch.tensor(values, dtype=torch.float32, device=self.device)[index][:, None]

    def heavy(self, *shape: int) -> Tensor:
        """Heavy-tailed noise: normal with log-normal scale."""
        return self.normal(*shape) * (0.7 * self.normal(*shape)).exp()

    def yes(self, p: float) -> bool:
        """A decision for the whole block."""
        return self.block.random() < p
