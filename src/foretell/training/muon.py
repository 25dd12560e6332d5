"""Muon (Jordan 2024): momentum, orthogonalised by Newton-Schulz in 32 bits, all matrices of one shape at once."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
STEPS = 5


class Muon(torch.optim.Optimizer):
    """For the matrices inside the blocks; `torch.optim.Muon` computes in bfloat16, which CPUs do slowly."""

    def __init__(
        self, matrices: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.05
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[nn.Parameter]] = {}
            for p in group["params"]:
                alike.setdefault((min(p.shape[-2:]), max(p.shape[-2:])), []).append(p)
            for same in alike.values():
                self._update(same, group)

    def _update(self, same: list[nn.Parameter], group: dict[str, Any]) -> None:
        """Matrices [R, C] or stacks of them [N, R, C], all of one size or its transposed."""
        moved = []
        for p in same:
            if p.grad is None:
                raise ValueError("every matrix needs a gradient")
            buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
            buffer.lerp_(p.grad, 1 - group["momentum"])
            nesterov = p.grad.lerp(buffer, group["momentum"])
            moved.append(_wide(nesterov).reshape(-1, min(p.shape[-2:]), max(p.shape[-2:])))
        parts = orthogonal(torch.cat(moved)).split([len(m) for m in moved])
        for p, u in zip(same, parts, strict=True):
            u = u if _is_wide(p) else u.transpose(1, 2)
            size = 0.2 * max(p.shape[-2:]) ** 0.5
            p.mul_(1 - group["lr"] * group["weight_decay"]).add_(u.reshape(p.shape), alpha=-group["lr"] * size)


def _is_wide(x: Tensor) -> bool:
    return x.shape[-2] <= x.shape[-1]


def _wide(x: Tensor) -> Tensor:
    """x or its transposed, with no more rows than columns."""
    return x if _is_wide(x) else x.transpose(-2, -1)


def orthogonal(x: Tensor) -> Tensor:
    """Matrices [N, R, C], R <= C, with all singular values moved towards one."""
    a, b, c = NEWTON_SCHULZ
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(STEPS):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    return x
