"""The client over a real server: the caller's kind of table comes back, what may be tried again is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import foretell
from foretell.client import AsyncClient, Client, ServerError
from foretell.errors import DeadlineExceeded, InvalidInput, NotAvailable, Overloaded, UnknownName

FRAME = pd.DataFrame(
    {"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=40, freq="D"), "y": np.arange(40.0) % 7}
)


@pytest.fixture(scope="module")
def client(url: str) -> Any:
    with Client(url) as found:
        yield found


@pytest.mark.parametrize("kind", [lambda t: t, pl.from_pandas, pa.Table.from_pandas])
def test_the_kind_of_table_that_went_in_comes_out(client: Client, kind: Callable[[Any], Any]) -> None:
    data = kind(FRAME)
    made = client.forecast(data, 3, "naive", (0.2, 0.8))
    assert type(made) is type(data)
    ours = foretell.forecast(data, 3, "naive", (0.2, 0.8))
    assert list(made["point"]) == list(ours["point"])
    assert list(made["q0.2"]) == pytest.approx(list(ours["q0.2"]))


def test_arrays_give_a_forecast(client: Client) -> None:
    data = [np.arange(30.0), np.array([1.0, np.nan, 3, 4, 5, 4, 3, 2])]
    ours, theirs = (f(data, 2, "theta", (0.1, 0.9)) for f in (foretell.forecast, client.forecast))
    assert theirs.status == ours.status
    assert np.allclose(theirs.point, ours.point)
    assert np.allclose(theirs.quantiles, ours.quantiles)
    assert client.forecast(np.arange(12.0), 2, "naive").point.tolist() == [[11, 11]]
    empty: list[list[float]] = [[], [1, 2, 3], []]
    assert client.forecast(empty, 2, "naive").status == ("all_missing", "ok", "all_missing")


@pytest.mark.parametrize("data", [[[1, 2, np.inf, 4, 5, 6]], [[], []]])
def test_a_forecast_has_its_shape_where_every_series_failed(client: Client, data: list[list[float]]) -> None:
    made = client.forecast(data, 5, "theta")
    assert made.point.shape == (len(data), 5)
    assert made.quantiles.shape == (len(data), 5, 3)


def test_points_alone(client: Client) -> None:
    made = client.forecast(FRAME, 2, "naive", levels=())
    assert list(made.columns) == ["unique_id", "ds", "point", "status", "model"]


def test_the_other_verbs(client: Client) -> None:
    spiked = FRAME.assign(y=np.where(FRAME.index == 20, 99.0, FRAME.y))
    found = client.detect(spiked, "iqr")
    assert found.loc[found.anomaly, "ds"].tolist() == [FRAME.ds[20]]
    gaps = FRAME.assign(y=FRAME.y.where(FRAME.index % 9 != 4))
    filled = client.impute(gaps, "linear")
    assert (filled.imputed.sum(), filled.value.isna().sum()) == (gaps.y.isna().sum(), 0)
    pair = FRAME.assign(z=FRAME.y * 2)
    assert client.correlate(pair, "y", "z", lag_start=0, lag_end=0)["values"][0][0] == pytest.approx(1)
    scores = client.evaluate(FRAME, ["naive"], 5, windows=2)
    assert set(scores.model) == {"naive", "seasonal_naive"}
    assert "naive" in {m["name"] for m in client.models()}
    dotted, by_model = (
        client.evaluate(FRAME, ["naive"], 5, windows=2, period=2, options=options).mae.tolist()
        for options in ({"seasonal_naive.period": 1}, {"seasonal_naive": {"period": 1}})
    )
    assert dotted == by_model
    with pytest.raises(InvalidInput, match="name the model"):
        client.evaluate(FRAME, ["naive"], 5, options={"period": 6})


def test_a_job(client: Client) -> None:
    job = client.submit_forecast(FRAME, 3, "naive")
    while (status := job.status()).state in ("queued", "running"):
        time.sleep(0.005)
    assert (status.state, status.done, status.total) == ("done", 1, 1)
    assert job.result()["point"].tolist() == [4.0, 4.0, 4.0]
    assert job.cancel().state == "done"
    with pytest.raises(UnknownName):
        job.status()


def test_async_is_the_same_to_await(url: str) -> None:
    async def test() -> None:
        async with AsyncClient(url) as server:
            made = await asyncio.gather(*(server.forecast(FRAME, h, "naive") for h in (1, 2, 3)))
            assert [len(one) for one in made] == [1, 2, 3]
            job = await server.submit_forecast(FRAME, 2, "naive")
            while (await job.status()).state in ("queued", "running"):
                await asyncio.sleep(0.005)
            assert len(await job.result()) == 2

    asyncio.run(test())


def test_errors_are_those_of_the_library(client: Client) -> None:
    with pytest.raises(UnknownName, match="nonsense"):
        client.forecast(FRAME, 2, "nonsense")
    with pytest.raises(InvalidInput, match=r"^horizon: ") as error:
        client.forecast(FRAME, 0, "naive")
    assert error.value.field == "horizon"
    for horizon in ("3", 3.0, True):
        with pytest.raises(InvalidInput, match="horizon: must be a whole number"):
            client.forecast(FRAME, horizon, "naive")  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="horizon: must be a whole number"):
            client.evaluate(FRAME, ["naive"], horizon)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"^data: "):
        client.forecast([1.0, 10**400], 2)


def test_it_takes_what_the_library_takes(client: Client) -> None:
    levels: Any = np.array([0.1, 0.9])
    alone = FRAME.assign(unique_id=1.0)
    for server in (foretell, client):
        assert len(server.forecast(alone, 2, "naive", levels, id_col=[])) == 2
        assert list(server.forecast(FRAME, 2, "ets", (), damped=None).columns) == [
            "unique_id",
            "ds",
            "point",
            "status",
            "model",
        ]
    assert set(client.evaluate(FRAME, "naive", 5).model) == {"naive", "seasonal_naive"}


def test_what_a_query_cannot_say_is_refused_and_not_sent_as_something_else() -> None:
    client, seen = answering()
    for value in ("add,period=3", "", ","):
        with pytest.raises(InvalidInput, match=r"^trend: must have no comma"):
            client.forecast(FRAME, 2, "holtwinters", trend=value)
    with pytest.raises(InvalidInput, match=r"^id_col: a comma parts names"):
        client.forecast(FRAME, 2, id_col=["a,b"])
    assert not seen


def answering(*answers: httpx.Response | Exception) -> tuple[Client, list[httpx.Request]]:
    """A client whose server gives these answers, and the requests that it got."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        found = answers[len(seen) - 1]
        if isinstance(found, Exception):
            raise found
        return found

    return Client("http://server", key="the-key", pause=0, transport=httpx.MockTransport(answer)), seen


