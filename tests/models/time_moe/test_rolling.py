"""norm=fixed: series that go on give what a run without a cache gives, with the same scale and start."""

from __future__ import annotations

import re
import threading
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from foretell.engine import Engine
from foretell.engine.worker import DIED, Executor, ProcessExecutor, ThreadExecutor
from foretell.models.rolling import Context, Held, Rolling, overlap
from foretell.models.time_moe import Group, TimeMoe
from foretell.models.time_moe_model import Scale, TimeMoe50M, loaded
from foretell.registry import Registry
from foretell.series import FloatArray, Forecast, Series, batch_of
from foretell.steps import DAY, Step
from tests.models.time_moe.golden import ROOT, TINY, tiny
from tests.models.time_moe.plain import Plain, published_tensors

GAP = 1e-5


@pytest.fixture(autouse=True)
def weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny checkpoint behind timemoe-50m, here and in worker processes."""
    monkeypatch.setenv("FORETELL_WEIGHTS", f'{{"timemoe-50m": "{TINY}"}}')


def entry() -> Any:
    models = Registry()
    models.register(TimeMoe50M)
    return models.find("timemoe-50m")


def walk(length: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=length).cumsum() * 10 + 100


class Caller:
    """Forecasts with one state, as a worker would, and holds each answer against the network without a cache."""

    def __init__(self, megabytes: int = 64, **options: Any) -> None:
        self.model = TimeMoe50M()
        self.state = Rolling(megabytes << 20)
        self.options = entry().read_options({"norm": "fixed", **options})
        self.exact = tiny(packed=True)
        self.seen: dict[str, list[FloatArray]] = {}
        self.doubtful = 0

    def ask(self, horizon: int, *series: Series) -> Forecast:
        """The answer, after every row of it has been checked."""
        answer = self.model.forecast(batch_of(series), horizon, (), self.options, self.state)
        for row, (one, details) in enumerate(zip(series, answer.details, strict=True)):
            self.check(answer.point[row], one, details, horizon)
        return answer

    def check(self, point: FloatArray, series: Series, details: Any, horizon: int) -> None:
        """`context` older points of some history of this id, then the series; the scale is that of the details."""
        length = details["context"]
        assert len(series) <= length
        assert 1 <= details["computed"] <= length
        context = self.history_of(series, length)
        scaled = Scale(details["mean"], details["spread"])
        values = torch.from_numpy(scaled.apply(context)).float()
        expected = scaled.undo(self.exact.generate([values], horizon)[0].double().numpy())
        if np.allclose(point, expected, rtol=0, atol=1e-5 * scaled.spread):
            return
        twin = Plain(self.exact.shape, published_tensors(tiny()))
        twin.generate(values, horizon)
        assert min(twin.gaps) < GAP, np.abs(point - expected).max() / scaled.spread
        self.doubtful += 1

    def history_of(self, series: Series, length: int) -> FloatArray:
        """The last `length` points of what was sent of this series, however much of it was cut off on the left."""
        known = self.seen.setdefault(series.id, [])
        for i, history in enumerate(known):
            at = overlap(Context(history), Context(series.values))
            longer = np.concatenate([history[: at.offset], series.values])
            if 2 * at.length >= len(series) and len(longer) >= length:
                if len(longer) >= len(history):
                    known[i] = longer
                return longer[-length:]
        known.append(series.values)
        return series.values[-length:]


def test_a_new_point_costs_one_point() -> None:
    caller, values = Caller(), walk(80)
    first = caller.ask(8, Series(values[:64], id="a")).details[0]
    assert (first["context"], first["computed"]) == (64, 64)
    for end in range(65, 81):
        grown = caller.ask(8, Series(values[:end], id="a")).details[0]
        assert (grown["context"], grown["computed"]) == (end, 1)
        assert (grown["mean"], grown["spread"]) == (first["mean"], first["spread"])
    assert caller.state.nbytes < 64 << 20


def test_a_window_that_moves_on_begins_anew_when_there_is_twice_of_it() -> None:
    caller, values = Caller(), walk(100)
    details = [caller.ask(5, Series(values[end - 32 : end], id="a")).details[0] for end in range(32, 100)]
    assert [d["computed"] for d in details[:33]] == [32] + [1] * 32
    assert [d["context"] for d in details[:33]] == list(range(32, 65))
    assert (details[33]["context"], details[33]["computed"]) == (32, 32)
    assert details[33]["mean"] == values[33:65].mean()


def test_a_question_asked_again_feeds_the_last_point_again() -> None:
    caller, values = Caller(), walk(40)
    asked = [caller.ask(horizon, Series(values, id="a")) for horizon in (9, 9, 72, 1)]
    assert [a.details[0]["computed"] for a in asked] == [40, 1, 1, 1]
    np.testing.assert_allclose(asked[0].point, asked[1].point, rtol=1e-5)
    assert len(caller.state) == 1


def test_a_point_that_changed_is_taken_off_and_what_follows_is_computed_again() -> None:
    caller, values = Caller(), walk(40)
    caller.ask(9, Series(values, id="a"))
    values[-3] += 5
    details = caller.ask(9, Series(values, id="a")).details[0]
    assert (details["context"], details["computed"]) == (40, 3)


def test_a_history_that_changed_begins_anew() -> None:
    caller, values = Caller(), walk(40)
    before = caller.ask(9, Series(values, id="a")).details[0]
    values[3] += 5
    after = caller.ask(9, Series(values, id="a")).details[0]
    assert after["computed"] == 40
    assert after["mean"] != before["mean"]


def test_the_same_id_in_two_tables_is_two_series() -> None:
    caller, one, other = Caller(), walk(50), walk(50, 1)
    for end in (48, 49, 50):
        for values in (one, other):
            details = caller.ask(9, Series(values[:end], id="a")).details[0]
            assert details["computed"] == (48 if end == 48 else 1)
    assert len(caller.state) == 2


def test_rows_of_one_batch_do_not_share_a_cache() -> None:
    caller, values = Caller(), walk(50)
    caller.ask(9, Series(values[:40], id="a"))
    answer = caller.ask(9, Series(values[:42], id="a"), Series(values[:42], id="a"), Series(walk(33, 2), id="b"))
    assert [d["computed"] for d in answer.details] == [2, 42, 33]
    np.testing.assert_allclose(answer.point[0], caller.ask(9, Series(values[:42], id="a")).point[0], rtol=0.5)


def test_times_say_where_a_context_lies() -> None:
    """Without times a constant beginning might lie anywhere."""
    caller = Caller()
    values, step = np.concatenate([np.full(30, 5.0), walk(20)]), Step(ns=DAY)
    caller.ask(9, Series(values[:45], 0, step, "a"))
    moved = caller.ask(9, Series(values[10:], 10 * DAY, step, "a")).details[0]
    assert (moved["context"], moved["computed"]) == (50, 5)
    elsewhere = caller.ask(9, Series(values[10:], 11 * DAY, step, "a")).details[0]
    assert (elsewhere["context"], elsewhere["computed"]) == (40, 40)
    other_step = caller.ask(9, Series(values[10:], 10 * DAY, Step(ns=2 * DAY), "a")).details[0]
    assert other_step["computed"] == 40


def test_months_are_counted() -> None:
    context = Context(np.arange(24.0), 0, Step(months=1))
    later = Series(np.arange(24.0), 0, Step(months=1)).future_times(3)
    assert later is not None
    assert [context.point_at(int(t)) for t in later] == [24, 25, 26]
    assert context.point_at(int(later[0]) + 1) is None
    assert Context(np.arange(3.0)).point_at(0) is None


def test_the_past_of_a_series_moves_nothing() -> None:
    caller, values = Caller(), walk(60)
    caller.ask(9, Series(values, id="a"))
    held = caller.state.nbytes
    past = caller.ask(72, *(Series(values[:end], id="a") for end in (30, 40, 51)))
    assert [d["computed"] for d in past.details] == [1, 1, 1]
    assert (len(caller.state), caller.state.nbytes) == (1, held)
    assert caller.ask(9, Series(values, id="a")).details[0]["computed"] == 1


def test_bounds_are_from_the_same_model_and_cost_as_little() -> None:
    computed: list[int] = []

    class Watched(ThreadExecutor):
        async def call(self, *arguments: Any, **more: Any) -> Any:
            answer = await super().call(*arguments, **more)
            computed.extend(d["computed"] for d in answer.details)
            return answer

    models = Registry()
    models.register(TimeMoe50M)
    engine = Engine(Watched(), models)
    for end in (120, 121):
        answer = engine.forecast_sync(
            [Series(walk(130)[:end], id="a")], 9, "timemoe-50m", levels=(0.1, 0.9), options={"norm": "fixed"}
        )
        assert answer.status == ("ok",)
        assert (answer.quantile(0.1) < answer.point).all()
    assert computed == [120] + [1] * 8 + [1] + [1] * 8
    engine.close()


def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    caller = Caller(megabytes=0)
    one = caller.model.forecast(batch_of([Series(walk(40))]), 9, (), caller.options, Rolling(1 << 30))
    size = 2 * 4 * 2 * 32 * (48 + 48 // 4) + 40 * 8
    caller.state.limit = 3 * size
    for name in "abc":
        caller.ask(9, Series(walk(40, ord(name)), id=name))
    assert caller.state.nbytes == 3 * size
    caller.ask(9, Series(walk(40, ord("a")), id="a"))
    caller.ask(9, Series(walk(40, ord("d")), id="d"))
    computed = {n: caller.ask(9, Series(walk(40, ord(n)), id=n)).details[0]["computed"] for n in "acd"}
    assert computed == {"a": 1, "c": 1, "d": 1}
    assert len(caller.state) == 3
    assert caller.ask(9, Series(walk(40, ord("b")), id="b")).details[0]["computed"] == 40
    assert caller.state.nbytes <= caller.state.limit
    assert one.details[0]["computed"] == 40


def test_no_memory_is_no_cache_but_the_same_answer() -> None:
    caller, values = Caller(megabytes=0), walk(40)
    assert [caller.ask(9, Series(values[:end], id="a")).details[0]["computed"] for end in (39, 40)] == [39, 40]
    assert len(caller.state) == 0
    plain = caller.model.forecast(batch_of([Series(values)]), 9, (), entry().read_options({}))
    np.testing.assert_allclose(caller.ask(9, Series(values)).point, plain.point, rtol=1e-5)
    without = caller.model.forecast(batch_of([Series(values)]), 9, (), caller.options)
    np.testing.assert_allclose(without.point, plain.point, rtol=1e-5)


def test_no_more_context_than_the_model_takes() -> None:
    caller, values = Caller(), walk(5000)
    caller.ask(1, Series(values[:4000], id="a"))
    assert caller.ask(1, Series(values[50:4050], id="a")).details[0]["context"] == 4050
    assert caller.ask(1, Series(values[100:4100], id="a")).details[0]["context"] == 4000


def test_precisions_do_not_share_a_cache() -> None:
    exact, values = Caller(), walk(40)
    exact.ask(9, Series(values[:39], id="a"))
    rough = entry().read_options({"norm": "fixed", "precision": "bf16"})
    answer = exact.model.forecast(batch_of([Series(values, id="a")]), 9, (), rough, exact.state)
    assert answer.details[0]["computed"] == 40


def test_work_that_fails_leaves_no_half_made_series(monkeypatch: pytest.MonkeyPatch) -> None:
    caller, values = Caller(), walk(50)
    caller.ask(9, Series(values[:48], id="a"))
    with monkeypatch.context() as patch:
        patch.setattr(TimeMoe, "resume", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            caller.ask(9, Series(values[:49], id="a"))
    assert len(caller.state) == 0
    assert caller.ask(9, Series(values[:50], id="a")).details[0]["computed"] == 50


def test_threads_never_hold_the_same_series() -> None:
    state, context = Rolling(1 << 20), Context(walk(40))
    made: list[Held] = []
    barrier = threading.Barrier(4)

    def new(context: Context) -> Held:
        return Held("a", context, None, Group(1, 0), len(context.values))

    state.put(new(context))

    def visit() -> None:
        barrier.wait()
        made.append(state.visit("a", context, 4096, new))

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(held) for held in made}) == 4
    assert len(state) == 0


@pytest.mark.parametrize("executor", [ThreadExecutor, ProcessExecutor])
def test_the_state_lives_and_dies_with_its_worker(executor: type[Executor]) -> None:
    models = Registry()
    models.register(TimeMoe50M)
    where = executor(1)  # type: ignore[call-arg]
    engine = Engine(where, models)
    values = walk(50)

    def computed(end: int) -> int:
        answer = engine.forecast_sync([Series(values[:end], id="a")], 9, "timemoe-50m", options={"norm": "fixed"})
        count: int = answer.details[0]["computed"]
        return count

    assert [computed(end) for end in (47, 48, 49)] == [47, 1, 1]
    if isinstance(where, ProcessExecutor):
        where._idle[0].stop()
        assert computed(50) == 50
        assert where.replaced[DIED] == 1
    engine.close()


def test_it_works_in_int8_too() -> None:
    values = walk(60)
    options = entry().read_options({"norm": "fixed", "precision": "int8"})
    state, model = Rolling(1 << 24), TimeMoe50M()
    for end in (58, 59, 60):
        answer = model.forecast(batch_of([Series(values[:end], id="a")]), 9, (), options, state)
    details = answer.details[0]
    assert details["computed"] == 1
    scaled = Scale(details["mean"], details["spread"])
    whole = loaded(TINY, "int8").generate([scaled.apply(values)], 9, False)[0]
    np.testing.assert_allclose(answer.point[0], scaled.undo(whole), atol=1e-3 * scaled.spread)


def test_the_example_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "time-moe.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    exec(compile(code, "time-moe.md", "exec"), {})
    said = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert said == ["512", *["1"] * 7]


SERIES = [walk(400, seed) for seed in range(3)]
MOVES = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=3, unique_by=lambda m: m[0]),
        st.sampled_from(["grow", "slide", "past", "revise", "shrink"]),
        st.sampled_from([1, 5, 9, 40]),
    ),
    min_size=1,
    max_size=8,
)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MOVES, st.integers(8, 60), st.sampled_from([1, 64]))
def test_any_pattern_of_questions_equals_the_run_without_a_cache(
    moves: list[tuple[list[tuple[int, int]], str, int]], window: int, megabytes: int
) -> None:
    caller = Caller(megabytes)
    data = [values.copy() for values in SERIES]
    begin, end = [0] * 3, [window] * 3
    for batch, kind, horizon in moves:
        series = []
        for name, points in batch:
            first, last = begin[name], end[name]
            if kind == "past":
                last = max(first + 2, last - points)
            elif kind == "shrink":
                first = begin[name] = min(first + points, last - 2)
            else:
                last = end[name] = last + points
                first = begin[name] = last - window if kind == "slide" else first
            if kind == "revise":
                data[name][last - 1] += 3
            series.append(Series(data[name][first:last], id=str(name)))
        caller.ask(horizon, *series)
    assert caller.doubtful <= 1
