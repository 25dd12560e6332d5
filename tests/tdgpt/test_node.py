"""The node through a taosd's eyes (protocol sections 0 to 3)."""

from __future__ import annotations

import json
import math
import re
import socket
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np
import pytest
import requests

from foretell import admin
from foretell.engine.worker import STOPPED
from foretell.errors import DeadlineExceeded
from foretell.registry import Kind, Limits, Registry
from foretell.settings import read_settings
from foretell.tdgpt import analysis
from foretell.tdgpt.node import Node
from tests import fakes
from tests.tdgpt import taosd as server
from tests.tdgpt.conftest import ADMIN, running
from tests.tdgpt.taosd import Column, Taosd, TaosError, body

COUNTS = [5, 14, 15, 15, 14, 19, 17, 16, 20, 22, 8, 21, 28, 11, 9, 29, 40]
START = 1_577_808_000_000
AIR_LIKE = [100 + 2 * i + 20 * ((i % 12) > 5) + 0.5 * ((i * 7) % 5) for i in range(96)]


def times(count: int, every: int = 1000) -> list[int]:
    return [START + every * i for i in range(count)]


def question(columns: list[Column], **keys: Any) -> bytes:
    return body(columns, list(keys.items()))


def forecast_body(count: int = 20, **keys: Any) -> bytes:
    columns = [Column("ts", "TIMESTAMP", times(count)), Column("val", "INT", [i % 7 for i in range(count)])]
    return question(columns, **{"option": "algo=naive", "algo": "naive", "wncheck": 0, "return_conf": 0, **keys})


# anode management


def test_all_names_of_tdgpt_are_listed(taosd: Taosd) -> None:
    found = set(taosd.show_anodes_full())
    assert {("forecast", n) for n in ("arima", "holtwinters", "ces", "theta", "ets", "tdtsfm_1")} <= found
    assert {("anomaly-detection", n) for n in ("iqr", "ksigma", "grubbs", "lof", "shesd")} <= found
    assert {("imputation", "moment"), ("correlation", "dtw"), ("correlation", "tlcc")} <= found
    assert not {("forecast", n) for n in ("moirai", "chronos", "timesfm", "sample_forecast_model")} & found


def test_list_and_status_are_as_taosd_wants_them(taosd: Taosd) -> None:
    listing = requests.get(f"http://{taosd.url}/list", timeout=10)
    assert listing.headers["content-type"].startswith("application/json")
    assert len(listing.json()["details"]) == 4
    assert requests.get(f"http://{taosd.url}/status", timeout=10).json() == {"protocol": 1.0, "status": "ready"}
    assert taosd.show_anodes() == "ready"


def test_the_root_is_one_line_and_models_says_where_names_come_from(taosd: Taosd) -> None:
    text = requests.get(f"http://{taosd.url}/", timeout=10).text
    assert re.fullmatch(r".+ \(ver \S+\)\n", text)
    models = requests.get(f"http://{taosd.url}/models", timeout=10).json()
    holtwinters = next(m for m in models if m["name"] == "holtwinters")
    assert (holtwinters["type"], holtwinters["source"]) == ("forecast", "local")


def test_wrong_path_and_wrong_method(taosd: Taosd) -> None:
    missing = requests.get(f"http://{taosd.url}/nothing", timeout=10)
    assert (missing.status_code, missing.text[:1]) == (404, "<")
    assert requests.get(f"http://{taosd.url}/forecast", timeout=10).status_code == 405


def test_no_anode_there_is_no_access() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TaosError) as error:
        Taosd().create_anode(url)
    assert error.value.code == server.NO_ACCESS


# forecast


def test_forecast_labels_rows_as_asked(taosd: Taosd) -> None:
    option = "algo=holtwinters,conf=0.5,wncheck=1,period=0,start=1700000000000,every=2"
    rows = taosd.forecast(times(17), COUNTS, option, type="INT", bounds=True)
    assert [row[0] for row in rows] == [1_700_000_000_000 + 2 * i for i in range(10)]
    assert all(low < value < high for _, value, low, high in rows)


def test_forecast_defaults_follow_the_last_row(taosd: Taosd) -> None:
    rows = taosd.forecast(times(96), AIR_LIKE, "algo=HoltWinters,rows=3,trend=add,seasonal=add,period=12")
    assert [row[0] for row in rows] == [START + 1000 * i for i in (96, 97, 98)]
    assert [round(row[1]) for row in rows] == pytest.approx([292, 294, 296], abs=6)