def test_what_is_overloaded_or_out_of_reach_is_tried_again() -> None:
    busy = httpx.Response(503, headers={"Retry-After": "1"}, json={"detail": "full"})
    client, seen = answering(httpx.ConnectError("refused"), busy, httpx.Response(200, json=[{"name": "x"}]))
    assert client.models() == [{"name": "x"}]
    assert len(seen) == 3
    assert seen[0].headers["authorization"] == "Bearer the-key"


def test_what_changes_something_is_tried_again_only_where_it_was_not_taken() -> None:
    status = {"id": "x", "verb": "forecast", "state": "cancelled", "done": 0, "total": 1, "error": None}
    busy, made = httpx.Response(503, json={"detail": "full"}), httpx.Response(202, json=status)
    client, seen = answering(httpx.ConnectError("refused"), busy, made, httpx.ReadError("reset"))
    job = client.submit_forecast(FRAME, 3, "naive")
    assert (job.id, len(seen)) == ("x", 3)
    with pytest.raises(NotAvailable):
        job.cancel()
    assert len(seen) == 4
    for lost in (httpx.ReadError("reset"), httpx.Response(502, text="<html>")):
        client, seen = answering(lost, made)
        with pytest.raises((NotAvailable, ServerError)):
            client.submit_forecast(FRAME, 3, "naive")
        assert len(seen) == 1


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (httpx.Response(503, json={"detail": "full"}), Overloaded),
        (httpx.ConnectError("refused"), NotAvailable),
        (httpx.Response(502, text="<html>"), ServerError),
    ],
)
def test_after_the_last_try_the_error_comes_out(last: Any, error: type[Exception]) -> None:
    client, seen = answering(*[last] * 4)
    with pytest.raises(error):
        client.models()
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ReadTimeout("slow"), DeadlineExceeded),
        (httpx.Response(504, json={"detail": "late"}), DeadlineExceeded),
        (httpx.Response(401, json={"detail": "a token is needed"}), ServerError),
    ],
)
def test_what_another_try_would_not_mend_is_not_tried_again(answer: Any, error: type[Exception]) -> None:
    client, seen = answering(answer)
    with pytest.raises(error):
        client.models()
    assert len(seen) == 1
