"""A model on one device that burns 10 ms of CPU for each call and 0.2 ms for each series; and the Flask server for it.

python -m benchmarks.anode_model PORT     serve it as TDgpt does: Flask, threads, a lock around the model
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from foretell.registry import Kind, Limits, Option, Options
from foretell.series import OK, Batch, Forecast

CALL, SERIES = 0.010, 0.0002


def burn(count: int) -> None:
    """Compute for as long as `count` series take."""
    end = time.thread_time() + CALL + SERIES * count
    while time.thread_time() < end:
        pass


class Burn:
    """The last value repeated, after all that work."""

    name: ClassVar[str] = "burn"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "burns 10 ms + 0.2 ms a series"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(cost=0.4, prefix_consistent=True)
    options: ClassVar[Mapping[str, Option]] = {}

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:  # noqa: ARG002
        burn(len(batch))
        point = np.repeat(batch.values[:, -1:], horizon, axis=1)
        return Forecast(point, None, levels, (OK,) * len(batch), self.name)


def flask_app() -> Any:
    """One request, one call of the model; the body is read and answered with the standard library's json."""
    from flask import Flask, jsonify, request

    app = Flask(__name__)
    lock = threading.Lock()

    @app.post("/forecast")
    def forecast() -> Any:
        body = request.get_json()
        values = np.array(body["data"][1], dtype=np.float64)
        rows, start, every = body["forecast_rows"], body["start"], body["every"]
        with lock:
            burn(1)
        times = [start + i * every for i in range(rows)]
        return jsonify(rows=rows, res=[times, [float(values[-1])] * rows], algo=body["algo"], option=body["option"])

    return app


if __name__ == "__main__":
    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    flask_app().run("127.0.0.1", int(sys.argv[1]), threaded=True)
