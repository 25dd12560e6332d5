"""Plugins as their authors write them for TDgpt, and plugins that misbehave in one way each: file -> text."""

from __future__ import annotations

from pathlib import Path

GOOD = {
    "fc/repeat.py": '''
import pandas as pd
from taosanalytics.algo.forecast import insert_ts_list
from taosanalytics.conf import app_logger, conf
from taosanalytics.service import AbstractForecastService


class _RepeatService(AbstractForecastService):
    """The last value plus an option, and a band of one."""

    name = "repeat_last"
    desc = "the last value"

    def __init__(self):
        super().__init__()
        self.shift = 0.0

    def set_params(self, params):
        super().set_params(params)
        self.shift = float(params.get("shift", 0))

    def execute(self):
        app_logger.log_inst.info("repeat_last %d rows", self.rows)
        values = [float(self.list[-1]) + self.shift] * self.rows
        res = [values, [v - 1 for v in values], [v + 1 for v in values]] if self.return_conf else [values]
        insert_ts_list(res, self.start_ts, self.time_step, self.rows)
        return {"res": res, "mse": float("nan"), "model_info": "repeat"}
''',
    "fc/remote.py": '''
import json
import requests

from taosanalytics.algo.forecast import insert_ts_list
from taosanalytics.conf import conf
from taosanalytics.service import AbstractForecastService


class _RemoteService(AbstractForecastService):
    """Asks the model server of the configuration."""

    name = "timemoe-fc"
    desc = "a model server"

    def execute(self):
        url = conf.get_tsfm_service("timemoe-fc")
        body = json.dumps({"input": self.list, "next_len": self.rows})
        response = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=10)
        if response.status_code != 200:
            raise ValueError(f"failed to request the service, {response.text}")
        output = response.json()["output"]
        res = [output, output, output] if self.return_conf else [output]
        insert_ts_list(res, self.start_ts, self.time_step, self.rows)
        return {"res": res, "mse": None}
''',
    "ad/above.py": """
from taosanalytics.service import AbstractAnomalyDetectionService


class _AboveService(AbstractAnomalyDetectionService):
    name = "above"
    desc = "values above a limit"

    def set_params(self, params):
        super().set_params(params)
        self.limit = float(params.get("limit", 10))

    def execute(self):
        if self.input_is_empty():
            return []
        return [self.valid_code if v <= self.limit else (-1 if v < 2 * self.limit else 7) for v in self.list]
""",
    "imputat/zero.py": """
from taosanalytics.service import AbstractImputationService


class _ZeroService(AbstractImputationService):
    name = "zero"
    desc = "zeros between"

    def execute(self):
        ts = list(range(self.ts_list[0], self.ts_list[-1] + 1, {"S": 1000, "H": 3_600_000}[self.freq]))
        seen = dict(zip(self.ts_list, self.list))
        return {"ts": ts, "target": [seen.get(t, 0.0) for t in ts], "mask": [int(t not in seen) for t in ts]}
""",
    "correl/gap.py": """
from taosanalytics.service import AbstractCorrelationService


class _GapService(AbstractCorrelationService):
    name = "gap"
    desc = "sum of differences"

    def set_second_input_data(self, data):
        self.other = data

    def execute(self):
        distance = sum(abs(a - b) for a, b in zip(self.list, self.other))
        return distance, [(i, i) for i in range(len(self.list))]
""",
    "custom/late.py": '''
from taosanalytics.base import AbstractForecastService
from taosanalytics.log import AppLogger


class Helper:
    pass


class _LateService(AbstractForecastService):
    """Imports when it runs; numpy all the way."""

    name = "Late"
    desc = "zeros"

    def execute(self):
        import numpy as np
        from taosanalytics.algo.forecast import insert_ts_list
        from taosanalytics.conf import Configure
        from taosanalytics.util import parse_options

        assert parse_options("a=1,b=2") == {"a": "1", "b": "2"}
        assert Configure.get_instance().get_tsfm_service("nobody") is None
        AppLogger.info("late")
        res = [np.zeros(self.rows)]
        insert_ts_list(res, self.start_ts, self.time_step, self.rows)
        return {"res": res, "mse": np.float32(1.5)}
''',
}

_FORECAST = """
from taosanalytics.service import AbstractForecastService


class _Service(AbstractForecastService):
    name = "{name}"
    desc = "misbehaves"

    def execute(self):
        {body}
"""

_ANSWER = "return {'mse': 0, 'res': [[self.start_ts] * self.rows, [1.0] * self.rows]}"
SLOW = {"fc/slow.py": _FORECAST.format(name="slow", body=f"import time; time.sleep(1.0); {_ANSWER}")}
"""Takes a second."""
MISBEHAVIOUR = {
    "raising": "raise RuntimeError('no luck')",
    "hanging": "\n        while True: pass",
    "dying": "import os; os._exit(3)",
    "nonsense": "return 'nonsense'",
    "short": "return {'res': [[1], [2.0]], 'mse': 0}",
    "endless": "return {'res': [[0] * self.rows, [float('inf')] * self.rows], 'mse': 0}",
    "nothing": "return None",
    "strange": "return {'res': [object()]}",
    "talking": "print('<html>'); raise SystemExit(1)",
}
BAD = {f"fc/{name}.py": _FORECAST.format(name=name, body=text) for name, text in MISBEHAVIOUR.items()}
UNLOADABLE = {
    "fc/missing.py": "import a_library_that_nobody_has\n",
    "fc/syntax.py": "class _Broken(:\n",
    "ad/empty.py": "x = 1\n",
    "ad/dies.py": "import os\nos._exit(1)\n",
}


def write(folder: Path, texts: dict[str, str]) -> Path:
    """The plugins as files below `folder`."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
