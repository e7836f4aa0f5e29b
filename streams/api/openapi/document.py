"""`/openapi.json`: the OpenAPI 3.1 document."""

from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from schemas.events import EVENT_TYPES
from streams.api.http.responses import JSON, respond
from streams.api.openapi.operations import FORM, OPERATIONS, Operation


class ProblemDetails(msgspec.Struct, frozen=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    pointer: str | None = None


Schemas = dict[str, Any]
"""JSON schemas by the `repr` of their type."""

DESCRIPTIONS = {
    200: "OK.", 202: "All accepted.", 207: "Some accepted.", 303: "Redirect back to the page.",
    400: "Not readable.", 401: "No valid token.", 403: "Not allowed.", 404: "Unknown.",
    408: "The body took too long.", 410: "Retired.", 413: "Too large.",
    415: "Unsupported content type.", 422: "Not valid.",
    429: "Too many requests; see `Retry-After`.", 503: "Unavailable; see `Retry-After`.",
}  # fmt: skip


async def get_document(request: Request) -> Response:
    """`GET /openapi.json`."""
    return respond(request, document())


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    bodies = [
        body
        for operation in OPERATIONS
        for body in (operation.response, operation.body)
        if body is not None
    ]
    types = [*bodies, ProblemDetails, *EVENT_TYPES.values()]
    schema_list, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    schema_list, components = _with_ecma_patterns([schema_list, components])
    schemas = dict(zip(map(repr, types), schema_list, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        methods = paths.setdefault(operation.path, {})
        methods[operation.method.lower()] = _operation(operation, schemas)
    bearer = {"type": "http", "scheme": "bearer", "description": "A token such as vdt_…"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Verdicts", "version": "1"},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"bearer": bearer}},
    }


def _with_ecma_patterns(schema: Any) -> Any:
    """The schema with patterns as JavaScript writes them, as JSON Schema asks."""
    if isinstance(schema, list | tuple):
        return list(map(_with_ecma_patterns, schema))
    if not isinstance(schema, dict):
        return schema
    converted = {name: _with_ecma_patterns(part) for name, part in schema.items()}
    if isinstance(pattern := schema.get("pattern"), str):
        converted["pattern"] = pattern.replace(r"\Z", "$").replace(r"\"", '"')
    return converted


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "description": operation.note,
        "parameters": _parameters(operation),
        "responses": _responses(operation, schemas),
    }
    if operation.body is not None:
        media_type = FORM if operation.form else JSON
        content = {media_type: {"schema": schemas[repr(operation.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.path == "/v1/events":
        described["security"] = [{"bearer": []}]
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    text = {"type": "string"}
    in_path = [
        {"name": segment[1:-1], "in": "path", "required": True, "schema": text}
        for segment in operation.path.split("/")
        if segment.startswith("{")
    ]
    repeated = {"type": "array", "items": text}
    in_query = [
        {"name": name, "in": "query", "schema": repeated if name == "tool" else text}
        for name in operation.query
    ]
    return in_path + in_query


def _responses(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.response is not None:
        schema = schemas[repr(operation.response)]
        if operation.items:
            schema = {"type": "object", "properties": {"items": schema}}
        media_type = "text/event-stream" if operation.path == "/v1/changes" else JSON
        content = {"content": {media_type: {"schema": schema}}}
    problem_schema = {"schema": schemas[repr(ProblemDetails)]}
    problem = {"content": {"application/problem+json": problem_schema}}
    successes = {str(status): {"description": DESCRIPTIONS[status], **content} for status in
                 operation.statuses}  # fmt: skip
    errors = {str(status): {"description": DESCRIPTIONS[status], **problem} for status in
              operation.errors}  # fmt: skip
    return successes | errors
