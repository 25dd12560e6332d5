"""The verbs of our door, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from foretell.http_api.correlate import CORRELATE
from foretell.http_api.detect import DETECT
from foretell.http_api.evaluate import EVALUATE
from foretell.http_api.forecast import FORECAST
from foretell.http_api.impute import IMPUTE
from foretell.http_api.verb import Verb

VERBS: Mapping[str, Verb] = {v.name: v for v in (FORECAST, DETECT, IMPUTE, CORRELATE, EVALUATE)}
