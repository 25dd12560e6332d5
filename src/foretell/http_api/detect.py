"""detect: a label for every point of every series, and the runs of anomalous ones."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from foretell.http_api import series_in
from foretell.http_api.pieces import cut_groups
from foretell.http_api.series_in import Many
from foretell.http_api.verb import Asking, Parameters, Verb
from foretell.results import Detection
from foretell.series import has_forecast
from foretell.wire.points import detection_table, scores_of
from foretell.wire.table import Groups, read_points


class DetectIn(Parameters, kw_only=True):
    series: Many


class Window(msgspec.Struct):
    """A run of anomalous points: indices of the first and the last, and their label."""

    first: int
    last: int
    label: int


class SeriesDetection(msgspec.Struct):
    """`labels` as long as the series (1 = normal), `scores` where the detector has any; null without an answer."""

    id: str
    status: str
    labels: list[int] | None
    scores: list[float | None] | None
    windows: list[Window]


class DetectOut(msgspec.Struct):
    model: str
    detections: list[SeriesDetection]


async def _ask(asking: Asking, given: Parameters, groups: Groups) -> Detection:
    model = DETECT.model(given, asking.settings)
    return await asking.serving.detect(groups.series, model, given.options, asking.deadline, asking.later)


def _json(parts: Sequence[tuple[Groups, Detection]]) -> DetectOut:
    rows = [_row(made, i, one.id) for groups, made in parts for i, one in enumerate(groups.series)]
    return DetectOut(parts[0][1].model, rows)


def _row(made: Detection, row: int, name: str) -> SeriesDetection:
    if not has_forecast(made.status[row]):
        return SeriesDetection(name, made.status[row], None, None, [])
    windows = [Window(*map(int, window)) for window in made.windows(row)]
    scores = None if made.scores is None else scores_of(made, row).tolist()
    return SeriesDetection(name, made.status[row], made.row(row).tolist(), scores, windows)


DETECT = Verb(
    "detect",
    "Find anomalous points",
    "anomaly",
    "iqr",
    DetectIn,
    Parameters,
    lambda given: series_in.groups_of_json(given.series),
    lambda body, columns, _: series_in.groups_of_arrow(body, columns, read_points),
    cut_groups,
    _ask,
    _json,
    detection_table,
    DetectOut,
)
