"""impute: every gap of every series filled, what was seen kept."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from foretell.http_api import series_in
from foretell.http_api.pieces import cut_groups
from foretell.http_api.series_in import Many
from foretell.http_api.verb import Asking, Parameters, Verb
from foretell.results import Imputation
from foretell.wire.points import imputation_table
from foretell.wire.table import Groups


class ImputeIn(Parameters, kw_only=True):
    series: Many


class SeriesImputation(msgspec.Struct):
    """`values` complete, or with their gaps (null) where the status says why; `imputed` marks the filled ones."""

    id: str
    status: str
    values: list[float | None]
    imputed: list[bool]


class ImputeOut(msgspec.Struct):
    model: str
    imputations: list[SeriesImputation]


async def _ask(asking: Asking, given: Parameters, groups: Groups) -> Imputation:
    model = IMPUTE.model(given, asking.settings)
    return await asking.serving.impute(groups.series, model, given.options, asking.deadline, asking.later)


def _json(parts: Sequence[tuple[Groups, Imputation]]) -> ImputeOut:
    rows = [_row(made, i, one.id) for groups, made in parts for i, one in enumerate(groups.series)]
    return ImputeOut(parts[0][1].model, rows)


def _row(made: Imputation, row: int, name: str) -> SeriesImputation:
    values, imputed = made.row(row)
    return SeriesImputation(name, made.status[row], values.tolist(), imputed.tolist())


IMPUTE = Verb(
    "impute",
    "Fill gaps",
    "imputation",
    "moment",
    ImputeIn,
    Parameters,
    lambda given: series_in.groups_of_json(given.series),
    lambda body, columns, _: series_in.groups_of_arrow(body, columns),
    cut_groups,
    _ask,
    _json,
    imputation_table,
    ImputeOut,
)
