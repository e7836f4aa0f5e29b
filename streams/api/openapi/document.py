"""`/openapi.json`: the OpenAPI 3.1 document."""

from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from schemas.fields import NEW_PATTERN
from streams.api.http.responses import respond
from streams.api.openapi import event_schema, examples, public_names
from streams.api.openapi.event_schema import CLIENT_EVENTS, AnyEvent
from streams.api.openapi.operation import TAGS, Operation, Parameter
from streams.api.openapi.operations import OPERATIONS
from streams.api.openapi.responses import ProblemDetails, Schemas, content, responses
from streams.api.registry.subjects import RegistryErrorBody

INFO = {
    "title": "Verdicts",
    "version": "1",
    "description": "Which AI tool should you ship with? Events, verdicts and changes.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


class OpenApi:
    """Answers with the document.

    Args:
        server: The address of the API.
    """

    def __init__(self, server: str) -> None:
        self._server = server

    async def get(self, request: Request) -> Response:
        """`GET /openapi.json`."""
        return respond(request, document(self._server))


@cache
def document(server: str = "/") -> dict[str, Any]:
    """The OpenAPI 3.1 document of an API at this address."""
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        methods = paths.setdefault(operation.path, {})
        methods[operation.method.lower()] = _operation(operation, schemas)
    bearer = {"type": "http", "scheme": "bearer", "description": "A token such as vdt_…"}
    built: dict[str, Any] = _with_ecma_patterns(
        {
            "openapi": "3.1.0",
            "info": INFO,
            "servers": [{"url": server}],
            "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": {"bearer": bearer}},
        }
    )
    return built


def _schemas() -> tuple[Schemas, dict[str, Any]]:
    """The schema of each body, and the components that they refer to."""
    bodies = [
        body
        for operation in OPERATIONS
        for body in (operation.response, operation.body)
        if body not in (None, AnyEvent)
    ]
    types = [*bodies, ProblemDetails, RegistryErrorBody, *CLIENT_EVENTS.values()]
    schema_list, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    schemas = dict(zip(map(repr, types), public_names.rename(schema_list), strict=True))
    components = public_names.rename_components(components) | event_schema.components()
    for event_type, data in CLIENT_EVENTS.items():
        components[data.__name__]["examples"] = [examples.event_data(event_type)]
        components[f"{data.__name__}Event"]["examples"] = [examples.whole_event(event_type)]
    return schemas, components


def _with_ecma_patterns(schema: Any) -> Any:
    """The schema with patterns as JavaScript writes them, as JSON Schema asks."""
    if isinstance(schema, list | tuple):
        return list(map(_with_ecma_patterns, schema))
    if not isinstance(schema, dict):
        return schema
    converted = {name: _with_ecma_patterns(part) for name, part in schema.items()}
    pattern = converted.pop(NEW_PATTERN, None) or converted.get("pattern")
    if isinstance(pattern, str):
        converted["pattern"] = to_ecma(pattern)
    if isinstance(names := schema.get("patternProperties"), dict):
        converted["patternProperties"] = {to_ecma(name): part for name, part in names.items()}
    return converted


def to_ecma(pattern: str) -> str:
    """The pattern as JavaScript writes it."""
    return pattern.replace(r"\Z", "$").replace(r"\"", '"')


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.note or f"{operation.summary}.",
        "parameters": [_parameter(operation, each) for each in operation.parameters],
        "responses": responses(operation, schemas),
    }
    if operation.body is AnyEvent:
        described["requestBody"] = {"required": True, "content": _event_content()}
        described["security"] = [{"bearer": []}]
    elif operation.body is not None:
        body = content(operation.body_type, schemas, operation.body)
        described["requestBody"] = {"required": True, "content": body}
    return described


def _event_content() -> dict[str, Any]:
    """The bodies of `POST /v1/events`, with an example of every type."""
    single = {
        event_type: {"summary": event_type, "value": examples.event(event_type)}
        for event_type in CLIENT_EVENTS
    }
    votes = [examples.event("vote.cast"), examples.event("bookmark.added")]
    batch = {"batch": {"summary": "Two events", "value": votes}}
    return {
        media_type: {
            "schema": schema,
            "examples": batch if media_type == event_schema.BATCH else single | batch,
        }
        for media_type, schema in event_schema.body().items()
    }


def _parameter(operation: Operation, parameter: Parameter) -> dict[str, Any]:
    in_path = f"{{{parameter.name}}}" in operation.path
    described = {
        "name": parameter.name,
        "in": "path" if in_path else "query",
        "required": in_path or parameter.required,
        "schema": parameter.schema,
        "example": parameter.example,
    }
    return described | ({"description": parameter.note} if parameter.note else {})
