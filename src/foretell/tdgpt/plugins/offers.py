"""Plugins from the node's side: which files there are, what they offer, and what their answers are worth."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from foretell.engine.queue import BatchQueue
from foretell.engine.worker import ProcessExecutor
from foretell.errors import ForetellError, ModelFailed
from foretell.registry import Entry, Kind
from foretell.results import Detection
from foretell.series import OK
from foretell.tdgpt.catalogue import Source
from foretell.tdgpt.inside import plugin_entry
from foretell.tdgpt.plugins.process import Description, Input, PluginFile
from foretell.tdgpt.plugins.shim import Configuration
from foretell.wire.tdgpt import CorrelationQuestion, ForecastQuestion, ImputationQuestion, Question
from foretell.wire.tdgpt_answers import Answer, anomaly_answer, finite, no_interval, number

log = logging.getLogger("foretell.tdgpt")

FOLDERS = ("fc", "ad", "imputat", "correl", "custom", "custom/fc", "custom/ad")
IMPORT_TIMEOUT = 60.0
"""Seconds that a file may take to be imported; deep-learning libraries are slow."""
Request = tuple[str, str, tuple[Input, ...]]


def files_in(folder: Path) -> list[Path]:
    """The plugin files of a folder, in the order of FOLDERS."""
    return [file for sub in FOLDERS for file in sorted((folder / sub).glob("*.py")) if not file.name.startswith("__")]


class Process:
    """One plugin file in its process. Requests wait in a queue of their own; `version` says when the file changed."""

    def __init__(self, path: Path, configuration: Configuration, limit: int) -> None:
        self.path, self.configuration = path, configuration
        self.version = _version(path)
        self._executor = ProcessExecutor(1, partial(PluginFile, str(path), configuration))
        self._queue: BatchQueue[Request, Any] = BatchQueue(self._run, slots=1, budget=0.0, limit=limit)

    async def ask(self, key: str, verb: str, given: Input | None, deadline: float) -> Any:
        arguments = () if given is None else (given,)
        request: Request = key, verb, arguments
        return await self._queue.submit(lambda: None, request, 1.0, deadline)

    async def _run(self, requests: Sequence[Request], deadline: float | None) -> list[Any]:
        ((key, verb, arguments),) = requests
        return [await self._executor.call(key, verb, arguments, deadline)]

    def is_current(self, configuration: Configuration) -> bool:
        return self.version == _version(self.path) and self.configuration == configuration

    @property
    def replaced(self) -> Counter[str]:
        return self._executor.replaced

    async def retire(self) -> None:
        """End the process when what it has accepted is answered."""
        while len(self._queue) or self._queue.busy:
            await asyncio.sleep(0.05)
        self._executor.close()

    def close(self) -> None:
        self._executor.close()


def _version(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


@dataclass(frozen=True, slots=True)
class Plugin:
    """One class of a file."""

    description_: Description
    process: Process
    copy_point: bool = False
    source: Source = "plugin"

    @property
    def name(self) -> str:
        return self.description_.name.lower()

    @property
    def kind(self) -> Kind:
        return self.description_.kind

    @property
    def description(self) -> str:
        return self.description_.text

    @property
    def place(self) -> str:
        return f"{self.process.path}:{self.description_.key}"

    @property
    def entry(self) -> Entry:
        return plugin_entry(self.kind, self.name, self.description)

    def about(self) -> Mapping[str, Any]:
        return {"params": self.description_.params, "status": self.description_.status}

    async def answer(self, question: Question, deadline: float) -> Answer:
        given = Input(
            question.values.tolist(),
            None if question.times is None else question.times.tolist(),
            {**question.params, **_params(question)},
            [row.tolist() for row in getattr(question, "past", {}).values()],
            [row.tolist() for row in getattr(question, "future", {}).values()],
            question.second.tolist() if isinstance(question, CorrelationQuestion) else None,
        )
        raw = await self.process.ask(self.description_.key, self.kind, given, deadline)
        try:
            return READ[self.kind](self, question, raw)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ModelFailed(f"the plugin {self.name} returned nonsense: {type(error).__name__} {error}") from None


def _params(question: Question) -> dict[str, Any]:
    """What the node adds to the options of SQL (section 1.3)."""
    if isinstance(question, ForecastQuestion):
        return {
            "rows": question.rows,
            "start_ts": question.start,
            "time_step": question.every,
            "conf": question.conf,
            "return_conf": int(question.bounds),
            "precision": question.precision,
        }
    if isinstance(question, ImputationQuestion):
        return {"freq": question.freq_text, "precision": question.precision}
    return {}


def _forecast(plugin: Plugin, question: ForecastQuestion, raw: Any) -> Answer:
    res = raw["res"]
    if any(len(column) != question.rows for column in res) or len(res) < 2:
        raise ModelFailed(f"the plugin {plugin.name} gave {[len(c) for c in res]} values, not {question.rows} of each")
    if question.bounds and len(res) < 4:
        if not plugin.copy_point:
            raise no_interval(plugin.name)
        res = [*res[:2], res[1], res[1]]
    columns = [finite(np.array(column, dtype=np.float64)) for column in res[1 : 4 if question.bounds else 2]]
    return {
        "algo": plugin.name,
        "conf": question.conf,
        "model_info": str(raw.get("model_info") or plugin.name),
        "mse": number(raw.get("mse")),
        "option": question.option,
        "period": int(float(question.params.get("period") or 0)),
        "res": [[int(t) for t in res[0]], *columns],
        "rows": question.rows,
    }


def _detect(plugin: Plugin, question: Question, raw: Any) -> Answer:
    labels = np.array(raw["labels"], dtype=np.int64)
    if labels.shape != question.values.shape:
        raise ModelFailed(f"the plugin {plugin.name} gave labels {labels.shape}, not {question.values.shape}")
    lengths = np.array([len(labels)])
    return anomaly_answer(
        question, Detection(labels[None], None, lengths, (OK,), plugin.name, normal=int(raw["normal"]))
    )


def _impute(plugin: Plugin, question: Question, raw: Any) -> Answer:
    times, target, mask = ([*raw[key]] for key in ("ts", "target", "mask"))
    if not len(times) == len(target) == len(mask):
        raise ModelFailed(f"the plugin {plugin.name} gave {len(times)}, {len(target)} and {len(mask)} values")
    return {
        "algo": plugin.name,
        "mask": [int(m) for m in mask],
        "option": question.option,
        "rows": len(target),
        "target": finite(np.array(target, dtype=np.float64)),
        "ts": [int(t) for t in times],
    }


def _correlate(plugin: Plugin, question: Question, raw: Any) -> Answer:
    """(distance, path) or (lags, ccf_vals)."""
    first, second = raw
    answer: Answer = {"algo": plugin.name, "option": question.option, "rows": len(second)}
    if isinstance(first, list):
        if len(first) != len(second):
            raise ModelFailed(f"the plugin {plugin.name} gave {len(first)} lags and {len(second)} values")
        return answer | {"lags": [int(k) for k in first], "ccf_vals": finite(np.array(second, dtype=np.float64))}
    path = [[int(i), int(j)] for i, j in second]
    return answer | {"distance": finite(np.array([first], dtype=np.float64))[0], "path": path}


READ: Mapping[Kind, Callable[[Plugin, Any, Any], Answer]] = {
    "forecast": _forecast,
    "anomaly": _detect,
    "imputation": _impute,
    "correlation": _correlate,
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The files of a folder: their processes, what they offer, and why some offer nothing."""

    processes: Mapping[Path, Process] = field(default_factory=dict)
    plugins: Sequence[Plugin] = ()
    broken: Mapping[str, str] = field(default_factory=dict)

    def leave(self, others: Loaded) -> None:
        """End the processes that `others` does not use, when what they have accepted is answered."""
        for path, process in self.processes.items():
            if others.processes.get(path) is not process:
                task = asyncio.ensure_future(process.retire())
                _retiring.add(task)
                task.add_done_callback(_retiring.discard)

    @property
    def replaced(self) -> dict[str, Counter[str]]:
        return {str(path): process.replaced for path, process in self.processes.items()}

    def close(self) -> None:
        for process in self.processes.values():
            process.close()


_retiring: set[asyncio.Task[None]] = set()


async def load(
    folder: Path | None, configuration: Configuration, before: Loaded, limit: int, copy_point: bool
) -> Loaded:
    """Read the folder. A file that did not change keeps its process; one that fails is noted, the others go on."""
    processes = {}
    for path in files_in(folder) if folder is not None else ():
        old = before.processes.get(path)
        keep = old is not None and old.is_current(configuration)
        processes[path] = old if old is not None and keep else Process(path, configuration, limit)
    found = await asyncio.gather(*(_describe(process, copy_point) for process in processes.values()))
    plugins = [plugin for plugins in found if not isinstance(plugins, str) for plugin in plugins]
    broken = {str(path): text for path, text in zip(processes, found, strict=True) if isinstance(text, str)}
    return Loaded(processes, plugins, broken)


async def _describe(process: Process, copy_point: bool) -> list[Plugin] | str:
    """What a file offers, or why nothing."""
    try:
        described = await process.ask("import", "describe", None, time.monotonic() + IMPORT_TIMEOUT)
    except ForetellError as error:
        return str(error)
    return [Plugin(d, process, copy_point) for d in described]