@pytest.mark.parametrize(("prec", "unit"), [("us", 1_000), ("ns", 1_000_000)])
def test_finer_precisions_keep_integers(taosd: Taosd, prec: str, unit: int) -> None:
    finer = [t * unit for t in times(20)]
    rows = taosd.forecast(finer, AIR_LIKE[:20], "algo=naive,rows=2,wncheck=0", prec=prec)
    assert [row[0] for row in rows] == [(START + 20_000) * unit, (START + 21_000) * unit]


def test_rows_in_any_order_are_one_series(taosd: Taosd) -> None:
    option = "algo=drift,rows=3,wncheck=0"
    straight = taosd.forecast(times(20), AIR_LIKE[:20], option)
    assert taosd.forecast(times(20)[::-1], AIR_LIKE[:20][::-1], option) == straight


def test_the_answer_echoes_and_has_the_shape_of_the_real_one(taosd: Taosd) -> None:
    answer = taosd.post("/forecast", forecast_body(option="algo=NAIVE,x=1", algo="NAIVE", forecast_rows=2))
    assert {"algo", "mse", "option", "period", "res", "rows"} <= set(answer)
    assert (answer["algo"], answer["option"], answer["rows"]) == ("naive", "algo=NAIVE,x=1", 2)
    assert all(type(t) is int for t in answer["res"][0])


def test_the_oldest_servers_conf_and_columns_in_another_order(taosd: Taosd) -> None:
    columns = [Column("val", "DOUBLE", AIR_LIKE[:30]), Column("ts", "TIMESTAMP", times(30))]
    keys = {"option": "algo=naive", "algo": "naive", "wncheck": 0, "return_conf": 1}
    old, new = (taosd.post("/forecast", question(columns, **keys, conf=conf)) for conf in (95, 0.95))
    assert old["res"] == new["res"]
    assert len(old["res"]) == 4


def test_a_constant_series_stays_what_it_is(taosd: Taosd) -> None:
    assert {row[1:] for row in taosd.forecast(times(30), [5.0] * 30, "algo=arima,rows=3", bounds=True)} == {
        (5.0, 5.0, 5.0)
    }


# what is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is not JSON"),
        (b"[1, 2", "Expected `object`"),
        (b'{"schema": []}', "data: is missing"),
        (b'{"data": [[1]]}', "at least 2 columns"),
        (b'{"data": [[1, 2], [1]]}', "differ in length"),
        (b'{"data": [[1], [1]]}', "number of rows should between 10 and 40000, actual 1 rows"),
        (json.dumps({"data": [[*range(10)]] * 2}).encode(), "schema: is missing"),
        (json.dumps({"data": [[*range(10)]] * 2, "schema": [["a", "INT", 4], ["b", "INT", 4]]}).encode(), "column val"),
        (forecast_body(forecast_rows=1025), "forecast_rows"),
        (forecast_body(conf=1.0), "conf"),
        (forecast_body(every=0), "every"),
        (forecast_body(prec="days"), "prec"),
        (forecast_body(option="algo=naive,host=http://10.0.0.1"), "host: is refused"),
        (forecast_body().replace(b"0,\n1,\n2", b"0,\nnan,\n2"), "a value is NaN or infinite"),
        (forecast_body(option='algo=naive,x="y"'), "quote or a backslash"),
        (forecast_body().replace(b"0,\n1,\n2", b"null,\n1" + b"0" * 400 + b",\n2"), "val: has a value that is no"),
        (forecast_body(algo="moirai"), "needs a model server"),
        (forecast_body(algo="nonsense"), "unknown forecast algorithm 'nonsense'"),
        (forecast_body(algo="holtwinters", option="algo=holtwinters,trend=up"), "trend"),
    ],
)
def test_what_is_refused_says_why(taosd: Taosd, text: bytes, message: str) -> None:
    answer = taosd.post("/forecast", text)
    assert answer["rows"] == -1
    assert message in answer["msg"]
    assert len(answer["msg"].encode()) < 1024


