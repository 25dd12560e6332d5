"""Matrix products with weights, each in the form that suits where it runs, and the norm.

`Linear` is one matrix, `Bank` one per expert. Both begin as plain parameters, which can be loaded, trained and moved.
For answering on a CPU, `pack` gives them up for another form: `Packed`, the same numbers as oneDNN wants them
(products of few rows, as an expert gets them, are then up to 1.7 times faster), or `Quantised`, eight bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretell.errors import InvalidInput


class Packed:
    """x [N, in] -> [N, out] with a float32 weight [out, in] in oneDNN's own layout."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())

    def __call__(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        return cast(Tensor, torch.ops.mkldnn._linear_pointwise(x, self.weight, bias, "none", [], ""))


class Quantised:
    """x [N, in] -> [N, out] in eight bits, with a scale for each output and, found anew each time, for each row of x.

    So no row depends on its neighbours. Without VNNI instructions pairs of products are summed in 16 bits, which only
    weights of seven bits cannot overflow.
    """

    MIDDLE = 128
    """x is stored unsigned, as the instructions want it."""

    def __init__(self, weight: Tensor) -> None:
        weight = weight.detach().float()
        largest = 127 if torch.cpu._is_vnni_supported() else 63
        self.scale = weight.abs().amax(1).clamp_min(1e-12) / largest
        self.zero = torch.zeros(len(weight), dtype=torch.int32)
        whole = (weight / self.scale[:, None]).round().to(torch.int8)
        self.weight = torch.ops.onednn.qlinear_prepack(whole, None)

    def __call__(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        scale = x.abs().amax(1, keepdim=True).clamp_min_(1e-12) / 127
        whole = (x / scale).round_().add_(self.MIDDLE).to(torch.uint8)
        weight = (self.weight, self.scale, self.zero)
        out = torch.ops.onednn.qlinear_pointwise(
            whole, 1.0, self.MIDDLE, *weight, None, 1.0, 0, torch.float32, "none", [], ""
        ).mul_(scale)
        return cast(Tensor, out if bias is None else out.add_(bias))


Form = type[Packed] | type[Quantised]


class Linear(nn.Module):
    """x [N, in] -> [N, out]. The weight may be stored in another type than x has; arithmetic is done in that of x."""

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(self, inputs: int, outputs: int, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        self._product: Packed | Quantised | None = None

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(x.dtype)
        if self._product is not None:
            return self._product(x, bias)
        return functional.linear(x, plain(self).to(x.dtype), bias)

    def pack(self, form: Form) -> None:
        self._product = form(plain(self))
        self.weight = None


class Bank(nn.Module):
    """One matrix per expert: rows x [N, in], sorted by expert, -> [N, out]."""

    weight: nn.Parameter | None

    def __init__(self, experts: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(experts, outputs, inputs))
        self._products: list[Packed | Quantised] = []

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        """`counts` [E] int64: how many of the rows belong to each expert."""
        if self._products:
            rows = x.split(counts.tolist())
            return torch.cat([product(r) for r, product in zip(rows, self._products, strict=True) if len(r)])
        weight = plain(self).to(x.dtype)
        if can_loop(x, weight):
            return looped_product(x, weight.unbind(), counts.tolist())
        return grouped_product(x, weight, counts)

    def pack(self, form: Form) -> None:
        self._products.extend(form(w) for w in plain(self).unbind())
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
    ends = counts.cumsum(0).to(torch.int32)
    return functional.grouped_mm(x, weight.transpose(1, 2), offs=ends)


def can_loop(x: Tensor, weight: Tensor) -> bool:
    """Whether the counts may be asked for: always, but for what a GPU can compute without them."""
    return not (x.is_cuda and can_group(weight))


def can_group(weight: Tensor) -> bool:
    """What the GPU kernel of grouped products takes: bfloat16, rows of whole 16 bytes."""
    aligned = all(size % 8 == 0 for size in weight.shape[1:])
    return hasattr(functional, "grouped_mm") and weight.dtype == torch.bfloat16 and aligned


def can_pack(weight: Tensor) -> bool:
    """Whether oneDNN can hold this weight; the operations are PyTorch's own, but not documented ones."""
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return there and weight.device.type == "cpu" and weight.dtype == torch.float32


def can_quantise() -> bool:
    """Whether this build of PyTorch has oneDNN's eight-bit products."""
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.onednn, "qlinear_pointwise")
    return there and hasattr(torch.cpu, "_is_vnni_supported")
