"""JSON answers: read within limits, written with a strong ETag."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from streams.api.problems import Problem

JSON = "application/json"
SHARED = "public, no-cache"
PERSONAL = "private, no-cache"

encode = msgspec.json.Encoder().encode


def etag_of(body: bytes) -> str:
    """A strong entity tag: a hash of the bytes."""
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def answer(
    request: Request,
    value: object,
    *,
    cache: str = SHARED,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON,
) -> Response:
    """`value` as JSON (bytes as they are), or 304 where the client has just these bytes."""
    body = value if isinstance(value, bytes) else encode(value)
    etag = etag_of(body)
    sent = {"ETag": etag, "Cache-Control": cache, **(headers or {})}
    if _has(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=sent)
    return Response(body, headers=sent, media_type=media_type)


def _has(condition: str | None, etag: str) -> bool:
    if condition is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return etag in tags or "*" in tags


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The request's body.

    Raises:
        Problem: 413 as soon as it is known to pass `limit` bytes; the rest is not read. 400 when
            the client goes away amid it.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and (len(length) > 15 or int(length) > limit):
        raise too_large(limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise too_large(limit)
        return body
    return await _gathered(message, receive, limit)


async def _gathered(message: Mapping[str, object], receive: Receive, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        if message["type"] != "http.request":
            raise Problem(400, "The request ended before its body did.")
        part = message.get("body", b"")
        assert isinstance(part, bytes)
        parts.append(part)
        size += len(part)
        if size > limit:
            raise too_large(limit)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def too_large(limit: int) -> Problem:
    """413: the body passes `limit` bytes. The connection ends, for the rest was not read."""
    return Problem(
        413,
        f"The body is over {limit:,} bytes, the most this takes.",
        headers={"Connection": "close"},
    )