def test_white_noise_has_its_code_and_can_be_let_pass(taosd: Taosd) -> None:
    noise = np.random.default_rng(1).normal(size=60).tolist()
    for ask in (taosd.forecast, taosd.anomaly_window):
        with pytest.raises(TaosError) as error:
            ask(times(60), noise, "algo=naive" if ask == taosd.forecast else "algo=iqr")
        assert error.value.code == server.WHITE_NOISE
    assert len(taosd.forecast(times(60), noise, "algo=naive,wncheck=0")) == 10


def test_times_that_are_there_twice_are_an_error(taosd: Taosd) -> None:
    with pytest.raises(TaosError, match="PARTITION BY"):
        taosd.forecast([*times(19), times(19)[-1]], AIR_LIKE[:20], "algo=naive,wncheck=0")


# the other questions


def test_anomaly_windows_are_runs_of_one_label(taosd: Taosd) -> None:
    values = [5.0, 6.0, 5.5, 5.2, 5.8, 6.1, 5.1, 100.0, 110.0, 5.5, 5.9, 5.3]
    at = times(12)
    assert taosd.anomaly_window(at, values, "algo=iqr") == [(at[7], at[8], -1)]
    assert taosd.anomaly_window(at, [5.0] * 12, "algo=iqr") == []


def test_a_finer_precision_than_anomalies_are_told_is_noticed(taosd: Taosd) -> None:
    values = [5.0, 6.0, 5.5, 5.2, 5.8, 6.1, 5.1, 100.0, 5.5, 5.9, 5.3]
    at = [t * 1_000_000 for t in times(11)]
    assert taosd.anomaly_window(at, values, "algo=iqr", prec="ms") == [(at[7], at[7] + 1, -1)]


def test_more_than_two_columns_are_too_many_for_anomalies(taosd: Taosd) -> None:
    columns = [Column("ts", "TIMESTAMP", times(10)), Column("val", "INT", range(10)), Column("val1", "INT", range(10))]
    assert "too many columns" in taosd.post("/anomaly-detect", question(columns, option="algo=iqr"))["msg"]


@pytest.mark.parametrize("freq", ["s", "S", "1s"])
def test_imputation_fills_what_is_missing(taosd: Taosd, freq: str) -> None:
    at = [t for t in times(40) if t != times(40)[20]]
    values = [float(t - START) / 1000 for t in at]
    rows = taosd.imputation(at, values, f"algo=moment,freq={freq}")
    assert [row[0] for row in rows] == times(40)
    ((at_gap, value, _),) = [row for row in rows if row[2]]
    assert at_gap == times(40)[20]
    assert abs(value - 20) < 1


def test_imputation_refuses_a_freq_that_is_too_fine_or_does_not_fit(taosd: Taosd) -> None:
    with pytest.raises(TaosError, match="at most 2048"):
        taosd.imputation(times(20), AIR_LIKE[:20], "algo=moment,freq=ms,wncheck=0")
    with pytest.raises(TaosError, match="whole number"):
        taosd.imputation(times(20), AIR_LIKE[:20], "algo=moment,freq=m,wncheck=0")
    with pytest.raises(TaosError, match="freq: must be at most 106751d, got '999999999d'"):
        taosd.imputation(times(20), AIR_LIKE[:20], "algo=moment,freq=999999999d,wncheck=0")


def test_correlations(taosd: Taosd) -> None:
    first, second = [1.0, 2, 3, 4, 3, 2, 1, 2, 3, 4], [2.0, 3, 4, 3, 2, 1, 2, 3, 4, 5]
    assert taosd.dtw(first, first) == 0
    path = taosd.dtw_path(first, second, "radius=2")
    assert (path[0], path[-1]) == ([0, 0], [9, 9])
    assert sum(abs(first[i] - second[j]) for i, j in path) == pytest.approx(taosd.dtw(first, second, "radius=2"))
    assert dict(taosd.tlcc(first, first, "lag_start=-1,lag_end=1"))[0] == pytest.approx(1)


def test_the_correlation_of_a_constant_has_no_nan(taosd: Taosd) -> None:
    columns = [Column("val", "DOUBLE", [1.0] * 12), Column("val1", "DOUBLE", AIR_LIKE[:12])]
    answer = taosd.post("/correlation", question(columns, option="algo=tlcc", algo="tlcc"))
    assert answer["rows"] in (-1, 0)
    assert answer["msg"]


