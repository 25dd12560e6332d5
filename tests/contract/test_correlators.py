"""What every correlator has to keep, whoever wrote it: one suite over all that the registry lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.engine import Engine
from foretell.errors import UnknownName
from foretell.registry import Entry, load, registry
from foretell.results import Correlation
from foretell.series import FloatArray, Series, batch_of
from tests.fakes import scaled, walk

ENTRIES = registry().entries("correlation")
SEEDS = st.integers(0, 10_000)
every_correlator = pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
few = settings(max_examples=5, deadline=None, derandomize=True, database=None)

ENGINE = Engine()
Pair = tuple[Series, Series]


def ask(entry: Entry, *pairs: Pair) -> tuple[Correlation, ...]:
    return ENGINE.correlate_sync(pairs, entry.name)


def pair(seed: int, length: int = 50) -> Pair:
    return walk(length, seed), walk(length, seed + 1)


def numbers(answer: Correlation) -> FloatArray:
    """All that an answer says, as one array."""
    parts = (answer.distance, answer.path, answer.lags, answer.values)
    return np.concatenate([np.ravel(np.asarray(p, dtype=np.float64)) for p in parts if p is not None])


def test_there_are_correlators() -> None:
    assert {"dtw", "tlcc"} <= {e.name for e in ENTRIES}


@every_correlator
@few
@given(seed=SEEDS, size=st.sampled_from([0.003, 1e6]), shift=st.sampled_from([-300.0, 4000.0]))
def test_units_and_zero(entry: Entry, seed: int, size: float, shift: float) -> None:
    first, second = pair(seed)
    (plain,) = ask(entry, (first, second))
    if entry.limits.shift_equivariant:
        (moved,) = ask(entry, (scaled(first, size, shift), scaled(second, 2.0)))
        np.testing.assert_allclose(numbers(moved), numbers(plain), atol=1e-9)
    elif entry.limits.scale_equivariant:
        (moved,) = ask(entry, (scaled(first, size), scaled(second, size)))
        assert moved.distance is not None and plain.distance is not None
        assert moved.distance == pytest.approx(size * plain.distance)


@every_correlator
@few
@given(seed=SEEDS)
def test_alone_or_in_a_batch(entry: Entry, seed: int) -> None:
    pairs = [pair(seed), pair(seed + 5, 67), pair(seed + 9, 53)]
    for one, answer in zip(pairs, ask(entry, *pairs), strict=True):
        np.testing.assert_array_equal(numbers(ask(entry, one)[0]), numbers(answer))


@every_correlator
def test_more_padding_changes_nothing(entry: Entry) -> None:
    (a, b), (c, d) = pair(1), pair(2, 90)
    model, options = load(entry.target), entry.read_options({})
    alone = model.correlate(batch_of([a]), batch_of([b]), options)
    padded = model.correlate(batch_of([a, c]), batch_of([b, d]), options)
    np.testing.assert_array_equal(numbers(padded[0]), numbers(alone[0]))


@every_correlator
def test_input_is_not_changed(entry: Entry) -> None:
    first, second = (batch_of([s]) for s in pair(3))
    before = first.values.copy(), second.values.copy()
    load(entry.target).correlate(first, second, entry.read_options({}))
    np.testing.assert_array_equal((first.values, second.values), before)


@every_correlator
@few
@given(seed=SEEDS, gaps=st.lists(st.integers(0, 49), max_size=20))
def test_missing_values_never_come_out(entry: Entry, seed: int, gaps: list[int]) -> None:
    first, second = pair(seed)
    first.values[gaps] = np.nan
    (answer,) = ask(entry, (first, second))
    assert answer.status == "ok" or answer.status.startswith("repaired(")
    assert np.isfinite(numbers(answer)).all()


@every_correlator
def test_a_constant_is_answered_without_nan(entry: Entry) -> None:
    (answer,) = ask(entry, (Series(np.full(20, 3.0)), walk(20)))
    assert answer.status == "ok"
    assert np.isfinite(numbers(answer)).all()


@every_correlator
def test_each_bad_pair_has_its_status(entry: Entry) -> None:
    nan, inf = Series(np.full(9, np.nan)), Series(np.full(9, np.inf))
    good, empty = walk(9), Series(np.array([]))
    answers = ask(entry, (nan, good), (good, inf), (empty, empty), (good, good))
    assert [a.status for a in answers] == ["all_missing", "non_finite", "all_missing", "ok"]
    assert all(a.distance is None and a.values is None for a in answers[:3])


@every_correlator
def test_unknown_options_list_the_known(entry: Entry) -> None:
    with pytest.raises(UnknownName, match="known"):
        ENGINE.correlate_sync([pair(1)], entry.name, {"colour": "red"})
