"""What a verb of our door is: its body, how it is asked, and how its answer is written. The verbs are files beside it.

A body is JSON (the struct `body`), or an Arrow table with what else there is to say in the query (the struct `query`).
Either is read into the same inputs; long work is cut into pieces of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import pyarrow as pa

from foretell.engine.serving import Serving
from foretell.errors import InvalidInput
from foretell.http_api.series_in import Columns
from foretell.registry import Entry, Kind, Registry
from foretell.settings import Settings
from foretell.wire.options import read_pairs
from foretell.wire.unpacked import TIMES, check_arrow

T = TypeVar("T", bound=msgspec.Struct)
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Parameters(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every verb takes. `batch` work goes after everything that somebody waits for."""

    model: str | None = None
    options: dict[str, Any] = {}
    timeout: Seconds | None = None
    priority: Literal["interactive", "batch"] = "interactive"

    def asked(self, usual: str) -> dict[str, Mapping[str, Any]]:
        """The models that are asked, with their options; `usual` where none is named."""
        return {self.model or usual: self.options}

    def check(self, entry: Entry) -> None:
        """Raise where a model cannot do what is asked of it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One request under way: who answers, until when, and whether it can wait."""

    serving: Serving
    settings: Settings
    deadline: float | None
    later: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A body, read. `inputs` are Groups, or pairs of series."""

    verb: Verb
    parameters: Any
    inputs: Any


@dataclass(frozen=True, slots=True)
class Verb:
    """`pieces` cuts inputs into parts of about so many points; `json` and `table` write parts with their answers.

    `kind` is that of its models, None where it takes several; `default` the model where none is named, empty for that
    of the settings.
    """

    name: str
    summary: str
    kind: Kind | None
    default: str
    body: type[msgspec.Struct]
    query: type[msgspec.Struct]
    from_json: Callable[[Any], Any]
    from_arrow: Callable[[bytes, Columns, Any], Any]
    pieces: Callable[[Any, int], Sequence[Any]]
    ask: Callable[[Asking, Any, Any], Coroutine[Any, Any, Any]]
    json: Callable[[Sequence[tuple[Any, Any]]], Any]
    table: Callable[[Sequence[tuple[Any, Any]]], pa.Table]
    out: type[msgspec.Struct]

    def model(self, parameters: Any, settings: Settings) -> str:
        """The model that is asked."""
        return str(parameters.model or self.default or settings.default_model)

    def check(self, parameters: Any, settings: Settings, models: Registry) -> None:
        """Raise what `ask` would raise before it begins: unknown models and options, impossible horizons."""
        for name, options in parameters.asked(self.default or settings.default_model).items():
            entry = models.find(name, self.kind or "forecast")
            entry.read_options(options)
            parameters.check(entry)

    def read_json(self, body: bytes) -> Question:
        given = decode(body, self.body)
        return Question(self, given, self.from_json(given))

    def read_arrow(self, body: bytes, query: Mapping[str, str], limit: int) -> Question:
        """`query` holds the parameters as text: lists with commas, options as `k=v,k=v`. `limit` is that of bodies."""
        names = set(Columns.__struct_fields__)
        columns = msgspec.convert({k: v for k, v in query.items() if k in names}, Columns)
        rest: dict[str, Any] = {k: _read(k, v, self.query) for k, v in query.items() if k not in names}
        try:
            given = msgspec.convert(rest, self.query, strict=False)
        except msgspec.ValidationError as error:
            raise _wrong(error, self.query) from None
        check_arrow(body, TIMES * limit)
        return Question(self, given, self.from_arrow(body, columns, given))


def _read(key: str, text: str, struct: type[msgspec.Struct]) -> Any:
    if key == "options":
        pairs, stray = read_pairs(text)
        if stray:
            raise InvalidInput("options", f"must be k=v,k=v, got {stray[0]!r}")
        return pairs
    kinds = {f.name: str(f.type) for f in msgspec.structs.fields(struct)}
    many = re.search(r"\b(tuple|list)\[", kinds.get(key, "")) is not None
    if not many:
        return text
    return text.split(",") if text else []


def decode(body: bytes, struct: type[T]) -> T:
    """A JSON body as a `struct`; InvalidInput names the field that is wrong."""
    try:
        return msgspec.json.decode(body, type=struct)
    except UnicodeDecodeError:
        raise InvalidInput("body", "is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _wrong(error, struct) from None


def _wrong(error: Exception, struct: type[msgspec.Struct]) -> InvalidInput:
    """What msgspec found wrong with a `struct`, with the field that it found it in."""
    text, _, place = str(error).partition(" - at `$")
    unknown = text.startswith("Object contains unknown field `")
    name = text.split("`")[1] if "`" in text and ("unknown field" in text or "missing required field" in text) else ""
    field = ".".join(part for part in (place.rstrip("`").lstrip("."), name) if part)
    found = _type_at(struct, place.rstrip("`"))
    if unknown:
        known = ", ".join(one.encode_name for one in getattr(found, "fields", ()))
        return InvalidInput(field, f"is not known here (known: {known})")
    if text.startswith("Invalid enum value "):
        known = ", ".join(getattr(found, "values", ()))
        return InvalidInput(field, f"must be one of {known}, got {text.removeprefix('Invalid enum value ')}")
    return InvalidInput(field or "body", text if text.startswith("JSON") else text[:1].lower() + text[1:])


def _type_at(struct: type[msgspec.Struct], place: str) -> Any:
    """What msgspec knows of the type at a place such as `series[0].id`; None where it cannot be followed."""
    found: Any = msgspec.inspect.type_info(struct)
    for part in re.findall(r"\w+|\[\d+\]", place):
        if part.startswith("["):
            found = getattr(found, "item_type", None)
        else:
            found = next((one.type for one in getattr(found, "fields", ()) if one.encode_name == part), None)
    return found