# the tools of 3.4 and the other doors


def test_golden_batch_pearson_and_profile_search(taosd: Taosd) -> None:
    batch = {"data": [1, 2, 3, 3, 4, 5], "ts": [*range(6)], "window": [[0, 2], [3, 5]], "config": {"sigma": 1}}
    for path in ("/tool/batch", "/api/v1/analysis/batch"):
        answer = taosd.post(path, json.dumps(batch).encode())
        assert answer == {"rows": 3, "center": [2.0, 3.0, 4.0], "lower": [1.0, 2.0, 3.0], "upper": [3.0, 4.0, 5.0]}
    columns = [Column("val", "DOUBLE", AIR_LIKE[:12]), Column("val1", "DOUBLE", AIR_LIKE[:12])]
    pearson = taosd.post("/api/v1/analysis/pearsonr", question(columns, option="x"))
    assert (pearson["rows"], pearson["correlation_coefficient"], pearson["option"]) == (1, pytest.approx(1), "x")
    search: dict[str, Any] = {
        "normalization": "z-score",
        "algo": {"type": "dtw", "params": {"radius": 1, "min_window": 3, "max_window": 3}},
        "result": {"num": 1},
        "source_data": {"ts": [0, 1, 2], "data": [1, 5, 1]},
        "target_data": {"ts": [*range(10, 20)], "data": [0, 0, 0, 0, 2, 10, 2, 0, 0, 0]},
    }
    found = taosd.post("/api/v1/analysis/profile-search", json.dumps(search).encode())
    assert found["metric_type"] == "dtw_distance"
    assert found["matches"] == [{"criteria": pytest.approx(0), "ts_window": [14, 16], "num": 3}]
    search["algo"]["type"] = "cosine"
    found = taosd.post("/api/v1/analysis/profile-search", json.dumps(search).encode())
    assert (found["metric_type"], found["matches"][0]["criteria"]) == ("cosine_similarity", pytest.approx(1))


def test_the_usual_course_of_many_runs_takes_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "BLOCK", 4096)
    random = np.random.default_rng(1)
    values, lengths = random.normal(size=1000).cumsum(), random.integers(2, 900, 300)
    firsts = random.integers(0, 1000 - lengths)
    tracemalloc.start()
    try:
        centre, spread = analysis._resampled(values, firsts, lengths, math.inf)
        assert tracemalloc.get_traced_memory()[1] < 16 * 8 * 4096
    finally:
        tracemalloc.stop()
    grid = np.linspace(0, 1, int(np.median(lengths)))
    same = [np.interp(grid, np.linspace(0, 1, n), values[a : a + n]) for a, n in zip(firsts, lengths, strict=True)]
    np.testing.assert_allclose(centre, np.mean(same, axis=0), rtol=1e-9)
    np.testing.assert_allclose(spread, np.std(same, axis=0), rtol=1e-9)
    with pytest.raises(DeadlineExceeded):
        analysis._resampled(values, firsts, lengths, 0.0)


