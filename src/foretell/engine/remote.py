"""An executor whose models are servers elsewhere: TDgpt's model servers, or our own (protocol section 6).

The name of a model is its URL. Connections are kept and reused; an answer larger than `answer_limit` is given up.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import numpy as np

from foretell.engine.worker import Executor
from foretell.errors import DeadlineExceeded, InvalidInput, ModelFailed, NotAvailable
from foretell.registry import Options
from foretell.results import Imputation
from foretell.series import OK, Batch, Forecast, repaired
from foretell.wire import tsfm
from foretell.wire.masking import mask

CONNECT_TIMEOUT = 5.0
ANSWER_LIMIT = 32 << 20
EXCERPT = 200


class RemoteExecutor(Executor):
    """`slots` connections at once; a deadline that passes closes the connection."""

    def __init__(self, slots: int = 16, answer_limit: int = ANSWER_LIMIT) -> None:
        self.slots = slots
        self._answer_limit = answer_limit
        self._client: httpx.AsyncClient | None = None

    async def call(self, name: str, verb: str, arguments: tuple[Any, ...], deadline: float | None = None) -> Any:
        try:
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                if verb == "forecast":
                    return await self._forecast(name, *arguments)
                if verb == "impute":
                    return await self._impute(name, *arguments)
        except TimeoutError:
            raise DeadlineExceeded(f"the model server {mask(name)} did not answer in time") from None
        raise InvalidInput("model", f"a model server cannot {verb}")

    async def _forecast(
        self, url: str, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options
    ) -> Forecast:
        conf = levels[1] - levels[0] if len(levels) == 2 and abs(sum(levels) - 1) < 1e-9 else None
        bodies = [_body(batch, row, horizon, conf, options) for row in range(len(batch))]
        replies = await asyncio.gather(*(self._post(url, body) for body in bodies))
        points, bounds = zip(*(tsfm.read_forecast(reply, horizon) for reply in replies), strict=True)
        known = [b for b in bounds if b is not None]
        quantiles = np.stack(known) if conf is not None and len(known) == len(batch) else None
        return Forecast(np.stack(points), quantiles, levels, (OK,) * len(batch), mask(url))

    async def _impute(self, url: str, batch: Batch, options: Options) -> Imputation:  # noqa: ARG002
        values = batch.values.copy()
        await asyncio.gather(*(self._fill(url, batch, row, values) for row in range(len(batch))))
        imputed = np.isnan(batch.values) & ~np.isnan(values)
        return Imputation(
            values, imputed, batch.lengths, tuple(repaired(int(n)) for n in imputed.sum(axis=1)), mask(url)
        )

    async def _fill(self, url: str, batch: Batch, row: int, values: np.ndarray[Any, Any]) -> None:
        step, start, seen = batch.steps[row], batch.starts[row] or 0, batch.row(row)
        if step is None or not step.ns:
            raise InvalidInput("freq", "a model server needs a regular step")
        times = step.times(start, len(seen))
        known = ~np.isnan(seen)
        reply = await self._post(url, tsfm.write_imputation(seen[known], times[known], step.ns))
        filled_times, target = tsfm.read_imputation(reply)
        places, rest = np.divmod(filled_times - start, step.ns)
        good = (rest == 0) & (places >= 0) & (places < len(seen))
        own = values[row, values.shape[1] - len(seen) :]
        made = np.full(len(seen), np.nan)
        made[places[good]] = target[good]
        own[~known] = made[~known]

    async def _post(self, url: str, body: bytes) -> bytes:
        """The answer; a kept connection that the server has closed meanwhile is tried once more."""
        for attempt in (1, 2):
            try:
                return await self._exchange(url, body)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                if attempt == 2:
                    raise NotAvailable(f"the model server {mask(url)} broke off: {error}") from None
            except httpx.HTTPError as error:
                raise NotAvailable(f"the model server {mask(url)} is not there: {error}") from None
            except httpx.InvalidURL as error:
                raise InvalidInput("url", f"{mask(url)}: {error}") from None
        raise AssertionError("unreachable")

    async def _exchange(self, url: str, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        async with self._connections().stream("POST", url, content=body, headers=headers) as response:
            received = bytearray()
            async for part in response.aiter_bytes():
                received += part
                if len(received) > self._answer_limit:
                    raise ModelFailed(f"the model server {mask(url)} answers with more than {self._answer_limit} bytes")
        if response.status_code == 404:
            raise NotAvailable(f"the model server has no {mask(url)}: invalid host url")
        if response.status_code != 200:
            raise ModelFailed(f"the model server {mask(url)} failed ({response.status_code}){_reason(bytes(received))}")
        return bytes(received)

    def _connections(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
                limits=httpx.Limits(max_connections=self.slots, max_keepalive_connections=self.slots),
                trust_env=False,
            )
        return self._client

    async def aclose(self) -> None:
        """Close the connections, on the loop that uses them."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def close(self) -> None:
        self._client = None


def _body(batch: Batch, row: int, horizon: int, conf: float | None, options: Options) -> bytes:
    length = int(batch.lengths[row])
    past, future = batch.past_covariates, batch.future_covariates
    return tsfm.write_forecast(
        batch.row(row),
        horizon,
        None if past is None else past[row, :, -length:],
        None if future is None else future[row, :, -(length + horizon) :],
        conf,
        options,
    )


def _reason(text: bytes) -> str:
    """What the server says of its error in its own words, if it says so in the way of section 6."""
    try:
        error = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f": {str(error)[:EXCERPT]}"
