"""Reads by pages of other origins (CORS, as the Fetch standard has it), without credentials."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.http.fields import Field, fields_of

_READS = ("GET", "HEAD")
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
_READABLE: list[Field] = [
    _ANY_ORIGIN,
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link, Retry-After"),
]
_PREFLIGHT: list[Field] = [
    _ANY_ORIGIN,
    (b"access-control-allow-methods", b"GET, HEAD"),
    # The names are for browsers that do not know the asterisk.
    (
        b"access-control-allow-headers",
        b"Cache-Control, If-Modified-Since, If-None-Match, Last-Event-ID, *",
    ),
    (b"access-control-max-age", b"86400"),
]


class CrossOriginReads:
    """ASGI middleware: pages of any origin may read some paths, and may do nothing else.

    Every answer of such a path says so, so that caches need not tell origins apart. Without
    `Access-Control-Allow-Credentials` no browser sends cookies along and shows the answer.

    Args:
        app: The application.
        is_public: Whether the resource of a path is the same for everybody.
    """

    def __init__(self, app: ASGIApp, is_public: Callable[[str], bool]) -> None:
        self._app = app
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight for a read; call the app for everything else."""
        if scope["type"] != "http" or scope["method"] not in (*_READS, "OPTIONS"):
            return await self._app(scope, receive, send)
        if not self._is_public(scope["path"]):
            return await self._app(scope, receive, send)
        if scope["method"] in _READS:
            return await self._app(scope, receive, _readable(send))
        asked = fields_of(scope).get(b"access-control-request-method", b"").decode("latin-1")
        if asked not in _READS:
            return await self._app(scope, receive, send)
        await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
        await send({"type": "http.response.body", "body": b""})
        return None


def _readable(send: Send) -> Send:
    async def send_readable(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_READABLE]}
        await send(message)

    return send_readable
