"""KServe's open inference protocol for time series: POST /v1/timeseries/forecast, GET /v1/timeseries/models.

The protocol (KServe, "TimeSeries LLM Forecast API"): inputs are univariate lists or multivariate lists of rows, each
with a frequency; outputs carry a mean forecast and quantiles. A multivariate input is forecast variable by variable.
The "mean" is the model's point forecast.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from foretell.engine.loop import beside
from foretell.errors import ForetellError, InvalidInput
from foretell.http_api.bodies import JSON, LARGE
from foretell.http_api.door import Door
from foretell.http_api.openapi import Refusing, taking
from foretell.http_api.verb import decode
from foretell.series import FloatArray, Forecast, Series, as_values, has_forecast, parse_time
from foretell.wire.asgi import unless_gone
from foretell.wire.masking import mask
from foretell.wire.options import DURATIONS
from foretell.wire.table import level_name

PATH = "/v1/timeseries/forecast"
UNITS = {"S": "s", "T": "m", "H": "h", "D": "d", "W": "w", "M": "mo", "Q": "q", "Y": "y"}
STEPS = {letter: DURATIONS[unit] for letter, unit in UNITS.items()}
WORDS = dict(zip(("second", "minute", "hour", "day", "week", "month", "quarter", "year"), STEPS, strict=True))
Web = Request[Any, Any, Any]
Numbers = list[float | None]


class Input(msgspec.Struct):
    type: Literal["univariate_time_series", "multivariate_time_series"]
    name: str
    series: list[float | list[float | None] | None]
    frequency: str
    start_timestamp: str | None = None


class Options(msgspec.Struct):
    horizon: Annotated[int, msgspec.Meta(ge=1)]
    quantiles: tuple[Annotated[float, msgspec.Meta(gt=0, lt=1)], ...] | None = None


class KserveIn(msgspec.Struct):
    model: str
    inputs: Annotated[list[Input], msgspec.Meta(min_length=1, max_length=10_000)]
    options: Options
    metadata: dict[str, Any] | None = None


class Fault(msgspec.Struct):
    code: str
    message: str
    param: str | None
    type: str


class Content(msgspec.Struct):
    """Forecasts in the shape of the input: a list, or a row for each time."""

    type: str
    name: str
    mean_forecast: list[float | list[float]]
    frequency: str
    start_timestamp: str | None
    quantiles: dict[str, list[float | list[float]]] | None


class Output(msgspec.Struct):
    type: str
    id: str
    status: Literal["completed", "error"]
    content: list[Content]
    error: Fault | None


class Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class KserveOut(msgspec.Struct):
    id: str
    created_at: int
    status: Literal["completed", "partial", "error"]
    error: Fault | None
    model: str
    outputs: list[Output]
    usage: Usage


class KserveProblem(msgspec.Struct):
    error: Fault


def forecast(door: Door) -> HTTPRouteHandler:
    described = taking(KserveIn, KserveOut, refusal=KserveProblem)

    @post(PATH, status_code=200, summary="Forecast, in KServe's protocol", operation_class=described)
    async def handle(request: Web) -> Response[bytes]:
        """For clients of KServe's time-series runtime."""
        body = await request.body()
        much = len(body) >= LARGE
        try:
            with door.metrics.counting(PATH):
                given, series = await beside(much, _read, body)
                made = await unless_gone(request.receive, _ask(door, given, series))
                return Response(await beside(much, _write, given, made), media_type=JSON)
        except ForetellError as error:
            return _refusal(error)

    return handle


def models(door: Door) -> HTTPRouteHandler:
    summary = "Names of the forecasters, in KServe's protocol"

    @get("/v1/timeseries/models", summary=summary, operation_class=Refusing)
    async def handle() -> list[str]:
        """The forecasters that can run here."""
        return [entry.name for entry in door.serving.engine.models.entries("forecast")]

    return handle


def _read(body: bytes) -> tuple[KserveIn, list[Series]]:
    given = decode(body, KserveIn)
    return given, [one for i, item in enumerate(given.inputs) for one in _series(item, f"inputs[{i}]")]


