"""Bodies of /v1 that are right, with any numbers in them: 200, a status of the contract for each series, finite
numbers or null, and what the library gives for the same call."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from hypothesis import event, given
from hypothesis import strategies as st

import foretell
from tests.fuzz.examples import examples
from tests.http_api.conftest import serving

STATUS = re.compile(r"ok|repaired\(\d+\)|constant|no_interval|too_short|all_missing|non_finite|failed: .+", re.DOTALL)
MODELS = ("naive", "theta", "foretell-small")
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6),
    st.integers(-9, 9).map(float),
    st.sampled_from((0.0, -0.0, 1e300, -1e300, 1.7e308, 5e-324, 1e-300, 1e15, 1e15 + 1)),
)


@st.composite
def series(draw: st.DrawFn) -> list[float | None]:
    """Short, constant, missing, tiny or huge, or a plain one."""
    kind = draw(st.sampled_from(("any", "any", "constant", "missing", "gaps", "wave")))
    size = draw(st.integers(1, 40))
    if kind == "constant":
        return [draw(NUMBERS)] * size
    if kind == "missing":
        return [None] * size
    if kind == "wave":
        scale, phase = draw(NUMBERS), draw(st.floats(0, 6))
        return [scale / 4 * math.sin(phase + i / 2) for i in range(size * 3)]
    cell = NUMBERS | st.none() if kind == "gaps" else NUMBERS
    return draw(st.lists(cell, min_size=1, max_size=40))


BODIES = st.fixed_dictionaries(
    {
        "series": st.lists(series(), min_size=1, max_size=4),
        "horizon": st.integers(1, 40),
        "levels": st.lists(st.sampled_from((0.025, 0.1, 0.3, 0.5, 0.9, 0.975)), min_size=1, max_size=4, unique=True),
        "model": st.sampled_from(MODELS),
    }
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("verbs"), request_timeout=60) as found:
        yield found


@examples(40, share=0.5)
@given(BODIES)
def test_a_right_body_gets_what_the_library_gives(url: str, body: dict[str, Any]) -> None:
    body["levels"].sort()
    sent = {**body, "series": [{"values": values} for values in body["series"]]}
    answer = requests.post(f"{url}/v1/forecast", json=sent, timeout=60)
    assert answer.status_code == 200, answer.text
    said = json.loads(answer.text, parse_constant=_refuse)
    made = foretell.forecast(_arrays(body), body["horizon"], model=body["model"], levels=body["levels"])
    for row, one in enumerate(said["forecasts"]):
        event(one["status"][:9])
        assert STATUS.fullmatch(one["status"])
        assert one["status"] == made.status[row]
        if one["point"] is not None:
            assert np.allclose(one["point"], made.point[row], rtol=1e-5, atol=0, equal_nan=False)
        if one["quantiles"] is not None:
            bounds = np.array([*one["quantiles"].values()]).T
            assert np.isfinite(bounds).all()
            assert np.allclose(bounds, made.quantiles[row], rtol=1e-5, atol=1e-12)


def _arrays(body: dict[str, Any]) -> list[np.ndarray[Any, Any]]:
    return [np.array(values, np.float64) for values in body["series"]]


def _refuse(word: str) -> float:
    raise AssertionError(f"{word} in an answer")