@pytest.mark.parametrize("kind", ["dtw", "cosine"])
def test_a_search_in_small_parts_and_beside_the_loop_finds_the_same(
    taosd: Taosd, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    points = {"ts": [*range(10, 90)], "data": [i % 7 + i % 11 / 10 for i in range(80)]}
    source = {"ts": [0, 1, 2, 3], "data": [1, 5, 1, 2]}
    search = {"algo": {"type": kind}, "source_data": source, "target_data": points}
    url = "/api/v1/analysis/profile-search"
    whole = taosd.post(url, json.dumps(search).encode())
    blocks = analysis._blocks
    seen: list[int] = []

    def watched(windows: list[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
        for part in blocks(windows):
            seen.append(sum(b - a + 1 for a, b in part))
            yield part

    monkeypatch.setattr(analysis, "_blocks", watched)
    monkeypatch.setattr(analysis, "BLOCK", 30)
    monkeypatch.setattr(analysis, "MUCH", 1)
    assert taosd.post(url, json.dumps(search).encode()) == whole
    assert (len(whole["matches"]), max(seen), sum(seen)) == (77, 28, 4 * 77)


def test_ds_predict_is_a_model_server(taosd: Taosd) -> None:
    url = f"http://{taosd.url}/ds_predict"
    answer = requests.post(
        url, json={"input": AIR_LIKE, "next_len": 3, "model": "naive", "conf_interval": 0.9}, timeout=60
    ).json()
    assert (answer["status"], len(answer["output"]), len(answer["lower"])) == ("success", 3, 3)
    missing = requests.post(url, json={"next_len": 3}, timeout=60)
    assert (missing.status_code, missing.json()["status"]) == (400, "error")
    short = requests.post(url, json={"input": [1, 2, None], "next_len": 3, "model": "arima"}, timeout=60).json()
    assert re.fullmatch(r"input: arima needs at least \d+ values, got 2", short["error"])


def test_our_own_door(taosd: Taosd) -> None:
    url = f"http://{taosd.url}"
    series = {"id": "a", "values": [*range(30)], "start": "2024-01-31T00:00:00Z", "step": "1mo"}
    request = {"series": [series, {"values": [1, None]}], "horizon": 2, "model": "naive", "levels": [0.1, 0.9]}
    answer = requests.post(f"{url}/v1/forecast", json=request, timeout=60).json()
    first, second = answer["forecasts"]
    assert (first["id"], first["status"], first["point"]) == ("a", "ok", [29.0, 29.0])
    assert first["times"] == ["2026-07-31T00:00:00.000Z", "2026-08-31T00:00:00.000Z"]
    assert set(first["quantiles"]) == {"0.1", "0.9"}
    assert second["times"] is None
    assert requests.get(f"{url}/healthz", timeout=10).text == "ok\n"
    assert "foretell_requests_total" in requests.get(f"{url}/metrics", timeout=10).text
    assert {m["name"] for m in requests.get(f"{url}/v1/models", timeout=10).json()} >= {"naive", "ets"}


@pytest.mark.parametrize(
    ("request_body", "status", "word"),
    [
        ({"series": [], "horizon": 1}, 400, "series"),
        ({"series": [{"values": [1]}], "horizon": 1, "model": "nonsense"}, 404, "nonsense"),
        ({"series": [{"values": [1]}], "horizon": 1, "levels": [2]}, 400, "levels"),
        ({"series": [{"values": [1], "step": "1h"}], "horizon": 1}, 400, "start"),
    ],
)
def test_problems_of_our_door_are_rfc_9457(taosd: Taosd, request_body: dict[str, Any], status: int, word: str) -> None:
    answer = requests.post(f"http://{taosd.url}/v1/forecast", json=request_body, timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert word in answer.text


def test_an_equal_question_is_answered_from_the_cache_until_a_reload(taosd: Taosd) -> None:
    def hits() -> int:
        text = requests.get(f"http://{taosd.url}/metrics", timeout=10).text
        return int(float(re.search(r'foretell_cache_total{outcome="hit"} (\S+)', text)[1]))  # type: ignore[index]

    before = hits()
    request = {"series": [{"values": AIR_LIKE}], "horizon": 5, "model": "drift"}
    answers = [requests.post(f"http://{taosd.url}/v1/forecast", json=request, timeout=60).json() for _ in "123"]
    assert (answers[0] == answers[1] == answers[2], hits() - before) == (True, 2)
    requests.post(f"http://{taosd.url}/v1/reload", headers={"Authorization": f"Bearer {ADMIN}"}, timeout=60)
    requests.post(f"http://{taosd.url}/v1/forecast", json=request, timeout=60)
    assert hits() - before == 2


@pytest.mark.parametrize(
    ("path", "algo", "reason"),
    [
        ("/forecast", "moirai", "needs a model server: a URL under moirai in [tsfm-service]"),
        ("/forecast", "chronos", "needs a model server: a URL under chronos in [tsfm-service]"),
        ("/forecast", "TimesFM", "needs a model server: a URL under timesfm in [tsfm-service]"),
        ("/forecast", "sample_forecast_model", "is an unfinished sample of TDgpt that is not offered"),
        ("/anomaly-detect", "sample_ad_model", "is a Keras autoencoder that is not offered; try iqr"),
        ("/deploy", "x", "models are not deployed over HTTP here: put a plugin file"),
        ("/undeploy", "x", "models are not deployed over HTTP here: put a plugin file"),
    ],
)
def test_names_of_tdgpt_that_cannot_run_here_say_what_they_need(
    taosd: Taosd, path: str, algo: str, reason: str
) -> None:
    answer = taosd.post(path, forecast_body(algo=algo))
    assert (answer["rows"], reason in answer["msg"]) == (-1, True), answer


def test_the_names_of_the_built_in_model_and_of_moment(taosd: Taosd) -> None:
    assert len(taosd.forecast(times(96), AIR_LIKE, "algo=tdtsfm_1,rows=5", bounds=True)) == 5
    assert {("imputation", "moment"), ("imputation", "moment-imputation")} <= set(taosd.show_anodes_full())


def test_a_full_queue_is_an_answer() -> None:
    with running(fake_models(), queue_limit=1) as (_, taosd), ThreadPoolExecutor(3) as clients:
        text = forecast_body(option="algo=busy,rounds=1000000000,timeout=2", algo="busy")
        answers = list(clients.map(lambda _: taosd.post("/forecast", text), range(3)))
    reasons = sorted(answer["msg"] for answer in answers)
    assert reasons[0] == "1 requests are waiting; try again later"
    assert all("deadline" in reason for reason in reasons[1:])


def test_a_body_over_the_limit_is_refused() -> None:
    with running(body_limit=2000) as (_, small):
        assert small.post("/forecast", forecast_body(500))["rows"] == -1
        assert len(small.forecast(times(20), AIR_LIKE[:20], "algo=naive,wncheck=0")) == 10


class Long(fakes.Fake):
    """Needs all rows that it is given, so that there is nothing to measure its errors on."""

    name: ClassVar[str] = "long"
    kind: ClassVar[Kind] = "forecast"
    limits: ClassVar[Limits] = Limits(min_context=10, intervals=False)


def fake_models() -> Registry:
    models = Registry()
    for fake in (Long, fakes.Busy):
        models.register(fake)
    return models


def test_bounds_that_nobody_knows_are_an_error_or_copies_where_that_is_set() -> None:
    few, values = times(10), [float(i * i) for i in range(10)]
    refused = pytest.raises(TaosError, match="gives no interval here; drop _flow and _fhigh")
    with running(fake_models()) as (_, strict), refused:
        strict.forecast(few, values, "algo=long,rows=3", bounds=True)
    with running(fake_models(), missing_interval="point") as (_, lenient):
        assert set(lenient.forecast(few, values, "algo=long,rows=3", bounds=True)[0][1:]) == {81.0}


def test_a_reload_changes_what_unknown_bounds_are() -> None:
    few, values = times(10), [float(i * i) for i in range(10)]
    with running(fake_models()) as (node, taosd):
        node.reread = lambda: node.settings.model_copy(update={"missing_interval": "point"})
        admin.reload(read_settings(admin_token=ADMIN), f"http://{taosd.url}")
        assert set(taosd.forecast(few, values, "algo=long,rows=3", bounds=True)[0][1:]) == {81.0}


def test_work_stops_when_taosd_hangs_up_or_its_time_is_over() -> None:
    forever = "algo=busy,rounds=1000000000,wncheck=0"
    with running(fake_models()) as (node, taosd):
        while not stopped(node):  # who hangs up before the worker has begun does not cost it
            ask_and_hang_up(node, taosd, forecast_body(option=forever, algo="busy"))
        before = stopped(node)
        with pytest.raises(TaosError):
            taosd.forecast(times(20), AIR_LIKE[:20], f"{forever},timeout=1")
        while stopped(node) == before:
            taosd.show_anodes()
        assert taosd.forecast(times(20), AIR_LIKE[:20], "algo=busy,rounds=1,wncheck=0")


def ask_and_hang_up(node: Node, taosd: Taosd, text: bytes) -> None:
    """Hang up while the work goes on, and wait until it is over."""
    host, _, port = taosd.url.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /forecast HTTP/1.1\r\nHost: {taosd.url}\r\nContent-Length: {len(text)}\r\n\r\n"
        connection.sendall(head.encode() + text)
        while not node.serving.busy():
            taosd.show_anodes()
        for _ in range(20):
            taosd.show_anodes()
    while node.serving.busy():
        taosd.show_anodes()


def stopped(node: Node) -> int:
    return sum(counts[STOPPED] for counts in node.serving.pools.replaced.values())
