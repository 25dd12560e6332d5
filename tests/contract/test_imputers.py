"""What every imputer has to keep, whoever wrote it: one suite over all that the registry lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.engine import Engine
from foretell.errors import UnknownName
from foretell.registry import Entry, load, registry
from foretell.results import Imputation
from foretell.series import FloatArray, Series, batch_of
from tests.fakes import scaled, wave

ENTRIES = registry().entries("imputation")
SEEDS = st.integers(0, 10_000)
every_imputer = pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
few = settings(max_examples=5, deadline=None, derandomize=True, database=None)

ENGINE = Engine()


def ask(entry: Entry, *series: Series, **options: object) -> Imputation:
    return ENGINE.impute_sync(series, entry.name, options)


def holed(seed: int, extra: int = 0) -> Series:
    """A seasonal series with a tenth of its points missing, some of them side by side."""
    series = wave(96 + extra, seed)
    random = np.random.default_rng(seed)
    for start in random.integers(0, len(series), 4):
        series.values[start : start + 3] = np.nan
    return series


def values(made: Imputation, row: int = 0) -> FloatArray:
    return made.row(row)[0]


def test_there_are_imputers() -> None:
    assert {"linear", "previous", "seasonal", "moment"} <= {e.name for e in ENTRIES}


def test_the_name_of_tdgpt_says_what_it_is() -> None:
    assert "Not the network" in registry().find("moment", "imputation").description


@every_imputer
@few
@given(seed=SEEDS)
def test_every_gap_is_filled_and_what_was_seen_stays(entry: Entry, seed: int) -> None:
    series = holed(seed)
    gaps = np.isnan(series.values)
    made, imputed = (result := ask(entry, series)).row(0)
    assert np.isfinite(made).all()
    np.testing.assert_array_equal(imputed, gaps)
    np.testing.assert_array_equal(made[~gaps], series.values[~gaps])
    assert result.status == (f"repaired({gaps.sum()})",)
    reach = np.nanmax(series.values) - np.nanmin(series.values)
    assert np.all(np.abs(made - np.nanmean(series.values)) < 2 * reach)


@every_imputer
@few
@given(seed=SEEDS, size=st.sampled_from([0.003, 0.7, 1e6]), shift=st.sampled_from([0.0, -300.0, 4000.0]))
def test_other_units_and_another_zero_give_the_same_filling(entry: Entry, seed: int, size: float, shift: float) -> None:
    shift = shift if entry.limits.shift_equivariant else 0.0
    size = size if entry.limits.scale_equivariant else 1.0
    plain, moved = values(ask(entry, holed(seed))), values(ask(entry, scaled(holed(seed), size, size * shift)))
    np.testing.assert_allclose(moved / size - shift, plain, rtol=0, atol=1e-6)


@every_imputer
@few
@given(seed=SEEDS)
def test_alone_or_in_a_batch(entry: Entry, seed: int) -> None:
    series = [holed(seed), holed(seed + 1, extra=17), holed(seed + 2, extra=3)]
    together = ask(entry, *series)
    for row, one in enumerate(series):
        np.testing.assert_allclose(values(together, row), values(ask(entry, one)), rtol=1e-12)


@every_imputer
def test_more_padding_changes_nothing(entry: Entry) -> None:
    model, options = load(entry.target), entry.read_options({})
    alone = model.impute(batch_of([holed(1)]), options)
    padded = model.impute(batch_of([holed(1), wave(300)]), options)
    np.testing.assert_allclose(values(padded), values(alone), rtol=1e-12)
    assert np.isnan(padded.values[0, :-96]).all() and not padded.imputed[0, :-96].any()


@every_imputer
def test_input_is_not_changed(entry: Entry) -> None:
    batch = batch_of([holed(1), holed(2, extra=9)])
    before = batch.values.copy()
    load(entry.target).impute(batch, entry.read_options({}))
    np.testing.assert_array_equal(batch.values, before)


@every_imputer
@pytest.mark.parametrize("size", [1e-290, 1e290])
def test_extreme_sizes_make_sense(entry: Entry, size: float) -> None:
    np.testing.assert_allclose(
        values(ask(entry, scaled(holed(3), size))) / size, values(ask(entry, holed(3))), rtol=1e-9
    )


@every_imputer
def test_each_bad_series_has_its_status(entry: Entry) -> None:
    nan = np.nan
    given = [[], [nan] * 30, [1.0, np.inf, nan], [7.0, nan, 7.0], [nan, 3.0, nan], [1.0, 2.0]]
    made = ask(entry, *[Series(np.array(v, dtype=np.float64)) for v in given])
    assert made.status == ("all_missing", "all_missing", "non_finite", "repaired(1)", "repaired(2)", "ok")
    np.testing.assert_allclose(values(made, 3), 7.0)
    np.testing.assert_allclose(values(made, 4), 3.0)
    assert not made.imputed[[0, 1, 2, 5]].any()


@every_imputer
def test_the_ends_are_filled_too(entry: Entry) -> None:
    series = wave(60, 2)
    series.values[[0, 1, 58, 59]] = np.nan
    made, imputed = ask(entry, series).row(0)
    assert np.isfinite(made).all() and imputed.sum() == 4


@every_imputer
def test_unknown_options_list_the_known(entry: Entry) -> None:
    with pytest.raises(UnknownName, match="known"):
        ask(entry, holed(1), colour="red")
