"""The responses of operations in the OpenAPI document."""

from typing import Any

import msgspec

from streams.api.openapi import examples
from streams.api.openapi.operation import PROBLEM, Operation
from streams.api.registry.subjects import MEDIA_TYPE as REGISTRY_TYPE
from streams.api.registry.subjects import RegistryErrorBody


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
    304: "Unchanged since the `ETag` in `If-None-Match`.",
    308: "Another name now; see `Location`.",
    400: "Not readable, or not valid.", 401: "No valid token.", 403: "Not allowed.",
    404: "Unknown.", 408: "The body took too long.", 410: "Retired.", 413: "Too large.",
    415: "Unsupported content type.", 421: "For another host.", 422: "Not valid.",
    429: "Too many requests; see `Retry-After`.", 503: "Unavailable; see `Retry-After`.",
}  # fmt: skip
EVERY_REQUEST = (400, 421)
"""Errors that any request can get."""
WITHOUT_BODY = (303, 304)
_TEXT = {"schema": {"type": "string"}}
_ETAG = {"ETag": {"description": "A hash of the body, for `If-None-Match`.", **_TEXT}}
_LINK = {"Link": {"description": 'The next page, where there is one: `rel="next"`.', **_TEXT}}
_LOCATION = {"Location": {"description": "The same path with the name of now.", **_TEXT}}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer", "minimum": 0},
    }
}


def responses(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """Every response of an operation, by its status."""
    contents = _errors(operation, schemas) | _successes(operation, schemas)
    return {
        str(status): {
            "description": DESCRIPTIONS[status],
            **({"content": body} if body else {}),
            **({"headers": headers} if (headers := _headers(operation, status)) else {}),
        }
        for status, body in sorted(contents.items())
    }


def _successes(operation: Operation, schemas: Schemas) -> dict[int, Any]:
    body: Any = {operation.media_type: _TEXT}
    if operation.response is not None:
        body = content(operation.media_type, schemas, operation.response, items=operation.items)
    return {status: {} if status in WITHOUT_BODY else body for status in operation.statuses}


def _errors(operation: Operation, schemas: Schemas) -> dict[int, Any]:
    problem = {PROBLEM: {"schema": schemas[repr(ProblemDetails)], "example": examples.problem()}}
    body = {
        PROBLEM: problem,
        REGISTRY_TYPE: problem | content(REGISTRY_TYPE, schemas, RegistryErrorBody),
    }.get(operation.error_type, problem | {operation.error_type: _TEXT})
    return dict.fromkeys((*EVERY_REQUEST, *operation.errors), body)


def _headers(operation: Operation, status: int) -> dict[str, Any]:
    if status == 308:
        return _LOCATION
    if status in (429, 503):
        return _RETRY_AFTER
    if status == 200 and 304 in operation.statuses:
        is_paged = any(parameter.name == "cursor" for parameter in operation.parameters)
        return _ETAG | (_LINK if is_paged else {})
    return {}


def content(
    media_type: str, schemas: Schemas, type_: Any, *, items: bool = False
) -> dict[str, Any]:
    """The schema and an example of a body, by its media type."""
    schema = schemas[repr(type_)]
    if items:
        schema = {"type": "object", "required": ["items"], "properties": {"items": schema}}
    described = {"schema": schema}
    example: Any = examples.by_type().get(repr(type_))
    if media_type == "text/event-stream":
        described = {**_TEXT, "x-event-data": schema}
        example = f"id: {example['version']}\nevent: tally\ndata: {_json(example)}\n\n"
    if example is not None:
        described["example"] = example
    return {media_type: described}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
