"""Engine: many series in, one answer out, in four verbs.

    prepare each series -> cut into chunks -> run them on the executor -> put together

One bad series never fails the others: each row carries its status. What is particular to a verb is its job
(forecasting.py, detecting.py, imputing.py, correlating.py); the way is the same for all (job.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foretell.engine.correlating import Correlating, Pair
from foretell.engine.detecting import Detecting
from foretell.engine.forecasting import Forecasting, check_covariates
from foretell.engine.imputing import Imputing
from foretell.engine.job import Job, Result, carry_out
from foretell.engine.loop import wait_for
from foretell.engine.run import Control, Progress, Run
from foretell.engine.worker import Executor, ThreadExecutor
from foretell.registry import Options, Registry, registry
from foretell.results import Correlation, Detection, Imputation
from foretell.series import Forecast, Series

__all__ = ["Control", "Engine", "Progress"]

CHUNK_BUDGET = 500_000.0
"""Cost of a chunk in microseconds, rough: deadline, cancel and progress are looked at between chunks."""


@dataclass(slots=True)
class Engine:
    """Runs models from the registry on an executor (threads of this process unless another is given).

    Every verb raises UnknownName, InvalidInput, DeadlineExceeded or Cancelled for the call as a whole; what is wrong
    with one series stands in its status. Each has a twin `..._sync` for callers without a loop, which works inside a
    running one (Jupyter) as well.
    """

    executor: Executor = field(default_factory=ThreadExecutor)
    models: Registry = field(default_factory=registry)
    chunk_budget: float = CHUNK_BUDGET

    async def forecast(
        self,
        series: Sequence[Series],
        horizon: int,
        model: str,
        levels: Sequence[float] = (),
        options: Mapping[str, Any] | None = None,
        control: Control | None = None,
    ) -> Forecast:
        """Forecast every series `horizon` steps ahead, with quantiles at `levels` (in (0, 1), any order)."""
        entry = self.models.find(model)
        given = entry.read_options(options or {})
        check_covariates(entry, series, self.models)
        return await self.run(Forecasting(entry, series, horizon, levels), given, control)

    async def detect(
        self,
        series: Sequence[Series],
        model: str,
        options: Mapping[str, Any] | None = None,
        control: Control | None = None,
    ) -> Detection:
        """Label every point of every series: normal, or the kind of anomaly."""
        entry = self.models.find(model, "anomaly")
        given = entry.read_options(options or {})
        return await self.run(Detecting(entry, series, given), given, control)

    async def impute(
        self,
        series: Sequence[Series],
        model: str,
        options: Mapping[str, Any] | None = None,
        control: Control | None = None,
    ) -> Imputation:
        """Fill every gap (NaN) of every series; what was seen stays as it is."""
        entry = self.models.find(model, "imputation")
        given = entry.read_options(options or {})
        return await self.run(Imputing(entry, series), given, control)

    async def correlate(
        self,
        pairs: Sequence[Pair],
        model: str,
        options: Mapping[str, Any] | None = None,
        control: Control | None = None,
    ) -> tuple[Correlation, ...]:
        """Compare the two series of every pair."""
        entry = self.models.find(model, "correlation")
        given = entry.read_options(options or {})
        return await self.run(Correlating(entry, pairs), given, control)

    async def run(self, job: Job[Result], options: Options, control: Control | None = None) -> Result:
        """A job whose entry and options have been read already."""
        run = Run(job.entry, options, self.executor, control or Control(), self.chunk_budget, total=len(job))
        return await carry_out(job, run)

    def forecast_sync(self, *args: Any, **kwargs: Any) -> Forecast:
        return wait_for(self.forecast(*args, **kwargs))

    def detect_sync(self, *args: Any, **kwargs: Any) -> Detection:
        return wait_for(self.detect(*args, **kwargs))

    def impute_sync(self, *args: Any, **kwargs: Any) -> Imputation:
        return wait_for(self.impute(*args, **kwargs))

    def correlate_sync(self, *args: Any, **kwargs: Any) -> tuple[Correlation, ...]:
        return wait_for(self.correlate(*args, **kwargs))

    def close(self) -> None:
        self.executor.close()
