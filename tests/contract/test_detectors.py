"""What every detector has to keep, whoever wrote it: one suite over all that the registry lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.engine import Engine
from foretell.errors import InvalidInput, UnknownName
from foretell.registry import Entry, load, registry
from foretell.results import Detection
from foretell.series import Series, batch_of
from tests.fakes import scaled, wave

ENTRIES = registry().entries("anomaly")
SEEDS = st.integers(0, 10_000)
SPIKE = 40
every_detector = pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
few = settings(max_examples=5, deadline=None, derandomize=True, database=None)

ENGINE = Engine()


def ask(entry: Entry, *series: Series, **options: object) -> Detection:
    return ENGINE.detect_sync(series, entry.name, options)


def spiked(seed: int, extra: int = 0) -> Series:
    """A seasonal series with one point far above all others."""
    series = wave(96 + extra, seed)
    series.values[SPIKE] += 60
    return series


def same(one: Detection, other: Detection, row: int = 0, other_row: int = 0) -> None:
    np.testing.assert_array_equal(one.row(row), other.row(other_row))


def test_there_are_detectors() -> None:
    assert {"iqr", "ksigma", "grubbs", "lof", "shesd", "seasonal_residual"} <= {e.name for e in ENTRIES}
    assert registry().broken == {}


@every_detector
@few
@given(seed=SEEDS, size=st.sampled_from([0.003, 0.7, 1e6]))
def test_other_units_give_the_same_labels(entry: Entry, seed: int, size: float) -> None:
    if not entry.limits.scale_equivariant:
        pytest.skip("does not claim it")
    same(ask(entry, spiked(seed)), ask(entry, scaled(spiked(seed), size)))


@every_detector
@few
@given(seed=SEEDS, shift=st.sampled_from([-300.0, 5.0, 4000.0]))
def test_another_zero_gives_the_same_labels(entry: Entry, seed: int, shift: float) -> None:
    if not entry.limits.shift_equivariant:
        pytest.skip("does not claim it")
    same(ask(entry, spiked(seed)), ask(entry, scaled(spiked(seed), 1, shift)))


@every_detector
@few
@given(seed=SEEDS)
def test_alone_or_in_a_batch(entry: Entry, seed: int) -> None:
    series = [spiked(seed), spiked(seed + 1, extra=17), spiked(seed + 2, extra=3)]
    together = ask(entry, *series)
    for row, one in enumerate(series):
        same(together, ask(entry, one), row)


@every_detector
@few
@given(seed=SEEDS)
def test_more_padding_changes_nothing(entry: Entry, seed: int) -> None:
    short, long = spiked(seed), wave(300, seed)
    model, options = load(entry.target), entry.read_options({})
    alone, padded = model.detect(batch_of([short]), options), model.detect(batch_of([short, long]), options)
    same(alone, padded)
    assert not padded.anomalies[0, :-96].any()


@every_detector
@pytest.mark.parametrize("size", [1.0, 1e-290, 1e290])
def test_the_spike_is_found_at_any_size(entry: Entry, size: float) -> None:
    found = ask(entry, scaled(spiked(3), size))
    assert found.status == ("ok",)
    assert found.row(0)[SPIKE] == -1
    if found.scores is not None:
        assert np.nanargmax(found.scores[0]) == SPIKE


@every_detector
def test_most_of_an_ordinary_series_is_normal(entry: Entry) -> None:
    assert ask(entry, wave(300, 5)).anomalies.mean() < 0.05


@every_detector
def test_scores_are_numbers_or_missing(entry: Entry) -> None:
    found = ask(entry, spiked(1), Series(np.r_[np.zeros(30), 1.0]), Series(np.arange(20.0) % 2))
    assert set(found.status) == {"ok"}
    assert found.scores is None or not np.isinf(found.scores).any()
    assert set(np.unique(found.labels)) <= {-1, 1}


@every_detector
def test_input_is_not_changed(entry: Entry) -> None:
    batch = batch_of([spiked(1), spiked(2, extra=9)])
    before = batch.values.copy()
    load(entry.target).detect(batch, entry.read_options({}))
    np.testing.assert_array_equal(batch.values, before)


@every_detector
def test_the_same_again(entry: Entry) -> None:
    same(ask(entry, spiked(11)), Engine().detect_sync([spiked(11)], entry.name.upper()))


@every_detector
def test_missing_points_are_normal_and_disturb_nothing(entry: Entry) -> None:
    series = spiked(4)
    gaps = [0, 1, 20, 21, 94, 95]
    series.values[gaps] = np.nan
    found = ask(entry, series)
    assert found.status[0] in ("ok", "repaired(6)")
    assert found.row(0)[SPIKE] == -1
    assert (found.row(0)[gaps] == 1).all()
    assert found.scores is None or np.isnan(found.scores[0, gaps]).all()


@every_detector
def test_each_bad_series_has_its_status(entry: Entry) -> None:
    bad = [[], [np.nan] * 30, [1.0, np.inf, 2.0] * 10, [7.0] * 30]
    found = ask(entry, *[Series(np.array(v, dtype=np.float64)) for v in bad], spiked(2))
    assert found.status == ("all_missing", "all_missing", "non_finite", "constant", "ok")
    assert not found.anomalies[:4].any()
    assert found.row(4)[SPIKE] == -1


@every_detector
@pytest.mark.parametrize("length", [1, 2, 3, 5, 8])
def test_short_series_have_an_answer_or_a_status(entry: Entry, length: int) -> None:
    found = ask(entry, Series(np.arange(float(length))))
    assert found.status == (("too_short",) if length < entry.limits.min_context else ("ok",))


@every_detector
def test_the_label_of_normal_points(entry: Entry) -> None:
    found = ask(entry, spiked(1), valid_code=0)
    assert set(found.row(0)) == {0, -1}
    assert found.normal == 0
    with pytest.raises(InvalidInput, match="valid_code"):
        ask(entry, spiked(1), valid_code=-1)


@every_detector
def test_unknown_options_list_the_known(entry: Entry) -> None:
    with pytest.raises(UnknownName, match="valid_code"):
        ask(entry, spiked(1), colour="red")


@every_detector
def test_options_are_described(entry: Entry) -> None:
    assert all(option.doc for option in entry.options.values())
    assert entry.description and entry.license


def names(entries: Sequence[Entry]) -> list[str]:
    return [name for e in entries for name in (e.name, *e.aliases)]


def test_no_name_twice() -> None:
    assert len(set(names(ENTRIES))) == len(names(ENTRIES))
