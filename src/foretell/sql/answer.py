"""What a SQL function is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from foretell.engine.engine import Control, Engine
from foretell.sql.blocks import Block
from foretell.sql.history import History, Place
from foretell.sql.rewrite import Names


@dataclass(frozen=True, slots=True)
class Profile:
    """How strict SQL is: rows that a series must and may have, and whether white noise is refused by default."""

    min_rows: int = 1
    max_rows: int | None = None
    wncheck: bool = False


FILES = Profile()
TDENGINE = Profile(min_rows=10, max_rows=40_000, wncheck=True)
"""TDengine's own limits (protocol section 3.1)."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a function may use. `warn` is told of series that could not be answered; `explain`: run no model.

    `deadline` is a time of `time.monotonic()`.
    """

    place: Place
    engine: Engine
    profile: Profile
    control: Control
    warn: Callable[[str], None]
    deadline: float | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one block: a table, what its columns stand for, and how it came about.

    `result` is what the engine gave (a Forecast for FORECAST); `plan` is filled for EXPLAIN alone: names and values.
    """

    table: pa.Table
    names: Names
    history: History
    result: Any
    plan: dict[str, Any]


Function = Callable[[Block, Context], Answer]
