"""What a batch job is asked for. How it is computed, and by how many, stands elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from foretell.engine.forecasting import check_horizon, check_levels
from foretell.registry import registry


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that are read, by name; without `time` rows are taken in the order of the files' names."""

    ids: tuple[str, ...]
    time: str | None
    value: str

    @property
    def names(self) -> list[str]:
        return [*self.ids, *([self.time] if self.time else []), self.value]


@dataclass(frozen=True, slots=True)
class Request:
    """The forecast wanted. `target` and `options` are the model's, complete."""

    model: str
    target: str
    horizon: int
    levels: tuple[float, ...]
    options: Mapping[str, Any]

    @classmethod
    def of(cls, model: str, horizon: int, levels: Sequence[float], options: Mapping[str, Any]) -> Request:
        """A request that was checked: UnknownName, NotAvailable or InvalidInput name what is wrong."""
        entry = registry().find(model)
        check_horizon(horizon, entry)
        return cls(entry.name, entry.target, horizon, check_levels(levels), entry.read_options(options))

    def as_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {**asdict(self), "levels": list(self.levels), "options": dict(self.options)}
