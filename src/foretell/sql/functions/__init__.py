"""The functions that our SQL adds: one file each, listed here by the name that calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from foretell.sql.answer import Answer, Context, Function
from foretell.sql.functions import ai_forecast, dtw, dtw_path, forecast, imputation, tlcc
from foretell.sql.table_call import TableCall

FUNCTIONS: dict[str, Function] = {
    "FORECAST": forecast.answer,
    "IMPUTATION": imputation.answer,
    "DTW": dtw.answer,
    "DTW_PATH": dtw_path.answer,
    "TLCC": tlcc.answer,
}


class TableFunction(NamedTuple):
    """A function in FROM: the names of its arguments, and what answers a call."""

    arguments: tuple[str, ...]
    answer: Callable[[TableCall, Context], Answer]


TABLE_FUNCTIONS = {"AI.FORECAST": TableFunction(ai_forecast.ARGUMENTS, ai_forecast.answer)}

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
