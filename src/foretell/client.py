"""A client of a foretell server: `Client(url)`, and `AsyncClient(url)` with the same methods to await.

A table in, the same kind of table out; arrays in, a Forecast out. Tables travel as Arrow. What cannot be reached or is
overloaded is tried again: a plain question whenever the connection failed, what changes something on the server (to
hand in a job, to stop one) only where it surely was not taken.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import httpx
import numpy as np
import pyarrow as pa

from foretell import errors
from foretell.errors import DeadlineExceeded, ForetellError, InvalidInput, NotAvailable
from foretell.series import as_horizon
from foretell.wire.frames import groups_of, like, series_of, to_arrow
from foretell.wire.ipc import ARROW, read_arrow, write_arrow
from foretell.wire.options import read_pairs
from foretell.wire.table import read_forecast

Columns = str | Sequence[str] | None
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
PAUSE = 0.2
"""Seconds before the second try; each further one waits twice as long, and up to as much again by chance."""
OVERLOADED = 503
BAD_GATEWAY = 502
ERRORS: Mapping[int, type[ForetellError]] = {
    404: errors.UnknownName,
    499: errors.Cancelled,
    501: errors.NotAvailable,
    503: errors.Overloaded,
    504: errors.DeadlineExceeded,
}


class ServerError(ForetellError):
    """What a server refused; `status` is its HTTP status. Statuses that have a class of their own raise that."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and how its answer is read. To put a `plain` one twice does no harm."""

    method: str
    path: str
    read: Callable[[httpx.Response], Any]
    query: Mapping[str, str] | None = None
    body: bytes | None = None
    plain: bool = True

    def arguments(self) -> dict[str, Any]:
        """For httpx."""
        headers = {} if self.body is None else {"Content-Type": ARROW}
        return {
            "method": self.method,
            "url": self.path,
            "params": self.query,
            "content": self.body,
            "headers": headers,
        }

    def may_go_again(self, answer: httpx.Response | None, error: httpx.TransportError | None) -> bool:
        """Whether another try may mend what came, and changes nothing twice."""
        if answer is not None:
            return answer.status_code == OVERLOADED or (self.plain and answer.status_code == BAD_GATEWAY)
        return isinstance(error, httpx.ConnectError) or (self.plain and not isinstance(error, httpx.TimeoutException))


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How far a job is: `done` of `total` series are answered."""

    id: str
    verb: str
    state: JobState
    done: int
    total: int
    error: str | None


class _Calls:
    """The questions, for both clients: `_ask` puts one and gives its answer, or what is to be awaited for it."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout: float = 300.0,
        retries: int = 3,
        pause: float = PAUSE,
        **transport: Any,
    ) -> None:
        headers = {"Accept": ARROW} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._retries, self._pause = retries, pause
        self._options: dict[str, Any] = {"base_url": url, "headers": headers, "timeout": timeout, **transport}

    def _ask(self, question: Question) -> Any:
        raise NotImplementedError

    def forecast(
        self,
        data: Any,
        horizon: int,
        model: str | None = None,
        levels: Sequence[float] = (0.1, 0.5, 0.9),
        *,
        id_col: Columns = None,
        time_col: str | None = None,
        value_col: str | None = None,
        **options: Any,
    ) -> Any:
        """What `foretell.forecast` gives, computed there."""
        columns = _columns(id_col, time_col, value_col)
        return self._ask(_forecast(data, horizon, model, levels, columns, options))

    def submit_forecast(
        self,
        data: Any,
        horizon: int,
        model: str | None = None,
        levels: Sequence[float] = (0.1, 0.5, 0.9),
        *,
        id_col: Columns = None,
        time_col: str | None = None,
        value_col: str | None = None,
        **options: Any,
    ) -> Any:
        """The same as a job, for what takes long: a `RemoteJob`, whose answer can be fetched later."""
        columns = _columns(id_col, time_col, value_col)
        question = _forecast(data, horizon, model, levels, columns, options)
        query = {"verb": "forecast", **(question.query or {})}

        def read(answer: httpx.Response) -> RemoteJob:
            return RemoteJob(str(answer.json()["id"]), self, question.read)

        return self._ask(Question("POST", "/v1/jobs", read, query, question.body, plain=False))

    def detect(
        self,
        data: Any,
        model: str | None = None,
        *,
        id_col: Columns = None,
        time_col: str | None = None,
        value_col: str | None = None,
        **options: Any,
    ) -> Any:
        """A row for each point: label, anomaly, score, status, model."""
        return self._ask(_rows("detect", data, _query(model, options, _columns(id_col, time_col, value_col))))

    def impute(
        self,
        data: Any,
        model: str | None = None,
        *,
        id_col: Columns = None,
        time_col: str | None = None,
        value_col: str | None = None,
        **options: Any,
    ) -> Any:
        """A row for each point: value, imputed, status, model."""
        return self._ask(_rows("impute", data, _query(model, options, _columns(id_col, time_col, value_col))))

    def correlate(
        self,
        data: Any,
        first: str,
        second: str,
        model: str | None = None,
        *,
        id_col: Columns = None,
        time_col: str | None = None,
        **options: Any,
    ) -> Any:
        """A row for each series of a table, of which the columns `first` and `second` are compared."""
        columns = _columns(id_col, time_col, None)
        return self._ask(_rows("correlate", data, _query(model, options, columns, first=first, second=second)))

    def evaluate(
        self,
        data: Any,
        models: Sequence[str] | str,
        horizon: int,
        windows: int = 1,
        period: int | None = None,
        *,
        id_col: Columns = None,
        time_col: str | None = None,
        value_col: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """A row for each model, best first; `options` are by model, as in foretell.evaluate."""
        from foretell.evaluation import options_by_model  # loads the engine, which nothing else here needs

        by_model = options_by_model(options or {})
        pairs = {f"{model}.{key}": value for model, own in by_model.items() for key, value in own.items()}
        columns = _columns(id_col, time_col, value_col)
        names = [models] if isinstance(models, str) else models
        more = {"models": _listed(names), "horizon": as_horizon(horizon), "windows": windows, "period": period}
        return self._ask(_rows("evaluate", data, _query(None, pairs, columns, **more)))

    def models(self) -> Any:
        """What can run there, with limits and options: a list of dicts."""
        return self._ask(Question("GET", "/v1/models", lambda answer: answer.json()))

    def _again(
        self, question: Question, attempt: int, answer: httpx.Response | None, error: httpx.TransportError | None
    ) -> float | None:
        """Seconds to wait before the next try; None where there is none."""
        if attempt >= self._retries or not question.may_go_again(answer, error):
            return None
        wait: float = self._pause * 2**attempt * (1 + random.random())  # noqa: S311  spreads callers, guards nothing
        try:
            asked = float(answer.headers.get("retry-after", 0)) if answer is not None else 0.0
        except ValueError:
            asked = 0.0
        return max(wait, min(asked, 60.0) * (self._pause > 0))


class Client(_Calls):
    """Calls a server and waits for it. `key` is an API key or token; `timeout` in seconds is for one request, and
    `retries` for what may be tried again; further arguments go to httpx (`verify`, `cert`, ...).

    Raises the errors of foretell.errors, by the server's status, and ServerError for the rest.

        with Client("http://127.0.0.1:6035") as server:
            ahead = server.forecast(frame, 24, "theta")
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._http = httpx.Client(**self._options)

    def _ask(self, question: Question) -> Any:
        for attempt in range(self._retries + 1):
            answer, error = None, None
            try:
                answer = self._http.request(**question.arguments())
            except httpx.TransportError as raised:
                error = raised
            wait = self._again(question, attempt, answer, error)
            if wait is None:
                break
            time.sleep(wait)
        return _read(question, answer, error)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(_Calls):
    """`Client`, to be awaited: `ahead = await server.forecast(frame, 24)`."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._http = httpx.AsyncClient(**self._options)

    async def _ask(self, question: Question) -> Any:
        for attempt in range(self._retries + 1):
            answer, error = None, None
            try:
                answer = await self._http.request(**question.arguments())
            except httpx.TransportError as raised:
                error = raised
            wait = self._again(question, attempt, answer, error)
            if wait is None:
                break
            await asyncio.sleep(wait)
        return _read(question, answer, error)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A job on a server; its methods are to be awaited where the client is an AsyncClient."""

    id: str
    client: _Calls
    read: Callable[[httpx.Response], Any]

    def status(self) -> Any:
        """A `JobStatus`."""
        return self.client._ask(Question("GET", f"/v1/jobs/{self.id}", _job_status))

    def result(self) -> Any:
        """The answer of a job that is done; InvalidInput says how it stands otherwise."""
        return self.client._ask(Question("GET", f"/v1/jobs/{self.id}/result", self.read))

    def cancel(self) -> Any:
        """Stop it, or take it away if it is over."""
        return self.client._ask(Question("DELETE", f"/v1/jobs/{self.id}", _job_status, plain=False))


def _forecast(
    data: Any,
    horizon: int,
    model: str | None,
    levels: Sequence[float],
    columns: Mapping[str, Columns],
    options: Mapping[str, Any],
) -> Question:
    table, is_table = _table(data)
    query = _query(model, options, columns, horizon=as_horizon(horizon), levels=_listed(levels))

    def read(answer: httpx.Response) -> Any:
        made = read_arrow(answer.content)
        return like(data, made) if is_table else read_forecast(made, groups_of(table), int(horizon))

    return Question("POST", "/v1/forecast", read, query, write_arrow(table))


def _rows(verb: str, data: Any, query: Mapping[str, str]) -> Question:
    table, _ = _table(data)
    return Question("POST", f"/v1/{verb}", lambda a: like(data, read_arrow(a.content)), query, write_arrow(table))


def _table(data: Any) -> tuple[pa.Table, bool]:
    """`data` as an Arrow table in long form, and whether it was a table."""
    table = to_arrow(data)
    if table is not None:
        return table, True
    rows = [one.values if len(one) else np.array([np.nan]) for one in series_of(data)]  # a series has rows, or is none
    ids = np.repeat(np.arange(len(rows)), [len(row) for row in rows]).astype(str)
    values = np.concatenate(rows) if rows else np.zeros(0)
    return pa.table({"unique_id": ids, "y": pa.array(values, from_pandas=True)}), False


def _columns(id_col: Columns, time_col: str | None, value_col: str | None) -> dict[str, Columns]:
    names = [id_col] if isinstance(id_col, str) else id_col or ()
    if apart := [name for name in names if "," in name]:
        raise InvalidInput(
            "id_col", f"a comma parts names on the way to a server; rename the column {apart[0]!r} first"
        )
    return {"id_col": id_col, "time_col": time_col, "value_col": value_col}


def _query(
    model: str | None, options: Mapping[str, Any], columns: Mapping[str, Columns], **more: Any
) -> dict[str, str]:
    given = {"model": model, "options": _pairs(options) or None, **columns, **more}
    return {k: v if isinstance(v, str) else _listed(v) for k, v in given.items() if v is not None}


def _pairs(options: Mapping[str, Any]) -> str:
    """Options as `k=v,k=v`, those that are given; InvalidInput where the server would read something else."""
    given = {key: str(value).strip() for key, value in options.items() if value is not None}
    for key, value in given.items():
        if read_pairs(f"{key}={value}") != ({key: value}, []):
            raise InvalidInput(key, f"must have no comma and not be empty on the way to a server, got {value!r}")
    return ",".join(f"{key}={value}" for key, value in given.items())


def _listed(values: Any) -> str:
    return ",".join(map(str, values)) if isinstance(values, Sequence | np.ndarray) else str(values)


def _job_status(answer: httpx.Response) -> JobStatus:
    found = answer.json()
    return JobStatus(**{name: found[name] for name in JobStatus.__slots__})


def _read(question: Question, answer: httpx.Response | None, error: httpx.TransportError | None) -> Any:
    """The answer, or the error that stands for what came instead."""
    if isinstance(error, httpx.TimeoutException):
        raise DeadlineExceeded("the server did not answer in time")
    if answer is None:
        raise NotAvailable(f"the server cannot be reached: {error}")
    if answer.is_success:
        return question.read(answer)
    try:
        problem = answer.json()
        detail, field = str(problem["detail"]), str(problem.get("field", ""))
    except (ValueError, KeyError, TypeError):
        detail, field = f"the server answered {answer.status_code} {answer.reason_phrase}", ""
    raise _error(answer.status_code, detail, field)


def _error(status: int, detail: str, field: str) -> ForetellError:
    if status == InvalidInput.http_status:
        return InvalidInput(field, detail.removeprefix(f"{field}: "))
    kind = ERRORS.get(status)
    if kind is None:
        return ServerError(status, detail)
    error = kind.__new__(kind, detail)
    error.args = (detail,)
    return error
