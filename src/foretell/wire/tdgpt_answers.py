"""What an analytics node answers to taosd: sections 0, 1 and 2 of TDgpt's protocol.

Strict JSON for cJSON: every number finite, times integers, `rows` always there. taosd reads the body and never the
HTTP status, so errors are answers too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from foretell.errors import ForetellError, ModelFailed, NotAvailable
from foretell.results import Correlation, Detection, Imputation
from foretell.series import ALL_MISSING, NON_FINITE, TOO_SHORT, FloatArray, Forecast, has_forecast
from foretell.wire.masking import mask
from foretell.wire.tdgpt import CorrelationQuestion, ForecastQuestion, ImputationQuestion, Question

PROTOCOL = 1.0
VERSION = 0.1
MAX_MESSAGE = 1000
"""Bytes: taosd copies `msg` into a buffer of 1024."""
MAX_NAME = 63
TYPES = {
    "forecast": "forecast",
    "anomaly": "anomaly-detection",
    "imputation": "imputation",
    "correlation": "correlation",
}
"""Our kinds, by the names that /list has for them, in its order."""
STATUS = {"protocol": PROTOCOL, "status": "ready"}
NO_INTERVAL = "gives no interval here"
"""What our node says where bounds are asked for and it has none."""
Answer = dict[str, Any]
encode = msgspec.json.Encoder().encode

REASONS = {
    TOO_SHORT: "needs more rows than these",
    ALL_MISSING: "there is no value, all are missing",
    NON_FINITE: "a value is not finite",
}


def error_answer(error: Exception | str) -> Answer:
    """`rows: -1`: taosd shows `msg` to the user."""
    return {"rows": -1, "msg": _message(error) or "failed"}


def _message(text: Exception | str) -> str:
    """One short line of ASCII without secrets."""
    return " ".join(mask(str(text)).split()).encode("ascii", "replace").decode()[:MAX_MESSAGE]


def list_answer(algorithms: Mapping[str, Iterable[Mapping[str, Any]]]) -> Answer:
    """/list (section 2.1): of each of our kinds the algorithms as {name, desc, ...}."""
    details = [
        {"type": text, "algo": [a for a in algorithms.get(kind, ()) if len(a["name"].encode()) <= MAX_NAME]}
        for kind, text in TYPES.items()
    ]
    return {"protocol": PROTOCOL, "version": VERSION, "details": details}


def no_interval(name: str) -> NotAvailable:
    """Says that `name` has no bounds, which were asked for."""
    return NotAvailable(f"{name} {NO_INTERVAL}; drop _flow and _fhigh")


def forecast_answer(question: ForecastQuestion, forecast: Forecast, copy_point: bool = False) -> Answer:
    """2 arrays, or 4 where bounds were asked for; without bounds an error, or with `copy_point` TDgpt's copies."""
    check_status(forecast.status[0], question.algo)
    point = forecast.point[0]
    bounds: Sequence[FloatArray] = ()
    if question.bounds and forecast.quantiles is not None and np.isfinite(forecast.quantiles[0]).all():
        bounds = forecast.quantiles[0].T
    elif question.bounds and not copy_point:
        raise no_interval(question.algo)
    elif question.bounds:
        bounds = point, point
    details = forecast.details[0] if forecast.details else {}
    return {
        "algo": question.algo,
        "conf": question.conf,
        "model_info": forecast.model,
        "mse": number(details.get("mse")),
        "option": question.option,
        "period": int(details.get("period") or 0),
        "res": [question.times_ahead(), finite(point), *(finite(b) for b in bounds)],
        "rows": question.rows,
        "status": forecast.status[0],
    }


def anomaly_answer(question: Question, detection: Detection) -> Answer:
    """Windows [first time, last time] of equal labels, and these as masks."""
    check_status(detection.status[0], question.algo)
    windows = detection.windows(0)
    times = range(len(question.values)) if question.times is None else question.times
    return {
        "algo": question.algo,
        "mask": [int(label) for _, _, label in windows],
        "model_info": detection.model,
        "option": question.option,
        "res": [[int(times[first]), int(times[last])] for first, last, _ in windows],
        "rows": len(windows),
    }


def imputation_answer(question: ImputationQuestion, imputation: Imputation) -> Answer:
    """The complete series; mask 1 = filled in."""
    check_status(imputation.status[0], question.algo)
    values, imputed = imputation.row(0)
    return {
        "algo": question.algo,
        "mask": imputed.astype(int).tolist(),
        "model_info": imputation.model,
        "option": question.option,
        "rows": len(values),
        "target": finite(values),
        "ts": question.complete_times(),
    }


def correlation_answer(question: CorrelationQuestion, correlation: Correlation) -> Answer:
    """A path with its distance, or lags with their correlations; `msg` says which lags were left out."""
    check_status(correlation.status, question.algo)
    answer: Answer = {"algo": question.algo, "option": question.option}
    if correlation.path is not None:
        answer |= {"rows": len(correlation.path), "distance": number(correlation.distance)}
        answer["path"] = correlation.path.tolist()
    elif correlation.lags is not None and correlation.values is not None:
        answer |= {"rows": len(correlation.lags), "lags": correlation.lags.tolist()}
        answer["ccf_vals"] = finite(correlation.values)
    else:
        raise ModelFailed(f"{question.algo} gave neither a path nor lags")
    if correlation.details.get("note"):
        answer["msg"] = _message(str(correlation.details["note"]))
    return answer


def check_status(status: str, algo: str) -> None:
    """Raise for a series that got no answer."""
    if not has_forecast(status):
        raise ForetellError(f"{algo}: {REASONS.get(status, status)}")


def finite(values: FloatArray) -> list[float]:
    """`values` as JSON numbers; a value that is none must not reach cJSON."""
    if not np.isfinite(values).all():
        raise ModelFailed("a value of the answer is not finite")
    result: list[float] = values.tolist()
    return result


def number(value: Any) -> float | None:
    """A finite float or null."""
    return None if value is None or not np.isfinite(value) else float(value)
