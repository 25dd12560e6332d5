"""Generations recorded once for each shape and then replayed: CUDA graphs.

A forward pass is some thousand launches, each shorter than what it costs to ask for it; a recorded one is asked for as
a whole. What is recorded may not wait for the device, so experts must be one grouped product (bfloat16), and all series
of a call have one length. This has been tested on a CPU, with a recorder that runs the same work, and never on a GPU.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from foretell.models.time_moe import TimeMoe

Work = Callable[[Tensor], Tensor]
Recorder = Callable[[Work, Tensor], Work]
"""Records work on an example [B, T]; what it gives back does the same for other values of that shape."""
WARM_UP = 2
"""Runs before recording, which load kernels and choose algorithms."""


def record(work: Work, example: Tensor) -> Work:
    """A CUDA graph. It reads and writes memory of its own, so values go in and out by copy."""
    given = example.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            work(given)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        made = work(given)

    def replay(values: Tensor) -> Tensor:
        given.copy_(values)
        graph.replay()
        return made.clone()

    return replay


@dataclass(slots=True)
class Recorded:
    """A network whose generations are recorded, at most `most` shapes of them; the longest unused goes first."""

    network: TimeMoe
    record: Recorder = record
    most: int = 8
    _known: OrderedDict[tuple[int, int, int, bool], Work] = field(default_factory=OrderedDict)

    @torch.inference_mode()
    def generate(self, contexts: Sequence[Tensor], horizon: int, covering: bool = False) -> Tensor:
        """As TimeMoe.generate; contexts of unequal lengths are replayed one length after the other."""
        lengths = [len(context) for context in contexts]
        made = contexts[0].new_empty((len(contexts), horizon), dtype=self.network.compute_dtype)
        for length in dict.fromkeys(lengths):
            rows = [i for i, other in enumerate(lengths) if other == length]
            values = torch.stack([contexts[i] for i in rows])
            for i, row in zip(rows, self._replay(values, horizon, covering), strict=True):
                made[i] = row
        return made

    def _replay(self, values: Tensor, horizon: int, covering: bool) -> Tensor:
        key = (*values.shape, horizon, covering)
        if key not in self._known:
            self._known[key] = self.record(lambda v: self.network.generate(v.unbind(), horizon, covering), values)
            if len(self._known) > self.most:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key](values)
