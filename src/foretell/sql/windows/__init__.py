"""TDengine's window clauses over any relation with a time column, as set-based SQL. One kind of window, one file."""

from __future__ import annotations

from foretell.sql.windows.anomaly import anomaly_window
from foretell.sql.windows.count import count_window
from foretell.sql.windows.event import event_window
from foretell.sql.windows.frame import Framed
from foretell.sql.windows.interval import interval_window
from foretell.sql.windows.session import session_window
from foretell.sql.windows.state import state_window

WINDOWS: dict[str, Framed] = {
    "ANOMALY_WINDOW": anomaly_window,
    "INTERVAL": interval_window,
    "SESSION": session_window,
    "STATE_WINDOW": state_window,
    "EVENT_WINDOW": event_window,
    "COUNT_WINDOW": count_window,
}
"""How the rows of a block are put into windows, by the word that begins the clause."""
