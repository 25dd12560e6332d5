"""The verbs of our door, in JSON and in Arrow: the same questions, the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import requests

import foretell
from foretell.http_api.verbs import VERBS
from foretell.series import OUTSIDE, TOO_LATE
from foretell.wire.ipc import ARROW, read_arrow, write_arrow
from tests.http_api.conftest import serving

HOURS = pd.date_range("2024-01-01", periods=48, freq="h", tz="UTC")
A, B = np.sin(np.arange(48) / 4) + np.arange(48) / 10, np.cos(np.arange(48) / 3)
GAPS = np.where(np.arange(48) % 7 == 3, np.nan, A)


def long(**columns: Any) -> pa.Table:
    frame = pd.concat([pd.DataFrame({"unique_id": n, "ds": HOURS, "y": v}) for n, v in columns.items()])
    return pa.Table.from_pandas(frame, preserve_index=False)


def series(**columns: Any) -> list[dict[str, Any]]:
    values = {n: [None if np.isnan(x) else float(x) for x in v] for n, v in columns.items()}
    return [{"id": n, "values": v, "start": "2024-01-01T00:00:00Z", "step": "1h"} for n, v in values.items()]


def post(url: str, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = requests.post(f"{url}{path}", json=body, timeout=60)
    assert answer.status_code == status, answer.text
    return answer.json()


def post_arrow(url: str, path: str, table: pa.Table, **query: Any) -> pa.Table:
    headers = {"Content-Type": ARROW}
    answer = requests.post(f"{url}{path}", data=write_arrow(table), params=query, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == ARROW
    return read_arrow(answer.content)


def test_forecast_is_that_of_the_library_in_both_forms(url: str) -> None:
    table = long(a=A, b=B)
    ours = foretell.forecast(table, 6, "theta", (0.1, 0.9))
    theirs = post_arrow(url, "/v1/forecast", table, horizon=6, model="theta", levels="0.1,0.9")
    assert theirs.column_names == ["unique_id", "ds", "point", "q0.1", "q0.9", "status", "model"]
    assert theirs.drop_columns("model").equals(ours.drop_columns("model"))
    made = post(url, "/v1/forecast", {"series": series(a=A, b=B), "horizon": 6, "model": "theta", "levels": [0.1, 0.9]})
    assert [f["id"] for f in made["forecasts"]] == ["a", "b"]
    assert [x for f in made["forecasts"] for x in f["point"]] == pytest.approx(ours["point"].to_pylist())
    assert made["forecasts"][0]["times"][0] == "2024-01-03T00:00:00.000Z"


def test_close_and_small_levels_keep_apart(url: str) -> None:
    levels = [0.00001, 0.1234561, 0.1234562]
    made = post(url, "/v1/forecast", {"series": series(a=A), "horizon": 2, "model": "theta", "levels": levels})
    assert list(made["forecasts"][0]["quantiles"]) == ["0.00001", "0.1234561", "0.1234562"]


def test_an_arrow_answer_to_json_and_the_other_way(url: str) -> None:
    body = {"series": series(a=A), "horizon": 2, "model": "naive"}
    arrow = requests.post(f"{url}/v1/forecast", json=body, headers={"Accept": ARROW}, timeout=60)
    assert read_arrow(arrow.content)["point"].to_pylist() == pytest.approx([A[-1]] * 2)
    headers = {"Content-Type": ARROW, "Accept": "application/json"}
    params = {"horizon": "2", "model": "naive"}
    answer = requests.post(
        f"{url}/v1/forecast", data=write_arrow(long(a=A)), params=params, headers=headers, timeout=60
    )
    assert answer.json()["forecasts"][0]["point"] == pytest.approx([A[-1]] * 2)


def test_one_bad_series_does_not_fail_the_others(url: str) -> None:
    rows = [*series(a=A), {"id": "none", "values": [None, None]}]
    made = post(url, "/v1/forecast", {"series": rows, "horizon": 2, "model": "naive"})["forecasts"]
    assert [(f["id"], f["status"]) for f in made] == [("a", "ok"), ("none", "all_missing")]
    assert made[1]["point"] is None


def test_detect_labels_every_point(url: str) -> None:
    spiked = A.copy()
    spiked[[20, 21]] = 40
    made = post(url, "/v1/detect", {"series": series(a=spiked), "model": "iqr"})["detections"][0]
    assert made["windows"] == [{"first": 20, "last": 21, "label": -1}]
    assert [i for i, label in enumerate(made["labels"]) if label != 1] == [20, 21]
    table = post_arrow(url, "/v1/detect", long(a=spiked, b=B), model="iqr")
    assert table.num_rows == 96
    assert table.filter(table["anomaly"])["ds"].to_pylist() == [*HOURS[20:22]]
    assert set(table["status"].to_pylist()) == {"ok"}


def test_impute_fills_gaps_and_keeps_the_rest(url: str) -> None:
    made = post(url, "/v1/impute", {"series": series(a=GAPS), "model": "linear"})["imputations"][0]
    assert [i for i, filled in enumerate(made["imputed"]) if filled] == [*np.flatnonzero(np.isnan(GAPS))]
    table = post_arrow(url, "/v1/impute", long(a=GAPS), model="linear")
    assert table["value"].to_pylist() == pytest.approx(made["values"])
    assert np.allclose(np.array(made["values"])[~np.isnan(GAPS)], A[~np.isnan(GAPS)])


def test_correlate_pairs(url: str) -> None:
    pair = {"id": "p", "first": A.tolist(), "second": A.tolist()}
    made = post(url, "/v1/correlate", {"pairs": [pair], "options": {"lag_start": -1, "lag_end": 1}})["correlations"][0]
    assert (made["lags"], made["values"][1]) == ([-1, 0, 1], pytest.approx(1))
    warped = post(url, "/v1/correlate", {"pairs": [pair], "model": "dtw"})["correlations"][0]
    assert (warped["distance"], warped["path"][0]) == (0, [0, 0])
    table = pa.table({"ds": HOURS, "left": A, "right": B})
    answer = post_arrow(url, "/v1/correlate", table, first="left", second="right", options="lag_start=0,lag_end=0")
    assert answer["values"].to_pylist()[0] == pytest.approx([np.corrcoef(A, B)[0, 1]])


def test_evaluate_compares_models_with_seasonal_naive(url: str) -> None:
    body = {"series": series(a=A, b=B), "horizon": 4, "windows": 2, "models": ["naive", "theta"], "period": 12}
    made = post(url, "/v1/evaluate", body)
    assert made["period"] == 12
    assert {s["model"] for s in made["scores"]} == {"naive", "theta", "seasonal_naive"}
    assert next(s for s in made["scores"] if s["model"] == "seasonal_naive")["relative"] == pytest.approx(1)
    table = post_arrow(url, "/v1/evaluate", long(a=A, b=B), horizon=4, windows=2, models="naive,theta", period=12)
    ours = {s["model"]: s["mae"] for s in made["scores"]}
    assert dict(zip(table["model"].to_pylist(), table["mae"].to_pylist(), strict=True)) == pytest.approx(ours)


def test_evaluate_takes_options_by_model_and_names_series_without_a_window(url: str) -> None:
    body = {"series": series(a=A, b=A[:3]), "horizon": 4, "models": ["seasonal_naive"], "period": 12}
    made = post(url, "/v1/evaluate", body)
    assert made["left_out"] == ["b"]
    for options in ({"seasonal_naive.period": 1}, {"seasonal_naive": {"period": 1}}):
        told = post(url, "/v1/evaluate", body | {"options": options})
        assert told["scores"][0]["mae"] != made["scores"][0]["mae"]


def test_an_empty_series_keeps_its_place(url: str) -> None:
    series = [{"values": [1, 2, 3]}, {"values": []}, {"values": [4, 5, 6]}]
    answer = requests.post(f"{url}/v1/forecast", json={"series": series, "horizon": 1, "model": "naive"}, timeout=60)
    told = [(f["status"], f["point"]) for f in answer.json()["forecasts"]]
    assert told == [("ok", [3]), ("all_missing", None), ("ok", [6])]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/v1/forecast", {"series": [], "horizon": 1}, 400, "series"),
        ("/v1/forecast", {"series": [{"values": [1, "x"]}], "horizon": 1}, 400, "series[0].values[1]"),
        ("/v1/forecast", {"series": [{"values": [1]}], "horizon": 0}, 400, "horizon"),
        ("/v1/forecast", {"series": [{"values": [1]}]}, 400, "horizon"),
        ("/v1/forecast", {"series": [{"values": [1]}], "horizon": 1, "horizn": 1}, 400, "horizn"),
        ("/v1/forecast", {"series": [{"values": [1], "step": "1x", "start": "2024-01-01"}], "horizon": 1}, 400, None),
        ("/v1/forecast", {"series": [{"values": [1] * 9}], "horizon": 1, "model": "x"}, 404, "model"),
        ("/v1/forecast", {"series": [{"values": [1] * 9}], "horizon": 1, "options": {"z": 1}}, 404, "z"),
        ("/v1/forecast", {"series": [{"values": [1], "start": "2024-01-01"}], "horizon": 1}, 400, "series[0].step"),
        (
            "/v1/forecast",
            {"series": [{"values": [1] * 9}], "horizon": 1, "model": "holtwinters", "options": {"period": True}},
            400,
            "period",
        ),
        ("/v1/forecast?horizon=5", {"series": [{"values": [1]}], "horizon": 1}, 400, "horizon"),
        ("/v1/jobs?verb=forecast&horizon=5", {"series": [{"values": [1]}], "horizon": 1}, 400, "horizon"),
        ("/v1/detect", {"series": [{"values": [1] * 9}], "model": "ets"}, 404, None),
        ("/v1/impute", {"serie": []}, 400, "serie"),
        ("/v1/correlate", {"pairs": [{"first": [1]}]}, 400, "pairs[0].second"),
        ("/v1/evaluate", {"series": [{"values": [1] * 9}], "horizon": 1, "models": []}, 400, "models"),
        ("/v1/evaluate", {"series": [{"values": [1] * 9}], "horizon": 1, "models": ["x"], "model": "x"}, 400, "model"),
        (
            "/v1/evaluate",
            {"series": [{"values": [1] * 9}], "horizon": 1, "models": ["ets"], "options": {"period": 2}},
            400,
            "options",
        ),
    ],
)
def test_problems_name_the_field(url: str, path: str, body: dict[str, Any], status: int, field: str | None) -> None:
    answer = requests.post(f"{url}{path}", json=body, timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert field is None or answer.json().get("field") == field, answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        (
            "POST",
            "/v1/forecast",
            {"series": [{"values": [1]}], "horizn": 1},
            "horizn: is not known here (known: model, ",
        ),
        (
            "POST",
            "/v1/forecast",
            {"series": [{"values": [1], "start": "x"}], "horizon": 1},
            "series[0].start: 'x' is not",
        ),
        ("POST", "/v1/forecast", "nonsense", "body: expected `object`, got `str`"),
        (
            "POST",
            "/v1/forecast",
            {"series": [{"values": [1], "freq": "h"}], "horizon": 1},
            "series[0].freq: is not known here (known: values, id, start, step, ",
        ),
        (
            "POST",
            "/v1/forecast",
            {"series": [{"values": [1]}], "horizon": 1, "priority": "high"},
            "priority: must be one of batch, interactive, got 'high'",
        ),
        (
            "POST",
            "/v1/forecast",
            {"series": [{"values": [1, 2], "future_covariates": [[1, 2, 3], [1, 2, 3, 4]]}], "horizon": 1},
            "series[0].future_covariates: needs 3 values in each list, got 4",
        ),
        (
            "POST",
            "/v1/evaluate",
            {"series": [{"values": [1, 2], "past_covariates": [[1]]}], "horizon": 1, "models": ["naive"]},
            "series[0].past_covariates: needs 2 values in each list, got 1",
        ),
        ("GET", "/v1/forecats", None, "there is nothing at /v1/forecats; /schema/swagger lists"),
        ("GET", "/v1/forecast", None, "/v1/forecast does not take GET; /schema/swagger lists"),
    ],
)
def test_problems_say_what_there_is_instead(url: str, method: str, path: str, body: Any, says: str) -> None:
    assert says in requests.request(method, f"{url}{path}", json=body, timeout=60).json()["detail"]


@pytest.mark.parametrize("path", [*(f"/v1/{v}" for v in VERBS), "/v1/jobs?verb=detect", "/v1/sql"])
def test_a_body_that_is_no_utf8_or_no_json_is_a_problem(url: str, path: str) -> None:
    name = b"sql" if path.endswith("sql") else b"model"
    for data, says in ((b'{"%s":"\xff"}' % name, "body: is not UTF-8"), (b"{", "body: Input data was truncated")):
        answer = requests.post(f"{url}{path}", data=data, timeout=60)
        found = answer.json()
        assert (answer.status_code, found["field"]) == (400, "body"), found
        assert found["detail"].lower() == says.lower()
    answer = requests.post(f"{url}{path}", data=b"{]", timeout=60)
    assert answer.json()["detail"].startswith("body: JSON is malformed")


def test_a_body_that_is_packed_or_too_large_says_what_may_come(tmp_path: Path) -> None:
    with serving(tmp_path, body_limit=1000) as url:
        for path in ("/v1/forecast", "/forecast"):
            packed = requests.post(f"{url}{path}", data=b"x", headers={"Content-Encoding": "gzip"}, timeout=60)
            assert (packed.status_code, "Content-Encoding gzip" in packed.text) == (415, True)
        large = requests.post(f"{url}/v1/forecast", data=b"x" * 1001, timeout=60).json()
        assert (large["status"], large["field"], large["detail"]) == (413, "body", "body: is larger than 1000 bytes")
        sink, table = pa.BufferOutputStream(), pa.table({"y": np.zeros(2000)})
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(table)
        asked: dict[str, Any] = {"params": {"horizon": "1"}, "headers": {"Content-Type": ARROW}, "timeout": 60}
        large = requests.post(f"{url}/v1/forecast", data=bytes(sink.getvalue()), **asked).json()
        assert (large["status"], large["detail"]) == (413, "body: is larger than 8000 bytes when it is unpacked")


def test_a_wrong_method_says_which_are_right(url: str) -> None:
    answer = requests.get(f"{url}/v1/forecast", timeout=60)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) >= {"POST"}


def test_a_model_server_that_is_not_there_is_a_bad_gateway(tmp_path: Path) -> None:
    with serving(tmp_path, tsfm_service={"away": "http://127.0.0.1:9/x"}) as url:
        found = post(url, "/v1/forecast", {"model": "away", "series": series(a=A), "horizon": 1}, 502)
        assert (found["title"], "is not there" in found["detail"]) == ("Bad Gateway", True)


def test_times_are_as_fine_as_their_step(url: str) -> None:
    def times(start: str, step: str) -> Any:
        given = {"values": [1, 2, 3], "start": start, "step": step}
        body = {"model": "naive", "levels": [], "horizon": 2, "series": [given]}
        return post(url, "/v1/forecast", body)["forecasts"][0]["times"]

    day = "2024-01-01T00:00:00"
    assert times(f"{day}Z", "1s") == [f"{day[:-1]}3.000Z", f"{day[:-1]}4.000Z"]
    assert times(f"{day}Z", "100u") == [f"{day}.000300Z", f"{day}.000400Z"]
    assert times(f"{day}Z", "1b") == [f"{day}.000000003Z", f"{day}.000000004Z"]
    assert times(f"{day}.123456789Z", "1h") == [f"2024-01-01T0{hour}:00:00.123456789Z" for hour in (3, 4)]
    assert times(f"{day}.1234567+08:00", "1h")[0] == "2023-12-31T19:00:00.123456700Z"
    assert times(f"{day}.000001Z", "1s") == [f"{day[:-1]}3.000001Z", f"{day[:-1]}4.000001Z"]


def test_a_null_id_is_no_text_of_that_name(url: str) -> None:
    table = pa.table({"unique_id": pa.array([None] * 3 + ["None"] * 3, pa.string()), "y": [1.0, 2, 3, 4, 5, 6]})
    headers = {"Content-Type": ARROW, "Accept": "application/json"}
    query = {"model": "naive", "horizon": "1", "levels": ""}
    answer = requests.post(f"{url}/v1/forecast", data=write_arrow(table), params=query, headers=headers, timeout=60)
    assert [(one["id"], one["quantiles"]) for one in answer.json()["forecasts"]] == [("NULL", None), ("None", None)]


@pytest.mark.parametrize(("start", "step"), [("2261-01-01", "1y"), ("9999-01-01", "1h"), ("0001-01-01", "1y")])
def test_a_series_that_leaves_the_range_itself_fails_alone(url: str, start: str, step: str) -> None:
    late = {"id": "late", "values": [1, 2, None, 4, 3, 1, 2, 5, 3, 1, 4, 2], "start": start, "step": step}
    body = {"series": [*series(a=A), late]}
    made = post(url, "/v1/forecast", body | {"horizon": 2, "model": "naive"})["forecasts"]
    assert [one["status"] for one in made] == ["ok", f"failed: {TOO_LATE}"]
    assert (made[1]["point"], made[1]["times"]) == (None, None)
    for verb, answers in (("detect", "detections"), ("impute", "imputations")):
        told = post(url, f"/v1/{verb}", body)[answers]
        assert [one["status"] for one in told] == ["ok", f"failed: {OUTSIDE}"]
    assert {one["answered"] for one in post(url, "/v1/evaluate", body | {"horizon": 2, "models": ["naive"]})["scores"]}


def test_only_the_series_whose_times_leave_the_range_fails(url: str) -> None:
    late = {"id": "late", "values": [1, 2, 3, 4], "start": "2230-12-31", "step": "1y"}
    made = post(url, "/v1/forecast", {"series": [*series(a=A), late], "horizon": 40, "model": "naive"})["forecasts"]
    assert [one["status"] for one in made] == ["ok", f"failed: {TOO_LATE}"]
    assert (made[1]["point"], made[1]["times"], len(made[0]["times"])) == (None, None, 40)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("application/xml", 415), ("text/csv", 415), ("application/problem+json", 200), ("text/plain;charset=x", 200)],
)
def test_a_body_that_says_it_is_something_else_is_not_read(url: str, kind: str, status: int) -> None:
    body = '{"series": [{"values": [1, 2, 3]}], "horizon": 1, "model": "naive"}'
    answer = requests.post(f"{url}/v1/forecast", data=body, headers={"Content-Type": kind}, timeout=60)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\xff" * 100])
def test_a_body_that_is_no_arrow_is_a_problem(url: str, data: bytes) -> None:
    headers = {"Content-Type": ARROW}
    answer = requests.post(f"{url}/v1/forecast?horizon=2", data=data, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["field"]) == (400, "body")


def test_the_query_beside_arrow_is_checked_like_json(url: str) -> None:
    headers = {"Content-Type": ARROW}

    def field(**query: str) -> Any:
        data = write_arrow(long(a=A))
        answer = requests.post(f"{url}/v1/forecast", data=data, params=query, headers=headers, timeout=60)
        return answer.status_code, answer.json().get("field")

    assert field() == (400, "horizon")
    assert field(horizon="x") == (400, "horizon")
    assert field(horizon="2", levels="0.1,b") == (400, "levels[1]")
    assert field(horizon="2", nonsense="1") == (400, "nonsense")
    assert field(horizon="2", options="k") == (400, "options")
    assert field(horizon="2", value_col="z")[0] == 404


def test_openapi_knows_every_path_and_body(url: str) -> None:
    schema = requests.get(f"{url}/schema/openapi.json", timeout=60).json()
    wanted = {f"/v1/{verb}" for verb in ("forecast", "detect", "impute", "correlate", "evaluate", "jobs", "models")}
    assert wanted <= set(schema["paths"])
    content = schema["paths"]["/v1/forecast"]["post"]["requestBody"]["content"]
    values = content["application/json"]["schema"]["properties"]["series"]["items"]["properties"]["values"]
    assert values["items"]["anyOf"] == [{"type": "number"}, {"type": "null"}]
    assert ARROW in content
    kserve = schema["paths"]["/v1/timeseries/forecast"]["post"]
    assert "options" in kserve["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert "outputs" in kserve["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    refusals = {"400", "401", "403", "404", "408", "413", "415", "429", "501", "502", "503", "504"}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert not path.startswith("/v1") or refusals <= set(operation["responses"]), (method, path)
