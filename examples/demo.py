"""The main job on real input: a forecast in SQL over a file, as a table and as a picture. `make demo` runs it."""

from __future__ import annotations

import os
from pathlib import Path

from foretell.cli import app

ROOT = Path(__file__).parents[1]
STATEMENT = """SELECT _frowts, _flow, _fhigh,
       FORECAST(passengers, 'algo=foretell-small,rows=12') AS forecast
  FROM 'examples/air_passengers.csv'"""
PICTURE = "out/demo.png"


def main() -> None:
    os.chdir(ROOT)
    Path("out").mkdir(exist_ok=True)
    print(f'$ foretell sql "{STATEMENT}" --plot {PICTURE}\n', flush=True)
    app(["sql", STATEMENT, "--plot", PICTURE, "--overwrite"], standalone_mode=False)


if __name__ == "__main__":
    main()
