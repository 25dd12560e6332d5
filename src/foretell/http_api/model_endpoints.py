"""/v1/models: what can run here, and, for those who may change the server, load, unload and pull."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, cast

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from foretell.errors import InvalidInput
from foretell.http_api.door import Door
from foretell.http_api.openapi import Refusing
from foretell.registry import VERBS, Entry, Option, pull
from foretell.wire.masking import mask


class OptionOut(msgspec.Struct):
    """`choices` are all that it takes, where there are any; `low` and `high` bound a number."""

    default: Any
    type: Literal["bool", "int", "float", "str"]
    choices: list[str]
    low: float | None
    high: float | None
    doc: str


class ModelOut(msgspec.Struct):
    """Contexts and horizons count points; horizons and covariates are of forecasters only.

    `loaded`: worker processes have it; `memory`: bytes that idle ones hold. Formulas share workers that are always
    there.
    """

    name: str
    aliases: list[str]
    kind: str
    description: str
    license: str
    min_context: int
    max_context: int
    max_horizon: int | None
    covariates: bool | None
    options: dict[str, OptionOut]
    loaded: bool
    memory: int


def models(door: Door) -> HTTPRouteHandler:
    @get("/v1/models", summary="The models that can run here", operation_class=Refusing)
    async def handle() -> list[ModelOut]:
        """Each model with its limits and options."""
        return [_about(door, entry) for entry in door.serving.engine.models.entries()]

    return handle


def model(door: Door) -> HTTPRouteHandler:
    @get("/v1/models/{name:str}", summary="One model", operation_class=Refusing)
    async def handle(name: FromPath[str], kind: FromQuery[str | None] = None) -> ModelOut:
        """By name or alias. `kind` (forecast, anomaly, imputation, correlation) is for names that stand for several."""
        return _about(door, _find(door, name, kind))

    return handle


def load(door: Door) -> HTTPRouteHandler:
    @post("/v1/models/{name:str}/load", status_code=200, summary="Have a model ready", operation_class=Refusing)
    async def handle(name: FromPath[str], kind: FromQuery[str | None] = None) -> ModelOut:
        """Returns when every worker of the model has it."""
        entry = _find(door, name, kind)
        await door.serving.pools.load(entry.target)
        return _about(door, entry)

    return handle


def unload(door: Door) -> HTTPRouteHandler:
    @post(
        "/v1/models/{name:str}/unload",
        status_code=200,
        summary="Let the workers of a model go",
        operation_class=Refusing,
    )
    async def handle(name: FromPath[str], kind: FromQuery[str | None] = None) -> ModelOut:
        """Calls under way are finished; the next one loads the model again."""
        entry = _find(door, name, kind)
        door.serving.pools.unload(entry.target)
        return _about(door, entry)

    return handle


def pull_weights(door: Door) -> HTTPRouteHandler:  # noqa: ARG001
    @post(
        "/v1/models/{name:str}/pull",
        status_code=200,
        summary="Download the weights of a model",
        operation_class=Refusing,
    )
    async def handle(name: FromPath[str]) -> dict[str, str]:
        """Returns when they are there; what runs loads them after `load` or a reload."""
        folder = await asyncio.to_thread(pull, name)
        return {"name": name, "folder": str(folder)}

    return handle


def _find(door: Door, name: str, kind: str | None) -> Entry:
    if kind not in (None, *VERBS):
        raise InvalidInput("kind", f"must be one of {', '.join(VERBS)}, got {kind!r}")
    return door.serving.engine.models.find(name, kind)


def _about(door: Door, entry: Entry) -> ModelOut:
    pools, forecasts = door.serving.pools, entry.kind == "forecast"
    pool = pools.loaded.get(pools.place(entry.target))
    return ModelOut(
        mask(entry.name),
        list(entry.aliases),
        entry.kind,
        entry.description,
        entry.license,
        entry.limits.min_context,
        entry.limits.max_context,
        entry.limits.max_horizon if forecasts else None,
        entry.limits.covariates if forecasts else None,
        {key: _option(option) for key, option in entry.options.items()},
        pool is not None,
        0 if pool is None else pool.memory,
    )


def _option(option: Option) -> OptionOut:
    kind = cast(Literal["bool", "int", "float", "str"], option.type.__name__)
    return OptionOut(option.default, kind, list(option.choices), option.low, option.high, option.doc)
