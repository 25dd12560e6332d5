"""Matrix products with weights, each in the form that suits where it runs, and the norm.

`Linear` is one matrix, `Bank` one per expert. Both begin as plain parameters, which can be loaded, trained and moved.
For answering on a CPU, `pack()` lays the weights out once as oneDNN wants them (products of few rows, as an expert
gets them, are then up to 1.7 times faster) and gives the plain ones up. Where this build of PyTorch has no oneDNN,
`pack()` changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretell.errors import InvalidInput


class Linear(nn.Module):
    """x [N, in] -> [N, out]. The weight may be stored in another type than x has; arithmetic is done in that of x."""

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(self, inputs: int, outputs: int, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        self._packed: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(x.dtype)
        if self._packed is not None:
            return packed_product(x, self._packed, bias)
        return functional.linear(x, plain(self).to(x.dtype), bias)

    def pack(self) -> None:
        if self.weight is not None and can_pack(self.weight):
            self._packed = packed(self.weight)
            self.weight = None


class Bank(nn.Module):
    """One matrix per expert: rows x [N, in], sorted by expert, -> [N, out]."""

    weight: nn.Parameter | None

    def __init__(self, experts: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(experts, outputs, inputs))
        self._packed: list[Tensor] = []

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        """`counts` [E] int64: how many of the rows belong to each expert."""
        if self._packed:
            rows = x.split(counts.tolist())
            return torch.cat([packed_product(r, w) for r, w in zip(rows, self._packed, strict=True) if len(r)])
        weight = plain(self).to(x.dtype)
        if x.is_cuda:
            return grouped_product(x, weight, counts)
        return looped_product(x, weight.unbind(), counts.tolist())

    def pack(self) -> None:
        if self.weight is not None and can_pack(self.weight):
            self._packed = [packed(w) for w in self.weight.unbind()]
            self.weight = None


class Norm(nn.Module):
    """Root mean square norm over the last axis, in float32 (Zhang and Sennrich 2019)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = functional.rms_norm(x.float(), self.weight.shape, eps=self.eps)
        return wide.to(x.dtype) * self.weight.to(x.dtype)


def plain(module: Linear | Bank) -> nn.Parameter:
    """The weight as a parameter; it is there no more once it has been packed."""
    if module.weight is None:
        raise InvalidInput("weights", "are packed for this CPU; load the network again")
    return module.weight


def looped_product(x: Tensor, weights: Sequence[Tensor], counts: Sequence[int]) -> Tensor:
    """One product per expert that has rows. The counts are on the host, where a CPU has them anyway."""
    rows = x.split(list(counts))
    return torch.cat([functional.linear(r, w) for r, w in zip(rows, weights, strict=True) if len(r)])


def grouped_product(x: Tensor, weight: Tensor, counts: Tensor) -> Tensor:
    """All experts in one launch; the counts stay on the device, so that it never waits for the host."""
    if not hasattr(functional, "grouped_mm"):
        return looped_product(x, weight.unbind(), counts.tolist())
    ends = counts.cumsum(0).to(torch.int32)
    return functional.grouped_mm(x, weight.transpose(1, 2), offs=ends)


def can_pack(weight: Tensor) -> bool:
    """Whether oneDNN can hold this weight; the operations are PyTorch's own, but not documented ones."""
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return there and weight.device.type == "cpu" and weight.dtype == torch.float32


def packed(weight: Tensor) -> Tensor:
    """[out, in] as an opaque tensor in oneDNN's layout."""
    with torch.no_grad():
        return cast(Tensor, torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous()))


def packed_product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    nothing: Any = []
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", nothing, ""))
