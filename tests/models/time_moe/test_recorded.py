"""What a GPU would record and replay, on a CPU: the same numbers, and nothing that waits for the device."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from foretell.errors import NotAvailable
from foretell.models import layers
from foretell.models.recorded_torch import Recorded, Work
from foretell.models.time_moe_model import Loaded, recorded
from tests.models.time_moe.golden import tiny
from tests.models.time_moe.test_network import rows

WAITS = ("_local_scalar_dense", "nonzero", "lift_fresh", "is_nonzero", "equal", "masked_select", "unique")
"""Operations for which the host needs a number of the device, or the device one of the host."""


class NeverWaits(TorchDispatchMode):
    """Lets through what may be recorded; notes what there was."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func).split(".")[1]
        self.seen.add(name)
        assert name not in WAITS, f"{func} waits"
        return func(*args, **(kwargs or {}))


class Recorder:
    """Records as a GPU does: memory of its own, values in and out by copy; what runs is the work itself."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, work: Work, example: Tensor) -> Work:
        self.count += 1
        given = example.clone()

        def replay(values: Tensor) -> Tensor:
            given.copy_(values)
            return work(given).clone()

        return replay


def test_replayed_is_what_was_generated() -> None:
    network, recorder = tiny(), Recorder()
    replayed = Recorded(network, recorder, most=3)
    for seed in range(3):
        contexts = rows([20, 20, 31], seed)
        for horizon in (9, 40):
            expected = network.generate(contexts, horizon)
            torch.testing.assert_close(replayed.generate(contexts, horizon), expected, rtol=0, atol=1e-5)
    assert len(replayed._known) == 3


def test_a_shape_is_recorded_once_and_the_longest_unused_is_dropped() -> None:
    recorder = Recorder()
    replayed = Recorded(tiny(), recorder, most=2)
    for length in (10, 12, 10, 12, 14, 12, 10):
        replayed.generate(rows([length]), 5)
    assert recorder.count == 4


@pytest.mark.skipif(not hasattr(torch.nn.functional, "grouped_mm"), reason="this PyTorch has no grouped products")
def test_grouped_experts_never_wait_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a GPU with bfloat16; a loop over the experts would wait in each layer."""
    network = tiny().bfloat16()
    network.compute_dtype = torch.bfloat16
    values = torch.stack(rows([40, 40])).bfloat16()
    expected = network.generate(values.unbind(), 72)
    monkeypatch.setattr(layers, "can_loop", lambda x, weight: False)
    with NeverWaits() as mode:
        found = network.generate(values.unbind(), 72)
    assert "_grouped_mm" in mode.seen
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-2)
    shapes_only = network.to("meta")
    assert shapes_only.generate(values.to("meta").unbind(), 72).shape == (2, 72)


def test_the_loop_asks_for_numbers_which_a_tensor_without_any_cannot_give() -> None:
    network = tiny().to("meta")
    with pytest.raises((NotImplementedError, RuntimeError)):
        network.generate([row.to("meta") for row in rows([40, 40])], 9)


def test_without_a_gpu_it_says_so() -> None:
    with pytest.raises(NotAvailable, match="needs a GPU and precision bf16"):
        recorded(Loaded(tiny(), "cpu", ""), "bf16")
