"""OUT/_foretell/plan.json: what was asked and how it was divided. A job goes on only with what it began with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

import pyarrow as pa

from foretell.batch.folder import Folder
from foretell.batch.plan import Plan, Shard, Sorting
from foretell.batch.request import Columns, Request
from foretell.batch.survey import Survey
from foretell.batch.work import NOTES
from foretell.errors import InvalidInput

PLAN = "plan.json"
MEANING = {
    "foretell": "version of foretell",
    "model": "model",
    "target": "model's class",
    "horizon": "horizon",
    "levels": "levels",
    "options": "option",
    "columns": "columns",
    "files": "size in bytes of the input file",
}


@dataclass(frozen=True, slots=True)
class Notes:
    """A plan with everything that it was made for."""

    request: Request
    columns: Columns
    schema: pa.Schema
    files: list[tuple[str, int]]
    broken: Mapping[str, str]
    plan: Plan

    @classmethod
    def of(cls, request: Request, found: Survey, plan: Plan) -> Notes:
        return cls(request, found.columns, found.schema, found.files, found.broken, plan)

    def asked(self) -> dict[str, Any]:
        """What must be the same when the job goes on, as JSON keeps it."""
        columns = [list(self.columns.ids), self.columns.time, self.columns.value]
        version = metadata.version("foretell")
        return {"foretell": version, **self.request.as_dict(), "columns": columns, "files": dict(self.files)}

    def save(self, target: Folder) -> None:
        values = {
            "asked": self.asked(),
            "broken": dict(self.broken),
            "schema": base64.b64encode(self.schema.serialize()).decode(),
            "sortings": [asdict(sorting) for sorting in self.plan.sortings],
            "shards": [asdict(shard) for shard in self.plan.shards],
        }
        target.inner(NOTES).write_json(PLAN, values)

    def resumed(self, target: Folder) -> Notes | None:
        """The notes that lie in `target`, if they are of the same request; None where the folder is empty.

        InvalidInput where it holds anything else.
        """
        there = target.inner(NOTES).read_json(PLAN)
        if there is None:
            strangers = sorted(name for name in target.names() if not name.startswith(("_", ".")))
            if strangers:
                raise InvalidInput(target.field, f"{target.url} is not empty ({strangers[0]}); choose another folder")
            return None
        asked = self.asked()
        for name, meaning in MEANING.items():
            before = there["asked"].get(name)
            if before != asked[name]:
                other = f"another {meaning}{_difference(before, asked[name])}"
                raise InvalidInput(target.field, f"{target.url} holds a job with {other}; choose another folder")
        plan = Plan(tuple(_sorting(s) for s in there["sortings"]), tuple(_shard(s) for s in there["shards"]))
        return Notes(self.request, self.columns, self.schema, self.files, there["broken"], plan)


def _difference(before: Any, now: Any) -> str:
    """Short values are shown; of options and files, the first that differs."""
    if isinstance(before, dict) and isinstance(now, dict):
        key = min(key for key in before.keys() | now if before.get(key) != now.get(key))
        return f" {key}{_difference(before.get(key), now.get(key))}"
    text = f": {_shown(before)}, not {_shown(now)}"
    return text if len(text) < 100 else ""


def _shown(value: Any) -> str:
    return "none" if value is None else repr(value)


def _sorting(values: dict[str, Any]) -> Sorting:
    return Sorting(**{**values, "places": _places(values)})


def _shard(values: dict[str, Any]) -> Shard:
    return Shard(**{**values, "places": _places(values)})


def _places(values: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((path, group) for path, group in values["places"])
