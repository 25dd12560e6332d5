"""KServe's protocol for time series."""

from __future__ import annotations

from typing import Any

import pytest
import requests

UNIVARIATE = {
    "type": "univariate_time_series",
    "name": "sales",
    "series": [float(10 + i % 7) for i in range(70)],
    "frequency": "D",
    "start_timestamp": "2024-01-01T00:00:00",
}
MULTIVARIATE = {
    "type": "multivariate_time_series",
    "name": "two",
    "series": [[float(i % 7), float(100 - i % 7)] for i in range(70)],
    "frequency": "day",
}


def post(url: str, **body: Any) -> Any:
    return requests.post(f"{url}/v1/timeseries/forecast", json=body, timeout=60)


def test_forecasts_in_the_shape_of_the_input(url: str) -> None:
    options = {"horizon": 7, "quantiles": [0.00001, 0.9]}
    inputs = [UNIVARIATE, MULTIVARIATE]
    made = post(url, model="seasonal_naive", inputs=inputs, options=options, metadata={"k": 1}).json()
    assert (made["status"], made["error"], len(made["outputs"])) == ("completed", None, 2)
    first, second = (output["content"][0] for output in made["outputs"])
    assert first["mean_forecast"] == UNIVARIATE["series"][:7]
    assert (first["start_timestamp"], first["frequency"]) == ("2024-03-11T00:00:00Z", "D")
    assert set(first["quantiles"]) == {"0.00001", "0.9"}
    assert second["mean_forecast"] == MULTIVARIATE["series"][:7]
    assert len(second["quantiles"]["0.9"][0]) == 2
    assert made["usage"]["total_tokens"] == made["usage"]["prompt_tokens"] + 21


@pytest.mark.parametrize("start", ["2024-01-01T00:00:00", "2024-01-01T00:00:00.5", "2024-01-01T00:00:00.000000001"])
def test_a_time_is_as_fine_as_it_came(url: str, start: str) -> None:
    made = post(url, model="naive", inputs=[{**UNIVARIATE, "start_timestamp": f"{start}Z"}], options={"horizon": 1})
    found = made.json()["outputs"][0]["content"][0]["start_timestamp"]
    assert found == f"{start}Z".replace("01-01", "03-11")


def test_no_time_is_invented(url: str) -> None:
    timeless = {key: value for key, value in UNIVARIATE.items() if key != "start_timestamp"}
    made = post(url, model="naive", inputs=[timeless], options={"horizon": 2}).json()
    assert made["outputs"][0]["content"][0]["start_timestamp"] is None


def test_a_bad_series_is_an_error_of_its_own(url: str) -> None:
    bad = {**UNIVARIATE, "name": "bad", "series": [None, None]}
    made = post(url, model="naive", inputs=[UNIVARIATE, bad], options={"horizon": 2}).json()
    assert (made["status"], [o["status"] for o in made["outputs"]]) == ("partial", ["completed", "error"])
    assert "all_missing" in made["outputs"][1]["error"]["message"]


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"frequency": "fortnight"}, 400, "inputs[0].frequency"),
        ({"series": []}, 400, "inputs[0].series"),
        ({"series": [[1.0]]}, 400, "inputs[0].series"),
        ({"type": "multivariate_time_series"}, 400, "inputs[0].series"),
        ({"start_timestamp": "yesterday"}, 400, "inputs[0].start_timestamp"),
    ],
)
def test_errors_have_the_protocols_shape(url: str, change: dict[str, Any], status: int, param: str) -> None:
    answer = post(url, model="naive", inputs=[{**UNIVARIATE, **change}], options={"horizon": 2})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    unknown = post(url, model="nothing", inputs=[UNIVARIATE], options={"horizon": 2})
    assert unknown.status_code == 404


def test_a_quantile_that_is_none_is_named_as_it_was_sent(url: str) -> None:
    answer = post(url, model="naive", inputs=[UNIVARIATE], options={"horizon": 2, "quantiles": [1.5]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "options.quantiles[0]")


def test_models_are_listed(url: str) -> None:
    assert "foretell-small" in requests.get(f"{url}/v1/timeseries/models", timeout=60).json()
