"""What a SQL function is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foretell.engine.engine import Control, Engine
from foretell.registry import VERBS, Kind
from foretell.series import Series
from foretell.sql.blocks import Block
from foretell.sql.history import History, Place
from foretell.sql.rewrite import Names
from foretell.sql.statement import Span, Statement
from foretell.steps import SECOND

if TYPE_CHECKING:
    from foretell.sql.anodes import Anodes
    from foretell.sql.relation import Relation


@dataclass(frozen=True, slots=True)
class Profile:
    """How strict SQL is.

    `rows` are how many a series must and may have, for each kind of model; `max_ahead` how many may be forecast,
    `max_filled` how many an imputation may add (None: as many as the model can). `wncheck`: white noise is refused by
    default. `needs_algo`: options without algo= are an error. `freq`: what an imputation takes for the spacing where
    none is given ("": the one that is found). `widened`: an anomaly of one point ends a tick after it. `tick` is what
    integers count beside a TIMESTAMP, in ns (the other types of time tell it themselves). `named`: every column without
    an alias has the name that TDengine gives it, also where DuckDB would do.
    """

    rows: Mapping[Kind, tuple[int, int | None]]
    max_ahead: int | None = None
    max_filled: int | None = None
    max_covariates: int | None = None
    wncheck: bool = False
    needs_algo: bool = False
    freq: str = ""
    widened: bool = False
    tick: int = SECOND // 1000
    named: bool = False


FILES = Profile(dict.fromkeys(VERBS, (1, None)))
TDENGINE = Profile(
    {"forecast": (10, 40_000), "anomaly": (10, 8192), "imputation": (10, 8192), "correlation": (1, 10_240)},
    max_ahead=1024,
    max_filled=2048,
    max_covariates=10,
    wncheck=True,
    needs_algo=True,
    freq="1s",
    widened=True,
    tick=1000,
    named=True,
)
"""TDengine's own limits (protocol sections 3.1 to 3.4). A TIMESTAMP of the database is one in microseconds."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a function may use. `warn` is told of series that could not be answered; `explain`: run no model.

    `deadline` is a time of `time.monotonic()`; `zone` is the time zone of days, weeks, months and texts without one.
    `answers` gathers what functions answered, `lent` gives back what they lent to the database,
    `done` has the result of a statement that DuckDB need not see any more. `anodes` are the other
    nodes that may be asked, `is_admin`: the user may manage them.
    """

    place: Place
    engine: Engine
    profile: Profile
    control: Control
    warn: Callable[[str], None]
    anodes: Callable[[], Anodes]
    is_admin: bool = True
    deadline: float | None = None
    explain: bool = False
    zone: str = "UTC"
    answers: list[Answer] = field(default_factory=list)
    lent: ExitStack = field(default_factory=ExitStack)
    done: list[pa.Table] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    """The SELECTs with words of ours that have been looked at."""
    relations: dict[Span, Relation] = field(default_factory=dict)
    """What is known of what stands behind a FROM, by its place."""
    tags: set[str] = field(default_factory=set)
    """Those of the database's tables that the statement names; a relation has only the ones that it mentions."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one block: a table, what its columns stand for, and how it came about.

    `result` is what the engine gave (a Forecast for FORECAST); `plan` is filled for EXPLAIN alone: names and values.
    `ahead` are the series whose future times are those of a forecast: the options may move them.
    """

    block: Block
    table: pa.Table
    names: Names
    history: History
    result: Any
    plan: dict[str, Any]
    ahead: Sequence[Series] | None = None


Function = Callable[[Block, Context], Answer]
Rewrite = Callable[[Statement, Context], None]
"""Puts SQL of DuckDB in place of ours: patches the source of a statement, token by token or a SELECT at a time."""
SelectRewrite = Callable[[Block, Context], None]
"""The same for one SELECT; those inside it are rewritten before."""
