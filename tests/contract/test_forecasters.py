"""What every forecaster has to keep, whoever wrote it: one suite over all that the registry lists."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.engine import Engine
from foretell.errors import NotAvailable, UnknownName
from foretell.registry import Entry, load, registry
from foretell.series import FloatArray, Forecast, Series, batch_of
from tests.fakes import scaled, walk, wave

LEVELS = (0.1, 0.5, 0.9)
ENTRIES = [entry for entry in registry().entries("forecast") if not entry.stands_for]
"""All but names of other models, which are here themselves."""
SEEDS = st.integers(0, 10_000)
every_model = pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
OPTIMISER = 0.01
"""Where an optimiser stops depends on the last bits of its numbers: answers may differ by so much of the spread."""
few = settings(max_examples=2, deadline=None, derandomize=True, database=None)

ENGINE = Engine()


def ask(entry: Entry, series: Sequence[Series], horizon: int = 8, levels: Sequence[float] = LEVELS) -> Forecast:
    try:
        return ENGINE.forecast_sync(series, horizon, entry.name, levels=levels)
    except NotAvailable as missing:
        pytest.skip(str(missing))


def usual(entry: Entry, seed: int, extra: int = 0) -> Series:
    return wave(max(40, 2 * entry.limits.min_context) + extra, seed)


def numbers(forecast: Forecast, row: int = 0) -> FloatArray:
    """Point and quantiles [H, 1 + Q] of one series."""
    assert forecast.quantiles is not None
    return np.column_stack([forecast.point[row], forecast.quantiles[row]])


def same(one: FloatArray, other: FloatArray, of: Series, tolerance: float) -> None:
    """Equal to a fraction of the series' own spread."""
    np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * float(np.nanstd(of.values)))


def test_there_are_models() -> None:
    assert {"holtwinters", "arima", "ets", "theta", "ces", "mstl", "naive", "seasonal_naive", "drift"} <= {
        e.name for e in ENTRIES
    }
    assert registry().broken == {}


@every_model
@few
@given(seed=SEEDS, size=st.sampled_from([0.003, 0.7, 1e6]))
def test_other_units_give_the_same_forecast_in_those_units(entry: Entry, seed: int, size: float) -> None:
    if not entry.limits.scale_equivariant:
        pytest.skip("does not claim it")
    series = usual(entry, seed)
    same(numbers(ask(entry, [scaled(series, size)])) / size, numbers(ask(entry, [series])), series, OPTIMISER)


@every_model
@few
@given(seed=SEEDS, shift=st.sampled_from([-300.0, 5.0, 4000.0]))
def test_another_zero_gives_the_same_forecast_from_there(entry: Entry, seed: int, shift: float) -> None:
    if not entry.limits.shift_equivariant:
        pytest.skip("does not claim it")
    series = usual(entry, seed)
    same(numbers(ask(entry, [scaled(series, 1, shift)])) - shift, numbers(ask(entry, [series])), series, OPTIMISER)


@every_model
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_extreme_sizes_make_sense(entry: Entry, size: float) -> None:
    series = usual(entry, 1)
    forecast = ask(entry, [scaled(series, size)])
    assert forecast.status == ("ok",)
    low, high = series.values.min(), series.values.max()
    reach = 3 * (high - low)
    assert np.all((numbers(forecast) / size > low - reach) & (numbers(forecast) / size < high + reach))


@every_model
@few
@given(seed=SEEDS)
def test_alone_or_in_a_batch(entry: Entry, seed: int) -> None:
    series = [usual(entry, seed), usual(entry, seed + 1, extra=17), usual(entry, seed + 2, extra=3)]
    together = ask(entry, series)
    for row, one in enumerate(series):
        same(numbers(together, row), numbers(ask(entry, [one])), one, 1e-5)


@every_model
def test_more_padding_changes_nothing(entry: Entry) -> None:
    short, long = usual(entry, 3), usual(entry, 4, extra=200)
    model, options = load(entry.target), entry.read_options({})
    levels = LEVELS if entry.limits.intervals else ()
    try:
        alone = model.forecast(batch_of([short]), 5, levels, options)
        padded = model.forecast(batch_of([short, long]), 5, levels, options)
    except NotAvailable as missing:
        pytest.skip(str(missing))
    same(padded.point[0], alone.point[0], short, 1e-5)
    assert padded.status[0] == alone.status[0]


