"""`foretell serve-model`: a real process on the loopback, asked as TDgpt's node asks its model servers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import requests

from foretell import model_server
from foretell.calendars import BUSINESS
from foretell.engine import Engine
from foretell.engine.loop import wait_for
from foretell.engine.pools import Pools
from foretell.engine.remote import RemoteExecutor
from foretell.engine.serving import Serving
from foretell.engine.worker import ThreadExecutor
from foretell.errors import InvalidInput, NotAvailable, UnknownName
from foretell.model_server import Lines, choose, make_ready, place
from foretell.registry import Kind, Registry
from foretell.series import Series, batch_of
from foretell.settings import settings
from foretell.steps import DAY, Step
from foretell.tdgpt.model_servers import entry_of
from tests.fakes import Fake, Sleepy
from tests.models.time_moe.golden import TINY, TOLERANCE, each_set, read

FORETELL = [sys.executable, "-c", "from foretell.cli import main; main()"]
NOWHERE = {"HF_HOME": "/nonexistent", "HF_HUB_OFFLINE": "1"}


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, list[str]]]:
    """The URL of a server in a process of its own, and what it said before it was ready."""
    command = [*FORETELL, "serve-model", *arguments, "--port", "0"]
    environment = {**os.environ, **NOWHERE, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            said = []
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line.strip())
                if line.startswith("Running on "):
                    break
            assert said, "the server ended"
            assert said[-1].startswith("Running on "), said
            yield said[-1].removeprefix("Running on "), said
        finally:
            process.terminate()
    assert process.returncode in (0, -signal.SIGTERM)


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[str, list[str]]]:
    with serving("timemoe", "--weights", str(TINY), "--offline") as found:
        yield found


@pytest.fixture(scope="module")
def url(started: tuple[str, list[str]]) -> str:
    return f"{started[0]}/ds_predict"


def post(url: str, body: Any) -> requests.Response:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(url, data=text, headers={"Content-Type": "application/json"}, timeout=60)


VALUES = [float(i % 7 + i / 10) for i in range(60)]


def test_it_says_what_it_serves_before_it_runs(started: tuple[str, list[str]]) -> None:
    assert started[1] == [f"{TINY.name}@a142c84e answers POST /ds_predict", f"Running on {started[0]}"]


@each_set
def test_server_pairs(url: str, golden: Path) -> None:
    for name, case in read(golden, "server.json")["cases"].items():
        answer = post(url, case["request"])
        assert (answer.status_code, set(answer.json())) == (200, {"status", "output"}), name
        assert answer.json()["status"] == "success"
        np.testing.assert_allclose(answer.json()["output"], case["output"], rtol=TOLERANCE, err_msg=name)


def test_a_get_sees_that_it_is_no_page(url: str) -> None:
    answer = requests.get(url, timeout=10)
    assert (answer.status_code, answer.headers["content-type"]) == (405, "text/html; charset=utf-8")
    assert "Method Not Allowed" in answer.text
    assert requests.get(url.replace("ds_predict", "other"), timeout=10).status_code == 404


def test_a_constant_is_echoed(url: str) -> None:
    assert post(url, {"input": [7, 7, 7, 7], "next_len": 3}).json() == {"status": "success", "output": [7.0, 7.0, 7.0]}


def test_bounds_where_they_are_asked_for(url: str) -> None:
    answer = post(url, {"input": VALUES, "next_len": 4, "conf_interval": 0.9}).json()
    assert set(answer) == {"status", "output", "lower", "upper", "conf_interval"}
    assert all(
        low < at < high for low, at, high in zip(*(answer[k] for k in ("lower", "output", "upper")), strict=True)
    )
    short = post(url, {"input": [1, 2, 4], "next_len": 4, "conf_interval": 0.9}).json()
    assert set(short) == {"status", "output"}


def test_covariates_are_taken_and_said_to_be_unused(url: str) -> None:
    plain = post(url, {"input": VALUES, "next_len": 4}).json()
    covariates = {"past_dynamic_real": [VALUES], "dynamic_real": [VALUES + [0.0] * 4]}
    answer = post(url, {"input": VALUES, "next_len": 4, **covariates}).json()
    assert answer["output"] == plain["output"]
    assert "timemoe-200m takes no covariates" in answer["note"]
    nothing = post(url, {"input": VALUES, "next_len": 4, "past_dynamic_real": [], "dynamic_real": []})
    assert nothing.json() == plain


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"next_len": 3}, "input: is missing"),
        ({"input": [], "next_len": 3}, "input: must have 1 to 40,000 values, got 0"),
        ({"input": [1, "two"], "next_len": 3}, "body: Expected"),
        ({"input": "1,2,3", "next_len": 3}, "body: Expected"),
        ({"input": [[1, 2]], "next_len": 3}, "body: Expected"),
        ({"input": [1, float("nan")], "next_len": 3}, "body: "),
        ({"input": [1, float("inf")], "next_len": 3}, "body: "),
        (b'{"input": [1, 1e999], "next_len": 3}', "body: "),
        ({"input": [1, 10**400], "next_len": 3}, ": "),
        ({"input": [None, None], "next_len": 3}, "there is no value, all are missing"),
        ({"input": [1.0] * 40_001, "next_len": 3}, "got 40,001"),
        ({"input": [1, 2], "next_len": 0}, "next_len: must be between 1 and 1024, got 0"),
        ({"input": [1, 2], "next_len": 1025}, "next_len: must be between 1 and 1024, got 1025"),
        ({"input": [1, 2], "next_len": -1}, "next_len: must be"),
        ({"input": [1, 2], "next_len": 2.5}, "body: Expected `int`"),
        ({"input": [1, 2], "next_len": 2, "conf_interval": 95}, "conf_interval: must lie between 0 and 1"),
        ({"input": [1, 2], "next_len": 2, "past_dynamic_real": [[1]]}, "past_dynamic_real: needs 2 values"),
        ({"input": [1, 2], "next_len": 2, "dynamic_real": [[1, 2, 3]]}, "dynamic_real: needs 4 values"),
        (b"", "body: "),
        (b"[1, 2", "body: "),
        (b"[1, 2]", "body: Expected `object`"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_answered_has_a_reason(url: str, body: Any, reason: str) -> None:
    answer = post(url, body)
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"
    assert reason in answer.json()["error"]


def test_a_model_that_is_not_served_and_a_body_that_is_too_large(url: str) -> None:
    other = post(url, {"input": [1, 2], "next_len": 1, "model": "ets"})
    assert (other.status_code, "timemoe-200m" in other.json()["error"]) == (404, True)
    large = post(url, b" " * (33 << 20))
    assert (large.status_code, large.json()["status"]) == (413, "error")


def test_other_hosts_are_refused(url: str) -> None:
    answer = requests.post(url, json={"input": [1, 2]}, headers={"Host": "elsewhere.example"}, timeout=10)
    assert (answer.status_code, answer.json()["status"]) == (403, "error")


def test_a_crowd_gets_what_each_alone_gets(url: str) -> None:
    """Lengths of one bucket, so that they may share batches."""
    bodies = [{"input": [*VALUES[: 40 + i], float(i)], "next_len": 9} for i in range(16)]
    alone = [post(url, body).json()["output"] for body in bodies]
    with ThreadPoolExecutor(16) as crowd:
        together = [answer.json()["output"] for answer in crowd.map(lambda body: post(url, body), bodies)]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_a_series_that_goes_on_is_held_by_the_worker(url: str) -> None:
    first = post(url, {"input": VALUES[:58], "next_len": 9, "options": {"norm": "fixed"}}).json()
    assert first["output"] == pytest.approx(post(url, {"input": VALUES[:58], "next_len": 9}).json()["output"], rel=1e-5)
    again = post(url, {"input": VALUES[:59], "next_len": 9, "options": {"norm": "fixed"}}).json()
    anew = post(url, {"input": VALUES[:59], "next_len": 9}).json()
    assert again["output"] != anew["output"], "its scale is not held"
    wrong = post(url, {"input": VALUES, "next_len": 9, "options": {"norm": "other"}})
    assert (wrong.status_code, "norm: must be one of" in wrong.json()["error"]) == (400, True)


class Social(Sleepy):
    """Slow, and likes company."""

    name = "social"
    kind: ClassVar[Kind] = "forecast"
    limits = replace(Sleepy.limits, together=400)


def test_a_crowd_is_answered_in_few_calls_however_slow_the_model_is() -> None:
    models = Registry()
    models.register(Social)
    batches: list[int] = []

    async def crowd() -> None:
        pools = Pools(1, new=lambda count, _: ThreadExecutor(count))
        serving = Serving(Engine(pools, models), pools, seen=lambda ran: batches.append(len(ran.waited)))
        await asyncio.gather(*(serving.forecast([Series(np.arange(40.0) + i)], 10, "social") for i in range(17)))
        serving.close()

    asyncio.run(crowd())
    assert batches == [1, 8, 8]


def test_a_node_of_ours_can_use_it(url: str) -> None:
    models = Registry()
    entry = models.add(entry_of("timemoe-fc", url))
    server = RemoteExecutor()
    engine = Engine(server, models)
    answer = engine.forecast_sync([Series(np.array(VALUES))], 3, entry.name, (0.05, 0.95))
    assert answer.status == ("ok",)
    assert answer.quantiles is not None
    assert answer.point[0].tolist() == post(url, {"input": VALUES, "next_len": 3}).json()["output"]
    assert engine.forecast_sync([Series(np.array(VALUES))], 3, entry.name).quantiles is None
    wait_for(server.aclose())


def test_a_server_that_knows_no_calendars_fills_one_point_after_the_other() -> None:
    weekdays = Series(np.array([1.0, 2, np.nan, 4, 5, np.nan, 7]), 4 * DAY, Step(ns=DAY, calendar=BUSINESS))
    asked = []

    class Zeros(RemoteExecutor):
        async def _post(self, url: str, body: bytes) -> bytes:
            asked.append(json.loads(body))
            times = [DAY * day for day in range(4, 11)]
            return json.dumps({"status": "success", "ts": times, "target": [0.0] * 7}).encode()

    filled = wait_for(Zeros().call("moment", "impute", (batch_of([weekdays]), {})))
    assert filled.values.tolist() == [[1, 2, 0, 4, 5, 0, 7]]
    assert (asked[0]["freq"], asked[0]["ts"]) == ("D", [DAY * day for day in (4, 5, 7, 8, 10)])


def test_any_forecaster_at_any_path() -> None:
    with serving("naive", "--path", "/predict", "--no-bounds") as (url, said):
        assert said[0] == "naive answers POST /predict"
        answer = post(f"{url}/predict", {"input": VALUES, "next_len": 2, "conf_interval": 0.9}).json()
        assert answer == {"status": "success", "output": [VALUES[-1]] * 2}
        assert requests.get(f"{url}/ds_predict", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["timemoe"], 1, "HF_HUB_OFFLINE forbids to download; put config.json"),
        (["timemoe", "--size", "50m", "--offline"], 1, "foretell models pull timemoe-50m"),
        (["timemoe", "--weights", "/nonexistent/here", "--offline"], 1, "into the folder /nonexistent/here"),
        (["timemoe", "--size", "1b"], 2, "unknown size of timemoe '1b'"),
        (["nonsense"], 2, "unknown forecast model 'nonsense'"),
        (["naive", "--size", "50m"], 2, "unknown size of naive '50m'"),
        (["naive", "--weights", "."], 2, "--weights: naive has none to choose"),
        (["naive", "--path", "x"], 2, "--path: must begin with /"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_start_that_fails_says_why(
    arguments: list[str], code: int, reason: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from foretell.cli import main

    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FORETELL_WEIGHTS", "{}")
    monkeypatch.setattr(sys, "argv", ["foretell", "serve-model", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    stderr = capfd.readouterr().err
    assert (ended.value.code, stderr.count("\n")) == (code, 1), stderr
    assert reason in stderr


class Fetched(Fake):
    """Runs when its weights have been fetched."""

    name = "fetched-1b"
    kind: ClassVar[Kind] = "forecast"
    fetched: ClassVar[list[str]] = []

    @classmethod
    def missing(cls) -> str | None:
        return None if cls.fetched else "its weights are not here"

    @classmethod
    def pull(cls, progress: model_server.Progress) -> Path:
        for done in range(0, 101, 5):
            progress(done * 2_000_000, 200_000_000)
        cls.fetched.append("all")
        return Path()


def test_weights_are_downloaded_at_the_first_start_unless_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    models = Registry()
    entry = models.register(Fetched)
    monkeypatch.setattr("foretell.registry.registry", lambda: models)
    said: list[str] = []
    with pytest.raises(NotAvailable, match="not here"):
        make_ready(models, entry, True, said.append, model_server.no_bar)
    make_ready(models, entry, False, said.append, model_server.no_bar)
    make_ready(models, entry, False, said.append, model_server.no_bar)
    assert said == [f"downloading fetched-1b: {10 * tenth} % of 200 MB" for tenth in range(11)]
    assert Fetched.fetched == ["all"]


def test_a_family_is_served_in_the_size_of_tdgpts_server_never_in_one_that_happens_to_be_there() -> None:
    models = Registry()
    for name in ("timemoe-50m", "timemoe-200m", "timemoe-mini", "timemoe-fc", "chronos"):
        models.register(type("Named", (Fake,), {"name": name, "__qualname__": name}))
    assert choose(models, "timemoe").name == "timemoe-200m"
    assert choose(models, "TimeMoE-fc").name == "timemoe-200m"
    assert choose(models, "timemoe", "MINI").name == "timemoe-mini"
    assert choose(models, "timemoe-50m").name == "timemoe-50m"
    assert choose(models, "chronos").name == "chronos"
    with pytest.raises(UnknownName, match=r"unknown size of timemoe 'fc'.*known: 200m, 50m, mini"):
        choose(models, "timemoe", "fc")


def test_a_folder_that_is_named_reaches_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    models = Registry()
    entry = models.register(Fetched)
    monkeypatch.setenv("FORETELL_WEIGHTS", '{"other": "/somewhere"}')
    place(entry, Path("/elsewhere"))
    assert json.loads(os.environ["FORETELL_WEIGHTS"]) == {"other": "/somewhere", "fetched-1b": "/elsewhere"}
    assert settings().weights["fetched-1b"] == Path("/elsewhere")
    plain = models.register(Fake)
    with pytest.raises(InvalidInput, match="none to choose"):
        place(plain, Path("/elsewhere"))


def test_progress_has_a_line_for_each_tenth() -> None:
    said: list[str] = []
    progress = Lines("m", said.append)
    for done in (0, 1, 2, 55, 100):
        progress(done, 100)
    assert said == [f"downloading m: {p} % of 0 MB" for p in (0, 50, 100)]


def test_the_walk_of_the_page(url: str) -> None:
    page = (Path(__file__).parents[1] / "docs" / "time-moe.md").read_text("utf-8")
    walk = re.findall(r"^\$ curl 127\.0\.0\.1:5001/ds_predict(?: -d '(.*)')?\n(.*)$", page, re.M)
    assert len(walk) == 3
    for body, shown in walk:
        assert (post(url, body.encode()) if body else requests.get(url, timeout=10)).text.strip() == shown
