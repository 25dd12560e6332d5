"""The names of TDgpt that its plugins import (protocol section 4), made in memory.

`install` puts them into `sys.modules` of the plugin's own process; nowhere else do they exist. What they do is written
from that contract, not from TDgpt.
"""

from __future__ import annotations

import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

from foretell.wire.options import read_pairs

log = logging.getLogger("foretell.plugin")
PANDAS_FREQ = {"d": "D", "h": "H", "m": "T", "s": "S", "ms": "L", "us": "U"}


@dataclass(frozen=True)
class Configuration:
    """What a plugin may ask of the node's configuration."""

    tsfm_service: Mapping[str, str] = field(default_factory=dict)
    model_dir: str = ""


class AbstractAnalyticsService(ABC):
    """One algorithm. The node makes one at start and works with a copy for each request."""

    name: ClassVar[str] = ""
    desc: ClassVar[str] = ""
    type: str = ""
    list: Any = None
    ts_list: Any = None

    @abstractmethod
    def execute(self) -> Any: ...

    def set_params(self, params: dict[str, Any]) -> None:
        """Options of the request; those of SQL arrive as text."""
        self.params = params

    def get_params(self) -> dict[str, Any]:
        return {}

    def get_desc(self) -> str:
        return self.desc

    def get_status(self) -> str:
        return "READY"


class AbstractForecastService(AbstractAnalyticsService):
    type = "forecast"
    period = 0
    start_ts = 0
    time_step = 0
    rows = 0
    return_conf = 1
    conf = 0.95
    precision = "ms"
    tz = None

    def __init__(self) -> None:
        self.past_dynamic_real: Any = []
        self.dynamic_real: Any = []

    def set_input_data(self, data: Any, ts_list: Any, past_dynamic_real: Any = None, dynamic_real: Any = None) -> None:
        self.list, self.ts_list = data, ts_list
        self.past_dynamic_real, self.dynamic_real = past_dynamic_real or [], dynamic_real or []

    def set_params(self, params: dict[str, Any]) -> None:
        for key in ("start_ts", "time_step", "rows"):
            if key not in params:
                raise ValueError(f"the parameter {key} is missing")
        self.start_ts, self.time_step, self.rows = (int(params[key]) for key in ("start_ts", "time_step", "rows"))
        self.period = int(params.get("period", 0))
        self.return_conf = int(params.get("return_conf", 1))
        self.conf = float(params.get("conf", 0.95))
        self.precision = params.get("precision", "ms")
        self.tz = params.get("tz")
        if self.time_step <= 0 or self.rows <= 0 or self.period < 0 or not 0 <= self.conf < 1:
            raise ValueError("time_step and rows must be positive, period not negative, conf in [0, 1)")

    def get_params(self) -> dict[str, Any]:
        keys = ("period", "start_ts", "time_step", "rows", "return_conf", "conf", "precision")
        return {key: getattr(self, key) for key in keys}


class AbstractAnomalyDetectionService(AbstractAnalyticsService):
    type = "anomaly-detection"
    valid_code = 1

    def __init__(self) -> None:
        pass

    def set_input_list(self, data: Any, ts_list: Any = None) -> None:
        self.list, self.ts_list = data, ts_list

    def input_is_empty(self) -> bool:
        return self.list is None or len(self.list) == 0

    def set_params(self, params: dict[str, Any]) -> None:
        self.valid_code = int(params.get("valid_code", self.valid_code))


class AbstractImputationService(AbstractAnalyticsService):
    type = "imputation"
    precision = "ms"
    freq = "S"

    def __init__(self) -> None:
        pass

    def set_input_data(self, data: Any, ts_list: Any) -> None:
        self.list, self.ts_list = data, ts_list

    def set_params(self, params: dict[str, Any]) -> None:
        self.precision = params.get("precision", "ms")
        freq = str(params.get("freq", "s")).lower()
        unit = freq.lstrip("0123456789")
        self.freq = freq[: len(freq) - len(unit)] + PANDAS_FREQ.get(unit, unit.upper())


class AbstractCorrelationService(AbstractAnalyticsService):
    type = "correlation"

    def __init__(self) -> None:
        self.list2: Any = None

    def set_input_list(self, data: Any, ts_list: Any = None) -> None:
        self.list, self.ts_list = data, ts_list

    def set_second_input_data(self, data: Any) -> None:
        self.list2 = self.second_list = data


class AbstractStatsForecastService(AbstractForecastService): ...


class AbstractRegressionService(AbstractAnalyticsService): ...


class AbstractClassificationService(AbstractAnalyticsService): ...


SERVICES = (
    AbstractAnalyticsService,
    AbstractForecastService,
    AbstractAnomalyDetectionService,
    AbstractImputationService,
    AbstractCorrelationService,
    AbstractStatsForecastService,
    AbstractRegressionService,
    AbstractClassificationService,
)


def insert_ts_list(res: list[Any], start_ts: int, time_step: int, rows: int) -> list[Any]:
    """`res` with the `rows` times from `start_ts` on in front."""
    res.insert(0, [start_ts + i * time_step for i in range(rows)])
    return res


class AppLogger:
    """The log under all the names that plugins know it by."""

    log_inst = log
    debug, info, warning = log.debug, log.info, log.warning
    error, exception, critical = log.error, log.exception, log.critical

    @classmethod
    def get_instance(cls) -> AppLogger:
        return cls()

    get_logger = get_instance

    def set_handler(self, *_: Any) -> None:
        """The node decides where the log goes."""

    set_log_level = set_handler


class Configure:
    """`conf` of a plugin."""

    _one: ClassVar[Configure]

    def __init__(self, values: Configuration) -> None:
        self._values = values
        Configure._one = self

    @classmethod
    def get_instance(cls) -> Configure:
        return cls._one

    def get_tsfm_service(self, name: str) -> str | None:
        """The URL of a model server in `[tsfm-service]`, or None."""
        by_name = {key.lower(): url for key, url in self._values.tsfm_service.items()}
        return by_name.get(name.lower())

    def get_model_directory(self) -> str:
        return self._values.model_dir


def _parse_options(text: str) -> dict[str, str]:
    return read_pairs(text)[0]


def install(values: Configuration) -> None:
    """Make the modules. They have no files; packages among them find nothing beyond what stands here."""
    services = {kind.__name__: kind for kind in SERVICES}
    conf = Configure(values)
    modules: dict[str, dict[str, Any]] = {
        "taosanalytics": {},
        "taosanalytics.service": services,
        "taosanalytics.base": services,
        "taosanalytics.algo": {},
        **{f"taosanalytics.algo.{kind}": {} for kind in ("fc", "ad", "imputat", "correl", "custom")},
        "taosanalytics.algo.forecast": {"insert_ts_list": insert_ts_list},
        "taosanalytics.conf": {"conf": conf, "Configure": Configure, "app_logger": AppLogger(), "AppLogger": AppLogger},
        "taosanalytics.log": {"AppLogger": AppLogger, "app_logger": AppLogger()},
        "taosanalytics.util": {"parse_options": _parse_options},
    }
    for name, members in modules.items():
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = []
        vars(module).update(members)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
