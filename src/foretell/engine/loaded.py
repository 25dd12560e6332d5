"""The models of one worker: loaded at first use, called by the name of a verb, their answers checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from foretell.errors import ForetellError, ModelFailed
from foretell.registry import load, nothing
from foretell.results import Correlation, Detection, Imputation
from foretell.series import Batch, Forecast

LOAD = "load"


class Models:
    """Whatever a model raises comes out as a ForetellError; an answer of the wrong shape as ModelFailed.

    The state of a model that remembers is kept here, and ends with the worker.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}
        self._states: dict[str, Any] = {}

    def call(self, name: str, verb: str, arguments: tuple[Any, ...]) -> Any:
        """What the model behind the entry-point string `name` answers to `verb` (a value of registry.VERBS).

        LOAD only makes it ready: for what it answers to at all, see the registry.
        """
        if name not in self._loaded:
            self._load(name)
        if verb == LOAD:
            getattr(self._loaded[name], "warm", nothing)()
            return None
        state = (self._states[name],) if name in self._states else ()
        try:
            answer = getattr(self._loaded[name], verb)(*arguments, *state)
            wrong = CHECKS[verb](answer, *arguments)
        except ForetellError:
            raise
        except Exception as error:
            raise ModelFailed(f"{name}: {type(error).__name__}: {error}") from error
        if wrong:
            raise ModelFailed(f"{name}: returned {wrong}")
        return answer

    def _load(self, name: str) -> None:
        model = load(name)
        if hasattr(model, "new_state"):
            self._states[name] = model.new_state()
        self._loaded[name] = model


def _wrong_forecast(answer: Forecast, batch: Batch, horizon: int, levels: tuple[float, ...], *_: object) -> str:
    """What is wrong with the answer; empty where nothing is. A wrong shape must not travel."""
    shape = len(batch), horizon
    wrong = answer.point.shape != shape or len(answer.status) != shape[0]
    if answer.quantiles is not None:
        wrong |= answer.quantiles.shape != (*shape, len(levels)) or answer.levels != levels
    return f"point {answer.point.shape} with levels {answer.levels}, not {shape}" if wrong else ""


def _wrong_detection(answer: Detection, batch: Batch, *_: object) -> str:
    shape = batch.values.shape
    wrong = answer.labels.shape != shape or len(answer.status) != shape[0]
    wrong |= answer.scores is not None and answer.scores.shape != shape
    return f"labels {answer.labels.shape}, not {shape}" if wrong else ""


def _wrong_imputation(answer: Imputation, batch: Batch, *_: object) -> str:
    shape = batch.values.shape
    wrong = answer.values.shape != shape or answer.imputed.shape != shape or len(answer.status) != shape[0]
    return f"values {answer.values.shape}, not {shape}" if wrong else ""


def _wrong_correlations(answer: tuple[Correlation, ...], first: Batch, *_: object) -> str:
    return f"{len(answer)} answers for {len(first)} pairs" if len(answer) != len(first) else ""


CHECKS: Mapping[str, Callable[..., str]] = {
    "forecast": _wrong_forecast,
    "detect": _wrong_detection,
    "impute": _wrong_imputation,
    "correlate": _wrong_correlations,
}
