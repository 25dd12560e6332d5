"""/metrics, and the dashboard that is drawn from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.http_api.conftest import serving

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana-dashboard.json"
HISTORY = [float(10 + t % 5) for t in range(40)]


def ask(url: str, count: int) -> None:
    series = {"id": "drifting", "values": HISTORY[:count], "start": "2024-01-01T00:00:00Z", "step": "1h"}
    body = {"series": [series], "horizon": 3, "model": "seasonal_naive", "options": {"period": 5}, "levels": [0.1, 0.9]}
    assert requests.post(f"{url}/v1/forecast", json=body, timeout=60).status_code == 200


@pytest.fixture(scope="module")
def samples(url: str) -> dict[str, float]:
    ask(url, 30)
    ask(url, 33)
    for path in ("/v1/jobs?verb=", "/v1/upload", "/v1/timeseries/forecast"):
        requests.post(f"{url}{path}", data=b"{}", timeout=60)
    answer = requests.get(f"{url}/metrics", timeout=60)
    assert answer.headers["Content-Type"].count("charset") == 1
    text = answer.text
    families = text_string_to_metric_families(text)
    return {
        f"{s.name}{sorted((k, v) for k, v in s.labels.items() if k != 'le')}": s.value
        for f in families
        for s in f.samples
    }


def test_stages_points_and_the_truth_that_came(samples: dict[str, float]) -> None:
    model = ("model", "seasonal_naive")
    for stage in ("queue", "compute"):
        assert samples[f"foretell_stage_seconds_count{[('of', 'seasonal_naive'), ('stage', stage)]}"] == 2
    assert samples[f"foretell_stage_seconds_count{[('of', '/v1/forecast'), ('stage', 'encode')]}"] == 2
    assert samples[f"foretell_points_total{[model]}"] == 30 + 33 + 6
    assert samples[f"foretell_forecast_error_count{[model]}"] == 1
    assert samples[f"foretell_forecast_error_sum{[model]}"] == 0
    assert samples[f"foretell_forecast_coverage_count{[model]}"] == 1


def test_every_request_that_computes_or_changes_is_counted(samples: dict[str, float]) -> None:
    outcomes = {"/v1/jobs": "InvalidInput", "/v1/upload": "NotAvailable", "/v1/timeseries/forecast": "InvalidInput"}
    for path, outcome in {**outcomes, "/v1/forecast": "ok"}.items():
        assert samples[f"foretell_requests_total{[('outcome', outcome), ('path', path)]}"] >= 1


def test_bodies_that_are_not_read_are_counted(tmp_path: Path) -> None:
    with serving(tmp_path, body_limit=1000) as url:
        for path in ("/v1/jobs", "/v1/upload", "/v1/timeseries/forecast", "/v1/forecast"):
            assert requests.post(f"{url}{path}?verb=forecast", data=b" " * 2000, timeout=60).status_code == 413
            counted = rf'foretell_requests_total{{outcome="(?!ok)\w+",path="{path}"}} 1.0'
            assert re.search(counted, requests.get(f"{url}/metrics", timeout=60).text), path


def test_the_dashboard_asks_for_nothing_that_is_not_there(samples: dict[str, float]) -> None:
    known = {key.partition("[")[0] for key in samples}
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"foretell_\w+", target["expr"])
    }
    assert asked
    assert asked <= known, asked - known
