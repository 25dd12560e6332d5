"""The page docs/benchmarks/scores.md from the kept scores. Nothing is computed here but means and ratios."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.score_sets import SETS, THIN, Group, ScoreSet

BASELINE = "seasonal_naive"
OURS = "foretell-small"
FIRST = (OURS, BASELINE)
WHOLE: tuple[Group, ...] = ("competition", "ett")
SAMPLED: tuple[Group, ...] = ("competition", "ett-sample")

Record = Mapping[str, Any]
Scores = Mapping[str, Mapping[str, Record]]
"""Model -> set -> record."""
Cell = Callable[[str, str], str]
"""(model, set) -> text."""

HEAD = """# Scores on public sets

Made by `python -m benchmarks.scores`; do not edit. The models see the history of each series and nothing else of these
sets (but see the note on `fracast` below). Every number but the relative ones stands in `benchmarks/results/`. Less is
better, except for coverage, which is right at 80 and 95 per cent.
"""

MEANS = """Geometric mean of MASE relative to seasonal naive, and mean coverage (per cent) over all sets.

* *All sets*: the {whole} of the competitions and of ETT with context 512. A dash if the model has not ended one.
* *Ended sets*: those of the {sampled} of the competitions and the ETT sample that the model has ended (how many).
* *Shared sets*: the {shared} of these that all models ended which ended at least half of them: the column in which
  models can be compared.
"""

RATIOS = """MASE of foretell-small over each other model's: geometric mean over the sets that both ended, on the same
series, so less than 1 is better. *Thin sets*: every n-th series (or window) of each set, so that {thin} to {most}
remain (all of a smaller set), for models that take too long for the whole. *Other sets*: the whole ones of the
competitions and of ETT with context 512, and the ETT sample.
"""

NOTES = """## How to read this

* **MASE**: mean absolute error over the mean absolute error of the seasonal naive forecast inside the history
  (periods 12, 4, 24; 1 for yearly, weekly and other data), averaged over the series. ETT: the history is the context.
* **ETTh1 512:96** means context 512, horizon 96, on the test split of the standard protocol (12 / 4 / 4 months of 30
  days), seven channels one by one, z-scored with the train split. Context 512: every 64th origin (hourly sets) or
  256th (15-minute sets); context 2,048: every 32nd or 128th. The *sample* is every eighth origin of the first, the
  same for all models, for those that are too slow for the whole.
* **Coverage**: share of the truth inside the 80 % and the 95 % interval, in per cent.
* A dash: not scored (yet), or the model does not give it (`fracast` knows the deciles only: no 95 % interval).
* `ets`, `autotheta` and `arima` are the automatic models of statsforecast, told the season of each set, as is
  `seasonal_naive`.
* The makers of `fracast` trained on public corpora that hold some of these sets (and near copies of others), so its
  scores are not all zero-shot.
