"""Sizes of a Time-MoE and the order of its answers: what its forms in PyTorch and NumPy share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foretell.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a network. A routed expert is `inner` / `chosen` wide, the shared one `inner`."""

    width: int
    layers: int
    heads: int
    key_heads: int
    inner: int
    experts: int
    chosen: int
    horizons: tuple[int, ...]
    eps: float
    theta: float

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Shape:
        """From a published config.json; InvalidInput names what is missing or of another architecture."""
        fixed = {"model_type": "time_moe", "hidden_act": "silu", "input_size": 1, "use_dense": False}
        for key, value in fixed.items():
            if config.get(key, value) != value:
                raise InvalidInput(key, f"Time-MoE needs {value!r}, config.json says {config[key]!r}")
        try:
            return cls(
                width=config["hidden_size"],
                layers=config["num_hidden_layers"],
                heads=config["num_attention_heads"],
                key_heads=config.get("num_key_value_heads") or config["num_attention_heads"],
                inner=config["intermediate_size"],
                experts=config["num_experts"],
                chosen=config["num_experts_per_tok"],
                horizons=tuple(config["horizon_lengths"]),
                eps=config.get("rms_norm_eps", 1e-6),
                theta=config.get("rope_theta", 10000),
            )
        except KeyError as missing:
            raise InvalidInput(str(missing.args[0]), "is missing in config.json") from None

    @property
    def head_width(self) -> int:
        return self.width // self.heads


def schedule(horizon: int, heads: Sequence[int], covering: bool = False) -> list[int]:
    """Which head each step takes: the largest that fits into what is left; a too large one only if none fits.

    `covering` ends with the smallest head that covers the rest, so with fewer steps, but other numbers.
    """
    steps: list[int] = []
    while (left := horizon - sum(steps)) > 0:
        fitting = [h for h in heads if h <= left]
        covers = [h for h in heads if h >= left]
        steps.append(max(fitting) if fitting and not (covering and covers) else min(covers))
    return steps
