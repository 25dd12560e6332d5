"""How many examples: a few in CI, `FUZZ=1000` of each in the long form, which `make soak` runs."""

from __future__ import annotations

import os

import hypothesis

LONG = int(os.environ.get("FUZZ", "0"))


def examples(few: int, share: float = 1.0) -> hypothesis.settings:
    """Settings of `few` examples, the same in each run; in the long form of `share` of what was asked for, others in
    each run."""
    return hypothesis.settings(
        max_examples=max(few, int(LONG * share)),
        derandomize=not LONG,
        deadline=None,
        database=None,
        suppress_health_check=[*hypothesis.HealthCheck],
    )
