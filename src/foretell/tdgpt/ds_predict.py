"""POST /ds_predict: this node as a model server for other nodes (protocol section 6, the server's side).

`model` in the body chooses; without it the setting `default_model` answers. A plain question gets a plain answer,
status and output; `conf_interval` asks for bounds, `model` for the name of who answered. Errors have that protocol's
own shape: `{"status": "error", "error": ...}` with 4xx or 5xx.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from msgspec import UNSET

from foretell.errors import InvalidInput
from foretell.registry import Entry
from foretell.series import ALL_MISSING, NON_FINITE, TOO_SHORT, Forecast, Series, as_covariates, as_values, levels_of
from foretell.tdgpt.node import Node
from foretell.wire import tsfm
from foretell.wire.masking import mask
from foretell.wire.tdgpt_answers import REASONS, check_status, finite

MOST_POINTS = 40_000
MOST_STEPS = 1024
"""TDgpt's limits: rows that it sends, and rows that it asks for."""


async def predict(node: Node, body: bytes, bounds: bool = True) -> dict[str, Any]:
    """The success answer, with bounds if they are allowed and asked for; raises ForetellError."""
    request = await node.reader.read(_read, body)
    entry = node.serving.engine.models.find(request.model or node.settings.default_model)
    forecast = await node.serving.forecast(
        [_series(request, entry)],
        request.next_len,
        entry.name,
        _levels(request.conf_interval, bounds and request.bounds),
        request.options,
        time.monotonic() + node.settings.request_timeout,
    )
    if (status := forecast.status[0]) in (ALL_MISSING, NON_FINITE, TOO_SHORT):
        raise InvalidInput("input", f"{entry.name} {_short(request, entry) or f'cannot answer: {REASONS[status]}'}")
    check_status(status, forecast.model)
    return _answer(request, entry, forecast)


def error_reply(error: Exception | str) -> dict[str, Any]:
    return {"status": "error", "error": mask(str(error))}


def _read(body: bytes) -> tsfm.ForecastRequest:
    request = tsfm.read_request(body)
    if request.input is UNSET:
        raise InvalidInput("input", "is missing")
    if not 0 < len(request.input) <= MOST_POINTS:
        raise InvalidInput("input", f"must have 1 to {MOST_POINTS:,} values, got {len(request.input):,}")
    if not 1 <= request.next_len <= MOST_STEPS:
        raise InvalidInput("next_len", f"must be between 1 and {MOST_STEPS}, got {request.next_len}")
    return request


def _series(request: tsfm.ForecastRequest, entry: Entry) -> Series:
    """What the model shall see: covariates only where it takes some."""
    given = [] if request.input is UNSET else request.input
    rows = len(given)
    past = as_covariates(request.past_dynamic_real, rows, "past_dynamic_real")
    future = as_covariates(request.dynamic_real, rows + request.next_len, "dynamic_real")
    values = as_values(np.array(given, dtype=object), "input")
    for name, array in (("input", values), ("past_dynamic_real", past), ("dynamic_real", future)):
        if array is not None and np.isinf(array).any():
            raise InvalidInput(name, "a value is not finite")
    if not entry.limits.covariates:
        return Series(values)
    return Series(values, past_covariates=past, future_covariates=future)


def _levels(conf: float | None, bounds: bool) -> tuple[float, ...]:
    if conf is not None and not 0 < conf < 1:
        raise InvalidInput("conf_interval", f"must lie between 0 and 1, got {conf}")
    return () if conf is None or not bounds else levels_of(conf)


def _answer(request: tsfm.ForecastRequest, entry: Entry, forecast: Forecast) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": "success", "output": finite(forecast.point[0])}
    if forecast.quantiles is not None and np.isfinite(forecast.quantiles[0]).all():
        lower, upper = forecast.quantiles[0].T
        answer |= {"lower": finite(lower), "upper": finite(upper), "conf_interval": request.conf_interval}
    if request.model:
        answer["model"] = forecast.model
    if not entry.limits.covariates and (request.past_dynamic_real or request.dynamic_real):
        answer["note"] = f"{entry.name} takes no covariates: past_dynamic_real and dynamic_real were not used"
    return answer


def _short(request: tsfm.ForecastRequest, entry: Entry) -> str:
    """How many values are needed, where there are fewer; empty where there are enough."""
    seen, needed = sum(value is not None for value in request.input or ()), entry.limits.min_context
    return f"needs at least {needed} values, got {seen}" if 0 < seen < needed else ""
