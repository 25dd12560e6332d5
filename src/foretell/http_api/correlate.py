"""correlate: pairs of series in, a warping or lagged correlations for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from foretell.http_api import series_in
from foretell.http_api.pieces import cut_pairs
from foretell.http_api.series_in import ManyPairs
from foretell.http_api.verb import Asking, Parameters, Verb
from foretell.results import Correlation
from foretell.series import Series

Pairs = Sequence[tuple[Series, Series]]


class CorrelateQuery(Parameters, kw_only=True):
    """The columns that are compared, where the body is a table."""

    first: str = "first"
    second: str = "second"


class CorrelateIn(Parameters, kw_only=True):
    pairs: ManyPairs


class PairCorrelation(msgspec.Struct):
    """A warping has `distance` and `path` (pairs of indices), a lagged correlation `lags` and `values`."""

    id: str
    status: str
    distance: float | None
    path: list[list[int]] | None
    lags: list[int] | None
    values: list[float] | None
    note: str | None


class CorrelateOut(msgspec.Struct):
    model: str
    correlations: list[PairCorrelation]


async def _ask(asking: Asking, given: Parameters, pairs: Pairs) -> tuple[Correlation, ...]:
    model = CORRELATE.model(given, asking.settings)
    return await asking.serving.correlate(pairs, model, given.options, asking.deadline, asking.later)


def _json(parts: Sequence[tuple[Pairs, Sequence[Correlation]]]) -> CorrelateOut:
    rows = [_row(pair[0].id, made) for pairs, answers in parts for pair, made in zip(pairs, answers, strict=True)]
    return CorrelateOut(parts[0][1][0].model, rows)


def _row(name: str, made: Correlation) -> PairCorrelation:
    return PairCorrelation(
        name,
        made.status,
        made.distance,
        _listed(made.path),
        _listed(made.lags),
        _listed(made.values),
        made.details.get("note"),
    )


def _listed(array: np.ndarray[tuple[int, ...], Any] | None) -> Any:
    return None if array is None else array.tolist()


def _table(parts: Sequence[tuple[Pairs, Sequence[Correlation]]]) -> pa.Table:
    rows = msgspec.to_builtins(_json(parts))
    kinds = {
        "id": pa.string(),
        "status": pa.string(),
        "distance": pa.float64(),
        "path": pa.list_(pa.list_(pa.int64())),
        "lags": pa.list_(pa.int64()),
        "values": pa.list_(pa.float64()),
        "note": pa.string(),
    }
    columns = {name: pa.array([r[name] for r in rows["correlations"]], kind) for name, kind in kinds.items()}
    return pa.table(columns | {"model": pa.array([rows["model"]] * len(rows["correlations"]), pa.string())})


CORRELATE = Verb(
    "correlate",
    "Compare pairs of series",
    "correlation",
    "tlcc",
    CorrelateIn,
    CorrelateQuery,
    lambda given: series_in.pairs_of_json(given.pairs),
    lambda body, columns, given: series_in.pairs_of_arrow(body, columns, given.first, given.second),
    cut_pairs,
    _ask,
    _json,
    _table,
    CorrelateOut,
)
