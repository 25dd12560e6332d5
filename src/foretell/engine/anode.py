"""An executor whose models are the algorithms of analytics nodes elsewhere: ours, or TDgpt's (protocol section 1).

The name of a model is the URL that answers its kind of question, with the algorithm behind a `#`. Each series is a
request of its own, as a server sends them; several are under way at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from foretell.engine.exchange import Exchange, Unreachable
from foretell.engine.worker import Executor
from foretell.errors import AnodeError, DeadlineExceeded, InvalidInput, ModelFailed
from foretell.registry import Entry, Kind, Limits, Options
from foretell.results import ANOMALY, NORMAL, Correlation, Detection, Imputation
from foretell.series import OK, Batch, FloatArray, Forecast, IntArray, repaired
from foretell.steps import Step
from foretell.wire import anode
from foretell.wire.masking import mask
from foretell.wire.tdgpt import DEFAULT_TIMEOUT, MAX_HORIZON, MAX_ROWS, MIN_ROWS
from foretell.wire.tdgpt_answers import NO_INTERVAL

SLOTS = 8
GET_TIMEOUT = 2.0
"""Seconds for /list and /status. A TDengine server waits 0.1 s."""
NO_ACCESS = 0x80000441
HEADERS = {"Content-Type": "application/json;charset=UTF-8"}
TIMEOUT = "timeout"
"""The option with the seconds that one request may take."""
Post = Callable[[str, bytes, float], Awaitable[bytes]]
"""URL, body and seconds to the body of the answer."""
SLOW = 1e6
"""Cost of a point: so each series goes by itself, and a deadline is looked at between them."""
LIMITS: Mapping[Kind, Limits] = {
    "forecast": Limits(min_context=MIN_ROWS, max_context=MAX_ROWS, max_horizon=MAX_HORIZON, covariates=True, cost=SLOW),
    "anomaly": Limits(max_context=MAX_ROWS, cost=SLOW),
    "imputation": Limits(max_context=2 * MAX_ROWS, missing=True, cost=SLOW),
    "correlation": Limits(max_context=MAX_ROWS, cost=SLOW),
}


class AnodeEntry(Entry):
    """An algorithm of a node: what options it has is not known here, so all are passed on."""

    def read_options(self, given: Options) -> dict[str, Any]:
        return dict(given)


def entry_of(url: str, kind: Kind, algo: str) -> AnodeEntry:
    """What can be said of an algorithm that a node lists."""
    return AnodeEntry(
        name=algo,
        target=f"{base_url(url)}/{anode.PATHS[kind]}#{algo}",
        kind=kind,
        aliases=(),
        description=f"at the anode {masked(url)}",
        license="see the anode",
        limits=LIMITS[kind],
        options={},
    )


def base_url(url: str) -> str:
    """An anode's url with its scheme, which is http where none is written."""
    return (url if "://" in url else f"http://{url}").rstrip("/")


def place_of(url: str) -> tuple[str, str, str]:
    """What is the same for all spellings of an anode's url: scheme, host with its port, and path. Raises AnodeError
    where it is none."""
    with contextlib.suppress(ValueError):  # half an IPv6 address
        parts = urlsplit(base_url(url))
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.scheme, parts.netloc.rpartition("@")[2].lower(), parts.path
    raise AnodeError(NO_ACCESS, f"{masked(url)!r} is no HOST:PORT")


def masked(url: str) -> str:
    """An anode's url without its secrets."""
    return mask(url) if "://" in url else mask(f"http://{url}").removeprefix("http://")


class AnodeExecutor(Executor):
    """`slots` requests at once. A node that cannot be reached is an AnodeError for the whole call."""

    def __init__(self, slots: int = SLOTS) -> None:
        self.slots = slots
        self._exchange = Exchange("the anode", slots)

    async def listed(self, url: str) -> tuple[tuple[Kind, str], ...]:
        """What /list names."""
        return anode.read_list(await self._get(url, "list"))

    async def status(self, url: str) -> str:
        """What /status says."""
        return anode.read_status(await self._get(url, "status"))

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:
        url, _, algo = name.partition("#")
        options = dict(arguments[-1])
        patience = float(options.get(TIMEOUT, DEFAULT_TIMEOUT))
        ask = _Ask(self.post, url, anode.Asked(algo, options), self.named(url, algo), patience, deadline)
        answer = VERBS[verb](ask, *arguments[:-1])
        return await answer

    def named(self, url: str, algo: str) -> str:
        """What answers are said to be by."""
        return f"{algo}@{urlsplit(mask(url)).netloc}"

    async def post(self, url: str, body: bytes, seconds: float) -> bytes:
        """The answer to a question."""
        return await _exchanged(self._exchange, "POST", url, body, seconds)

    async def _get(self, url: str, path: str) -> bytes:
        if len(url.encode()) > anode.MAX_URL:
            raise AnodeError(0x80000432)
        place_of(url)
        return await _exchanged(self._exchange, "GET", f"{base_url(url)}/{path}", b"", GET_TIMEOUT)

    async def aclose(self) -> None:
        """Close the connections, on the loop that uses them."""
        await self._exchange.aclose()

    def close(self) -> None:
        self._exchange.close()


async def _exchanged(exchange: Exchange, method: str, url: str, body: bytes, seconds: float) -> bytes:
    """The body of an answer, whatever its HTTP status: a server looks at nothing else (section 0)."""
    try:
        async with asyncio.timeout(seconds):
            return (await exchange.ask(method, url, body, HEADERS if body else None))[1]
    except (Unreachable, InvalidInput) as error:
        raise AnodeError(NO_ACCESS, str(error)) from None
    except TimeoutError:
        raise AnodeError(NO_ACCESS, f"{mask(url)} did not answer within {seconds:g} s") from None


