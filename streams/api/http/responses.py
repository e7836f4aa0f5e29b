"""Responses with a strong ETag, and with `Last-Modified` where they are public."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from infra.http.conditional import http_date, is_unchanged
from streams.api.http.modification_times import ModificationTimes

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
    modified = _modified(request, etag) if cache == SHARED else None
    all_headers = {"ETag": etag, "Cache-Control": cache, **(headers or {})}
    if modified is not None:
        all_headers["Last-Modified"] = http_date(modified)
    fields = request.headers
    match, since = fields.get("if-none-match"), fields.get("if-modified-since")
    if is_unchanged(match, since, etag, modified):
        return Response(status_code=304, headers=all_headers)
    return Response(body, headers=all_headers, media_type=media_type)


def strong_etag(body: bytes) -> str:
    """A hash of the bytes."""
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def _modified(request: Request, etag: str) -> int | None:
    query = request.scope["query_string"].decode("latin-1")
    known: ModificationTimes = request.app.state.modification_times
    return known.observe(f"{request.scope['path']}?{query}", etag)
