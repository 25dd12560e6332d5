"""Who may share a batch, and how big calls are cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.engine.batcher import BatchKey, batch_key, bucket, cut, point_cost
from foretell.registry import Entry, Limits
from tests.fakes import fake_engine


def entry(name: str) -> Entry:
    return fake_engine().models.find(name)


def test_the_horizon_is_in_the_key_unless_the_model_is_prefix_consistent() -> None:
    assert batch_key(entry("repeat"), {}, 10, 3) != batch_key(entry("repeat"), {}, 10, 4)
    assert batch_key(entry("wide"), {}, 10, 3) == batch_key(entry("wide"), {}, 10, 4)


def test_model_options_length_and_covariates_are_in_the_key() -> None:
    one = batch_key(entry("repeat"), {"a": 1, "b": 2}, 40, 3)
    assert one == batch_key(entry("repeat"), {"b": 2, "a": 1}, 60, 3)
    assert one != batch_key(entry("repeat"), {"a": 2, "b": 2}, 40, 3)
    assert one != batch_key(entry("picky"), {"a": 1, "b": 2}, 40, 3)
    assert one != batch_key(entry("repeat"), {"a": 1, "b": 2}, 400, 3)
    assert one != batch_key(entry("repeat"), {"a": 1, "b": 2}, 40, 3, covariates=1)


@given(st.integers(1, 10**6))
def test_a_bucket_never_doubles_the_work(context: int) -> None:
    assert context <= bucket(context) < 2 * max(context, 17)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 500)), max_size=30),
    st.integers(1, 50),
    st.floats(0.1, 10),
    st.floats(1, 1e5),
)
def test_cutting_keeps_all_series_and_the_budget(
    series: list[tuple[str, int]], horizon: int, point_cost: float, budget: float
) -> None:
    keys = [BatchKey(name, (), 32, None, 0) for name, _ in series]
    lengths = [length for _, length in series]
    chunks = cut(keys, lengths, horizon, point_cost, budget)
    assert sorted(i for chunk in chunks for i in chunk) == list(range(len(series)))
    assert [chunk[0] for chunk in chunks] == sorted(chunk[0] for chunk in chunks)
    for chunk in chunks:
        assert chunk == sorted(chunk)
        assert len({keys[i] for i in chunk}) == 1
        cost = len(chunk) * (max(lengths[i] for i in chunk) + horizon) * point_cost
        assert len(chunk) == 1 or cost <= budget


def test_a_model_that_likes_company_gets_its_points_together_whatever_they_cost() -> None:
    slow, social = Limits(cost=1000.0), Limits(cost=1000.0, together=1000)
    assert (point_cost(slow, 1e5), point_cost(social, 1e5), point_cost(social, 1e7)) == (1000.0, 100.0, 1000.0)
    keys = [BatchKey("a", (), 128, None, 0)] * 12
    for limits, sizes in ((slow, [1] * 12), (social, [10, 2])):
        assert [len(chunk) for chunk in cut(keys, [80] * 12, 20, point_cost(limits, 1e5), 1e5)] == sizes
