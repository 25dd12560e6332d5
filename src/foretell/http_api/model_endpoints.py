"""/v1/models: what can run here, and, for those who may change the server, load, unload and pull."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from foretell.errors import InvalidInput
from foretell.http_api.door import Door
from foretell.registry import VERBS, Entry, Kind, pull
from foretell.wire.masking import mask


class OptionOut(msgspec.Struct):
    default: Any
    doc: str


class ModelOut(msgspec.Struct):
    """Contexts and horizons count points. `loaded`: worker processes have it; `memory`: bytes that idle ones hold.

    Formulas share workers that are always there.
    """

    name: str
    aliases: list[str]
    kind: str
    description: str
    license: str
    min_context: int
    max_context: int
    max_horizon: int
    covariates: bool
    options: dict[str, OptionOut]
    loaded: bool
    memory: int


def models(door: Door) -> HTTPRouteHandler:
    @get("/v1/models", summary="The models that can run here")
    async def handle() -> list[ModelOut]:
        """Each model with its limits and options."""
        return [_about(door, entry) for entry in door.serving.engine.models.entries()]

    return handle


def model(door: Door) -> HTTPRouteHandler:
    @get("/v1/models/{name:str}", summary="One model")
    async def handle(name: FromPath[str], kind: FromQuery[str] = "forecast") -> ModelOut:
        """By name or alias; `kind` is forecast, anomaly, imputation or correlation."""
        return _about(door, _find(door, name, kind))

    return handle


def load(door: Door) -> HTTPRouteHandler:
    @post("/v1/models/{name:str}/load", status_code=200, summary="Have a model ready")
    async def handle(name: FromPath[str], kind: FromQuery[str] = "forecast") -> ModelOut:
        """Returns when every worker of the model has it."""
        entry = _find(door, name, kind)
        await door.serving.pools.load(entry.target)
        return _about(door, entry)

    return handle


def unload(door: Door) -> HTTPRouteHandler:
    @post("/v1/models/{name:str}/unload", status_code=200, summary="Let the workers of a model go")
    async def handle(name: FromPath[str], kind: FromQuery[str] = "forecast") -> ModelOut:
        """Calls under way are finished; the next one loads the model again."""
        entry = _find(door, name, kind)
        door.serving.pools.unload(entry.target)
        return _about(door, entry)

    return handle


def pull_weights(door: Door) -> HTTPRouteHandler:  # noqa: ARG001
    @post("/v1/models/{name:str}/pull", status_code=200, summary="Download the weights of a model")
    async def handle(name: FromPath[str]) -> dict[str, str]:
        """Returns when they are there; what runs loads them after `load` or a reload."""
        folder = await asyncio.to_thread(pull, name)
        return {"name": name, "folder": str(folder)}

    return handle


def _find(door: Door, name: str, kind: str) -> Entry:
    if kind not in VERBS:
        raise InvalidInput("kind", f"must be one of {', '.join(VERBS)}, got {kind!r}")
    return door.serving.engine.models.find(name, cast(Kind, kind))


def _about(door: Door, entry: Entry) -> ModelOut:
    pools = door.serving.pools
    pool = pools.loaded.get(pools.place(entry.target))
    return ModelOut(
        mask(entry.name),
        list(entry.aliases),
        entry.kind,
        entry.description,
        entry.license,
        entry.limits.min_context,
        entry.limits.max_context,
        entry.limits.max_horizon,
        entry.limits.covariates,
        {key: OptionOut(o.default, o.doc) for key, o in entry.options.items()},
        pool is not None,
        0 if pool is None else pool.memory,
    )
