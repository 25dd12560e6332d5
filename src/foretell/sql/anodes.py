"""The analytics nodes that SQL may ask: the engine of this process, which is anode 1, and others by their URL.

A name that the engine knows is answered here. For one that only others list, the anode with the higher id is asked.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from foretell.engine.anode import AnodeExecutor, entry_of, masked, place_of
from foretell.engine.engine import Engine
from foretell.engine.loop import wait_for
from foretell.errors import AnodeError, InvalidInput, UnknownName
from foretell.registry import Entry, Kind, Registry
from foretell.wire.anode import MAX_URL
from foretell.wire.tdgpt_answers import TYPES

OURS = 1
"""The id of the engine in this process."""
HERE, READY, OFFLINE = "local", "ready", "offline"
THERE_IS, NOT_THERE, TOO_LONG = 0x80000430, 0x80000431, 0x80000432
ORDER: tuple[Kind, ...] = ("anomaly", "forecast", "imputation", "correlation")
"""Kinds by the numbers that TDengine has for them."""
TIME = pa.timestamp("ms")


@dataclass(frozen=True, slots=True)
class Anode:
    """A node elsewhere: when it was added and last asked for its algorithms, in ms since the epoch, and these."""

    id: int
    url: str
    created: int
    updated: int
    algorithms: tuple[tuple[Kind, str], ...]


class Keeper(Protocol):
    """Where anodes are kept when nobody runs."""

    def load(self) -> Sequence[Anode]: ...

    def save(self, anodes: Sequence[Anode]) -> None: ...


class Forgetful:
    """Keeps nothing."""

    def load(self) -> Sequence[Anode]:
        return ()

    def save(self, anodes: Sequence[Anode]) -> None:
        """Nothing."""


class Anodes:
    """All anodes. `url` is what the engine of this process is reached at; every method is for any thread."""

    def __init__(self, engine: Engine, keeper: Keeper | None = None, url: str = HERE) -> None:
        self.url = url
        self._ours = engine
        self._keeper: Keeper = keeper or Forgetful()
        self._executor = AnodeExecutor()
        self.engine = Engine(self._executor, Registry())
        """The engine that asks the other nodes."""
        self._started = _now()
        self._changing = threading.Lock()
        self._others: tuple[Anode, ...] = ()
        self._use(self._keeper.load())

    def find(self, name: str, kind: Kind) -> Entry | None:
        """The algorithm of that name at another node, in any case."""
        try:
            return self.engine.models.lookup(name, kind)
        except UnknownName:
            return None

    def names(self, kind: Kind) -> list[str]:
        """What other nodes have of a kind."""
        return [entry.name for entry in self.engine.models.entries(kind)]

    def create(self, url: str) -> None:
        """Ask the node at `url` what it has, and keep it; AnodeError says why not."""
        if len(url.encode()) > MAX_URL:
            raise AnodeError(TOO_LONG)
        with self._changing:
            if place_of(url) in map(place_of, [self.url, *(other.url for other in self._others)]):
                raise AnodeError(THERE_IS, masked(url))
            algorithms = wait_for(self._executor.listed(url))
            newest = max([OURS, *(other.id for other in self._others)])
            self._keep([*self._others, Anode(newest + 1, url, _now(), _now(), algorithms)])

    def update(self, id: int) -> None:
        """Ask a node again what it has."""
        with self._changing:
            self._update(self._other(id))

    def update_all(self) -> None:
        """Ask every node again, in the order of their ids; the first that fails stops it."""
        with self._changing:
            for other in self._others:
                self._update(other)

    def drop(self, id: int) -> None:
        """Forget a node. It runs on."""
        with self._changing:
            dropped = self._other(id)
            if dropped is None:
                raise InvalidInput("", f"anode {OURS} is the engine of this process, it cannot be dropped")
            self._keep([other for other in self._others if other is not dropped])

    def table(self) -> pa.Table:
        """SHOW ANODES: each node is asked for its status now; one that does not answer is offline."""
        others = self._others
        rows = [(OURS, masked(self.url), READY, self._started, self._started)]
        said = wait_for(self._statuses(others))
        rows += [(o.id, masked(o.url), status, o.created, o.updated) for o, status in zip(others, said, strict=True)]
        kinds = [pa.int32(), pa.string(), pa.string(), TIME, TIME]
        return _table(("id", "url", "status", "create_time", "update_time"), kinds, rows)

    def full_table(self) -> pa.Table:
        """SHOW ANODES FULL: a row for each algorithm."""
        ours = [(e.kind, name.lower()) for e in self._ours.models.entries() for name in (e.name, *e.aliases)]
        rows = [(OURS, TYPES[kind], name) for kind, name in _ordered(ours)]
        rows += [(other.id, TYPES[kind], name) for other in self._others for kind, name in _ordered(other.algorithms)]
        return _table(("id", "type", "algo"), [pa.int32(), pa.string(), pa.string()], rows)

    def close(self) -> None:
        """Close the connections to other nodes."""
        wait_for(self._executor.aclose())

    async def _statuses(self, others: Sequence[Anode]) -> list[str]:
        return list(await asyncio.gather(*(self._status(other.url) for other in others)))

    async def _status(self, url: str) -> str:
        try:
            return await self._executor.status(url)
        except AnodeError:
            return OFFLINE

    def _other(self, id: int) -> Anode | None:
        """The node of that id; None is the engine of this process."""
        if id == OURS:
            return None
        for other in self._others:
            if other.id == id:
                return other
        raise AnodeError(NOT_THERE, str(id))

    def _update(self, other: Anode | None) -> None:
        if other is None:
            return
        fresh = replace(other, updated=_now(), algorithms=wait_for(self._executor.listed(other.url)))
        self._keep([fresh if one is other else one for one in self._others])

    def _keep(self, others: Sequence[Anode]) -> None:
        self._keeper.save(others)
        self._use(others)

    def _use(self, others: Sequence[Anode]) -> None:
        winners = {key: other.url for other in sorted(others, key=lambda o: o.id) for key in other.algorithms}
        models = Registry()
        for (kind, name), url in winners.items():
            models.add(entry_of(url, kind, name))
        self._others, self.engine.models = tuple(others), models


def _ordered(algorithms: Sequence[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
    return sorted(algorithms, key=lambda one: (ORDER.index(one[0]), one[1]))


def _table(names: Sequence[str], kinds: Sequence[pa.DataType], rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], list(names))


def _now() -> int:
    return time.time_ns() // 1_000_000
