"""foretell: time-series forecasting where the data is.

    foretell.forecast(data, horizon)     arrays or tables in, a Forecast or the same kind of table out
    foretell.detect(data)                which points are anomalous
    foretell.impute(data)                gaps filled
    foretell.evaluate(data, models, horizon)   models back-tested on your data
    foretell.plot(history, forecast)     a picture
    foretell.connect()                   SQL with FORECAST over files, tables and DuckDB
    foretell.Client(url)                 a server's forecasts; foretell.AsyncClient(url) to await them

Importing this module is cheap: the parts are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foretell.client import AsyncClient, Client
    from foretell.errors import ForetellError
    from foretell.evaluation import evaluate
    from foretell.library import connect, detect, forecast, impute, plot
    from foretell.series import Forecast, Series

__all__ = [
    "AsyncClient",
    "Client",
    "Forecast",
    "ForetellError",
    "Series",
    "__version__",
    "connect",
    "detect",
    "evaluate",
    "forecast",
    "impute",
    "plot",
]

_HOMES = {
    "AsyncClient": "foretell.client",
    "Client": "foretell.client",
    "Forecast": "foretell.series",
    "ForetellError": "foretell.errors",
    "Series": "foretell.series",
    "connect": "foretell.library",
    "detect": "foretell.library",
    "evaluate": "foretell.evaluation",
    "forecast": "foretell.library",
    "impute": "foretell.library",
    "plot": "foretell.library",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("foretell")
    if name not in _HOMES:
        raise AttributeError(f"module 'foretell' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
