"""/v1/models: looking, and loading and unloading for those who may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from foretell.errors import InvalidInput
from tests.http_api.conftest import ADMIN, serving

HEADERS = {"Authorization": f"Bearer {ADMIN}"}


def about(url: str, name: str) -> dict[str, Any]:
    return dict(requests.get(f"{url}/v1/models/{name}", timeout=60).json())


def change(url: str, what: str, **more: Any) -> requests.Response:
    return requests.post(f"{url}/v1/models/{what}", headers=HEADERS, timeout=60, **more)


def test_a_model_comes_and_goes(url: str) -> None:
    assert about(url, "foretell-small")["loaded"] is False
    made = change(url, "foretell-small/load").json()
    assert (made["loaded"], made["memory"] > 1 << 20) == (True, True)
    assert change(url, "foretell-small/unload").json()["loaded"] is False
    body = {"series": [{"values": [1, 2, 3] * 10}], "horizon": 2}
    assert requests.post(f"{url}/v1/forecast", json=body, timeout=60).status_code == 200
    assert about(url, "foretell-small")["loaded"] is True


def test_only_an_admin_changes_the_server(url: str) -> None:
    for action in ("load", "unload", "pull"):
        assert requests.post(f"{url}/v1/models/theta/{action}", timeout=60).status_code == 401
    assert change(url, "theta/pull").status_code == 400
    assert "foretell-small" in requests.get(f"{url}/v1/timeseries/models", timeout=60).json()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("ets?kind=anomaly", 404),
        ("iqr", 200),
        ("iqr?kind=anomaly", 200),
        ("iqr?kind=forecast", 404),
        ("ets?kind=x", 400),
    ],
)
def test_one_model_by_name_and_kind(url: str, path: str, status: int) -> None:
    assert requests.get(f"{url}/v1/models/{path}", timeout=60).status_code == status


def test_a_model_of_any_kind_says_what_it_takes(url: str) -> None:
    found = about(url, "ksigma")
    assert (found["kind"], found["max_horizon"], found["covariates"]) == ("anomaly", None, None)
    assert about(url, "theta")["max_horizon"] > 0
    assert "iqr" in requests.get(f"{url}/v1/models/nothing", timeout=60).json()["detail"]
    assert change(url, "iqr/load").status_code == 200
    options = about(url, "timemoe-mini")["options"]
    assert options["norm"]["choices"] == ["cycles", "instance", "none"]
    period = about(url, "holtwinters")["options"]["period"]
    assert (period["type"], period["low"] is not None) == ("int", True)


def test_models_are_there_before_the_server_listens(tmp_path: Path) -> None:
    with serving(tmp_path, preload=("foretell-small",), replicas={"foretell-small": 2}) as url:
        assert about(url, "foretell-small")["loaded"] is True


def test_a_name_in_the_settings_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    wrong = {"foretel-small": 2}
    with pytest.raises(InvalidInput, match=r"replicas: unknown .*foretel-small"), serving(tmp_path, replicas=wrong):
        pass
