"""The functions that our SQL adds: one file each, listed here by the name that calls them."""

from __future__ import annotations

from foretell.sql.answer import Function
from foretell.sql.functions import dtw, dtw_path, forecast, imputation, tlcc

FUNCTIONS: dict[str, Function] = {
    "FORECAST": forecast.answer,
    "IMPUTATION": imputation.answer,
    "DTW": dtw.answer,
    "DTW_PATH": dtw_path.answer,
    "TLCC": tlcc.answer,
}

PSEUDO_COLUMNS: dict[str, tuple[str, ...]] = {
    "_FROWTS": ("FORECAST",),
    "_FLOW": ("FORECAST",),
    "_FHIGH": ("FORECAST",),
    "_IMPROWTS": ("IMPUTATION",),
    "_IMPMARK": ("IMPUTATION",),
    "_FSTATUS": tuple(FUNCTIONS),
    "_FMODEL": tuple(FUNCTIONS),
}
"""The columns that only the result of a function has, with the functions that have them."""
