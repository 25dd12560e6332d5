"""Write docs/models.md from the registry: every model with its limits and options. `make docs` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from foretell.registry import Entry, registry

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
HEAD = """# Models

Every name that `FORECAST(..., 'algo=NAME')`, `foretell forecast --model NAME` and `foretell.forecast(model="NAME")`
take, and the options that each one takes (`k=v` in SQL, `--option k=v`, keyword arguments in Python). This page is
written from the registry by `make docs`; a test holds it.

Covariates: {covariates}; one of a plugin or a model server may.

The point forecast of `foretell-small` is the median, that of `ets`, `theta` and `arima` a mean. Sums of medians are far
too low for rare demand: [what to take instead](evaluation.md#where-forecasts-are-added-up).
"""


def page() -> str:
    return HEAD.format(covariates=registry().about_covariates()) + "".join(
        _section(entry) for entry in registry().entries()
    )


def _section(entry: Entry) -> str:
    limits = entry.limits
    facts = [
        entry.description + ".",
        f"Kind: {entry.kind}. Licence: {entry.license}.",
        f"Context {limits.min_context} to {limits.max_context:,} points; horizon up to {limits.max_horizon:,}."
        if entry.kind == "forecast"
        else f"Between {limits.min_context} and {limits.max_context:,} points.",
    ]
    if entry.kind == "forecast":
        facts.append(
            "Prediction intervals of its own at any level."
            if limits.intervals
            else "Prediction intervals are conformal, from its errors inside the context."
        )
    if entry.aliases:
        facts.append(f"Also called {', '.join(f'`{a}`' for a in entry.aliases)}.")
    lines = [f"\n## {entry.name}\n", " ".join(facts)]
    if entry.options:
        lines += ["", "| option | default | values | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{key}` | {'' if o.default is None else o.default} | {o.values()} | {o.doc} |"
            for key, o in entry.options.items()
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
