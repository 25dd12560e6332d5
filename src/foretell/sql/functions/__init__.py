"""The functions that our SQL adds: one file each, listed here by the name that calls them."""

from __future__ import annotations

from foretell.sql.answer import Function
from foretell.sql.functions import forecast

FUNCTIONS: dict[str, Function] = {"FORECAST": forecast.answer}