async def _ask(door: Door, given: KserveIn, series: list[Series]) -> Forecast:
    deadline = time.monotonic() + door.settings.request_timeout
    levels = given.options.quantiles or ()
    return await door.serving.forecast(series, given.options.horizon, given.model, levels, {}, deadline)


def _series(item: Input, place: str) -> list[Series]:
    """One series for each variable."""
    letter = WORDS.get(item.frequency, item.frequency)
    if letter not in STEPS:
        raise InvalidInput(
            f"{place}.frequency", f"must be one of {', '.join([*STEPS, *WORDS])}, got {item.frequency!r}"
        )
    start = _start(item, f"{place}.start_timestamp")
    return [Series(row, start, STEPS[letter], item.name) for row in _variables(item, f"{place}.series")]


def _start(item: Input, name: str = "start_timestamp") -> int | None:
    return None if item.start_timestamp is None else parse_time(item.start_timestamp, name)


def _variables(item: Input, place: str) -> list[FloatArray]:
    rows: Any = item.series
    if not rows:
        raise InvalidInput(place, "must hold at least one value")
    if item.type == "univariate_time_series":
        if any(isinstance(row, list) for row in rows):
            raise InvalidInput(place, "must be a list of numbers, since it is univariate")
        return [as_values(np.array(rows, dtype=np.float64), place)]
    if not all(isinstance(row, list) for row in rows) or len({len(row) for row in rows}) != 1 or not rows[0]:
        raise InvalidInput(
            place, "must be lists of numbers of equal length, one for each time, since it is multivariate"
        )
    return list(np.array(rows, dtype=np.float64).T)


def _write(given: KserveIn, made: Forecast) -> bytes:
    outputs, row = [], 0
    for item in given.inputs:
        count = len(item.series[0]) if isinstance(item.series[0], list) else 1
        outputs.append(_output(item, made, range(row, row + count)))
        row += count
    states = {output.status for output in outputs}
    points = sum(len(item.series) for item in given.inputs)
    return msgspec.json.encode(
        KserveOut(
            id=uuid.uuid4().hex,
            created_at=int(time.time()),
            status=states.pop() if len(states) == 1 else "partial",
            error=None,
            model=made.model,
            outputs=outputs,
            usage=Usage(points, made.point.size, points + made.point.size),
        )
    )


def _output(item: Input, made: Forecast, rows: range) -> Output:
    bad = [made.status[row] for row in rows if not has_forecast(made.status[row])]
    kind, name = "time_series_forecast", uuid.uuid4().hex
    if bad:
        return Output(kind, name, "error", [], Fault("400", f"{item.name}: {bad[0]}", item.name, "series"))
    step = STEPS[WORDS.get(item.frequency, item.frequency)]
    start = _start(item)
    first = None if start is None else step.times(start, 1, first=len(item.series))[0]
    content = Content(
        type=item.type,
        name=item.name,
        mean_forecast=_shaped(item, [made.point[row] for row in rows]),
        frequency=item.frequency,
        start_timestamp=None if first is None else _text(int(first)),
        quantiles=_quantiles(item, made, rows),
    )
    return Output(kind, name, "completed", [content], None)


def _text(time: int) -> str:
    """ns since the epoch as ISO 8601 UTC, as fine as they are."""
    return f"{np.datetime64(time, 'ns')}".rstrip("0").rstrip(".") + "Z"


def _quantiles(item: Input, made: Forecast, rows: range) -> dict[str, Any] | None:
    if made.quantiles is None or not all(np.isfinite(made.quantiles[row]).all() for row in rows):
        return None
    return {
        level_name(level): _shaped(item, [made.quantiles[row, :, q] for row in rows])
        for q, level in enumerate(made.levels)
    }


def _shaped(item: Input, variables: Sequence[FloatArray]) -> list[Any]:
    """Values in the shape in which the input came: a list, or a row for each time."""
    if item.type == "univariate_time_series":
        return list(variables[0].tolist())
    return list(np.stack(variables, axis=1).tolist())


def _refusal(error: ForetellError) -> Response[bytes]:
    field = error.field if isinstance(error, InvalidInput) else None
    about = Fault(str(error.http_status), mask(str(error)), field, type(error).__name__)
    return Response(msgspec.json.encode(KserveProblem(about)), status_code=error.http_status, media_type=JSON)
