"""Answers kept: equal questions only, within size and age."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foretell.engine.cache import Cache, digest
from foretell.series import Forecast, Series
from foretell.steps import Step

HOUR = Step(ns=3_600_000_000_000)


def answer(points: int = 100) -> Forecast:
    return Forecast(np.zeros((1, points)), None, (), ("ok",))


def test_an_answer_is_kept_until_it_is_old() -> None:
    clock = [0.0]
    cache = Cache(1 << 20, age=10, now=lambda: clock[0])
    made = answer()
    assert cache.get("q") is None
    cache.put("q", made)
    assert cache.get("q") is made
    clock[0] = 11
    assert cache.get("q") is None
    assert (cache.hits, cache.misses, cache.used, len(cache)) == (1, 2, 0, 0)


def test_the_longest_unused_goes_first_and_what_is_too_large_is_not_kept() -> None:
    cache = Cache(5000, age=10)
    for name in "abc":
        cache.put(name, answer())
    assert cache.get("a") is not None
    cache.put("d", answer())
    assert cache.get("b") is None
    assert cache.get("a") is not None
    cache.put("large", answer(1000))
    assert cache.get("large") is None
    assert 0 < cache.used <= 5000
    cache.clear()
    assert (len(cache), cache.used) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 800)), max_size=60))
def test_it_never_holds_more_than_its_size(puts: list[tuple[str, int]]) -> None:
    cache = Cache(6000, age=1e9)
    for name, points in puts:
        cache.put(name, answer(points))
        assert cache.used <= 6000
        assert cache.used == sum(weight for _, weight, _ in cache._kept.values())


def test_a_digest_sees_all_that_an_answer_depends_on() -> None:
    values = np.arange(4.0)
    plain = Series(values, 0, HOUR, "a")
    others: list[Any] = [
        Series(values + 1e-12, 0, HOUR, "a"),
        Series(values, 1, HOUR, "a"),
        Series(values, 0, Step(ns=1), "a"),
        Series(values, 0, HOUR, "b"),
        Series(values, 0, HOUR, "a", past_covariates=values[None]),
        Series(values, 0, HOUR, "a", future_covariates=values[None]),
        Series(values[::-1], 0, HOUR, "a"),
    ]
    found = {digest([one]) for one in [plain, *others]} | {digest([plain, plain]), digest([(plain, others[0])])}
    assert len(found) == len(others) + 3
    assert digest([plain]) == digest([Series(values.copy(), 0, HOUR, "a")])
