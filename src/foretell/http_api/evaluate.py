"""evaluate: models back-tested on the caller's own series, against seasonal naive."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import pyarrow as pa

from foretell.engine.engine import Control, Engine
from foretell.engine.forecasting import check_horizon
from foretell.engine.serving import Serving
from foretell.errors import Cancelled, InvalidInput
from foretell.evaluation import evaluate, options_by_model, summary_table
from foretell.evaluation.backtest import Evaluation
from foretell.evaluation.report import summary
from foretell.http_api import series_in
from foretell.http_api.series_in import Many
from foretell.http_api.verb import Asking, Parameters, Verb
from foretell.registry import Entry
from foretell.series import Forecast, Series
from foretell.wire.table import Groups

Whole = Annotated[int, msgspec.Meta(ge=1)]


class EvaluateQuery(Parameters, kw_only=True):
    """`options` are by model: `{"theta": {"period": 7}}` or `{"theta.period": 7}`.

    A single `model` is no comparison.
    """

    horizon: Whole
    models: Annotated[list[str], msgspec.Meta(min_length=1, max_length=50)]
    windows: Whole = 1
    period: Whole | None = None

    def asked(self, usual: str) -> dict[str, Mapping[str, Any]]:  # noqa: ARG002
        if self.model is not None:
            raise InvalidInput("model", "name the models to compare in `models`")
        none: Mapping[str, Any] = {}
        return {**dict.fromkeys(self.models, none), **options_by_model(self.options)}

    def check(self, entry: Entry) -> None:
        check_horizon(self.horizon, entry)


class EvaluateIn(EvaluateQuery, kw_only=True):
    series: Many


class Score(msgspec.Struct):
    """Errors of one model (docs/evaluation.md); null where a metric does not exist."""

    model: str
    relative: float | None
    mase: float | None
    smape: float | None
    wql: float | None
    coverage80: float | None
    coverage95: float | None
    mae: float | None
    mse: float | None
    bias: float | None
    answered: str
    seconds: float | None


class EvaluateOut(msgspec.Struct):
    """Best first; `period` is the season that MASE was scaled by, `left_out` the ids of series without a window."""

    period: int
    scores: list[Score]
    left_out: list[str]


@dataclass(slots=True)
class Lent(Engine):
    """The engine of a server for code that waits in a thread: its calls join the queue of the server's own loop."""

    serving: Serving = field(kw_only=True)
    loop: asyncio.AbstractEventLoop = field(kw_only=True)
    deadline: float | None = None
    stopped: bool = False

    def forecast_sync(
        self,
        series: Sequence[Series],
        horizon: int,
        model: str,
        levels: Sequence[float] = (),
        options: Mapping[str, Any] | None = None,
        control: Control | None = None,  # noqa: ARG002
    ) -> Forecast:
        if self.stopped:
            raise Cancelled
        work = self.serving.forecast(series, horizon, model, levels, options, self.deadline, later=True)
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


async def _ask(asking: Asking, given: EvaluateQuery, groups: Groups) -> Evaluation:
    engine = asking.serving.engine
    loop = asyncio.get_running_loop()
    lent = Lent(engine.executor, engine.models, serving=asking.serving, loop=loop, deadline=asking.deadline)
    EVALUATE.check(given, asking.settings, engine.models)
    wanted = (given.models, given.horizon, given.windows)
    told: dict[str, Any] = {"period": given.period, "options": given.options}
    try:
        return await asyncio.to_thread(evaluate, groups.series, *wanted, **told, engine=lent)
    finally:
        lent.stopped = True


def _json(parts: Sequence[tuple[Groups, Evaluation]]) -> EvaluateOut:
    ((_, made),) = parts
    scores = [Score(**{k: _known(v) for k, v in record.items()}) for record in summary(made)]
    return EvaluateOut(made.task.period, scores, list(made.left_out))


def _known(value: float | str) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _table(parts: Sequence[tuple[Groups, Evaluation]]) -> pa.Table:
    ((_, made),) = parts
    return summary_table(made)


EVALUATE = Verb(
    "evaluate",
    "Back-test models on series, against seasonal naive",
    None,
    "",
    EvaluateIn,
    EvaluateQuery,
    lambda given: series_in.groups_of_json(given.series, given.horizon),
    lambda body, columns, _: series_in.groups_of_arrow(body, columns),
    lambda groups, _: [groups],
    _ask,
    _json,
    _table,
    EvaluateOut,
)