@every_model
@pytest.mark.parametrize("horizon", [1, 100])
def test_every_level_at_short_and_long_horizons(entry: Entry, horizon: int) -> None:
    levels = (0.005, 0.01, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.99, 0.995)
    horizon = min(horizon, entry.limits.max_horizon)
    forecast = ask(entry, [usual(entry, 5, extra=20), walk(max(120, 2 * entry.limits.min_context), 6)], horizon, levels)
    assert forecast.levels == levels
    assert forecast.point.shape == (2, horizon)
    assert forecast.quantiles is not None
    assert forecast.quantiles.shape == (2, horizon, len(levels))
    assert np.isfinite(forecast.quantiles).all()
    assert np.all(np.diff(forecast.quantiles, axis=2) >= 0)
    assert np.all(forecast.quantiles[:, :, -1] - forecast.quantiles[:, :, 0] > 1e-3)


@every_model
def test_intervals_are_about_as_wide_as_the_errors(entry: Entry) -> None:
    history = usual(entry, 7, extra=20)
    forecast = ask(entry, [Series(history.values[:-8], history.start, history.step)])
    bounds = numbers(forecast)
    width = bounds[:, 3] - bounds[:, 1]
    assert np.all(width > 0.3)  # the noise alone is 0.3, so 80 % of it is 0.77 wide
    assert np.all(width < 30)


@every_model
def test_no_levels_no_quantiles(entry: Entry) -> None:
    assert ask(entry, [usual(entry, 8)], levels=()).quantiles is None


@every_model
def test_input_is_not_changed(entry: Entry) -> None:
    series = [usual(entry, 9), usual(entry, 10, extra=5)]
    before = [s.values.copy() for s in series]
    batch = batch_of(series)
    padded = batch.values.copy()
    try:
        load(entry.target).forecast(batch, 4, LEVELS if entry.limits.intervals else (), entry.read_options({}))
    except NotAvailable as missing:
        pytest.skip(str(missing))
    np.testing.assert_array_equal(batch.values, padded)
    ask(entry, series)
    for one, values in zip(series, before, strict=True):
        np.testing.assert_array_equal(one.values, values)


@every_model
def test_the_same_again(entry: Entry) -> None:
    series = usual(entry, 11)
    first, again = ask(entry, [series]), Engine().forecast_sync([series], 8, entry.name.upper(), levels=LEVELS)
    np.testing.assert_array_equal(numbers(first), numbers(again))
    assert first.details == again.details


@every_model
def test_a_short_forecast_begins_a_long_one(entry: Entry) -> None:
    if not (entry.limits.prefix_consistent and entry.limits.intervals):
        pytest.skip("does not claim it")
    series = usual(entry, 12)
    same(numbers(ask(entry, [series], horizon=5)), numbers(ask(entry, [series], horizon=20))[:5], series, 1e-9)


@every_model
@pytest.mark.parametrize("where", [slice(0, 3), slice(20, 23), slice(-2, None)], ids=["start", "middle", "end"])
def test_missing_values_never_come_out(entry: Entry, where: slice) -> None:
    series = usual(entry, 13)
    series.values[where] = np.nan
    forecast = ask(entry, [series])
    assert forecast.status[0] == "ok" or forecast.status[0].startswith("repaired(")
    assert np.isfinite(numbers(forecast)).all()


@every_model
def test_each_bad_series_has_its_status_and_the_good_one_its_forecast(entry: Entry) -> None:
    good, length = usual(entry, 14), 60
    infinite = usual(entry, 15)
    infinite.values[7] = np.inf
    forecast = ask(
        entry,
        [
            Series(np.full(length, 5.0)),
            Series(np.full(length, np.nan)),
            infinite,
            good,
            Series(np.array([])),
            Series(np.arange(entry.limits.min_context - 1.0)),
        ],
    )
    short = "all_missing" if entry.limits.min_context == 1 else "too_short"
    assert forecast.status == ("constant", "all_missing", "non_finite", "ok", "all_missing", short)
    np.testing.assert_array_equal(forecast.point[0], 5.0)
    assert np.isnan(forecast.point[[1, 2, 4, 5]]).all()
    same(numbers(forecast, 3), numbers(ask(entry, [good])), good, 1e-5)


