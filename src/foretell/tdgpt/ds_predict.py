"""POST /ds_predict: this node as a model server for other nodes (protocol section 6, the server's side).

`model` in the body chooses; without it the setting `default_model` answers. Errors have that protocol's own shape: 400
and 500 with `{"status": "error", "error": ...}`.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from msgspec import UNSET

from foretell.errors import InvalidInput
from foretell.series import FloatArray, Series
from foretell.tdgpt.node import Node
from foretell.wire import tsfm
from foretell.wire.masking import mask
from foretell.wire.tdgpt_answers import check_status, finite


async def predict(node: Node, body: bytes) -> dict[str, Any]:
    """The success answer; raises ForetellError."""
    request = tsfm.read_request(body)
    if request.input is UNSET:
        raise InvalidInput("input", "is missing")
    conf = request.conf_interval
    if not 0 < conf < 1:
        raise InvalidInput("conf_interval", f"must lie between 0 and 1, got {conf}")
    series = Series(
        _floats("input", [request.input])[0],
        past_covariates=_floats("past_dynamic_real", request.past_dynamic_real) if request.past_dynamic_real else None,
        future_covariates=_floats("dynamic_real", request.dynamic_real) if request.dynamic_real else None,
    )
    _check_lengths(series, request.next_len)
    tail = (1 - conf) / 2
    forecast = await node.serving.forecast(
        [series],
        request.next_len,
        request.model or node.settings.default_model,
        (round(tail, 12), round(1 - tail, 12)),
        request.options,
        time.monotonic() + node.settings.request_timeout,
    )
    check_status(forecast.status[0], forecast.model)
    answer: dict[str, Any] = {"status": "success", "output": finite(forecast.point[0]), "model": forecast.model}
    if forecast.quantiles is not None and np.isfinite(forecast.quantiles[0]).all():
        lower, upper = forecast.quantiles[0].T
        answer |= {"lower": finite(lower), "upper": finite(upper), "conf_interval": conf}
    return answer


def error_reply(error: Exception | str) -> dict[str, Any]:
    return {"status": "error", "error": mask(str(error))}


def _floats(name: str, rows: list[list[int | float | None]]) -> FloatArray:
    try:
        return np.array(rows, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InvalidInput(name, "must be lists of numbers of equal length") from None


def _check_lengths(series: Series, horizon: int) -> None:
    past, future, rows = series.past_covariates, series.future_covariates, len(series)
    if past is not None and past.shape[1] != rows:
        raise InvalidInput("past_dynamic_real", f"needs {rows} values, got {past.shape[1]}")
    if future is not None and future.shape[1] != rows + horizon:
        raise InvalidInput("dynamic_real", f"needs {rows + horizon} values, got {future.shape[1]}")
