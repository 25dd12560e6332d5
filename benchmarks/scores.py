"""The score table: models x public sets -> benchmarks/results/*.json -> docs/benchmarks/scores.md.

    python -m benchmarks.scores                                  all models and sets that are not scored yet
    python -m benchmarks.scores --models autotheta --sets M3 --minutes 5
    python -m benchmarks.scores --sets thin --minutes 25         every n-th series only: what slow models can do
    python -m benchmarks.scores --models '' --sets ''            only write the page again

A score is kept in benchmarks/results/MODEL.json with the version of the model that made it, as the model names it
(a network adds the hash of its weights), and is not made twice; `--again` does. A model that would not end a set in
`--minutes` is stopped, and the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.auto_theta_model import AutoTheta
from benchmarks.fracast_model import Fracast
from benchmarks.score_page import page
from benchmarks.score_sets import SETS, ScoreSet, pilot
from foretell.engine import Engine
from foretell.engine.worker import ProcessExecutor
from foretell.errors import DeadlineExceeded, UnknownName
from foretell.evaluation.backtest import DECILES, LEVELS, ask
from foretell.evaluation.datasets import FOLDER_VARIABLE
from foretell.evaluation.task import Task
from foretell.registry import Registry
from foretell.series import Series

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks" / "scores.md"
DATA = ROOT.parent / "shared" / "data"

MODELS = ("foretell-small", "seasonal_naive", "ets", "autotheta", "arima", "fracast", "timemoe-mini")
LEVELS_OF = {"fracast": DECILES, "timemoe-mini": ()}
"""What a model is asked for where that is not all LEVELS: timemoe-mini gives points only."""
PILOT_ROWS = 6
PATIENCE = 1.5
"""A set is not begun if the pilot says that it takes so many times the allowance."""

Record = dict[str, Any]


@dataclass(slots=True)
class Scorer:
    """One model: its known scores, and how to make more. `minutes` is the allowance for one set."""

    engine: Engine
    model: str
    minutes: float
    version: str = ""

    def __post_init__(self) -> None:
        self.version = self._ask_version()

    def _ask_version(self) -> str:
        """What the model calls itself in an answer; this also loads and compiles it before any clock runs."""
        wave = Series(np.sin(np.arange(64.0)) + np.arange(64.0))
        return self.engine.forecast_sync([wave], 8, self.model, self._levels).model

    @property
    def _levels(self) -> tuple[float, ...]:
        return LEVELS_OF.get(self.model, LEVELS)

    @property
    def file(self) -> Path:
        return RESULTS / f"{self.model}.json"

    def known(self) -> dict[str, Record]:
        """Scores by set that this version of the model has made; a skipped set is tried again with more minutes."""
        records = read(self.file)
        return {
            name: r
            for name, r in records.items()
            if r["version"] == self.version and r.get("minutes", self.minutes) >= self.minutes
        }

    def score(self, score_set: ScoreSet, folder: Path) -> Record:
        """Score one set, and keep the record in the file."""
        record = {"version": self.version, **self._record(score_set.load(folder))}
        records = {**read(self.file), score_set.name: record}
        RESULTS.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(dict(sorted(records.items())), indent=1) + "\n")
        return record

    def _record(self, task: Task) -> Record:
        allowed = 60 * self.minutes
        try:
            trial = pilot(task, PILOT_ROWS)
            guess = self._seconds(trial, allowed) / len(trial) * len(task)
            if guess > PATIENCE * allowed:
                return {"skipped": f"would take about {guess / 60:.0f} minutes", "minutes": self.minutes}
            answer = ask(task, self.model, self.engine, self._levels, timeout=allowed)
        except DeadlineExceeded:
            return {"skipped": f"did not end in {self.minutes:g} minutes", "minutes": self.minutes}
        found = {name: round(value, 6) for name, value in answer.summary().items() if value == value}
        return {**found, "answered": answer.answered, "rows": len(task), "seconds": round(answer.seconds, 2)}

    def _seconds(self, task: Task, allowed: float) -> float:
        return ask(task, self.model, self.engine, self._levels, timeout=allowed).seconds


def read(file: Path) -> dict[str, Record]:
    records: dict[str, Record] = json.loads(file.read_text()) if file.exists() else {}
    return records


def main() -> None:
    arguments = _arguments()
    models = Registry().discover()
    for package, reason in models.broken.items():
        print(f"not loaded: {package}: {reason}")
    models.register(Fracast)
    models.register(AutoTheta)
    engine = Engine(ProcessExecutor(1), models)
    try:
        for model in filter(None, arguments.models.split(",")):
            _score_all(engine, model, arguments)
    finally:
        engine.close()
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page({file.stem: read(file) for file in RESULTS.glob("*.json")}))
    print(f"wrote {PAGE.relative_to(ROOT)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS), help="names, separated by commas")
    parser.add_argument("--sets", default=None, help="begin or end of sets' names, separated by commas")
    parser.add_argument("--minutes", type=float, default=10.0, help="allowance for one model and set")
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get(FOLDER_VARIABLE, DATA)), help="folder of files"
    )
    parser.add_argument("--again", action="store_true", help="score also what is scored already")
    return parser.parse_args()


def _score_all(engine: Engine, model: str, arguments: argparse.Namespace) -> None:
    """Score one model on the sets that are asked for; a name that the registry does not know is said and skipped."""
    try:
        scorer = Scorer(engine, model, arguments.minutes)
    except UnknownName as error:
        print(f"skipped: {error}")
        return
    wanted = None if arguments.sets is None else tuple(filter(None, arguments.sets.split(",")))
    known = {} if arguments.again else scorer.known()
    for score_set in SETS:
        asked = wanted is None or score_set.name.startswith(wanted) or score_set.name.endswith(wanted)
        if asked and score_set.name not in known:
            record = scorer.score(score_set, arguments.data)
            said = record.get("skipped") or f"MASE {record['mase']:.3f} in {record['seconds']:.1f} s"
            print(f"{model:16} {score_set.name:36} {said}", flush=True)


if __name__ == "__main__":
    main()
