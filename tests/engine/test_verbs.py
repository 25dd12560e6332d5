"""detect, impute and correlate: what the engine adds to the models of these kinds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from foretell.engine import Engine
from foretell.engine.engine import Control
from foretell.engine.worker import Executor, ProcessExecutor, ThreadExecutor
from foretell.errors import Cancelled, DeadlineExceeded, UnknownName
from foretell.series import Series
from tests.engine.verbs import engine_of_fakes

NAN = np.nan


def series(*values: float) -> Series:
    return Series(np.array(values, dtype=np.float64))


@pytest.fixture(scope="module", params=[ThreadExecutor, ProcessExecutor], ids=["thread", "process"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    executor: Executor = request.param(2)
    yield executor
    executor.close()


@pytest.fixture
def engine(executor: Executor) -> Engine:
    return engine_of_fakes(executor)


def test_labels_come_back_in_place_and_missing_points_have_none(engine: Engine) -> None:
    found = engine.detect_sync([series(1, 20, 3), series(NAN, 2, NAN, 30, 31, 3)], "above")
    assert found.row(0).tolist() == [1, -1, 1]
    assert found.row(1).tolist() == [1, 1, 1, -1, -1, 1]
    assert found.status == ("ok", "repaired(2)")
    assert found.scores is not None
    np.testing.assert_array_equal(found.scores[1], [NAN, 2, NAN, 30, 31, 3])
    assert found.anomalies.sum() == 3
    assert found.windows(1).tolist() == [[3, 4, -1]]
    assert found.windows(0).tolist() == [[1, 1, -1]]


def test_windows_split_where_the_label_changes() -> None:
    found = engine_of_fakes().detect_sync([series(20, 1)], "above")
    found.labels[0] = [3, 3]
    assert found.windows(0).tolist() == [[0, 1, 3]]
    found.labels[0] = [3, -1]
    assert found.windows(0).tolist() == [[0, 0, 3], [1, 1, -1]]


def test_a_series_without_points_has_no_windows(engine: Engine) -> None:
    found = engine.detect_sync([series(1, 20), series()], "above")
    assert [found.windows(row).tolist() for row in (0, 1)] == [[[1, 1, -1]], []]


def test_the_label_of_normal_points_is_an_option(engine: Engine) -> None:
    found = engine.detect_sync([series(1, 20), series(7, 7), series(7)], "above", {"valid_code": 5})
    assert found.labels.tolist() == [[5, -1], [5, 5], [5, 5]]
    assert (found.normal, found.windows(1).tolist()) == (5, [])
    assert found.status == ("ok", "constant", "too_short")


def test_each_bad_series_has_its_status(engine: Engine) -> None:
    bad = [series(NAN, NAN), series(), series(1, np.inf), series(1), series(13, 1), series(*range(1001))]
    found = engine.detect_sync([*bad, series(1, 11)], "above", {"top": 10})
    assert found.status[:4] == ("all_missing", "all_missing", "non_finite", "too_short")
    assert found.status[4].endswith("ZeroDivisionError: 13")
    assert found.status[5] == "failed: takes at most 1000 points, got 1001"
    assert found.status[6] == "ok"
    assert found.row(6).tolist() == [1, -1]
    assert not found.anomalies[:6].any()


def test_nothing_in_nothing_out(engine: Engine) -> None:
    assert len(engine.detect_sync([], "above")) == len(engine.impute_sync([], "zero")) == 0
    assert engine.correlate_sync([], "gap") == ()


def test_wrong_shapes_are_failures(engine: Engine) -> None:
    assert "returned labels" in engine.detect_sync([series(1, 2)], "narrow").status[0]
    assert "0 answers for 1 pairs" in engine.correlate_sync([(series(1, 2), series(1, 2))], "silent")[0].status


def test_what_was_seen_stays(engine: Engine) -> None:
    made = engine.impute_sync([series(NAN, 5, NAN), series(1, 2), series(4, NAN), series(NAN)], "zero")
    assert made.status == ("repaired(2)", "ok", "repaired(1)", "all_missing")
    values, imputed = made.row(0)
    assert (values.tolist(), imputed.tolist()) == ([0, 5, 0], [True, False, True])
    assert made.row(1)[0].tolist() == [1, 2]
    assert made.row(2)[0].tolist() == [4, 0]
    assert np.isnan(made.row(3)[0]).all() and not made.imputed[3].any()


def test_a_filling_that_is_not_finite_is_a_failure(engine: Engine) -> None:
    made = engine.impute_sync([series(1, NAN)], "zero", {"fill": "inf"})
    assert made.status == ("failed: zero left a gap or gave a value that is not finite",)
    assert not made.imputed.any()


def test_pairs(engine: Engine) -> None:
    pairs = [
        (series(1, 2, 9), series(4, 5)),
        (series(1, 2), series(NAN, 3, 4)),
        (series(1, 2), series(np.inf, 1)),
        (series(1), series(1, 2)),
    ]
    answers = engine.correlate_sync(pairs, "gap")
    assert [a.status for a in answers] == ["ok", "repaired(1)", "non_finite", "too_short"]
    assert answers[0].distance == 4
    assert answers[0].model == "gap"
    assert [a.details.get("series") for a in answers] == [None, None, 1, 0]


def test_unknown_names_list_the_known(engine: Engine) -> None:
    with pytest.raises(UnknownName, match="above"):
        engine.detect_sync([], "gap")
    with pytest.raises(UnknownName, match="valid_code"):
        engine.detect_sync([], "above", {"bottom": 1})


def test_many_series_in_many_chunks(engine: Engine) -> None:
    engine.chunk_budget = 50.0
    seen: list[tuple[int, int]] = []
    control = Control(progress=lambda done, total: seen.append((done, total)))
    found = engine.detect_sync([series(i, *range(i % 7 + 2)) for i in range(100)], "above", {"top": 50}, control)
    assert [bool(found.row(i)[0] == -1) for i in range(100)] == [i > 50 for i in range(100)]
    assert seen[-1] == (100, 100) and len(seen) > 5


def test_cancel_and_deadline_hold_for_every_verb() -> None:
    engine = engine_of_fakes()
    gone = threading.Event()
    gone.set()
    one, gap = [series(1, 2)], [series(1, NAN)]
    for control, error in ((Control(cancel=gone), Cancelled), (Control(timeout=-1), DeadlineExceeded)):
        with pytest.raises(error):
            engine.detect_sync(one, "above", None, control)
        with pytest.raises(error):
            engine.impute_sync(gap, "zero", None, control)
        with pytest.raises(error):
            engine.correlate_sync([(one[0], one[0])], "gap", None, control)


def test_inside_a_running_loop() -> None:
    async def both() -> None:
        engine = engine_of_fakes()
        assert (
            engine.detect_sync([series(1, 20)], "above").status == (await engine.detect([series(1, 2)], "above")).status
        )

    asyncio.run(both())
