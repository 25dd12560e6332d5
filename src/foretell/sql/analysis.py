"""An analysis: one call of the engine for all series that a SQL function is given, whatever its verb.

    options, model -> some series are refused before any model sees them -> one call of the engine -> a status for each

A refused series goes to the engine empty, so that every answer keeps its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from foretell.engine.batcher import batch_key, cut
from foretell.engine.engine import Control, Engine
from foretell.engine.whitenoise import is_white_noise
from foretell.errors import ForetellError, InvalidInput, ModelFailed, SqlError, TooManyRows, WhiteNoise, code_of
from foretell.registry import Entry
from foretell.series import Series, failed, has_forecast
from foretell.sql.answer import Context
from foretell.sql.options import Options

WARNINGS_SHOWN = 5
REASONS_SHOWN = 3
T = TypeVar("T")
Refused = Mapping[int, ForetellError]
Blame = Callable[[str, ForetellError], SqlError]
"""The error to raise for what is wrong with a named option; it shows the option, or the call if that is not written."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """`engine` runs the model `entry`; `lacking` is what a series without an answer is without, such as a forecast."""

    context: Context
    entry: Entry
    engine: Engine
    options: Options
    blame: Blame
    lacking: str = "an answer"

    def ask(self, verb: Callable[[Control], T]) -> T:
        """What the engine answers."""
        try:
            return verb(self._control())
        except InvalidInput as error:
            raise self.blame(error.field, error) from None

    def refusals(self, series: Sequence[Series]) -> Refused:
        """The series that no model shall see, with the reason."""
        found = {i: self._refusal(one) for i, one in enumerate(series)}
        return {i: error for i, error in found.items() if error is not None}

    def report(self, status: Sequence[str], refused: Refused, ids: Sequence[str]) -> tuple[str, ...]:
        """The status of every series. Warns of those without an answer; if there is no other, the statement fails."""
        known = tuple(failed(str(refused[i])) if i in refused else one for i, one in enumerate(status))
        bad = [i for i, one in enumerate(known) if not has_forecast(one)]
        if bad and len(bad) == len(known):
            raise self._failure([known[i].removeprefix("failed: ") for i in bad], refused)
        for i in bad[:WARNINGS_SHOWN]:
            self.context.warn(f"no {self.lacking.partition(' ')[2]} for {ids[i]}: {known[i]}")
        if len(bad) > WARNINGS_SHOWN:
            rest = len(bad) - WARNINGS_SHOWN
            self.context.warn(f"no {self.lacking.partition(' ')[2]} for {rest} other series; see _fstatus")
        return known

    def plan(self, lengths: Sequence[int], horizon: int = 0) -> dict[str, Any]:
        """What EXPLAIN shows of a call; `horizon` is 0 where nothing lies ahead."""
        limits = self.entry.limits
        lengths = [min(length, limits.max_context) for length in lengths]
        keys = [batch_key(self.entry, dict(self.options.model), length, horizon) for length in lengths]
        batches = cut(keys, lengths, horizon, limits.cost, self.engine.chunk_budget)
        return {
            "model": self.entry.title if self.engine is self.context.engine else self._elsewhere,
            "series": len(lengths),
            "points": sum(lengths),
            "rows": horizon or None,
            "batches": len(batches),
        }

    @property
    def _elsewhere(self) -> str:
        return f"{self.entry.name} {self.entry.description}"

    def _control(self) -> Control:
        """The statement's deadline, or the call's own if that comes first."""
        deadline = self.context.deadline
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        limits = [seconds for seconds in (left, self.options.timeout) if seconds is not None]
        return replace(self.context.control, timeout=min(limits, default=None))

    def _refusal(self, series: Series) -> ForetellError | None:
        count = len(series)
        least, most = self.context.profile.rows[self.entry.kind]
        if count < least or (most is not None and count > most):
            text = f"number of rows should between {least} and {most}, actual {count} rows"
            return ModelFailed(text) if count < least else TooManyRows("", text)
        return WhiteNoise() if self.options.wncheck and is_white_noise(series.values) else None

    def _failure(self, reasons: list[str], refused: Refused) -> ForetellError:
        """The error of a statement in which no series has an answer, for one of these reasons each."""
        if set(reasons) == {str(WhiteNoise())}:
            return WhiteNoise()
        codes = {error.tdengine_code for error in refused.values()}
        if len(refused) < len(reasons):
            codes = {code_of(reason) for reason in reasons}
        error = ModelFailed(all_without(self.lacking, reasons))
        error.tdengine_code = codes.pop() if len(codes) == 1 else error.tdengine_code
        return self.blame("", error)


def all_without(lacking: str, reasons: Sequence[str]) -> str:
    """What is said where no series has an answer, for one of these reasons each."""
    whose = "the series is" if len(reasons) == 1 else f"each of the {len(reasons)} series is"
    different = sorted(set(reasons))
    more = f"; and {len(different) - REASONS_SHOWN} other reasons" if len(different) > REASONS_SHOWN else ""
    return f"{whose} without {lacking}: {'; '.join(different[:REASONS_SHOWN])}{more}"


def without(series: Sequence[Series], refused: Refused) -> list[Series]:
    """The series with nothing in the refused ones."""
    return [Series(np.empty(0), id=one.id) if i in refused else one for i, one in enumerate(series)]
