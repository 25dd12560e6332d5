"""Whatever is posted, the answer is one of the protocol: JSON, finite, with `rows`; never a page or a traceback."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretell.errors import InvalidInput
from foretell.wire.tdgpt import read_forecast
from tests.tdgpt.malformed import bodies, good
from tests.tdgpt.taosd import Taosd

SHARE = 300


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        yield found


def check(session: requests.Session, url: str, path: str, text: bytes) -> dict[str, Any]:
    answer = session.post(f"http://{url}{path}", data=text, headers={"Content-Type": "application/json"}, timeout=60)
    content = json.loads(answer.text, parse_constant=_refuse)
    assert "Traceback" not in answer.text
    if path == "/ds_predict":
        assert content["status"] in ("success", "error")
        return dict(content)
    assert answer.status_code == 200
    assert isinstance(content["rows"], int)
    if content["rows"] < 0:
        assert 0 < len(content["msg"].encode()) < 1024
        assert "internal error" not in content["msg"]
    return dict(content)


def _refuse(word: str) -> float:
    raise AssertionError(f"{word} in an answer")


def test_the_bodies_that_are_mutated_are_good(taosd: Taosd, session: requests.Session) -> None:
    for path, text in good().items():
        content = check(session, taosd.url, path, text)
        assert content.get("rows", 1) >= 0, (path, content)


def test_mutated_bodies(taosd: Taosd, session: requests.Session) -> None:
    for path, text in bodies(SHARE):
        check(session, taosd.url, path, text)


def test_each_way_of_being_wrong_occurs() -> None:
    """What the mutator makes of one body, by what taosd's protocol says of it."""
    found = Counter[str]()
    for path, text in bodies(2000):
        if path == "/forecast":
            found[_kind(text)] += 1
    assert {"fine", "is not JSON", "Expected", "differ in length", "40000", "there twice", "too large"} <= set(found)


def _kind(text: bytes) -> str:
    kinds = ("is not JSON", "Expected", "differ in length", "40000", "there twice", "needs")
    try:
        read_forecast(text)
    except InvalidInput as error:
        return next((kind for kind in kinds if kind in str(error)), "other") if len(text) < 1 << 20 else "too large"
    return "fine"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
KEYS = ("schema", "data", "option", "algo", "prec", "wncheck", "return_conf", "forecast_rows", "conf", "every", "start")


@given(st.sampled_from(KEYS), JSON)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_json_in_the_place_of_a_field(taosd: Taosd, session: requests.Session, key: str, value: Any) -> None:
    body = json.loads(good()["/forecast"])
    body[key] = value
    check(session, taosd.url, "/forecast", json.dumps(body).encode())


@given(JSON)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_json_at_all(taosd: Taosd, session: requests.Session, value: Any) -> None:
    for path in good():
        check(session, taosd.url, path, json.dumps(value).encode())
