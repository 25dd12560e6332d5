"""`[tsfm-service]`: model servers behind the node, as they are and as they should not be."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from foretell import admin
from foretell.application import new_node
from foretell.errors import InvalidInput
from foretell.registry import Registry
from foretell.server import in_background
from foretell.settings import read_settings
from foretell.sql.database import Database
from foretell.sql.taos import TaosDoor
from foretell.tdgpt.model_servers import check_name
from foretell.tdgpt.node import Node
from tests import fakes
from tests.tdgpt import plugin_texts
from tests.tdgpt.conftest import ADMIN, running
from tests.tdgpt.taosd import NO_ACCESS, Column, Taosd, TaosError, body

TIMES = [1_577_808_000_000 + 1000 * i for i in range(60)]
VALUES = [float(i % 7 + i / 10) for i in range(60)]
Reply = Callable[[dict[str, Any]], tuple[int, bytes]]


class ModelServer(http.server.ThreadingHTTPServer):
    """Answers with `reply` and keeps what it was asked, and on how many connections."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.asked: list[dict[str, Any]] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ds_predict"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ModelServer

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        status, answer = self.server.reply(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to say."""


@contextmanager
def model_server(reply: Reply) -> Iterator[ModelServer]:
    with ModelServer(reply) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def success(**values: Any) -> tuple[int, bytes]:
    return 200, json.dumps({"status": "success", **values}).encode()


def repeat(body: dict[str, Any]) -> tuple[int, bytes]:
    return success(output=[body["input"][-1]] * body["next_len"])


def with_bounds(body: dict[str, Any]) -> tuple[int, bytes]:
    point = [1.0] * body["next_len"]
    return success(output=point, lower=[0.0] * len(point), upper=[2.0] * len(point))


def with_crossed_bounds(body: dict[str, Any]) -> tuple[int, bytes]:
    point = [1.0] * body["next_len"]
    return success(output=point, lower=[2.0] * len(point), upper=[0.0] * len(point))


def moment(body: dict[str, Any]) -> tuple[int, bytes]:
    first, last = body["ts"][0], body["ts"][-1]
    step = 1_000_000_000
    seen = dict(zip(body["ts"], body["input"], strict=True))
    ts = [*range(first, last + 1, step)]
    return success(ts=ts, target=[seen.get(t, -1.0) for t in ts], mask=[int(t not in seen) for t in ts])


def few() -> Registry:
    models = Registry()
    models.register(fakes.Fake)
    return models


def ask(taosd: Taosd, name: str, bounds: bool = False, more: str = "") -> list[tuple[float, ...]]:
    return taosd.forecast(TIMES, VALUES, f"algo={name},rows=3,wncheck=0{more}", bounds=bounds)


def test_a_server_is_asked_as_section_6_says_on_one_connection() -> None:
    with model_server(repeat) as server, running(few(), tsfm_service={"chronos": server.url}) as (_, taosd):
        for _ in range(3):
            assert [row[1] for row in ask(taosd, "chronos", more=",temperature=1")] == [VALUES[-1]] * 3
        asked = server.asked[0]
        assert (asked["input"], asked["next_len"], asked["conf_interval"]) == (VALUES, 3, 0.95)
        assert asked["bounds"] is False
        assert asked["options"] == {"temperature": "1"}
        assert server.connections == 1


def test_bounds_are_the_servers_or_else_conformal() -> None:
    with (
        model_server(repeat) as plain,
        model_server(with_bounds) as full,
        running(few(), tsfm_service={"chronos": plain.url, "mine": full.url}) as (_, taosd),
    ):
        assert [row[1:] for row in ask(taosd, "mine", bounds=True)] == [(1.0, 0.0, 2.0)] * 3
        assert all(low < point < high for _, point, low, high in ask(taosd, "chronos", bounds=True))
        assert len(plain.asked) > 1


def wider_when_surer(body: dict[str, Any]) -> tuple[int, bytes]:
    width = [body["conf_interval"]] * body["next_len"]
    return success(output=[0.0] * len(width), lower=[-w for w in width], upper=width)


def at_levels(node: Node, url: str, levels: list[float], model: str = "mine") -> dict[str, Any]:
    """What /v1/forecast says of a series too short for conformal bounds."""
    body = {"model": model, "horizon": 2, "levels": levels, "series": [{"values": VALUES[:6]}]}
    node.serving.cache.clear()
    answer: dict[str, Any] = requests.post(f"{url}/v1/forecast", json=body, timeout=60).json()
    return answer


@pytest.mark.parametrize(
    ("levels", "quantiles", "asked"),
    [
        ([0.1, 0.9], [-0.8, 0.8], [0.8]),
        ([0.1, 0.5, 0.9], [-0.8, 0.0, 0.8], [0.8]),
        ([0.1, 0.5, 0.95], [-0.8, 0.0, 0.9], [0.8, 0.9]),
        ([0.05], [-0.9], [0.9]),
        ([0.05, 0.1, 0.9, 0.95], [-0.9, -0.8, 0.8, 0.9], [0.8, 0.9]),
        ([0.5], [0.0], [0.95]),
    ],
)
def test_any_levels_are_the_servers_own_one_question_for_each_band(
    levels: list[float], quantiles: list[float], asked: list[float]
) -> None:
    with model_server(wider_when_surer) as server, running(few(), tsfm_service={"mine": server.url}) as (node, taosd):
        answer = at_levels(node, f"http://{taosd.url}", levels)
        (forecast,) = answer["forecasts"]
        assert forecast["status"] == "ok"
        assert [one[0] for one in forecast["quantiles"].values()] == quantiles
        assert [one["conf_interval"] for one in server.asked] == asked
        assert answer["model"] == "mine@" + server.url.split("/")[2]


def test_bands_of_a_server_that_draws_samples_never_cross_and_one_without_bounds_is_asked_once() -> None:
    def samples(body: dict[str, Any]) -> tuple[int, bytes]:
        lower = -5.0 if body["conf_interval"] == 0.8 else -1.0
        return success(output=[9.0] * 2, lower=[lower] * 2, upper=[2.0] * 2)

    with (
        model_server(samples) as drawn,
        model_server(repeat) as plain,
        running(few(), tsfm_service={"mine": drawn.url, "plain": plain.url}) as (node, taosd),
    ):
        url = f"http://{taosd.url}"
        (forecast,) = at_levels(node, url, [0.05, 0.1, 0.5, 0.9])["forecasts"]
        assert forecast["point"] == [9.0, 9.0]
        assert [one[0] for one in forecast["quantiles"].values()] == [-5.0, -1.0, 2.0, 2.0]
        (forecast,) = at_levels(node, url, [0.05, 0.1, 0.9, 0.95], "plain")["forecasts"]
        assert (forecast["status"], len(plain.asked)) == ("no_interval", 1)


def test_bounds_that_cross_are_no_interval() -> None:
    with (
        model_server(with_crossed_bounds) as server,
        running(few(), tsfm_service={"mine": server.url}) as (_, taosd),
        pytest.raises(TaosError, match="gives no interval here"),
    ):
        ask(taosd, "mine", bounds=True)


def test_names_that_nobody_could_ask_for(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidInput, match="'a,b' is no name that can stand in an option"):
        check_name("a,b")
    with caplog.at_level("WARNING"), running(few(), tsfm_service={"n" * 80: "http://127.0.0.1:9/x"}) as (_, taosd):
        assert "n" * 80 not in str(taosd.algorithms)
    assert f"{'n' * 80} is not in /list" in caplog.text


def test_moment_fills_gaps() -> None:
    with model_server(moment) as server, running(few(), tsfm_service={"moment": server.url}) as (_, taosd):
        at = [t for t in TIMES if t != TIMES[30]]
        rows = taosd.imputation(at, [1.0 * i for i in range(59)], "algo=moment,freq=s,wncheck=0")
        assert [row for row in rows if row[2]] == [(TIMES[30], -1.0, 1)]
        assert server.asked[0]["freq"] == "S"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (lambda b: (500, b'{"error": "Prediction failed: out of luck"}'), "out of luck"),
        (lambda b: (500, b"<html>secret page</html>"), "failed \\(500\\)$"),
        (lambda b: (404, b""), "invalid host url"),
        (lambda b: (200, b"[1, 2"), "cannot be read"),
        (lambda b: (200, b'{"status": "error", "error": "no input"}'), "no input"),
        (lambda b: success(output=[1.0]), "1 values of output, not 3"),
        (lambda b: success(output=[1e308 * 10 if False else None] * 3), "cannot be read"),
        (lambda b: (200, b"x" * 3_000_000), "more than 1000000 bytes"),
    ],
)
def test_a_server_that_fails_is_said_clearly(reply: Reply, message: str) -> None:
    with model_server(reply) as server, running(few(), tsfm_service={"chronos": server.url}) as (node, taosd):
        remote = node.serving.pools.of("http://x").executor
        remote.exchange.answer_limit = 1_000_000  # type: ignore[attr-defined]
        with pytest.raises(TaosError, match=message) as error:
            ask(taosd, "chronos")
        assert "secret page" not in error.value.text
        assert len(ask(taosd, "repeat")) == 3


def test_a_server_that_is_not_there_and_limits_that_are_known() -> None:
    urls = {"chronos": "http://127.0.0.1:9/ds_predict", "timesfm": "http://127.0.0.1:9/x"}
    with running(few(), tsfm_service=urls) as (_, taosd):
        with pytest.raises(TaosError, match="is not there"):
            ask(taosd, "chronos")
        with pytest.raises(TaosError, match="horizon"):
            taosd.forecast(TIMES, VALUES, "algo=timesfm,rows=200,wncheck=0")


def test_a_server_that_hangs_is_left_at_the_timeout_of_the_sql() -> None:
    over = threading.Event()

    def late(body: dict[str, Any]) -> tuple[int, bytes]:
        over.wait(30)
        return repeat(body)

    with model_server(late) as server, running(few(), tsfm_service={"chronos": server.url}) as (_, taosd):
        with pytest.raises(TaosError) as error:
            ask(taosd, "chronos", more=",timeout=1")
        assert "did not answer in time" in error.value.text or error.value.code == NO_ACCESS
        assert len(ask(taosd, "repeat")) == 3
        over.set()


def test_host_is_refused_unless_it_is_allowed() -> None:
    with model_server(repeat) as server, running(few(), host_option=(server.url,)) as (_, taosd):
        assert ask(taosd, "repeat", more=f",host={server.url}")[0][1] == VALUES[-1]
        with pytest.raises(TaosError, match="is refused"):
            ask(taosd, "repeat", more=f",host={server.url}/other")
        for path, kind in (("anomaly-detect", "anomaly"), ("imputation", "imputation"), ("correlation", "correlation")):
            columns = [Column("ts", "TIMESTAMP", TIMES), *(Column(name, "DOUBLE", VALUES) for name in ("val", "val1"))]
            asked = body(columns[: 3 if kind == "correlation" else 2], [("option", f"algo=x,host={server.url}")])
            assert taosd.post(f"/{path}", asked)["msg"].endswith(f"and forecasts else; this is {kind}")


def test_plugin_before_url_before_local(tmp_path: Any) -> None:
    folder = plugin_texts.write(tmp_path, {"fc/remote.py": plugin_texts.GOOD["fc/remote.py"]})
    with model_server(with_bounds) as server:
        urls = {"timemoe-fc": server.url, "repeat": server.url}
        with running(few(), tsfm_service=urls, plugins=folder) as (node, taosd):
            assert ask(taosd, "repeat")[0][1] == 1.0
            assert ask(taosd, "timemoe-fc")[0][1] == 1.0
            assert "conf_interval" not in server.asked[-1]
            winner = node.catalogue.find("forecast", "timemoe-fc")
            assert (winner.source, [o.source for o in node.catalogue.hidden(winner)]) == ("plugin", ["url"])
            local = node.catalogue.hidden(node.catalogue.find("forecast", "repeat"))
            assert [o.source for o in local] == ["local"]


def test_the_log_says_what_answers_to_timemoe_fc_at_the_start_and_after_a_reload(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def said() -> list[str]:
        found = [m for r in caplog.records if (m := r.getMessage()).startswith("timemoe-fc is")]
        caplog.clear()
        return found

    caplog.set_level("INFO", "foretell.tdgpt")
    url = "http://127.0.0.1:9/ds_predict"
    with running(tsfm_service={"timemoe-fc": url}) as (_, taosd):
        assert said() == [f"timemoe-fc is the model server {url}"]
        admin.reload(read_settings(admin_token=ADMIN), f"http://{taosd.url}")
        assert said() == [f"timemoe-fc is the model server {url}"]


def test_a_name_means_the_same_at_every_door_and_no_door_shows_the_secret_of_its_url(tmp_path: Any) -> None:
    models = few()
    models.register(fakes.Wide)
    folder = plugin_texts.write(tmp_path, {"fc/repeat.py": plugin_texts.GOOD["fc/repeat.py"]})
    with model_server(with_bounds) as server:
        url = server.url.replace("://", "://user:s3cret@") + "?token=TOPSECRET"
        urls = {"X-own": url, "repeat": url, "broad": url}
        settings = read_settings(workers=1, tsfm_service=urls, plugins=folder, state_dir=tmp_path)
        node = new_node(settings, models)
        with Database(engine=node.serving.engine) as database, in_background(node, TaosDoor(database)) as base:

            def ours(model: str) -> requests.Response:
                body = {"model": model, "horizon": 2, "levels": [], "series": [{"values": VALUES}]}
                return requests.post(f"{base}/v1/forecast", json=body, timeout=60)

            for name in ("x-own", "X-OWN", "repeat", "broad"):
                assert ours(name).json()["forecasts"][0]["point"] == [1.0, 1.0]
            assert ours("wide").json()["forecasts"][0]["point"] == [VALUES[-1]] * 2
            assert ours("repeat_last").json()["model"] == "repeat_last"

            run = database.connect().run
            run("CREATE DATABASE plant")
            run("CREATE TABLE plant.line (ts TIMESTAMP, v DOUBLE)")
            rows = ", ".join(f"({t}, {v})" for t, v in zip(TIMES, VALUES, strict=True))
            run(f"INSERT INTO plant.line VALUES {rows}")
            for name, options, value in (
                ("x-own", "", 1.0),
                ("broad", "", 1.0),
                ("repeat_last", ",shift=2", VALUES[-1] + 2),
            ):
                made = run(f"SELECT FORECAST(v, 'algo={name},rows=2,wncheck=0{options}') FROM plant.line").table
                assert made.column(0).to_pylist() == [value] * 2

            shown = run("SHOW ANODES FULL").table["algo"].to_pylist()
            assert sorted(shown) == ["broad", "repeat", "repeat_last", "wide", "x-own"]
            listed = requests.get(f"{base}/v1/models", timeout=60).text
            unknown = ours("nobody").text
            pages = [requests.get(f"{base}/{path}", timeout=60).text for path in ("models", "list", "metrics")]
            for text in (*shown, listed, unknown, *pages):
                assert "secret" not in text.lower().replace("***", "")
                assert "s3cret" not in text
        assert not models.named("x-own")  # the registry of the process stays as it was
