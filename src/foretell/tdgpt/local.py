"""Names that the engine answers to, by a model here or behind a URL: a question to series, and what comes back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from foretell.engine.serving import Serving
from foretell.registry import Entry, Kind
from foretell.series import Series
from foretell.tdgpt.catalogue import Source
from foretell.wire import tdgpt_answers as answers
from foretell.wire.masking import mask
from foretell.wire.tdgpt import CorrelationQuestion, ForecastQuestion, ImputationQuestion, Question

log = logging.getLogger("foretell.tdgpt")

OPTIONS_OF_TAOSD = frozenset({"algo", "rows", "conf", "wncheck", "start", "every", "timeout", "freq", "prec", "host"})
"""Options that taosd reads itself or sends as fields of the body."""


@dataclass(frozen=True, slots=True)
class Local:
    """One name of a registry entry."""

    name: str
    entry: Entry
    serving: Serving
    copy_point: bool = False
    source: Source = "local"

    @property
    def kind(self) -> Kind:
        return self.entry.kind

    @property
    def description(self) -> str:
        return self.entry.description

    @property
    def place(self) -> str:
        return mask(self.entry.target)

    def about(self) -> Mapping[str, Any]:
        return {"params": {key: option.default for key, option in self.entry.options.items()}}

    async def answer(self, question: Question, deadline: float) -> answers.Answer:
        return await ASK[self.kind](self, question, deadline)

    def options(self, question: Question) -> dict[str, str]:
        """The options that the model has; the others are said in the log. A model server gets all of them."""
        given = {k: v for k, v in question.params.items() if k not in OPTIONS_OF_TAOSD and not _is_covariate(k)}
        if self.source == "url" or not given:
            return given
        unknown = sorted(key for key in given if self.entry.option_key(key) is None)
        if unknown:
            log.info("%s has no option %s; not used", self.name, ", ".join(unknown))
        return {k: v for k, v in given.items() if k not in unknown}


async def _forecast(local: Local, question: ForecastQuestion, deadline: float) -> answers.Answer:
    series = question.series()
    if (question.past or question.future) and not local.entry.limits.covariates:
        raise local.serving.engine.models.no_covariates(local.entry)
    levels = question.levels if question.bounds else ()
    options = local.options(question)
    forecast = await local.serving.forecast([series], question.rows, local.entry, levels, options, deadline)
    return answers.forecast_answer(question, forecast, local.copy_point)


async def _detect(local: Local, question: Question, deadline: float) -> answers.Answer:
    options = local.options(question)
    detection = await local.serving.detect([question.points()], local.entry, options, deadline)
    return answers.anomaly_answer(question, detection)


async def _impute(local: Local, question: ImputationQuestion, deadline: float) -> answers.Answer:
    options = local.options(question)
    imputation = await local.serving.impute([question.series()], local.entry, options, deadline)
    return answers.imputation_answer(question, imputation)


async def _correlate(local: Local, question: CorrelationQuestion, deadline: float) -> answers.Answer:
    pair = question.points(), Series(question.second)
    options = local.options(question)
    (correlation,) = await local.serving.correlate([pair], local.entry, options, deadline)
    return answers.correlation_answer(question, correlation)


Ask = Callable[[Local, Any, float], Awaitable[answers.Answer]]
ASK: Mapping[Kind, Ask] = {
    "forecast": cast(Ask, _forecast),
    "anomaly": cast(Ask, _detect),
    "imputation": cast(Ask, _impute),
    "correlation": cast(Ask, _correlate),
}


def _is_covariate(key: str) -> bool:
    return key.startswith("dynamic_real_")
