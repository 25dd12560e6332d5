"""Forecasts of millions of series, from Parquet files to Parquet files: planned in shards, each written once.

    request -> plan (OUT/_foretell/plan.json) -> rows sorted by id, where files are not -> shards (OUT/part-*.parquet)

A file that is there is done, so a job that was killed goes on where it was.
"""

from foretell.batch.job import Outcome, Workers, forecast_files
from foretell.batch.request import Request
from foretell.batch.ticker import Ticker

__all__ = ["Outcome", "Request", "Ticker", "Workers", "forecast_files"]
