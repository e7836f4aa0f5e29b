"""Reads a request's body as JSON of one type."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from starlette.types import Receive

from schemas.event_validation import explain
from streams.api.http.problems import Problem
from streams.api.http.request_body import read_body
from streams.api.strict_json.duplicate_keys import find_duplicate_key

MAX_JSON_BYTES = 32 * 1024

T = TypeVar("T")


async def read_json(
    receive: Receive, headers: Mapping[bytes, bytes], body_type: type[T], example: str
) -> T:
    """The body of at most 32 KiB as a value of the type.

    Args:
        receive: The request's messages.
        headers: The request's header fields.
        body_type: What the body must be.
        example: A valid body, for the error.

    Raises:
        Problem: 400 for what is no JSON, 415 for another media type, 422 with a pointer for an
            invalid field.
    """
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise Problem(415, "Send the body as application/json.")
    body = await read_body(receive, headers, MAX_JSON_BYTES)
    try:
        value = msgspec.json.decode(body, type=body_type)
    except msgspec.ValidationError as error:
        invalid = explain(str(error), "")
        raise Problem(422, invalid.detail, pointer=invalid.pointer, code=invalid.code) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, f"The body is not JSON such as {example}.") from None
    if duplicate := find_duplicate_key(body):
        raise Problem(422, duplicate.detail, pointer=duplicate.pointer, code="duplicate-key")
    return value