class _Ask:
    """The requests of one call, series by series."""

    def __init__(
        self, post: Post, url: str, asked: anode.Asked, model: str, patience: float, deadline: float | None
    ) -> None:
        self._post, self._url, self._patience, self._deadline = post, url, patience, deadline
        self.asked, self.model = asked, model

    async def post(self, body: bytes) -> anode.Reply:
        left = self._patience if self._deadline is None else self._deadline - time.monotonic()
        try:
            text = await self._post(self._url, body, max(0.0, min(left, self._patience)))
        except AnodeError:
            if self._deadline is not None and time.monotonic() >= self._deadline:
                raise DeadlineExceeded from None
            raise
        return anode.read_reply(text)


async def _forecast(ask: _Ask, batch: Batch, horizon: int, levels: tuple[float, ...]) -> Forecast:
    conf = levels[1] - levels[0] if len(levels) == 2 and abs(sum(levels) - 1) < 1e-9 else None

    async def one(row: int, conf: float | None) -> tuple[FloatArray, FloatArray | None]:
        values, length = batch.row(row), int(batch.lengths[row])
        past, future = batch.past_covariates, batch.future_covariates
        body = anode.write_forecast(
            ask.asked,
            _times(batch, row),
            values,
            horizon,
            conf,
            None if future is None else future[row, :, -(length + horizon) :],
            None if past is None else past[row, :, -length:],
        )
        try:
            return anode.forecast_of(await ask.post(body), horizon, conf is not None)
        except ModelFailed as error:
            if conf is None or NO_INTERVAL not in str(error):
                raise
            return await one(row, None)

    answers = await asyncio.gather(*(one(row, conf) for row in range(len(batch))))
    bounds = [own for _, own in answers if own is not None]
    quantiles = np.stack(bounds) if conf is not None and len(bounds) == len(batch) else None
    return Forecast(np.stack([point for point, _ in answers]), quantiles, levels, (OK,) * len(batch), ask.model)


async def _detect(ask: _Ask, batch: Batch) -> Detection:
    normal = int(ask.asked.options.get("valid_code", NORMAL))
    labels: IntArray = np.full(batch.values.shape, normal, dtype=np.int64)

    async def one(row: int) -> None:
        times = _times(batch, row)
        reply = await ask.post(anode.write_anomaly(ask.asked, times, batch.row(row)))
        ticks = anode.ticks_of(times)
        windows, marks = anode.windows_of(reply)
        own = labels[row, labels.shape[1] - len(ticks) :]
        for (first, last), mark in zip(windows.tolist(), marks.tolist(), strict=True):
            own[(ticks >= first) & (ticks <= last)] = ANOMALY if mark == normal else mark

    await asyncio.gather(*(one(row) for row in range(len(batch))))
    return Detection(labels, None, batch.lengths, (OK,) * len(batch), ask.model, (), normal)


async def _impute(ask: _Ask, batch: Batch) -> Imputation:
    values = batch.values.copy()

    async def one(row: int) -> None:
        times, seen, step = _times(batch, row), batch.row(row), _regular(batch.steps[row])
        known = ~np.isnan(seen)
        body = anode.write_imputation(ask.asked, times[known], seen[known], step)
        ticks, made = anode.completed_of(await ask.post(body))
        filled = anode.from_ticks(ticks, times[known], step)
        places = np.searchsorted(times, filled).clip(max=len(times) - 1)
        good = times[places] == filled
        complete = np.full(len(times), np.nan)
        complete[places[good]] = made[good]
        own = values[row, values.shape[1] - len(seen) :]
        own[~known] = complete[~known]

    await asyncio.gather(*(one(row) for row in range(len(batch))))
    imputed = np.isnan(batch.values) & ~np.isnan(values)
    status = tuple(repaired(int(count)) for count in imputed.sum(axis=1))
    return Imputation(values, imputed, batch.lengths, status, ask.model)


async def _correlate(ask: _Ask, first: Batch, second: Batch) -> tuple[Correlation, ...]:
    async def one(a: FloatArray, b: FloatArray) -> Correlation:
        if len(a) != len(b):
            raise InvalidInput("series", f"an anode compares series of one length, got {len(a)} and {len(b)} points")
        reply = await ask.post(anode.write_correlation(ask.asked, a, b))
        lags, values = anode.lags_of(reply) or (None, None)
        distance = None if reply.distance is None else float(reply.distance)
        details = {"note": reply.msg} if reply.msg else {}
        return Correlation(OK, distance, anode.path_of(reply), lags, values, ask.model, details)

    return tuple(await asyncio.gather(*(one(a, b) for a, b in zip(first.rows(), second.rows(), strict=True))))


VERBS: Mapping[str, Callable[..., Awaitable[Any]]] = {
    "forecast": _forecast,
    "detect": _detect,
    "impute": _impute,
    "correlate": _correlate,
}


def _times(batch: Batch, row: int) -> IntArray:
    """Times [T] of a row; a series without any is taken as one point a second."""
    start, step, length = batch.starts[row], batch.steps[row], int(batch.lengths[row])
    return (step or Step(ns=1_000_000_000)).times(start or 0, length)


def _regular(step: Step | None) -> Step:
    if step is None:
        raise InvalidInput("freq", "is needed: one row has no spacing")
    return step
