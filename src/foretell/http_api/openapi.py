"""What OpenAPI says of the verbs: bodies in two forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Parameter, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from foretell.http_api.problems import MEDIA_TYPE, title
from foretell.http_api.series_in import Columns
from foretell.http_api.verb import Verb
from foretell.wire.ipc import ARROW

PROBLEMS = (400, 401, 403, 404, 408, 413, 415, 429, 501, 502, 503, 504)
"""The statuses that a caller should be ready for; docs/http.md says what each means."""


class Problem(msgspec.Struct):
    """RFC 9457; `field` where one is wrong, `known` names where one is unknown."""

    type: str
    title: str
    status: int
    detail: str
    field: str | msgspec.UnsetType = msgspec.UNSET
    known: list[str] | msgspec.UnsetType = msgspec.UNSET


BINARY = Schema(type=OpenAPIType.STRING, format="binary")  # type: ignore[arg-type]


def operation_id(_: Any, method: str, path: Sequence[Any]) -> str:
    """Such as get_v1_jobs_id."""
    return "_".join([method.lower(), *(str(getattr(part, "name", part)) for part in path)])


def schema_of(struct: type[msgspec.Struct]) -> Any:
    """The JSON schema of a struct, in one piece: the framework writes the components of the document itself."""
    (schema,), components = msgspec.json.schema_components([struct], ref_template="{name}")
    return _whole(schema, components)


def _whole(schema: Any, components: Mapping[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _whole(components[schema["$ref"]], components)
        return {key: _whole(value, components) for key, value in schema.items()}
    return [_whole(one, components) for one in schema] if isinstance(schema, list) else schema


@dataclass
class Refusing(Operation):
    """An operation that may answer with a problem."""

    def __post_init__(self) -> None:
        self.responses = {**(self.responses or {}), **refusals()}


def refusals(other: type[msgspec.Struct] | None = None) -> dict[str, OpenAPIResponse]:
    """Problems, or errors in the shape of another protocol, by status."""
    content = {MEDIA_TYPE: OpenAPIMediaType(schema=schema_of(Problem))}
    if other is not None:
        content["application/json"] = OpenAPIMediaType(schema=schema_of(other))
    return {str(status): OpenAPIResponse(title(status), content=content) for status in PROBLEMS}


def operation(verb: Verb) -> type[Operation]:
    """The operation of a verb's POST."""

    @dataclass
    class Described(Refusing):
        def __post_init__(self) -> None:
            super().__post_init__()
            describe(self, verb)

    return Described


def taking(
    body: type[msgspec.Struct] | None,
    out: type[msgspec.Struct],
    query: Sequence[str] = (),
    refusal: type[msgspec.Struct] | None = None,
) -> type[Operation]:
    """The operation of a POST that takes JSON (None: a file) and parameters in the query, and gives JSON.

    `refusal` is what some of its errors look like, where that is no Problem.
    """

    @dataclass
    class Described(Refusing):
        def __post_init__(self) -> None:
            super().__post_init__()
            schema = BINARY if body is None else schema_of(body)
            media_type = "application/octet-stream" if body is None else "application/json"
            self.request_body = RequestBody(content={media_type: OpenAPIMediaType(schema=schema)}, required=True)
            text = Schema(type=OpenAPIType.STRING)
            named = [Parameter(name=name, param_in="query", schema=text) for name in query]
            self.parameters = [*(self.parameters or []), *named]
            if refusal is not None:
                self.responses = {**(self.responses or {}), **refusals(refusal)}
            ok = (self.responses or {}).get("200")
            if ok is not None and not hasattr(ok, "ref"):
                ok.content = {"application/json": OpenAPIMediaType(schema=schema_of(out))}

    return Described


def describe(operation: Operation, verb: Verb) -> None:
    operation.request_body = RequestBody(
        content={
            "application/json": OpenAPIMediaType(schema=schema_of(verb.body)),
            ARROW: OpenAPIMediaType(schema=BINARY),
        },
        description="JSON, or an Arrow IPC stream in long form whose parameters stand in the query.",
        required=True,
    )
    operation.parameters = [*(operation.parameters or []), *_query(verb)]
    ok = (operation.responses or {}).get("200")
    if ok is not None and not hasattr(ok, "ref"):
        ok.content = {
            "application/json": OpenAPIMediaType(schema=schema_of(verb.out)),
            ARROW: OpenAPIMediaType(schema=BINARY),
        }


def _query(verb: Verb) -> list[Any]:
    names = [*Columns.__struct_fields__, *verb.query.__struct_fields__]
    text = Schema(type=OpenAPIType.STRING)
    return [Parameter(name=n, param_in="query", schema=text, description="Beside an Arrow body.") for n in names]
