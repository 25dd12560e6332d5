"""The life of one plugin file inside its own process: import it, say what it offers, run it."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from foretell.errors import ModelFailed
from foretell.registry import Kind
from foretell.tdgpt.plugins import shim

KINDS: Mapping[str, Kind] = {
    "AbstractForecastService": "forecast",
    "AbstractAnomalyDetectionService": "anomaly",
    "AbstractImputationService": "imputation",
    "AbstractCorrelationService": "correlation",
}
"""The kind of a class by the name of its base."""


@dataclass(frozen=True, slots=True)
class Description:
    """What one class of a file says of itself. `name` is what SQL says, `key` the class."""

    key: str
    name: str
    kind: Kind
    text: str
    params: Mapping[str, Any]
    status: str


@dataclass(frozen=True, slots=True)
class Input:
    """What a class is asked: plain lists, and options as text beside the numbers of the request."""

    values: list[float]
    times: list[int] | None
    params: Mapping[str, Any]
    past: list[list[float]] = field(default_factory=list)
    future: list[list[float]] = field(default_factory=list)
    second: list[float] | None = None


class PluginFile:
    """Answers the calls of the node: `describe`, and the kinds by class. The file is imported at the first call."""

    def __init__(self, path: str, configuration: shim.Configuration) -> None:
        self._path, self._configuration = Path(path), configuration
        self._services: dict[str, shim.AbstractAnalyticsService] | None = None

    def call(self, name: str, verb: str, arguments: tuple[Any, ...]) -> Any:
        if self._services is None:
            self._services = self._load()
        if verb == "describe":
            return [_describe(key, service) for key, service in self._services.items()]
        service = copy.copy(self._services[name])
        return plain(RUN[verb](service, *arguments))

    def _load(self) -> dict[str, shim.AbstractAnalyticsService]:
        """Instances of the classes whose names begin with `_`, by class name."""
        sys.stdout = sys.stderr
        sys.dont_write_bytecode = True  # a file that changes twice in one second would be taken for the older one
        shim.install(self._configuration)
        name = f"taosanalytics.algo.{self._path.parent.name}.{self._path.stem}"
        spec = importlib.util.spec_from_file_location(name, self._path)
        if spec is None or spec.loader is None:
            raise ModelFailed(f"{self._path} is no Python file")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(self._path.parent))
        spec.loader.exec_module(module)
        found = {
            key: value()
            for key, value in vars(module).items()
            if key.startswith("_")
            and isinstance(value, type)
            and issubclass(value, shim.AbstractAnalyticsService)
            and value.__module__ == name
        }
        if not found:
            raise ModelFailed("has no class whose name begins with _ and that derives from a service")
        return found


def _describe(key: str, service: shim.AbstractAnalyticsService) -> Description:
    kind = next((KINDS[base.__name__] for base in type(service).__mro__ if base.__name__ in KINDS), None)
    if kind is None:
        raise ModelFailed(f"{key} is of no kind that can be asked here")
    if not isinstance(service.name, str) or not service.name:
        raise ModelFailed(f"{key} has no name")
    params = plain(service.get_params() or {})
    return Description(key, service.name, kind, str(service.get_desc() or ""), params, str(service.get_status()))


def _forecast(service: shim.AbstractForecastService, given: Input) -> Any:
    service.set_input_data(given.values, given.times, given.past, given.future)
    service.set_params(dict(given.params))
    return service.execute()


def _detect(service: shim.AbstractAnomalyDetectionService, given: Input) -> Any:
    service.set_input_list(given.values, given.times)
    service.set_params(dict(given.params))
    return {"labels": service.execute(), "normal": service.valid_code}


def _impute(service: shim.AbstractImputationService, given: Input) -> Any:
    service.set_input_data(given.values, given.times)
    service.set_params(dict(given.params))
    return service.execute()


def _correlate(service: shim.AbstractCorrelationService, given: Input) -> Any:
    service.set_input_list(given.values, None)
    service.set_second_input_data(given.second)
    service.set_params(dict(given.params))
    return service.execute()


RUN: Mapping[str, Callable[..., Any]] = {
    "forecast": _forecast,
    "anomaly": _detect,
    "imputation": _impute,
    "correlation": _correlate,
}


def plain(value: Any) -> Any:
    """`value` of nothing but dicts, lists, numbers and text, so that it can leave the process."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "__iter__"):
        return [plain(item) for item in value]
    raise ModelFailed(f"returned a {type(value).__name__}, which is no data")
