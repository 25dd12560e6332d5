"""Exponential smoothing, the model chosen by AICc (Hyndman et al. 2002): statsforecast's fit, our intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from foretell.algorithms.decomposition import decompose, shows_few
from foretell.algorithms.exponential_smoothing import Smoothing
from foretell.algorithms.one_by_one import Answer, Unsuitable, one_by_one
from foretell.algorithms.seasonality import PERIOD, check_cycles, periods_of
from foretell.errors import InvalidInput
from foretell.registry import Kind, Limits, Option, Options
from foretell.series import Batch, FloatArray, Forecast

LONGEST_SEASON = 60
"""Longer seasons have too many free states to choose by AICc: they are taken out by STL first, unless asked for."""
FORBIDDEN = ("AM.", "A.M", "MMA")
"""Models that are unstable or have no finite variance (R's ets, `restrict = TRUE`); "." is any letter."""


class Ets:
    """Error, trend and season each none, additive, multiplicative, or chosen (Z)."""

    name: ClassVar[str] = "ets"
    aliases: ClassVar[tuple[str, ...]] = ("auto_ets", "exponential_smoothing")
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Exponential smoothing state space model, chosen by AICc"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(min_context=7, max_context=5000, cost=1000, prefix_consistent=True)
    options: ClassVar[Mapping[str, Option]] = {
        "period": PERIOD,
        "model": Option("ZZZ", "error (A, M), trend (N, A, M), season (N, A, M): one letter each, Z: chosen by AICc"),
        "damped": Option(None, "damped trend; not given: chosen by AICc", bool),
    }

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:
        model = check_model(options["model"])
        periods = periods_of(batch, 0 if model[2] == "N" else options["period"])

        def fit(values: FloatArray, row: int) -> Answer:
            return smooth(values, int(periods[row]), horizon, levels, model, options["damped"])

        return one_by_one(self.name, batch, horizon, levels, fit)


def check_model(model: str) -> str:
    """The three letters in capitals, or an error that says which are possible."""
    model = model.strip().upper()
    if len(model) != 3 or model[0] not in "AMZ" or model[1] not in "NAMZ" or model[2] not in "NAMZ":
        raise InvalidInput("model", f"must be error (A, M, Z), trend (N, A, M, Z), season (N, A, M, Z), got {model!r}")
    if any(all(f in (".", m) for f, m in zip(forbidden, model, strict=True)) for forbidden in FORBIDDEN):
        raise InvalidInput("model", f"{model} is unstable: additive errors do not go with multiplicative components")
    return model


def smooth(
    values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], model: str, damped: bool | None
) -> Answer:
    """Fit one series [T] and forecast it; a long season whose model is free is taken out and put back, as is one of few
    cycles that AICc turned down."""
    if model[2] in "AM" and period < 2:
        raise Unsuitable(f"model {model} needs a period; none was given or found")
    check_cycles(len(values), period)
    if period <= LONGEST_SEASON or model[2] != "Z":
        answer = _fit(values, period, horizon, levels, model, damped)
        if answer.period == period or model[2] != "Z" or not shows_few(values, period):
            return answer
    parts = decompose(values, [period])
    return parts.restore(_fit(parts.rest, 1, horizon, levels, model[:2] + "N", damped))


def _fit(
    values: FloatArray, period: int, horizon: int, levels: tuple[float, ...], model: str, damped: bool | None
) -> Answer:
    from statsforecast.ets import ets_f, forecast_ets

    seasonal = period > 1 and len(values) > period + 8  # as many free states as AICc can be had for
    if model[2] in "AM" and not seasonal:
        raise Unsuitable(
            f"model {model} with a period of {period} needs more than {period + 8} values, got {len(values)}"
        )
    try:
        fitted = ets_f(values, m=period if seasonal else 1, model=model if seasonal else model[:2] + "N", damped=damped)
    except NotImplementedError:
        raise Unsuitable(f"{len(values)} values are too few for model {model}") from None
    except ValueError as error:
        raise Unsuitable(str(error)) from None
    point = np.asarray(forecast_ets(fitted, h=horizon)["mean"], dtype=np.float64)
    errors = values - fitted["fitted"]
    bounds = state_of(fitted).quantiles(point, levels) if levels else None
    used = period if fitted["components"][2] != "N" else 1
    return Answer(point, bounds, errors, used, {"model": fitted["method"]})


def state_of(fitted: Mapping[str, Any]) -> Smoothing:
    """The last states of statsforecast's fit; its seasons are newest first."""
    error, trend, season, damped = fitted["components"]
    alpha, beta, gamma, phi = (float(p) for p in np.nan_to_num(fitted["par"][:4]))
    last = np.asarray(fitted["states"])[-1]
    first_season = 2 if trend != "N" else 1
    return Smoothing(
        error,
        trend,
        season,
        sigma=float(np.sqrt(fitted["sigma2"])),
        level=float(last[0]),
        slope=float(last[1]) if trend != "N" else 0.0,
        seasons=last[first_season:][::-1] if season != "N" else None,
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        phi=phi if damped == "D" else 1.0,
    )
