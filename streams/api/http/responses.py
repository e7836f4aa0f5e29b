"""JSON answers: read within limits, written with a strong ETag."""

import asyncio
import contextlib
from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from streams.api.http.problems import NO_SNIFFING, Problem
from streams.api.http.shared_timeout import SharedTimeout

JSON = "application/json"
SHARED = "public, no-cache"
PERSONAL = "private, no-cache"

BODY = SharedTimeout(seconds=30.0)
DISCARD_SECONDS = 5.0
MOST_DISCARDED = 16 * 1024 * 1024
_LAST = {"Connection": "close"}

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
    sent = {"ETag": etag, "Cache-Control": cache, **NO_SNIFFING, **(headers or {})}
    if _has(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=sent)
    return Response(body, headers=sent, media_type=media_type)


def _has(condition: str | None, etag: str) -> bool:
    if condition is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return etag in tags or "*" in tags


async def read_body(
    receive: Receive, headers: Mapping[bytes, bytes], limit: int, deadline: SharedTimeout = BODY
) -> bytes:
    """The request's body.

    Raises:
        Problem: 413 when it is over `limit` bytes, none of which are kept; 400 when the client
            goes away amid it; 408 when it takes too long.
    """
    length = headers.get(b"content-length", b"")
    told = int(length[:16]) if length.isdigit() else None
    if told is not None and told > limit:
        await discard(receive, headers)
        raise _too_large(limit)
    try:
        with deadline:
            message = await receive()
            if message["type"] == "http.request":
                body: bytes = message.get("body", b"")
                # Servers say late that nothing follows; asking again would cost a vote a quarter
                # of its time here.
                if len(body) == told or not message.get("more_body"):
                    if len(body) > limit:
                        raise _too_large(limit)
                    return body
            return await _gathered(message, receive, limit)
    except TimeoutError:
        raise Problem(408, "The body took too long.", headers=_LAST) from None


async def _gathered(message: Message, receive: Receive, limit: int) -> bytes:
    parts, size = [], 0
    while message["type"] == "http.request":
        part: bytes = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > limit:
            if message.get("more_body"):
                await discard(receive)
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    raise Problem(400, "The request ended before its body did.")


async def discard(receive: Receive, headers: Mapping[bytes, bytes] | None = None) -> None:
    """Take in the rest of a body without keeping it, within reason.

    Many clients write all before they read, and would see a broken pipe in place of the answer.
    """
    length = (headers or {}).get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 15 or int(length) > MOST_DISCARDED:
        return
    taken = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while taken <= MOST_DISCARDED:
                message = await receive()
                taken += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def _too_large(limit: int) -> Problem:
    """413. The connection ends, for its rest may not have been read."""
    return Problem(413, f"The body is over {limit:,} bytes, the most this takes.", headers=_LAST)
