"""Long work in pieces: progress, results, stops, restarts."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from foretell.http_api import jobs
from foretell.http_api.forecast import FORECAST
from foretell.http_api.verb import Asking
from foretell.http_api.verbs import VERBS
from foretell.registry import Registry
from foretell.wire.ipc import ARROW, read_arrow
from tests import fakes
from tests.http_api.conftest import serving

SERIES = [{"id": str(i), "values": [float(i + t % 5) for t in range(40)]} for i in range(30)]
BODY = {"series": SERIES, "horizon": 3, "model": "theta"}
FOREVER = {"series": SERIES[:1], "horizon": 1, "model": "busy", "options": {"rounds": 10**9}}


def hand_in(url: str, body: dict[str, Any], verb: str = "forecast") -> dict[str, Any]:
    answer = requests.post(f"{url}/v1/jobs?verb={verb}", json=body, timeout=60)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return dict(answer.json())


def wait(url: str, id: str, *states: str) -> dict[str, Any]:
    for _ in range(6000):
        job = dict(requests.get(f"{url}/v1/jobs/{id}", timeout=60).json())
        if job["state"] in states:
            return job
        time.sleep(0.005)
    raise AssertionError(f"still {job}")


def busy_models() -> Registry:
    models = Registry()
    for fake in (fakes.Busy, fakes.Fake):
        models.register(fake)
    return models


def test_a_job_answers_what_the_call_does(url: str) -> None:
    job = hand_in(url, BODY)
    over = wait(url, job["id"], "done", "failed")
    assert (over["state"], over["done"], over["total"], over["error"]) == ("done", 30, 30, None)
    assert requests.get(f"{url}/v1/jobs", timeout=60).json()[0]["id"] == job["id"]
    made = requests.get(f"{url}/v1/jobs/{job['id']}/result", timeout=60).json()
    assert made == requests.post(f"{url}/v1/forecast", json=BODY, timeout=60).json()
    headers = {"Accept": ARROW}
    arrow = requests.get(f"{url}/v1/jobs/{job['id']}/result", headers=headers, timeout=60)
    assert read_arrow(arrow.content).num_rows == 90
    assert requests.delete(f"{url}/v1/jobs/{job['id']}", timeout=60).status_code == 200
    assert requests.get(f"{url}/v1/jobs/{job['id']}", timeout=60).status_code == 404


def test_the_time_of_a_job_is_one_for_all_of_its_pieces(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines: list[float | None] = []

    async def noting(asking: Asking, *arguments: Any) -> Any:
        deadlines.append(asking.deadline)
        return await FORECAST.ask(asking, *arguments)

    monkeypatch.setattr(jobs, "PIECE", 1e5)
    monkeypatch.setitem(VERBS, "forecast", replace(FORECAST, ask=noting))
    job = hand_in(url, {**BODY, "timeout": 600})
    assert wait(url, job["id"], "done", "failed")["state"] == "done"
    assert len(deadlines) > 2
    assert len(set(deadlines)) == 1


def test_an_evaluation_is_a_job_too(url: str) -> None:
    body = {"series": SERIES, "horizon": 2, "models": ["naive"], "windows": 2}
    job = hand_in(url, body, "evaluate")
    assert wait(url, job["id"], "done", "failed")["state"] == "done"
    made = requests.get(f"{url}/v1/jobs/{job['id']}/result", timeout=60).json()
    assert {s["model"] for s in made["scores"]} == {"naive", "seasonal_naive"}


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("", BODY, 400),
        ("?verb=nothing", BODY, 404),
        ("?verb=forecast", {"series": []}, 400),
        ("?verb=forecast", BODY | {"model": "nonsense"}, 404),
        ("?verb=forecast", BODY | {"options": {"nonsense": 1}}, 404),
        ("?verb=forecast", BODY | {"horizon": 10**7}, 400),
        ("?verb=detect", {"series": SERIES, "model": "theta"}, 404),
        ("?verb=evaluate", {"series": SERIES, "horizon": 2, "models": ["naive", "nonsense"]}, 404),
        ("?verb=evaluate", {"series": SERIES, "horizon": 2, "models": ["naive"], "options": {"naive.x": 1}}, 404),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(url: str, query: str, body: dict[str, Any], status: int) -> None:
    assert requests.post(f"{url}/v1/jobs{query}", json=body, timeout=60).status_code == status


def test_an_unknown_job_names_no_others(url: str) -> None:
    hand_in(url, BODY)
    assert requests.get(f"{url}/v1/jobs/nope", timeout=60).json()["detail"] == "unknown job 'nope'"


def test_a_job_that_fails_says_why(tmp_path: Path) -> None:
    with serving(tmp_path, busy_models()) as url:
        job = hand_in(url, {**FOREVER, "timeout": 0.05})
        over = wait(url, job["id"], "done", "failed")
        assert (over["state"], bool(over["error"])) == ("failed", True)
        answer = requests.get(f"{url}/v1/jobs/{job['id']}/result", timeout=60)
        assert (answer.status_code, "failed" in answer.text) == (400, True)


def test_a_job_that_runs_is_stopped_and_others_go_before_it(tmp_path: Path) -> None:
    with serving(tmp_path, busy_models()) as url:
        job = hand_in(url, FOREVER)
        wait(url, job["id"], "running")
        assert requests.delete(f"{url}/v1/jobs/{job['id']}", timeout=60).json()["state"] == "cancelled"
        body = {"series": SERIES[:1], "horizon": 1, "model": "repeat"}
        assert requests.post(f"{url}/v1/forecast", json=body, timeout=60).status_code == 200
        assert wait(url, job["id"], "cancelled")["state"] == "cancelled"


def test_jobs_outlive_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, busy_models()) as url:
        over = hand_in(url, {"series": SERIES, "horizon": 2, "model": "repeat"})
        wait(url, over["id"], "done")
        cut = hand_in(url, FOREVER)
        wait(url, cut["id"], "running")
    with serving(tmp_path, busy_models()) as url:
        assert wait(url, over["id"], "done")["done"] == 30
        made = requests.get(f"{url}/v1/jobs/{over['id']}/result", timeout=60).json()
        assert len(made["forecasts"]) == 30
        wait(url, cut["id"], "running")
        requests.delete(f"{url}/v1/jobs/{cut['id']}", timeout=60)


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    with serving(tmp_path, busy_models()) as first, serving(tmp_path, busy_models()) as second:
        hand_in(first, {"series": SERIES, "horizon": 2, "model": "repeat"})
        answer = requests.post(f"{second}/v1/jobs?verb=forecast", json=BODY | {"model": "repeat"}, timeout=60)
        assert (answer.status_code, "state_dir" in answer.text) == (501, True)


def test_old_jobs_are_swept_away(tmp_path: Path) -> None:
    with serving(tmp_path, busy_models(), job_age=0.001) as url:
        body = {"series": SERIES[:1], "horizon": 2, "model": "repeat"}
        old = hand_in(url, body)
        wait(url, old["id"], "done")
        new = hand_in(url, body)
        assert {j["id"] for j in requests.get(f"{url}/v1/jobs", timeout=60).json()} == {new["id"]}
        assert not list(tmp_path.rglob(old["id"]))
