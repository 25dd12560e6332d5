"""Tables that a Python caller has in variables: pandas, polars and Arrow, by name."""

from __future__ import annotations

import sys
from types import FrameType

PACKAGE = "foretell"
INNER = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<lambda>")
"""Frames that see the variables of the function around them."""
LIBRARIES = ("pandas", "polars", "pyarrow", "duckdb", "_duckdb")


def caller() -> FrameType | None:
    """The innermost frame outside this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == PACKAGE:
        frame = frame.f_back
    return frame


def table_in(frame: FrameType | None, name: str) -> object | None:
    """The table that a variable of `frame` holds; None where there is no such variable, or it holds something else."""
    while frame is not None:
        value = frame.f_locals.get(name, frame.f_globals.get(name))
        library = type(value).__module__.partition(".")[0]
        if library in LIBRARIES and not isinstance(value, type):
            return value
        frame = frame.f_back if frame.f_code.co_name in INNER else None
    return None
