"""The main job on real input: forecasts in SQL over a file, as a table and as a picture. `make demo` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from foretell.cli import app

HERE = Path(__file__).parent
STATEMENT = f"""
SELECT _frowts, _flow, _fhigh,
       FORECAST(passengers, 'algo=holtwinters,rows=12,period=12,trend=mul,seasonal=mul') AS forecast
FROM '{(HERE / "air_passengers.csv").as_posix()}'
"""


def main() -> None:
    out = HERE.parent / "out"
    out.mkdir(exist_ok=True)
    picture = out / "demo.png"
    print(f"foretell sql \"{STATEMENT.strip()}\" --plot {picture}\n", flush=True)  # noqa: T201
    app(["sql", STATEMENT, "--plot", str(picture), "--overwrite"], standalone_mode=False)


if __name__ == "__main__":
    sys.exit(main())
