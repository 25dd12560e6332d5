"""A row for each point: the columns that answers about points have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.wire.table import Groups


def point_columns(groups: Groups) -> dict[str, Any]:
    """The id columns, and the time where there is one, for each point of each series."""
    lengths = [len(one) for one in groups.series]
    keys = groups.keys.take(pa.array(np.repeat(np.arange(len(lengths)), lengths)))
    columns = {name: keys[name] for name in keys.column_names}
    if groups.time_type is not None:
        times = np.concatenate([_times(one) for one in groups.series])
        columns[groups.time_name] = pa.array(times, from_pandas=True).cast(groups.time_type, safe=False)
    return columns


def status_columns(groups: Groups, status: Sequence[str], model: str) -> dict[str, Any]:
    """The status of each point's series, and the model."""
    repeated = np.repeat(np.array(status, dtype=object), [len(one) for one in groups.series])
    return {"status": pa.array(repeated, pa.string()), "model": pa.array([model] * len(repeated), pa.string())}


def _times(series: Any) -> np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]:
    if series.start is None or (series.step is None and len(series) > 1):
        return np.full(len(series), np.datetime64("NaT", "ns"))
    if series.step is None:
        return np.array([series.start], "M8[ns]")
    found: np.ndarray[tuple[int, ...], np.dtype[np.datetime64]] = series.step.times(series.start, len(series)).view(
        "M8[ns]"
    )
    return found
