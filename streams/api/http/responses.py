"""Responses with a strong ETag."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from infra.http.conditional import etag_matches
from streams.api.http.problems import NO_SNIFFING

JSON = "application/json"
SHARED = "public, no-cache"
PERSONAL = "private, no-cache"

encode = msgspec.json.Encoder().encode


def respond(
    request: Request,
    value: object,
    *,
    cache: str = SHARED,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON,
) -> Response:
    """`value` as JSON (bytes unchanged), or 304 when the client has exactly these bytes."""
    body = value if isinstance(value, bytes) else encode(value)
    etag = strong_etag(body)
    all_headers = {"ETag": etag, "Cache-Control": cache, **NO_SNIFFING, **(headers or {})}
    if etag_matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=all_headers)
    return Response(body, headers=all_headers, media_type=media_type)


def strong_etag(body: bytes) -> str:
    """A hash of the bytes."""
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'
