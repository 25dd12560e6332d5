"""Answers about points in long form: a row for each point of each series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from foretell.results import Detection, Imputation
from foretell.series import FloatArray
from foretell.wire.table import Groups, with_answers

Parts = Sequence[tuple[Groups, Any]]


def detection_table(parts: Sequence[tuple[Groups, Detection]]) -> pa.Table:
    """Id columns, time, label (1: normal), anomaly, score (null where there is none), status, model."""
    return _table(
        parts,
        {"label": pa.int64(), "anomaly": pa.bool_(), "score": pa.float64()},
        lambda made, i: (made.row(i), made.row(i) != made.normal, scores_of(made, i)),
    )


def imputation_table(parts: Sequence[tuple[Groups, Imputation]]) -> pa.Table:
    """Id columns, time, value (null where a series has no answer), imputed, status, model."""
    return _table(parts, {"value": pa.float64(), "imputed": pa.bool_()}, lambda made, i: made.row(i))


def scores_of(made: Detection, row: int) -> FloatArray:
    """Scores [T] of one series, NaN where the detector has none."""
    width, own = made.labels.shape[1], int(made.lengths[row])
    return np.full(own, np.nan) if made.scores is None else made.scores[row, width - own :]


def _table(parts: Parts, kinds: Mapping[str, pa.DataType], row_of: Callable[[Any, int], tuple[Any, ...]]) -> pa.Table:
    """`row_of` gives what the columns `kinds` hold of one series."""
    tables = []
    for groups, made in parts:
        lengths = [len(one) for one in groups.series]
        row = np.repeat(np.arange(len(lengths)), lengths)
        keys = groups.keys.take(pa.array(row))
        columns = {name: keys[name] for name in keys.column_names}
        if groups.time_type is not None:
            times = np.concatenate([np.zeros(0, "M8[ns]"), *(_times(groups, i) for i in range(len(groups)))])
            columns[groups.time_name] = pa.array(times, from_pandas=True).cast(groups.time_type, safe=False)
        answers, rows = {}, [row_of(made, i) for i in range(len(groups))]
        for i, (name, kind) in enumerate(kinds.items()):
            whole = np.concatenate([np.zeros(0, kind.to_pandas_dtype()), *(one[i] for one in rows)])
            answers[name] = pa.array(whole, kind, from_pandas=True)
        answers["status"] = pa.array(np.array(made.status, dtype=object)[row], pa.string())
        answers["model"] = pa.array([made.model] * len(row), pa.string())
        tables.append(with_answers(columns, answers))
    return pa.concat_tables(tables)


def _times(groups: Groups, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]:
    series = groups.series[index]
    if groups.times is not None:
        return groups.times[index].view("M8[ns]")
    if series.start is None or (series.step is None and len(series) > 1):
        return np.full(len(series), np.datetime64("NaT", "ns"))
    if series.step is None:
        return np.array([series.start], "M8[ns]")
    return series.step.times(series.start, len(series)).view("M8[ns]")
