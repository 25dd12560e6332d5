"""An executor whose models are servers elsewhere: TDgpt's model servers, or our own (protocol section 6).

The name of a model is its URL. Connections are kept and reused; an answer larger than `answer_limit` is given up.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np

from foretell.engine.bands import ask_bands
from foretell.engine.exchange import ANSWER_LIMIT, Exchange, Unreachable
from foretell.engine.worker import Executor
from foretell.errors import DeadlineExceeded, InvalidInput, ModelFailed, ServerUnreachable
from foretell.registry import Options
from foretell.results import Imputation
from foretell.series import OK, Batch, FloatArray, Forecast, repaired
from foretell.wire import tsfm
from foretell.wire.masking import mask

EXCERPT = 200


class RemoteExecutor(Executor):
    """`slots` connections at once; a deadline that passes closes the connection."""

    def __init__(self, slots: int = 16, answer_limit: int = ANSWER_LIMIT) -> None:
        self.slots = slots
        self.exchange = Exchange("the model server", slots, answer_limit)

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
        async def one(row: int, conf: float | None) -> tuple[FloatArray, FloatArray | None]:
            return tsfm.read_forecast(await self._post(url, _body(batch, row, horizon, conf, options)), horizon)

        point, quantiles = await ask_bands(one, len(batch), levels)
        return Forecast(point, quantiles, levels, (OK,) * len(batch))

    async def _impute(self, url: str, batch: Batch, options: Options) -> Imputation:  # noqa: ARG002
        values = batch.values.copy()
        await asyncio.gather(*(self._fill(url, batch, row, values) for row in range(len(batch))))
        imputed = np.isnan(batch.values) & ~np.isnan(values)
        return Imputation(values, imputed, batch.lengths, tuple(repaired(int(n)) for n in imputed.sum(axis=1)))

    async def _fill(self, url: str, batch: Batch, row: int, values: np.ndarray[Any, Any]) -> None:
        step, start, seen = batch.steps[row], batch.starts[row] or 0, batch.row(row)
        if step is None or not step.ns:
            raise InvalidInput("freq", "a model server needs a regular step")
        step = step.even
        times = step.times(start, len(seen))
        known = ~np.isnan(seen)
        reply = await self._post(url, tsfm.write_imputation(seen[known], times[known], step.ns))
        filled_times, target = tsfm.read_imputation(reply)
        places = step.places(start, filled_times).clip(0, len(seen) - 1)
        good = times[places] == filled_times
        own = values[row, values.shape[1] - len(seen) :]
        made = np.full(len(seen), np.nan)
        made[places[good]] = target[good]
        own[~known] = made[~known]

    async def _post(self, url: str, body: bytes) -> bytes:
        try:
            status, answer = await self.exchange.ask("POST", url, body, {"Content-Type": "application/json"})
        except Unreachable as error:
            raise ServerUnreachable(str(error)) from None
        if status == 404:
            raise ServerUnreachable(f"the model server has no {mask(url)}: invalid host url")
        if status != 200:
            raise ModelFailed(f"the model server {mask(url)} failed ({status}){_reason(answer)}")
        return answer

    async def aclose(self) -> None:
        """Close the connections, each on the loop that uses it."""
        await self.exchange.aclose()

    def close(self) -> None:
        self.exchange.close()


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
