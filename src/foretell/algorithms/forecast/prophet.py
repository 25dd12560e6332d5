"""Prophet (Taylor and Letham 2018, doi:10.1080/00031305.2017.1380080): a trend that bends at change points, and seasons
of the calendar. The library's fit; intervals are quantiles of its own draws of future trends and noise."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.one_by_one import Answer, one_by_one
from foretell.errors import InvalidInput
from foretell.registry import Kind, Limits, Option, Options, require
from foretell.series import Batch, FloatArray, Forecast
from foretell.steps import DAY, Step

DRAWS = 1000
SEED = 0
SEASONS = ("yearly_seasonality", "weekly_seasonality", "daily_seasonality")
TERMS = 30
"""Most Fourier terms of a season."""
WORDS: Mapping[str, bool | str] = {"auto": "auto", "true": True, "false": False, "0": False, "1": True}
_SEASON = "auto (by the length of the history), true, false, or a number of Fourier terms; auto is off without times"


class ProphetModel:
    """The extra `prophet` brings the library."""

    name: ClassVar[str] = "prophet"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Trend with change points and seasons of the calendar (Prophet)"
    license: ClassVar[str] = "MIT"
    limits: ClassVar[Limits] = Limits(min_context=3, max_context=3000, max_horizon=10_000, cost=1000)
    options: ClassVar[Mapping[str, Option]] = {
        "growth": Option("linear", "trend", choices=("linear", "flat")),
        **{season: Option("auto", _SEASON) for season in SEASONS},
        "changepoint_prior_scale": Option(0.05, "how readily the trend bends", float, low=1e-6, high=100),
    }

    @classmethod
    def missing(cls) -> str | None:
        return None if importlib.util.find_spec("prophet") else "pip install 'foretell[prophet]'"

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        seasons = {name: read_season(name, options[name]) for name in SEASONS}
        with quiet():
            prophet = require("prophet", "prophet")

            def fit(values: FloatArray, row: int) -> Answer:
                step = batch.steps[row]
                given = seasons if step else {name: s if s != "auto" else False for name, s in seasons.items()}
                times = (step or Step(ns=DAY)).times(batch.starts[row] or 0, len(values) + horizon)
                model = prophet.Prophet(
                    growth=options["growth"],
                    changepoint_prior_scale=options["changepoint_prior_scale"],
                    uncertainty_samples=0,
                    **given,
                )
                return _answer(model, times.astype("M8[ns]"), values, levels)

            return one_by_one(self.name, batch, horizon, levels, fit)


def read_season(name: str, text: str) -> bool | int | str:
    """What Prophet wants to know of a season."""
    word = str(text).strip().lower()
    if word in WORDS:
        return WORDS[word]
    if word.isdecimal() and int(word) <= TERMS:
        return int(word)
    raise InvalidInput(name, f"must be auto, true, false or a number of Fourier terms up to {TERMS}, got {text!r}")


def _answer(model: Any, times: Any, values: FloatArray, levels: tuple[float, ...]) -> Answer:
    """One series: `values` [T] at the first of `times` [T + H], a forecast for the others."""
    import pandas as pd

    known = len(values)
    model.fit(pd.DataFrame({"ds": times[:known], "y": values}))
    fitted = model.predict(pd.DataFrame({"ds": times}))["yhat"].to_numpy(np.float64)
    bounds = None
    if levels:
        model.uncertainty_samples = DRAWS
        with same_dice():
            draws = model.predictive_samples(pd.DataFrame({"ds": times[known:]}))["yhat"]
        bounds = np.quantile(draws, levels, axis=1).T
    return Answer(fitted[known:], bounds, values - fitted[:known])


@contextmanager
def same_dice() -> Iterator[None]:
    """Prophet draws from NumPy's global dice: the same ones each time, and put back."""
    before = np.random.get_state()
    np.random.seed(SEED)
    try:
        yield
    finally:
        np.random.set_state(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Prophet and its optimiser say everything twice."""
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.plot", "cmdstanpy")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