HARD: dict[str, Callable[[int], FloatArray]] = {
    "zeros and ones": lambda n: (np.arange(n) % 7 == 3).astype(float),
    "mostly zero": lambda n: np.where(np.arange(n) == n // 2, 5.0, 0.0),
    "a jump": lambda n: np.where(np.arange(n) < n // 2, 1.0, 1000.0),
    "a straight line": lambda n: np.arange(n, dtype=float),
    "an exact season": lambda n: np.arange(n, dtype=np.float64) % 12,
    "all but constant": lambda n: np.where(np.arange(n) % 2, 5.0, 5.0 + 1e-13),
    "large and close": lambda n: 1e9 + np.sin(np.arange(n)),
    "huge": lambda n: 1e307 * np.random.default_rng(1).uniform(-1, 1, n),
    "tiny": lambda n: 1e-307 * np.random.default_rng(2).uniform(-1, 1, n),
    "negative": lambda n: np.random.default_rng(0).uniform(-51, -50, n),
    "growth": lambda n: np.exp(np.arange(n) / 5.0),
}


@every_model
@pytest.mark.parametrize("kind", HARD)
def test_hard_series_give_finite_numbers_or_a_reason(entry: Entry, kind: str) -> None:
    values = HARD[kind](max(40, 2 * entry.limits.min_context))
    forecast = ask(entry, [Series(values), Series(values[-max(15, entry.limits.min_context) :])])
    for row, status in enumerate(forecast.status):
        if status.startswith("failed: "):
            assert np.isnan(forecast.point[row]).all()
            assert "Error" not in status, status
            assert "Exception" not in status, status
        else:
            assert np.isfinite(forecast.point[row]).all()
            assert np.all(np.abs(numbers(forecast, row)) / 100 < np.abs(values).max()), (status, numbers(forecast, row))


@every_model
def test_the_fewest_values_that_it_takes(entry: Entry) -> None:
    forecast = ask(entry, [wave(entry.limits.min_context, 3)], horizon=3)
    assert forecast.status[0] in ("ok", "no_interval")
    assert np.isfinite(forecast.point).all()


@every_model
def test_details_are_plain_json(entry: Entry) -> None:
    forecast = ask(entry, [usual(entry, 16), walk(max(60, 2 * entry.limits.min_context))])
    for details in forecast.details:
        assert json.loads(json.dumps(details, allow_nan=False)) == details
        assert isinstance(details.get("period", 0), int)
        assert details.get("mse", 0) >= 0


@every_model
def test_it_introduces_itself(entry: Entry) -> None:
    assert entry.description
    assert entry.license
    assert entry.name == entry.name.lower()
    for name, option in entry.options.items():
        assert option.doc, f"{name} says nothing about itself"
        assert option.read(name, option.default) == option.default
        assert not option.choices or option.default is None or option.default in option.choices


@every_model
def test_an_unknown_option_lists_the_known(entry: Entry) -> None:
    with pytest.raises(UnknownName) as caught:
        ENGINE.forecast_sync([walk(50)], 3, entry.name, options={"perriod": 7})
    assert all(name in str(caught.value) for name in entry.options)


def test_an_unknown_model_lists_the_known() -> None:
    with pytest.raises(UnknownName, match="did you mean 'arima'") as caught:
        ENGINE.forecast_sync([walk(50)], 3, "arma")
    assert all(entry.name in str(caught.value) for entry in ENTRIES)


def test_listing_is_light() -> None:
    program = (
        "import sys; from foretell.registry import registry; assert registry().entries('forecast');"
        "print([m for m in ('torch', 'statsmodels', 'statsforecast', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
