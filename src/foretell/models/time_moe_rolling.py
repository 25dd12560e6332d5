"""Time-MoE with norm=fixed: one call of it, over the series that a worker holds (rolling.py)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from foretell.models.rolling import Cache, Context, Held, Rolling
from foretell.registry import Options
from foretell.series import Batch, FloatArray


class Network(Protocol):
    """A network that goes on from a cache."""

    @property
    def fingerprint(self) -> str: ...

    def new_cache(self) -> Cache:
        """That of a series of which nothing has been seen."""
        ...

    def resume(self, caches: Sequence[Any], fresh: Sequence[FloatArray], horizon: int, covering: bool) -> FloatArray:
        """Scaled new points, each [T >= 1] -> [B, horizon]; afterwards the caches hold them."""
        ...


@dataclass(frozen=True, slots=True)
class Roll:
    """`most` points of context are taken; `scale` finds the scale of a series that begins, as for norm=instance."""

    network: Network
    options: Options
    state: Rolling
    most: int
    scale: Callable[[FloatArray, str], Any]

    def forecast(
        self, batch: Batch, ready: Sequence[int], point: FloatArray, budget: int
    ) -> dict[int, Mapping[str, Any]]:
        """Fill `point` [B, H] for the rows that are ready, about `budget` points at a time; what to say of each."""
        details: dict[int, Mapping[str, Any]] = {}
        chunk: dict[int, Held] = {}
        points = 0
        for i in ready:
            held = chunk[i] = self._visit(batch, i)
            details[i] = _details(held)
            points += held.fresh if held.kept else len(held.context.values)
            if points > budget:
                self._answer(chunk, point)
                chunk, points = {}, 0
        if chunk:
            self._answer(chunk, point)
        return details

    def _visit(self, batch: Batch, row: int) -> Held:
        form = type(self.network).__name__, self.options["precision"], self.network.fingerprint
        key = batch.ids[row], *form
        context = Context(batch.row(row).copy(), batch.starts[row], batch.steps[row])
        return self.state.visit(key, context, self.most, partial(self._new, key))

    def _new(self, key: Hashable, context: Context) -> Held:
        values = context.values
        return Held(key, context, self.scale(values, "instance"), self.network.new_cache(), fresh=len(values))

    def _answer(self, chunk: Mapping[int, Held], point: FloatArray) -> None:
        fresh = [held.scale.apply(held.points) for held in chunk.values()]
        caches = [held.cache for held in chunk.values()]
        made = self.network.resume(caches, fresh, point.shape[1], self.options["head"] == "covering")
        for (i, held), values in zip(chunk.items(), made, strict=True):
            point[i] = held.scale.undo(values)
            self.state.put(held)


def _details(held: Held) -> Mapping[str, Any]:
    """What a run without a cache needs to give the same."""
    scale = {"mean": held.scale.mean, "spread": held.scale.spread}
    return {"context": len(held.context.values), "computed": held.fresh, **scale}
