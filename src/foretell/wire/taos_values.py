"""Values of an Arrow column as TDengine's type wants them: NumPy arrays of numbers, or text and bytes end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretell.errors import InvalidInput
from foretell.wire.taos_types import BOOL, DECIMAL, DECIMAL64, NCHAR, TIMESTAMP, Column, Precision

NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds of a unit."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """values [rows] of the type's dtype (bytes [rows, width] for DECIMAL), 0 where `nulls` [rows] holds."""

    values: np.ndarray[Any, Any]
    nulls: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """`data`: the bytes of all values that are not null, end to end; `lengths` [rows] in bytes, 0 where `nulls`."""

    data: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any]
    nulls: np.ndarray[Any, Any]


def one_chunk(values: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    array = values.combine_chunks()
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def nulls_of(array: pa.Array) -> np.ndarray[Any, Any]:
    if array.null_count == 0:
        return np.zeros(len(array), bool)
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))


def numbers(array: pa.Array, column: Column, unit: Precision) -> Numbers:
    """Values of a type of fixed width; NaN is a null. InvalidInput where they do not fit."""
    nulls = nulls_of(array)
    if column.type is TIMESTAMP:
        return Numbers(times(array, unit), nulls)
    if column.type in (DECIMAL, DECIMAL64):
        return Numbers(_decimals(array, column), nulls)
    try:
        array = array.cast(column.type.arrow)
    except pa.ArrowInvalid as error:
        raise InvalidInput(column.name, f"does not fit {column.type_name}: {error}") from None
    values = array.fill_null(False if column.type is BOOL else 0).to_numpy(zero_copy_only=False)
    values = values.astype(column.type.dtype, copy=False)
    if values.dtype.kind == "f":
        nan = np.isnan(values)
        if nan.any():
            return Numbers(np.where(nan, values.dtype.type(0), values), nulls | nan)
    return Numbers(values, nulls)


def times(array: pa.Array, unit: Precision) -> np.ndarray[Any, Any]:
    """Times as int64 in `unit` since the epoch, cut to it, 0 where null. Integers are taken as they are."""
    if not pa.types.is_timestamp(array.type):
        return np.asarray(array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
    raw = array.cast(pa.timestamp(array.type.unit)).view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    have, want = NS[array.type.unit], NS[unit]
    return np.asarray(raw * (have // want) if have >= want else raw // (want // have))


def _decimals(array: pa.Array, column: Column) -> np.ndarray[Any, Any]:
    """bytes [rows, width] of the unscaled values."""
    array = array.cast(pa.decimal128(38, column.scale)).fill_null(0)
    raw = np.frombuffer(array.buffers()[1], np.uint8, len(array) * 16, array.offset * 16)
    return raw.reshape(-1, 16)[:, : column.type.width]


def words(array: pa.Array, column: Column) -> Words:
    """Values of a type whose width varies: UTF-8, UTF-32 for NCHAR, or bytes."""
    nulls = nulls_of(array)
    array = array.cast(column.type.arrow).drop_null()
    offsets = np.frombuffer(array.buffers()[1] or b"\0" * 4, "<i4", len(array) + 1, array.offset * 4)
    data = np.frombuffer(array.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    found = np.diff(offsets)
    if column.type is NCHAR:
        data = np.frombuffer(data.tobytes().decode().encode("utf-32-le"), np.uint8)
        found = pc.utf8_length(array).to_numpy(zero_copy_only=False) * 4
    lengths = np.zeros(len(nulls), np.int64)
    lengths[~nulls] = found
    return Words(data, lengths, nulls)
