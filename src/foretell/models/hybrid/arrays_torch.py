"""The array vocabulary of `arrays` in torch, on any device."""

from functools import cache
from typing import Any

import numpy as np
import torch

from foretell.models.hybrid.arrays import Array


class TorchArrays:
    """The vocabulary in torch; tables and new arrays are made on `device`."""

    minimum = staticmethod(torch.minimum)
    maximum = staticmethod(torch.maximum)
    exp = staticmethod(torch.exp)
    log = staticmethod(torch.log)
    sqrt = staticmethod(torch.sqrt)

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._tables: dict[int, tuple[np.ndarray, torch.Tensor]] = {}

    def where(self, condition: Array, yes: Array, no: Array) -> Array:
        return torch.where(condition, yes, no)

    def const(self, x: np.ndarray) -> Array:
        """A constant table on the device; kept, as the tables are few and cached by their makers."""
        if id(x) not in self._tables:
            self._tables[id(x)] = (x, torch.from_numpy(x).to(self.device))
        return self._tables[id(x)][1]

    def count(self, n: int) -> Array:
        return torch.arange(n, device=self.device)

    def zeros(self, *shape: int) -> Array:
        return torch.zeros(shape, device=self.device)

    def real(self, x: Array) -> Array:
        return x.float()

    def whole(self, x: Array) -> Array:
        return x.long()

    def clip(self, x: Array, low: Any, high: Any) -> Array:
        return torch.clip(x, low, high)

    def stack(self, xs: Any, axis: int) -> Array:
        return torch.stack(list(xs), dim=axis)

    def concat(self, xs: Any, axis: int) -> Array:
        return torch.cat(list(xs), dim=axis)

    def flip(self, x: Array) -> Array:
        return x.flip(-1)

    def running_sum(self, x: Array) -> Array:
        return x.cumsum(-1)

    def running_max(self, x: Array) -> Array:
        return x.cummax(-1).values

    def take(self, x: Array, index: Array) -> Array:
        return x.gather(1, index.reshape(len(index), -1).expand(len(x), -1)).reshape(len(x), *index.shape[1:])

    def phase(self, steps: Array, period: Array) -> Array:
        return steps % period

    def gather(self, x: Array, columns: np.ndarray) -> Array:
        return x[:, self.const(columns)]

    def phase_sums(self, x: Array, phase: Array, size: int) -> Array:
        return torch.zeros(len(x), size, device=x.device).scatter_add_(1, phase, x)

    def window_sums(self, sums: Array, window: Array) -> Array:
        last = sums.shape[1] - 1
        end = torch.clip(self.count(last)[None, None] + window[..., None], None, last)
        return self.take(sums, end) - sums[:, None, :last]

    def power(self, x: Array, length: int) -> Array:
        f = torch.fft.rfft(x, length, dim=-1)
        return f.real**2 + f.imag**2

    def inverse_power(self, p: Array, length: int) -> Array:
        return torch.fft.irfft(p, length, dim=-1)

    def cross(self, x: Array, y: Array, length: int) -> Array:
        f = torch.fft.rfft(x, length, dim=-1)[:, None] * torch.fft.rfft(y, length, dim=-1).conj()
        return torch.fft.irfft(f, length, dim=-1)

    def solve(self, a: Array, b: Array) -> Array:
        return torch.linalg.solve(a, b)

    def smallest(self, x: Array, k: int) -> Array:
        return x.topk(k, dim=-1, largest=False).indices

    def squash(self, x: Array) -> Array:
        size = x.abs()
        return torch.copysign((size + (size * size + 1.0).sqrt()).log(), x)

    def sort(self, x: Array) -> Array:
        return x.sort(-1).values

    def lowest(self, x: Array) -> Array:
        return x.amin(-1, keepdim=True)

    def highest(self, x: Array) -> Array:
        return x.amax(-1, keepdim=True)


@cache
def torch_arrays(device: str) -> TorchArrays:
    """The vocabulary on a device; one per device, so that tables are moved there once."""
    return TorchArrays(device)