* Damaged sets keep the truth and the MASE scale of the undamaged ones.
"""


def page(scores: Scores) -> str:
    """The whole page in Markdown."""
    models = _ordered(scores)
    parts = [
        HEAD,
        _means(scores, models),
        _ratios(scores, models),
        _section("MASE, thin sets", _rows("thin"), models, _number(scores, "mase")),
        _section("MASE, the competitions", _rows("competition"), models, _number(scores, "mase")),
        _section("MASE, ETT", _rows("ett", "ett-long", "ett-sample"), models, _number(scores, "mase")),
        _section("MSE / MAE, ETT", _rows("ett", "ett-long", "ett-sample"), models, _pair(scores, "mse", "mae", 1)),
        _section("sMAPE, the competitions", _rows("competition"), models, _number(scores, "smape")),
        _section("Weighted quantile loss", _rows(*WHOLE, "ett-long"), models, _number(scores, "wql")),
        _section(
            "Coverage of the 80 % / 95 % interval", _rows(*WHOLE, "ett-long"), models, _pair(scores, *COVERAGES, 100)
        ),
        _section("Missing values: MASE, and how much worse", _rows("damaged"), models, _damage(scores)),
        _skipped(scores, models),
        NOTES,
    ]
    return "\n".join(part for part in parts if part)


COVERAGES = ("coverage80", "coverage95")


def geometric_mean(scores: Scores, model: str, sets: Sequence[str], other: str = BASELINE) -> float:
    """Of MASE over the MASE of `other` (seasonal naive) on `sets`; NaN if a score is missing."""
    logs = []
    for name in sets:
        ours, theirs = _value(scores, model, name, "mase"), _value(scores, other, name, "mase")
        logs.append(math.log(ours / theirs))
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def _ratios(scores: Scores, models: Sequence[str]) -> str:
    """foretell-small against each other model, on the sets that both have ended."""
    lines = []
    for model in models:
        if model != OURS and OURS in scores:
            cells = [*_against(scores, model, "thin"), *_against(scores, model, *WHOLE, "ett-sample")]
            lines.append((model, cells))
    kept = [(model, cells) for model, cells in lines if set(cells) != {"-"}]
    if not kept:
        return ""
    intro = RATIOS.format(thin=THIN, most=2 * THIN - 1)
    head = ["against", "thin sets", "better on", "other sets", "better on"]
    return f"## Against each other model\n\n{intro}\n" + _table(head, kept)


def _against(scores: Scores, model: str, *groups: Group) -> list[str]:
    """The ratio, and on how many of how many sets ours is better."""
    shared = [s.name for s in _rows(*groups) if all(_ended(scores, m, s.name) for m in (OURS, model))]
    if not shared:
        return ["-", "-"]
    better = sum(_value(scores, OURS, n, "mase") < _value(scores, model, n, "mase") for n in shared)
    return [_text(geometric_mean(scores, OURS, shared, model), 3), f"{better} of {len(shared)}"]


def _ended(scores: Scores, model: str, name: str) -> bool:
    return not math.isnan(_value(scores, model, name, "mase"))


def _means(scores: Scores, models: Sequence[str]) -> str:
    whole, sampled = ([s.name for s in _rows(*groups)] for groups in (WHOLE, SAMPLED))
    ended = {m: [n for n in sampled if _ended(scores, m, n)] for m in models}
    compared = [m for m in models if 2 * len(ended[m]) >= len(sampled)]
    shared = [n for n in sampled if all(n in ended[m] for m in compared)]
    lines = []
    for model in models:
        own = _text(geometric_mean(scores, model, ended[model]), 3)
        cells = [
            _text(geometric_mean(scores, model, whole), 3),
            f"{own} ({len(ended[model])})",
            _text(geometric_mean(scores, model, shared), 3) if model in compared else "-",
            *(_text(_mean(_value(scores, model, n, c) * 100 for n in whole), 1) for c in COVERAGES),
        ]
        lines.append((model, cells))
    intro = MEANS.format(whole=len(whole), sampled=len(sampled), shared=len(shared))
    head = ["model", "all sets", "ended sets", "shared sets", "in 80 %", "in 95 %"]
    return f"## In one line\n\n{intro}\n" + _table(head, lines)


def _section(title: str, rows: Sequence[ScoreSet], models: Sequence[str], cell: Cell) -> str:
    lines = [(s.name, [cell(model, s.name) for model in models]) for s in rows]
    kept = [(name, cells) for name, cells in lines if set(cells) != {"-"}]
    return f"## {title}\n\n{_table(['', *models], kept)}" if kept else ""


def _table(head: Sequence[str], lines: Iterable[tuple[str, Sequence[str]]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    rows = [head, rule, *([name, *cells] for name, cells in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _skipped(scores: Scores, models: Sequence[str]) -> str:
    lines = [
        f"* `{model}` on {s.name}: {reason}"
        for model in models
        for s in SETS
        if (reason := scores[model].get(s.name, {}).get("skipped"))
    ]
    return "## Not ended\n\n" + "\n".join(lines) + "\n" if lines else ""


def _number(scores: Scores, metric: str) -> Cell:
    return lambda model, name: _text(_value(scores, model, name, metric), 3)


def _pair(scores: Scores, first: str, second: str, unit: float) -> Cell:
    digits = 3 if unit == 1 else 1

    def cell(model: str, name: str) -> str:
        texts = [_text(unit * _value(scores, model, name, m), digits) for m in (first, second)]
        return "-" if texts == ["-", "-"] else " / ".join(texts)

    return cell


def _damage(scores: Scores) -> Cell:
    """MASE, and how much worse it is than on the undamaged set."""
    undamaged = {s.name: s.undamaged for s in SETS}

    def cell(model: str, name: str) -> str:
        damaged, whole = (_value(scores, model, n, "mase") for n in (name, undamaged[name]))
        change = "" if math.isnan(whole) else f" ({damaged / whole - 1:+.1%})"
        return "-" if math.isnan(damaged) else f"{damaged:.3f}{change}"

    return cell


def _rows(*groups: Group) -> list[ScoreSet]:
    return [s for s in SETS if s.group in groups]


def _ordered(scores: Scores) -> list[str]:
    first = [m for m in FIRST if m in scores]
    return first + sorted(set(scores) - set(first))


def _value(scores: Scores, model: str, name: str, metric: str) -> float:
    return float(scores[model].get(name, {}).get(metric, math.nan))


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else math.nan


def _text(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
