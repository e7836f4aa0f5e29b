"""Reads request bodies within limits of size and time."""

import asyncio
import contextlib
from collections.abc import Mapping

from starlette.types import Message, Receive

from streams.api.http import content_coding
from streams.api.http.problems import Problem
from streams.api.http.shared_timeout import SharedTimeout

BODY_TIMEOUT = SharedTimeout(seconds=30.0)
DISCARD_SECONDS = 5.0
MAX_DISCARDED = 16 * 1024 * 1024
_CLOSE = {"Connection": "close"}


async def read_body(
    receive: Receive,
    headers: Mapping[bytes, bytes],
    limit: int,
    timeout: SharedTimeout = BODY_TIMEOUT,
) -> bytes:
    """The request's body, inflated if it comes in gzip.

    Raises:
        Problem: 413 for more than `limit` bytes, sent or inflated, all of them discarded; 400 when
            the client disconnects before the end; 408 when the body takes too long; 415 for
            another content coding.
    """
    sent = await _read_sent(receive, headers, limit, timeout)
    if b"content-encoding" not in headers:
        return sent
    body = content_coding.decode(sent, headers, limit)
    if body is None:
        raise _too_large(limit)
    return body


async def _read_sent(
    receive: Receive, headers: Mapping[bytes, bytes], limit: int, timeout: SharedTimeout
) -> bytes:
    length = headers.get(b"content-length", b"")
    declared = int(length[:16]) if length.isdigit() else None
    if declared is not None and declared > limit:
        await discard(receive, headers)
        raise _too_large(limit)
    try:
        with timeout:
            message = await receive()
            if message["type"] == "http.request":
                body: bytes = message.get("body", b"")
                # Servers report the end late; waiting for it would cost a vote a quarter of its
                # time here.
                if len(body) == declared or not message.get("more_body"):
                    if len(body) > limit:
                        raise _too_large(limit)
                    return body
            return await _read_parts(message, receive, limit)
    except TimeoutError:
        raise Problem(408, "The body took too long.", headers=_CLOSE) from None


async def _read_parts(message: Message, receive: Receive, limit: int) -> bytes:
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
    """Receive the rest of a body without keeping it, up to 16 MiB and 5 s.

    Many clients write the whole body before they read, and would see a broken pipe instead of the
    response.
    """
    length = (headers or {}).get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 15 or int(length) > MAX_DISCARDED:
        return
    discarded = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while discarded <= MAX_DISCARDED:
                message = await receive()
                discarded += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def _too_large(limit: int) -> Problem:
    """413. The connection closes, since the rest of the body may be unread."""
    return Problem(413, f"The body is over {limit:,} bytes, the maximum here.", headers=_CLOSE)
